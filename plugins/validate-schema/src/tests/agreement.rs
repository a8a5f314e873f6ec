//! Every schema here against every value here: judged as the crate `jsonschema` judges.

use serde_json::{Value, json};

use crate::eval::Judge;
use crate::json::Tree;
use crate::learnt::Learnt;
use crate::survey::survey;

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(1.5),
        json!(2),
        json!(3.3),
        json!(1e300),
        json!(9_007_199_254_740_993_u64),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("abc"),
        json!("é"),
        json!("E001"),
        json!("2026-07-28"),
        json!("[]"),
        json!([]),
        json!([1]),
        json!([1, 2]),
        json!([1, 1.0]),
        json!([1, true]),
        json!([[1], [1.0]]),
        json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        json!(["a", 1, null]),
        json!([1, "a", 2]),
        json!([1, 2, 3, "x"]),
        json!([[]]),
        json!({}),
        json!({"a": 1}),
        json!({"a": "x"}),
        json!({"a": 1, "b": 2}),
        json!({"b": "x"}),
        json!({"a": null}),
        json!({"a": {"a": {"a": 1}}}),
        json!({"a": {"a": {"b": 1}}}),
        json!({"foo": 1, "bar": 2}),
        json!({"a": [1, {"a": 2}]}),
        json!({"a/b": 1, "c~d": 2}),
        json!({"kind": "x", "x": 1}),
        json!({"kind": "y", "y": 1}),
        json!({"kind": "y", "x": 1}),
        json!({"a": 1, "b": 2, "c": 3}),
        json!({"toolong": 1}),
        json!({"": 1}),
    ]
}

fn schemas() -> Vec<Value> {
    vec![
        json!(true),
        json!(false),
        json!({}),
        json!({"type": "integer"}),
        json!({"type": ["number", "null"]}),
        json!({"type": "object"}),
        json!({"enum": [1, "a", null, [1], {"a": 1}]}),
        json!({"const": 1.0}),
        json!({"const": {"a": 1, "b": 2}}),
        json!({"const": [1, 2]}),
        json!({"minimum": 1}),
        json!({"maximum": 1.5}),
        json!({"exclusiveMinimum": 1}),
        json!({"exclusiveMaximum": 2}),
        json!({"multipleOf": 1.1}),
        json!({"multipleOf": 2}),
        json!({"multipleOf": 0.5}),
        json!({"minimum": 9_007_199_254_740_993_u64}),
        json!({"minLength": 1, "maxLength": 2}),
        json!({"maxLength": 2.0}),
        json!({"pattern": "^a"}),
        json!({"pattern": "[0-9]{3}$"}),
        json!({"minItems": 1, "maxItems": 2}),
        json!({"uniqueItems": true}),
        json!({"items": {"type": "integer"}}),
        json!({"prefixItems": [{"type": "integer"}, {"type": "string"}]}),
        json!({"prefixItems": [true], "items": false}),
        json!({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}),
        json!({"contains": {"type": "string"}}),
        json!({"contains": {"type": "integer"}, "minContains": 2, "maxContains": 2}),
        json!({"contains": {"const": 1}, "minContains": 0}),
        json!({"prefixItems": [true], "contains": {"type": "string"}, "unevaluatedItems": {"type": "integer"}}),
        json!({"allOf": [{"prefixItems": [true, true]}], "unevaluatedItems": false}),
        json!({"unevaluatedItems": {"type": "integer"}}),
        json!({"anyOf": [{"items": {"type": "integer"}}, {"items": {"type": "string"}}], "unevaluatedItems": false}),
        json!({"required": ["a"]}),
        json!({"minProperties": 1, "maxProperties": 2}),
        json!({"properties": {"a": {"type": "integer"}}}),
        json!({"properties": {"a": true}, "additionalProperties": false}),
        json!({"additionalProperties": {"type": "integer"}}),
        json!({"properties": {"a": true}, "patternProperties": {"^b": {"type": "integer"}}, "additionalProperties": false}),
        json!({"patternProperties": {"o": {"minimum": 2}}}),
        json!({"propertyNames": {"maxLength": 3}}),
        json!({"propertyNames": {"pattern": "^[a-c]"}}),
        json!({"dependentRequired": {"a": ["b"]}}),
        json!({"dependentSchemas": {"a": {"required": ["b"]}}}),
        json!({"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}),
        json!({"anyOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": true}}], "unevaluatedProperties": false}),
        json!({"oneOf": [{"properties": {"foo": true}, "required": ["foo"]}, {"required": ["a"]}], "unevaluatedProperties": {"type": "integer"}}),
        json!({"not": {"properties": {"a": true}}, "unevaluatedProperties": false}),
        json!({"dependentSchemas": {"a": {"properties": {"b": true}}}, "properties": {"a": true}, "unevaluatedProperties": false}),
        json!({"if": {"properties": {"kind": {"const": "x"}}, "required": ["kind"]}, "then": {"required": ["x"]}, "else": {"required": ["y"]}}),
        json!({"if": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}, "then": {"properties": {"b": true}}, "unevaluatedProperties": false}),
        json!({"if": {"type": "string"}}),
        json!({"then": false}),
        json!({"anyOf": [{"type": "string"}, {"minimum": 2}]}),
        json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
        json!({"not": {"type": "string"}}),
        json!({"not": {}}),
        json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}),
        json!({"allOf": [true, false]}),
        json!({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}),
        json!({"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"type": "integer"}}),
        json!({"$defs": {"x/y": {"$anchor": "here", "type": "integer"}}, "items": {"$ref": "#here"}}),
        json!({"$defs": {"x/y~z %": {"type": "integer"}}, "items": {"$ref": "#/$defs/x~1y~0z%20%25"}}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"a": true}}}, "unevaluatedProperties": false}),
        json!({"$ref": "#/$defs/a", "maxProperties": 1, "$defs": {"a": {"type": ["object", "integer"]}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "maxProperties": 0, "definitions": {"a": {"type": ["object", "integer"]}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}], "additionalItems": {"type": "string"}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}], "additionalItems": false}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"], "foo": {"required": ["x"]}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "contains": {"const": 1}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": {"type": "integer"}, "additionalItems": false}),
    ]
}

