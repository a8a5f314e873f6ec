use super::*;
use serde_json::{Value, json};
use witgate_sdk::{RefusalCode, configure};

mod agreement;
mod tree;

fn plugin(settings: &Value) -> Schema {
    configure(&settings.to_string()).expect("settings")
}

fn judge(plugin: &Schema, schema: &Value, arguments: &Value) -> Verdict {
    let call = Call { target: Some("apply_leave".to_owned()), ..Call::default() };
    let tool = Document::from(json!({"name": "apply_leave", "inputSchema": schema}));
    let params = Document::from(json!({"name": "apply_leave", "arguments": arguments}));
    plugin.validate(&call, &Identity::default(), Some(&tool), &params)
}

/// `pointer message` of each finding.
fn findings(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::Accept => Vec::new(),
        Verdict::Refuse(refusal) => {
            assert_eq!(refusal.code, RefusalCode::Invalid, "{refusal:?}");
            refusal.findings.into_iter().map(|finding| format!("{} {}", finding.pointer, finding.message)).collect()
        }
        Verdict::Edits(edits) => panic!("{edits:?}"),
    }
}

#[track_caller]
fn check(schema: &Value, arguments: &Value, expected: &[&str]) {
    assert_eq!(findings(judge(&plugin(&json!({})), schema, arguments)), expected);
}

