//! What a modern client's HTTP headers mirror of its message (MCP 2026-07-28, streamable HTTP, request metadata): one
//! place for reading them from clients and for writing them to upstreams, so that the two cannot differ.

mod check;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use serde_json::Value;

pub(crate) use check::check;

/// The annotation.
pub(crate) const HEADER: &str = "x-mcp-header";

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Annotations in one schema; more than a client would want to mirror, and a bound on what a server can make it do.
const ANNOTATIONS: usize = 64;

/// Deeper nesting of annotated properties is ignored, so that a schema cannot exhaust the stack.
const DEPTH: usize = 16;

/// The greatest integer that a double tells from its neighbours (IEEE 754).
pub(crate) const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// What `Mcp-Name` mirrors, and whether the core protocol asks for it. The tasks extension (SEP-2663) does for its own.
pub(crate) fn named_by(method: &str) -> Option<(&'static str, bool)> {
    match method {
        "tools/call" | "prompts/get" => Some(("/name", true)),
        "resources/read" => Some(("/uri", true)),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some(("/taskId", false)),
        _ => None,
    }
}

/// A parameter that a tool's definition wants mirrored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Annotation<'a> {
    /// Where its value is, from the root of `params` (RFC 6901).
    pub(crate) pointer: String,
    /// What follows `Mcp-Param-`.
    pub(crate) name: &'a str,
}

/// The annotations of an `inputSchema`, along chains of `properties` only: one that stands anywhere else, whose name is
/// no header's, or whose header another one has already, does not count.
pub(crate) fn annotations(schema: &Value) -> Vec<Annotation<'_>> {
    let mut found = Vec::new();
    collect(schema, "/arguments", DEPTH, &mut found);
    found
}

fn collect<'a>(schema: &'a Value, at: &str, depth: usize, found: &mut Vec<Annotation<'a>>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if let Some(name) = property.get(HEADER).and_then(Value::as_str)
            && found.len() < ANNOTATIONS
            && HeaderName::from_bytes(name.as_bytes()).is_ok()
            && !found.iter().any(|other| other.name.eq_ignore_ascii_case(name))
        {
            found.push(Annotation { pointer: pointer.clone(), name });
        }
        if depth > 0 {
            collect(property, &pointer, depth - 1, found);
        }
    }
}

/// A string, boolean or integer as a header shows it, before it is encoded. No client mirrors anything else, nor an
/// integer that a double cannot tell from its neighbours; `42.0` is an integer, as for JSON Schema.
pub(crate) fn mirrored(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= SAFE_INTEGER)?;
            Some(number.as_i64().map_or_else(|| format!("{whole:.0}"), |n| n.to_string()))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The value that a header stands for; `None` when it has characters that a header may not have, or Base64 that is none.
pub(crate) fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    if !value.bytes().all(is_header_byte) {
        return None;
    }
    match value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    }
}

/// Text as a header value: as it is where that is safe, else in Base64 between the marks that say so.
pub(crate) fn encode_value(text: &str) -> Cow<'_, str> {
    let marked = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    let padded = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    if text.bytes().all(is_header_byte) && !padded && !marked {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text)))
}

fn is_header_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_written_and_read_as_the_specification_shows() {
        #[track_caller]
        fn check(value: &str, header: &str) {
            assert_eq!(decode_value(header).as_deref(), Some(value));
            assert_eq!(encode_value(value), header);
        }
        check("us-west1", "us-west1");
        check("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=");
        check(" padded ", "=?base64?IHBhZGRlZCA=?=");
        check("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=");
        check("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
        check("", "");
        check("=?BASE64?eA==?=", "=?BASE64?eA==?=");
        assert_eq!(decode_value("=?base64?!?="), None);
        assert_eq!(decode_value("=?base64?/w==?="), None);
        assert_eq!(decode_value("é"), None);
    }

    #[test]
    fn annotations_count_along_properties_only() {
        let schema = serde_json::json!({ "properties": {
            "region": { "x-mcp-header": "Region" },
            "a/b": { "properties": { "c~d": { "x-mcp-header": "Deep" } } },
            "list": { "items": { "x-mcp-header": "Item" } },
            "bad": { "x-mcp-header": "a b" },
            "twice": { "x-mcp-header": "REGION" },
        } });
        let found = annotations(&schema);
        let found: Vec<_> = found.iter().map(|found| (found.pointer.as_str(), found.name)).collect();
        assert_eq!(found, [("/arguments/region", "Region"), ("/arguments/a~1b/c~0d", "Deep")]);
    }

    #[test]
    fn what_is_mirrored_is_a_string_a_boolean_or_a_safe_integer() {
        #[track_caller]
        fn check(json: &str, want: Option<&str>) {
            let value: Value = serde_json::from_str(json).expect("test JSON");
            assert_eq!(mirrored(&value).as_deref(), want, "{json}");
        }
        check("\"a\"", Some("a"));
        check("true", Some("true"));
        check("-7", Some("-7"));
        check("42.0", Some("42"));
        check("9007199254740991", Some("9007199254740991"));
        check("9.007199254740991e15", Some("9007199254740991"));
        for other in ["42.8", "9007199254740992", "-9007199254740993", "18446744073709551615", "1e300", "null", "[]"] {
            check(other, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_a_header_and_is_read_back(text in any::<String>()) {
            let header = encode_value(&text);
            prop_assert!(HeaderValue::try_from(&*header).is_ok());
            let read = decode_value(&header);
            prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        }
    }
}