#[test]
fn judged_as_by_the_library() {
    let values = values();
    let mut fits = 0;
    for schema in schemas() {
        let library = jsonschema::validator_for(&schema).expect("a good schema");
        let (tree, learnt) = (Tree::of_schema(schema.to_string()).expect("a schema"), Learnt::default());
        assert_eq!(survey(tree.root(), &learnt, true), Ok(()));
        let judge = Judge::new(tree.root(), &learnt);
        for value in &values {
            let text = Tree::of_value(value.to_string()).expect("a value");
            let ours = judge.findings(text.root().value(), "").expect("judged").is_empty();
            assert_eq!(ours, library.is_valid(value), "{schema} {value}");
            fits += usize::from(ours);
        }
    }
    // Neither all nor nothing.
    assert!((1_000..3_000).contains(&fits), "{fits}");
}

#[test]
fn formats_as_by_the_library() {
    let texts = [
        "",
        "a",
        "2026-07-28",
        "2026-02-30",
        "2024-02-29",
        "09:30:00Z",
        "09:30:00+02:00",
        "09:30:00",
        "24:00:00Z",
        "23:59:60Z",
        "22:59:60Z",
        "2026-07-28T09:30:00Z",
        "2026-07-28 09:30:00Z",
        "2026-07-28T09:30:00.5-08:00",
        "P3D",
        "P1Y2M3DT4H5M6S",
        "PT",
        "P",
        "P1W",
        "P1W1D",
        "P1D2H",
        "PT1D",
        "ann@example.com",
        "ann",
        "@example.com",
        "ann@",
        "a..b@example.com",
        "ann@-x.com",
        "ann@[127.0.0.1]",
        "example.com",
        "-a.com",
        "a-.com",
        "a..b",
        "a_b",
        "127.0.0.1",
        "256.0.0.1",
        "01.2.3.4",
        "::1",
        "1::2::3",
        "fe80::1%eth0",
        "https://example.com/a?b#c",
        "//x/y",
        "a b",
        "mailto:a@b.c",
        "1a:b",
        "a:%zz",
        "a:%41",
        "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        "2eb8aa08aa9811eab4aa73b441d16380",
        "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
        "/a/b",
        "/a~0",
        "/a~2",
        "a/b",
    ];
    for format in [
        "date",
        "time",
        "date-time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uuid",
        "json-pointer",
        "unknown",
    ] {
        let schema = json!({"format": format});
        let library = jsonschema::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .build(&schema)
            .expect("a good schema");
        for text in texts {
            let ours = crate::format::violated(format, text).is_none();
            assert_eq!(ours, library.is_valid(&json!(text)), "{format} {text}");
        }
    }
}