#[test]
fn findings_name_the_place_and_the_cure() {
    let schema = json!({"type": "object", "required": ["id", "a/b"], "additionalProperties": false, "properties": {
        "id": {"type": "string", "pattern": "^E[0-9]{3}$", "maxLength": 4},
        "a/b": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
        "kind": {"enum": ["sick", "annual", 3]},
        "dates": {"type": "array", "items": {"format": "date"}, "minItems": 2, "uniqueItems": true}}});
    check(&schema, &json!({"id": "E001", "a/b": 2}), &[]);
    check(&schema, &json!({}), &["/arguments/id is required", "/arguments/a~1b is required"]);
    check(&schema, &json!({"id": "X", "a/b": 2}), &["/arguments/id has to match the regular expression ^E[0-9]{3}$"]);
    check(&schema, &json!({"id": 7, "a/b": 2}), &["/arguments/id has to be of type string, not number"]);
    check(
        &schema,
        &json!({"id": "E001", "a/b": 11}),
        &["/arguments/a~1b has to be at most 9", "/arguments/a~1b has to be a multiple of 2"],
    );
    check(
        &schema,
        &json!({"id": "E001", "a/b": 2, "kind": "x"}),
        &[r#"/arguments/kind has to be one of "sick", "annual", 3"#],
    );
    check(
        &schema,
        &json!({"id": "E001", "a/b": 2, "x": 1}),
        &["/arguments/x is not known here; remove it, or correct its name"],
    );
    check(
        &schema,
        &json!({"id": "E001", "a/b": 2, "dates": ["2026-02-30", "2026-02-30"]}),
        &[
            "/arguments/dates/1 is there already; no item may come twice",
            "/arguments/dates/0 has to be a date, as 2026-07-28",
            "/arguments/dates/1 has to be a date, as 2026-07-28",
        ],
    );
    check(&schema, &json!([]), &["/arguments has to be of type object, not array"]);
}

#[test]
fn there_is_an_end_to_findings() {
    let many: Vec<_> = (0..50).map(|number| format!("n{number}")).collect();
    assert_eq!(findings(judge(&plugin(&json!({})), &json!({"required": many}), &json!({}))).len(), FINDINGS_MAX);
}

#[test]
fn alternatives_tell_what_the_closest_lacks() {
    let schema = json!({"oneOf": [
        {"required": ["id"], "properties": {"id": {"type": "string"}}},
        {"required": ["a", "b", "c"]}]});
    check(
        &schema,
        &json!({}),
        &["/arguments fits none of the 2 forms that are allowed", "/arguments/id is required, for one of them"],
    );
    check(
        &schema,
        &json!({"id": "x", "a": 1, "b": 1, "c": 1}),
        &["/arguments fits 2 forms where exactly one is allowed"],
    );
}

#[test]
fn values_are_not_repeated() {
    let schema = json!({"properties": {"a": {"type": "integer", "const": 1}, "b": {"format": "email", "pattern": "^x", "maxLength": 2},
        "c": {"not": {}}}, "propertyNames": {"maxLength": 9}});
    let secret = "hunter2-hunter2";
    let verdict = judge(&plugin(&json!({})), &schema, &json!({"a": secret, "b": secret, "c": secret}));
    let findings = findings(verdict);
    assert!(findings.len() >= 5 && findings.iter().all(|finding| !finding.contains(secret)), "{findings:?}");
}

#[test]
fn calls_without_arguments_or_schema() {
    let call = Call::default();
    let plugin = plugin(&json!({}));
    let ask = |call: &Call, tool: Option<Value>| {
        let tool = tool.map(Document::from);
        plugin.validate(call, &Identity::default(), tool.as_ref(), &Document::from(json!({"name": "x"})))
    };
    assert_eq!(findings(ask(&call, Some(json!({"inputSchema": {"required": ["a"]}})))), ["/arguments/a is required"]);
    assert_eq!(ask(&call, Some(json!({"name": "x"}))), Verdict::Accept);
    assert_eq!(ask(&call, None), Verdict::Accept);
    let listing = Call { method: "tools/list".to_owned(), ..Call::default() };
    assert_eq!(ask(&listing, Some(json!({"inputSchema": false}))), Verdict::Accept);
    let off = configure(&json!({"input-schema": false}).to_string()).expect("settings");
    assert_eq!(judge(&off, &json!(false), &json!({})), Verdict::Accept);
}

/// A bad schema is refused with its place; skipped, all else still counts.
#[track_caller]
fn check_bad(schema: &Value, place: &str) {
    match judge(&plugin(&json!({})), schema, &json!({"a": "x"})) {
        Verdict::Refuse(refusal) => {
            assert_eq!(refusal.code, RefusalCode::Unavailable);
            let note = refusal.note.expect("a note");
            assert!(note.contains(&format!("`{place}`")), "{note}");
        }
        other => panic!("{other:?}"),
    }
    let mut schema = schema.clone();
    schema["required"] = json!(["other"]);
    let skipping = plugin(&json!({"on-bad-schema": "skip"}));
    assert_eq!(findings(judge(&skipping, &schema, &json!({"a": "x"}))), ["/arguments/other is required"]);
}

#[test]
fn an_upstreams_bad_schema() {
    let a = |schema: Value| json!({"properties": {"a": schema}});
    check_bad(&a(json!({"$ref": "https://example.com/schema.json"})), "/properties/a/$ref");
    check_bad(&a(json!({"$ref": "other.json#/a"})), "/properties/a/$ref");
    check_bad(&a(json!({"$ref": "#/$defs/none"})), "/properties/a/$ref");
    check_bad(&a(json!({"pattern": "(?=x)"})), "/properties/a/pattern");
    check_bad(&a(json!({"pattern": 1})), "/properties/a/pattern");
    check_bad(&a(json!({"type": "text"})), "/properties/a/type");
    check_bad(&a(json!({"maxLength": -1})), "/properties/a/maxLength");
    check_bad(&a(json!({"multipleOf": 0})), "/properties/a/multipleOf");
    check_bad(&a(json!("string")), "/properties/a");
    check_bad(&json!({"patternProperties": {"(": true}}), "/patternProperties/(");
    check_bad(&json!({"allOf": [true, {"enum": 1}]}), "/allOf/1/enum");
    check_bad(&json!({"$defs": {"x": {"minimum": "1"}}}), "/$defs/x/minimum");
    check_bad(&json!({"properties": []}), "/properties");
    check_bad(&json!({"x-parts": {"p": {"type": 1}}, "anyOf": [{"$ref": "#/x-parts/p"}]}), "/anyOf/0/$ref/type");
}

/// What is not understood is passed over, however often it is met, and whatever it is held against.
#[test]
fn a_bad_keyword_that_is_skipped_says_nothing() {
    let skipping = plugin(&json!({"on-bad-schema": "skip"}));
    let schema = json!({"properties": {"a": {"items": {"multipleOf": 0, "pattern": "(?=x)"}}}});
    let arguments = json!({"a": [1e21, 0, 0.5, -7, "x", "y", "x"]});
    assert!(matches!(judge(&skipping, &schema, &arguments), Verdict::Accept));
}

/// Where there are many names, each is found, and what is none of them is not.
#[test]
fn large_objects() {
    let of = |range: std::ops::Range<u32>, value: Value| {
        Value::from(range.map(|n| (format!("n{n}"), value.clone())).collect::<serde_json::Map<_, _>>())
    };
    let defs = of(0..500, json!({"$anchor": "none", "type": "integer"}));
    let mut schema = json!({"$defs": defs, "properties": of(0..200, json!({"$ref": "#/$defs/n499"})),
        "required": ["n0", "n31", "n32", "n33", "n199"], "additionalProperties": {"$ref": "#named"}});
    schema["$defs"]["n450"] = json!({"$anchor": "named", "type": "string"});
    let plugin = plugin(&json!({}));
    let judged = |arguments: &Value| judge(&plugin, &schema, arguments);
    assert!(matches!(judged(&of(0..200, json!(1))), Verdict::Accept));
    let more = judged(&of(0..201, json!(1)));
    assert_eq!(findings(more), ["/arguments/n200 has to be of type string, not number"]);
    let fewer = judged(&of(1..199, json!(1)));
    assert_eq!(findings(fewer), ["/arguments/n0 is required", "/arguments/n199 is required"]);
    let mut arguments = of(0..200, json!(1));
    arguments["n150"] = json!("1");
    assert_eq!(findings(judged(&arguments)), ["/arguments/n150 has to be of type integer, not string"]);
    let big = json!({"properties": {"n": {"const": of(0..100, json!(7))}}});
    let same: serde_json::Map<_, _> = (0..100).rev().map(|n| (format!("n{n}"), json!(7))).collect();
    assert!(matches!(judge(&plugin, &big, &json!({"n": same})), Verdict::Accept));
    assert!(matches!(judge(&plugin, &big, &json!({"n": of(1..101, json!(7))})), Verdict::Refuse(_)));
}

#[test]
fn what_would_take_too_much_is_refused() {
    let limit = |schema: &Value, arguments: &Value| match judge(&plugin(&json!({})), schema, arguments) {
        Verdict::Refuse(refusal) => refusal.message,
        other => panic!("{other:?}"),
    };
    assert!(limit(&json!({"$ref": "#"}), &json!({})).contains("nested too deeply"));
    assert!(
        limit(
            &json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
            &json!({})
        )
        .contains("nested too deeply")
    );
    let doubling = json!({"allOf": [{"$ref": "#/$defs/0"}], "$defs": (0..20).map(|level: u32| {
        let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
        (level.to_string(), if level < 19 { json!({"allOf": [next, next]}) } else { json!(true) })
    }).collect::<serde_json::Map<_, _>>()});
    assert!(limit(&doubling, &json!({})).contains("too many steps"));
}

#[test]
fn rules_demand_more() {
    let settings = json!({"rules": [
        {"targets": ["apply_*"], "pointer": "/arguments/employee_id", "required": true,
         "schema": {"type": "string", "pattern": "^E[0-9]{3}$"}, "message": "employee ids look like E001"},
        {"targets": ["apply_*"], "pointer": "/arguments/dates", "schema": {"items": {"format": "date"}}},
        {"targets": ["cancel_*"], "pointer": "/arguments/reason", "required": true, "schema": true}]});
    let check = |arguments: Value, expected: &[&str]| {
        assert_eq!(findings(judge(&plugin(&settings), &json!(true), &arguments)), expected);
    };
    check(json!({"employee_id": "E001", "dates": ["2026-07-28"]}), &[]);
    check(json!({"employee_id": "001"}), &["/arguments/employee_id employee ids look like E001"]);
    check(json!({}), &["/arguments/employee_id employee ids look like E001"]);
    check(
        json!({"employee_id": "E001", "dates": ["28.7.2026"]}),
        &["/arguments/dates/0 has to be a date, as 2026-07-28"],
    );
}

#[test]
fn rules_for_other_methods_and_whole_params() {
    let plugin =
        plugin(&json!({"rules": [{"methods": ["resources/*"], "pointer": "/uri", "schema": {"pattern": "^docs:"}},
        {"methods": ["ping"], "pointer": "", "schema": {"maxProperties": 0}}]}));
    let ask = |method: &str, params: Value| {
        let call = Call { method: method.to_owned(), ..Call::default() };
        findings(plugin.validate(&call, &Identity::default(), None, &Document::from(params)))
    };
    assert_eq!(
        ask("resources/read", json!({"uri": "file:///etc/passwd"})),
        ["/uri has to match the regular expression ^docs:"]
    );
    assert_eq!(ask("resources/read", json!({"uri": "docs:a"})), [""; 0]);
    assert_eq!(ask("ping", json!({"a": 1})), [" has to have at most 0 members, not 1"]);
}

#[test]
fn wrong_settings_are_named() {
    let rule = |fields: Value| {
        let mut rule = json!({"pointer": "/arguments/a", "schema": true});
        for (name, value) in fields.as_object().expect("fields") {
            rule[name] = value.clone();
        }
        json!({"rules": [rule]})
    };
    for (settings, expected) in [
        (json!({"rules": [{"pointer": "/a"}]}), "missing field `schema`"),
        (rule(json!({"pointer": "arguments"})), "setting `rules[0].pointer`: `arguments` is no JSON pointer"),
        (rule(json!({"schema": {"patern": "x"}})), "setting `rules[0].schema.patern`: is no keyword"),
        (
            rule(json!({"schema": {"items": {"pattern": "("}}})),
            "setting `rules[0].schema.items.pattern`: is no regular expression",
        ),
        (rule(json!({"schema": 1})), "setting `rules[0].schema`: a schema is an object"),
        (rule(json!({"schema": {"$ref": "x"}})), "setting `rules[0].schema.$ref`: leads nowhere"),
        (rule(json!({"targets": []})), "setting `rules[0]`: an empty list"),
        (json!({"on-bad-schema": "accept"}), "setting `on-bad-schema`: unknown variant"),
        (json!({"schema": true}), "setting `schema`: unknown field"),
    ] {
        let error = configure::<Schema>(&settings.to_string()).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
