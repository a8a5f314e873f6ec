//! The tree is held to another parser.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::json::{Tree, Unread};
use crate::number;

use super::check;

/// As the tree says it.
fn written(text: &str) -> Result<String, Unread> {
    let tree = Tree::of_value(text.to_owned())?;
    let mut out = String::new();
    number::written(tree.root().value(), &mut out);
    Ok(out)
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-c~/]{0,3}", "\\PC{0,5}", "[\"\\\\\n\u{e9}\u{1f600}]{0,3}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-d\"\u{e9}/~]{0,2}", inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn says_what_another_parser_says(value in values(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert_eq!(written(&text.expect("text")), Ok(value.to_string()));
    }

    #[test]
    fn finds_what_another_parser_finds(value in values(), pointer in "(/[a-d0-3~]{0,2}){0,3}") {
        let tree = Tree::of_value(value.to_string()).expect("JSON");
        let found = tree.root().at_pointer(&pointer).map(|node| {
            let mut out = String::new();
            number::written(node.value(), &mut out);
            out
        });
        prop_assert_eq!(found, value.pointer(&pointer).map(ToString::to_string), "{} in {}", pointer, value);
    }

    /// The host hands over nothing but JSON; anything else must not trap.
    #[test]
    fn never_panics(text in "[\\[\\]{}\",:\\\\u0-9a-ftrulnse.+ \u{e9}-]{0,24}") {
        let read = written(&text);
        let as_another_says = serde_json::from_str::<Value>(&text).map(|value| value.to_string());
        if as_another_says.is_ok_and(|said| said == text) {
            prop_assert_eq!(read, Ok(text));
        }
    }
}

#[test]
fn what_is_not_read() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(written(&nested(127)).is_ok());
    assert_eq!(written(&nested(128)), Err(Unread::Depth));
    assert_eq!(written("[1e999]"), Err(Unread::Number));
    for text in
        ["", "[", "[1", "[1,", "[1,]", "{", r#"{"a""#, r#"{"a":"#, r#"{"a":1]"#, "[1}", "1 2", "nul", "[,]", r#""a"#]
    {
        assert_eq!(written(text), Err(Unread::Form), "{text}");
    }
}

#[test]
fn escapes_hide_nothing() {
    let schema =
        serde_json::from_str(r#"{"\u0072equired": ["\u0061"], "properties": {"\u0061": {"t\u0079pe": "nu\u006cl"}}}"#);
    let schema: Value = schema.expect("JSON");
    check(&schema, &json!({"a": null}), &[]);
    let tree = Tree::of_schema(r#"{"\u0072equired": ["a"]}"#.to_owned()).expect("JSON");
    assert!(tree.root().by(crate::word::Word::Required).is_some());
}
