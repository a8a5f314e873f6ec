//! The deepest that the standard plugins judge fits on the short stacks that they are built with: more is refused, and
//! nothing traps.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use witgate_policy::json::Limits;
use witgate_policy::{
    Call, Draft, Form, Kind, Limits as Bounds, Message, Payload, Revision, SanitizeVerdict, ValidateVerdict,
};
use witgate_sandbox::{Plugin, PluginSpec};

use crate::standard::read;
use crate::world::{call, identity, load, message, reuse, sandbox, soon, spec};

/// As deep as the gate's JSON gets, whatever its limits say.
const DEEPEST: Limits = Limits { bytes: 1 << 20, depth: 127 };

/// With all the time that a busy machine takes.
async fn standard(name: &str, settings: &str) -> Plugin {
    let limits = Bounds { guest_time_ms: Some(5_000), wall_time_ms: 20_000, ..Bounds::default() };
    let settings = Payload::parse_str(settings).expect("JSON");
    let spec = PluginSpec { name: name.into(), settings, limits, ..spec() };
    load(&sandbox(), read(name).expect("plugins/dist"), spec).await.expect("loads")
}

fn payload(text: &str) -> Payload {
    Payload::parse(text.into(), DEEPEST).expect("JSON")
}

fn call_of(arguments: &str) -> Call {
    Call::new(Draft {
        id: "id-1".into(),
        tenant: "acme".into(),
        form: Form::Request,
        method: "tools/call".into(),
        params: payload(&format!(r#"{{"name":"deep","arguments":{arguments}}}"#)),
        revision: Revision::V2026_07_28,
        traceparent: None,
        unix_time_s: 1_800_000_000,
        deadline: Instant::now() + Duration::from_secs(30),
        chance: 7,
    })
}

fn nested(levels: usize, open: &str, innermost: &str, close: &str) -> String {
    format!("{}{innermost}{}", open.repeat(levels), close.repeat(levels))
}

/// Objects within objects, arrays within arrays, and a text.
fn arguments() -> [String; 4] {
    [
        r#""aaa""#.to_owned(),
        nested(120, r#"{"a":"#, "1", "}"),
        nested(120, "[", "1", "]"),
        nested(60, r#"[{"a":"#, r#""x""#, "}]"),
    ]
}

fn schemas() -> Vec<String> {
    let back = [
        r##""properties":{"a":{"$ref":"#"}}"##,
        r##""patternProperties":{"^a":{"$ref":"#"}}"##,
        r##""additionalProperties":{"$ref":"#"}"##,
        r##""unevaluatedProperties":{"$ref":"#"}"##,
        r##""items":{"$ref":"#"}"##,
        r##""prefixItems":[{"$ref":"#"}]"##,
        r##""contains":{"$ref":"#"}"##,
        r##""unevaluatedItems":{"$ref":"#"}"##,
        r##""dependentSchemas":{"a":{"properties":{"a":{"$ref":"#"}}}}"##,
        r##""allOf":[{"items":{"$ref":"#"}},{"properties":{"a":{"$ref":"#"}}}]"##,
        r##""anyOf":[{"items":{"$ref":"#"}},{"properties":{"a":{"$ref":"#"}}},{"type":"null"}]"##,
        r##""oneOf":[{"items":{"$ref":"#"},"properties":{"a":{"$ref":"#"}},"type":"null"},false]"##,
        r##""not":{"items":{"$ref":"#"},"properties":{"a":{"$ref":"#"}}}"##,
        r##""if":{"items":{"$ref":"#"},"properties":{"a":{"$ref":"#"}}},"then":{"type":"null"}"##,
    ];
    let mut schemas: Vec<_> = back.iter().map(|keyword| format!("{{{keyword}}}")).collect();
    // What was seen is kept in mind as well.
    schemas.extend(back.iter().map(|keyword| format!(r#"{{"$defs":{{"unevaluatedItems":{{}}}},{keyword}}}"#)));
    schemas.push(format!("{{{}}}", back.join(",")));
    schemas.push(format!(r#"{{{},"enum":[{}]}}"#, back[0], nested(120, r#"{"a":"#, "2", "}")));
    schemas.push(format!(r#"{{"const":{}}}"#, nested(120, "[", "2", "]")));
    schemas.push(r##"{"uniqueItems":true,"items":{"$ref":"#"}}"##.to_owned());
    schemas.push(nested(120, r#"{"not":"#, "{}", "}"));
    schemas.push(nested(30, r#"{"properties":{"a":{"allOf":["#, "false", "]}}}"));
    schemas.push(format!(r##"{{"$ref":"#/$defs/0","$defs":{{{}}}}}"##, references()));
    let not = |innermost: &str| nested(62, r#"{"not":"#, innermost, "}");
    schemas.push(not(r#"{"uniqueItems":true}"#));
    // Groups within groups, as many as are understood and more, compiled and run where least is left.
    for (levels, end) in [(20, ")*"), (45, ")"), (49, ")"), (200, ")*")] {
        let pattern = nested(levels, "(", "[a-cg-ik-moq]", end);
        schemas.push(not(&format!(r#"{{"pattern":"{pattern}"}}"#)));
    }
    schemas
}

fn references() -> String {
    let mut definitions = String::new();
    for level in 0..140 {
        let next = level + 1;
        write!(definitions, r##""{level}":{{"properties":{{"a":{{"$ref":"#/$defs/{next}"}}}}}},"##).expect("text");
    }
    definitions + r#""140":{}"#
}

#[tokio::test]
async fn validate_schema_needs_no_more_stack() {
    let mut refused = 0;
    for settings in ["{}", r#"{"on-bad-schema":"skip"}"#] {
        let plugin = standard("validate-schema", settings).await.input_validator().expect("validate");
        for schema in schemas() {
            let tool = payload(&format!(r#"{{"name":"deep","inputSchema":{schema}}}"#));
            for arguments in arguments() {
                let verdict = soon(plugin.validate(&call_of(&arguments), &identity(), Some(&tool))).await;
                let verdict = verdict.unwrap_or_else(|fault| panic!("{schema} {arguments}: {fault}"));
                refused += usize::from(matches!(verdict, ValidateVerdict::Refuse(_)));
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

/// Texts that are JSON, in which there are texts that are JSON.
fn texts(levels: usize, innermost: String) -> String {
    (0..levels).fold(innermost, |inner, _| {
        let text = serde_json::Value::from(inner).to_string();
        nested(8, r#"{"pass\u200bword x":["#, &text, "]}")
    })
}

#[tokio::test]
async fn sanitize_redact_needs_no_more_stack() {
    let plugin = standard("sanitize-redact", r#"{"patterns":["(a(b(c)*)*)+@"]}"#).await;
    let plugin = plugin.output_sanitizer().expect("sanitize");
    let secret = r#""ann@example.com password=hunter2-hunter2 eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln""#;
    let mut payloads = vec![
        nested(119, "[", secret, "]"),
        nested(119, r#"{"a":"#, secret, "}"),
        nested(59, r#"{"pass\u200bword":["#, secret, "]}"),
        nested(119, r#"{"in\u200bput":"#, secret, "}"),
        nested(125, r#"{"in\u200bput":"#, secret, "}"),
        format!(r#"{{"in\u200bput":{}}}"#, nested(117, "[", secret, "]")),
        format!(r#"{{"in\u200bput":{}}}"#, nested(117, r#"{"a":"#, secret, "}")),
        nested(117, r#"{"in\u200bput":"#, secret, "}"),
        nested(117, r#"{"a":1,"in\u200bput":"#, secret, r#","b":[]}"#),
        nested(58, r#"{"pass\u200bword":["#, secret, "]}"),
    ];
    payloads.extend((0..6).map(|levels| texts(levels, secret.to_owned())));
    payloads.extend((0..5).map(|levels| texts(levels, nested(100, r#"{"in\u200bput":"#, secret, "}"))));
    let mut passed = 0;
    for text in payloads {
        for kind in [Kind::Result, Kind::Listing, Kind::ServerRequest] {
            let message = Message { kind, payload: payload(&format!(r#"{{"content":{text}}}"#)), ..message("{}") };
            let verdict = soon(plugin.sanitize(&call(), &identity(), &message)).await;
            let verdict = verdict.unwrap_or_else(|fault| panic!("{text}: {fault}"));
            passed += usize::from(matches!(verdict, SanitizeVerdict::Pass));
        }
    }
    assert_eq!(passed, 0, "there is a secret in each");
}

/// An instance that is kept gives its memory out again: a thousand calls of all sizes need no more than a few of each
/// size would. What they allocate is many times the limit.
#[tokio::test]
async fn what_is_kept_does_not_grow() {
    let limits = Bounds { memory_bytes: Some(320 << 10), ..Bounds::default() };
    let spec = PluginSpec { name: "sanitize-redact".into(), limits, ..reuse(1) };
    let plugin = load(&sandbox(), read("sanitize-redact").expect("plugins/dist"), spec).await.expect("loads");
    let plugin = plugin.output_sanitizer().expect("sanitize");
    for turn in 0..1_000_usize {
        let text = "ann@example.com ".repeat(turn * 37 % 600);
        let message = message(&format!(r#"{{"content":[{{"text":"x{text}"}}],"token":"{turn}"}}"#));
        let verdict = soon(plugin.sanitize(&call(), &identity(), &message)).await;
        assert!(matches!(verdict, Ok(SanitizeVerdict::Edits(_))), "{turn}: {verdict:?}");
    }
}

/// An instance whose memory has grown is made anew, which takes longer than most calls. What is usual asks for no more than
/// there is when a plugin begins, which is here all that there may be.
#[tokio::test]
async fn usual_documents_find_room() {
    let plugin = |name: &'static str, kib: u64| async move {
        let limits = Bounds { memory_bytes: Some(kib << 10), ..Bounds::default() };
        let spec = PluginSpec { name: name.into(), limits, ..spec() };
        load(&sandbox(), read(name).expect("plugins/dist"), spec).await.expect("loads")
    };
    let redact = plugin("sanitize-redact", 128).await.output_sanitizer().expect("sanitize");
    let schema = plugin("validate-schema", 128).await.input_validator().expect("validate");
    let tool = payload(r#"{"name":"deep","inputSchema":{"type":"object","required":["rows"]}}"#);
    let text = |kib: usize| "word ".repeat((kib << 10) / 5);
    for kib in 1..=8 {
        let arguments = format!(r#"{{"rows":"{}"}}"#, text(kib));
        let verdict = soon(schema.validate(&call_of(&arguments), &identity(), Some(&tool))).await;
        assert!(matches!(verdict, Ok(ValidateVerdict::Accept)), "{kib} KiB: {verdict:?}");
        let clean = message(&format!(r#"{{"content":[{{"text":"{}"}}]}}"#, text(kib)));
        let verdict = soon(redact.sanitize(&call(), &identity(), &clean)).await;
        assert!(matches!(verdict, Ok(SanitizeVerdict::Pass)), "{kib} KiB: {verdict:?}");
    }
    let secret = message(&format!(r#"{{"content":[{{"text":"{}ann@example.com"}}]}}"#, text(2)));
    let verdict = soon(redact.sanitize(&call(), &identity(), &secret)).await;
    assert!(matches!(verdict, Ok(SanitizeVerdict::Edits(_))), "{verdict:?}");
}
