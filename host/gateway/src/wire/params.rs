use serde_json::Value;
use witgate_policy::Payload;

use super::headers::Mismatch;
use super::mirror::{Annotation, SAFE_INTEGER, annotations, decode_value, mirrored};

const HEADER: &str = "mcp-param-";

/// Holds a modern client's `Mcp-Param-*` headers (names in lower case) against the parameters of its `tools/call`, by
/// the tool's definition. Headers that the definition does not know are ignored; an annotation that is not allowed
/// where it stands is no annotation; null is no value.
pub fn check_params(headers: &[(String, String)], tool: &Payload, params: &Payload) -> Result<(), Mismatch> {
    // Only a tool that has annotations costs a tree.
    if memchr::memmem::find(tool.as_str().as_bytes(), b"x-mcp-header").is_none() {
        return Ok(());
    }
    let Some(schema) = tool.read::<Value>("/inputSchema") else { return Ok(()) };
    annotations(&schema).iter().try_for_each(|annotation| check_param(headers, annotation, params))
}

fn check_param(headers: &[(String, String)], annotation: &Annotation<'_>, params: &Payload) -> Result<(), Mismatch> {
    let name = || format!("Mcp-Param-{}", annotation.name);
    let value = params.read::<Value>(&annotation.pointer);
    let value = value.as_ref().and_then(|value| Some((value, plain(value)?)));
    let mut said = headers.iter().filter_map(|(header, said)| {
        header.strip_prefix(HEADER)?.eq_ignore_ascii_case(annotation.name).then_some(said)
    });
    let (first, second) = (said.next(), said.next());
    match (first, value) {
        (Some(_), _) if second.is_some() => Err(Mismatch::Repeated(name())),
        (None, Some((value, _))) if mirrored(value).is_some() => Err(Mismatch::Missing(name())),
        (None, _) => Ok(()),
        (Some(_), None) => Err(Mismatch::Unexpected(name())),
        (Some(header), Some((value, plain))) => match decode_value(header) {
            None => Err(Mismatch::Malformed(name())),
            Some(header) if header == plain || same_number(&header, value) => Ok(()),
            Some(header) => Err(Mismatch::different(&name(), &header, &plain)),
        },
    }
}

/// A primitive as a header writes it, before it is encoded; `None` for what cannot be mirrored.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Integers are compared as numbers: 42.0 is 42.
fn same_number(header: &str, value: &Value) -> bool {
    let (Some(value), Ok(header)) = (value.as_f64(), header.parse::<f64>()) else { return false };
    // Beyond this, different integers are one double (IEEE 754), and only their text tells them apart.
    header.abs() <= SAFE_INTEGER && (header - value).abs() < f64::EPSILON
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Payload {
        Payload::of(&serde_json::json!({ "name": "t", "inputSchema": { "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "deep": { "type": "object", "properties": { "flag": { "type": "boolean", "x-mcp-header": "Flag" } } },
            "list": { "type": "array", "items": { "type": "string", "x-mcp-header": "Item" } },
            "bad": { "type": "string", "x-mcp-header": "a b" },
        } } }))
    }

    #[test]
    fn mirrored_parameters_agree_or_are_refused() {
        #[track_caller]
        fn check(headers: &[(&str, &str)], arguments: &str, want: Result<(), &str>) {
            let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            let params = Payload::parse_str(&format!(r#"{{"name":"t","arguments":{arguments}}}"#)).expect("test JSON");
            let got = check_params(&headers, &tool(), &params).map_err(|e| e.to_string());
            match (&got, want) {
                (Ok(()), Ok(())) => {}
                (Err(got), Err(want)) if got.contains(want) => {}
                _ => panic!("{got:?} instead of {want:?}"),
            }
        }
        check(&[], "{}", Ok(()));
        check(&[], r#"{"region":null,"bad":"x","list":["y"]}"#, Ok(()));
        check(&[("mcp-param-region", "eu")], r#"{"region":"eu"}"#, Ok(()));
        check(&[("mcp-param-region", "=?base64?ZXU=?=")], r#"{"region":"eu"}"#, Ok(()));
        check(&[("mcp-param-other", "x")], "{}", Ok(()));
        check(&[("mcp-param-count", "42.0")], r#"{"count":42}"#, Ok(()));
        check(&[("mcp-param-count", "42")], r#"{"count":42.0}"#, Ok(()));
        check(&[("mcp-param-flag", "true")], r#"{"deep":{"flag":true}}"#, Ok(()));
        check(&[], r#"{"region":"eu"}"#, Err("`Mcp-Param-Region` is missing"));
        check(&[("mcp-param-region", "eu")], "{}", Err("does not have"));
        check(&[("mcp-param-region", "us")], r#"{"region":"eu"}"#, Err("says `us`, the message says `eu`"));
        check(&[("mcp-param-region", "\u{fffd}")], r#"{"region":"eu"}"#, Err("malformed"));
        check(&[("mcp-param-region", "eu"), ("mcp-param-region", "eu")], r#"{"region":"eu"}"#, Err("more than once"));
        check(&[("mcp-param-count", "43")], r#"{"count":42}"#, Err("says"));
        check(&[], r#"{"region":{"not":"a primitive"}}"#, Ok(()));
        check(&[("mcp-param-count", "9007199254740993")], r#"{"count":9007199254740992}"#, Err("says"));
        // No client mirrors these; one that does has to tell the truth.
        check(&[], r#"{"count":42.8}"#, Ok(()));
        check(&[], r#"{"count":9007199254740992}"#, Ok(()));
        check(&[("mcp-param-count", "42.8")], r#"{"count":42.8}"#, Ok(()));
        check(&[("mcp-param-count", "42")], r#"{"count":42.8}"#, Err("says"));
        check(&[("mcp-param-flag", "True")], r#"{"deep":{"flag":true}}"#, Err("says"));
    }
}
