//! The headers of a request to a modern server, made from the params that are sent (MCP 2026-07-28, Streamable HTTP,
//! request metadata), so that the two cannot disagree.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use witgate_policy::Payload;

use crate::wire::headers;
use crate::wire::mirror::{HEADER, annotations, encode_value, mirrored, named_by};

/// Sets `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*`.
pub(crate) fn describe(headers: &mut HeaderMap, method: &str, params: &Payload, tool: Option<&Payload>) {
    // As it is, unlike the others: a method has no characters that a header may not have.
    let method_value = match method {
        "tools/call" => Ok(HeaderValue::from_static("tools/call")),
        _ => HeaderValue::try_from(method),
    };
    if let Ok(method) = method_value {
        headers.insert(headers::METHOD, method);
    }
    let name = named_by(method).and_then(|(pointer, _)| params.shared_string(pointer));
    if let Some(name) = name {
        match encode_value(&name) {
            // As it stands in the params, which share their bytes.
            Cow::Borrowed(_) => {
                if let Ok(value) = HeaderValue::from_maybe_shared(name.into_bytes()) {
                    headers.insert(headers::NAME, value);
                }
            }
            Cow::Owned(encoded) => set_value(headers, headers::NAME, &encoded),
        }
    }
    let annotated = tool.filter(|tool| method == "tools/call" && tool.as_str().contains(HEADER));
    let Some(schema) = annotated.and_then(|tool| tool.read::<Value>("/inputSchema")) else { return };
    for annotation in annotations(&schema) {
        let header = HeaderName::try_from(format!("mcp-param-{}", annotation.name));
        let value = params.read::<Value>(&annotation.pointer);
        if let (Ok(header), Some(text)) = (header, value.as_ref().and_then(mirrored)) {
            set(headers, header, &text);
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    set_value(headers, name, &encode_value(text));
}

fn set_value(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_the_params_say() {
        #[track_caller]
        fn check(method: &str, params: &str, tool: Option<&str>, want: &[(&str, &str)]) {
            let params = Payload::parse_str(params).expect("test JSON");
            let tool = tool.map(|tool| Payload::parse_str(tool).expect("test JSON"));
            let mut headers = HeaderMap::new();
            describe(&mut headers, method, &params, tool.as_ref());
            let got: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.to_str().expect("ASCII"))).collect();
            assert_eq!(got, want);
        }
        let tool = r#"{"name":"t","inputSchema":{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "n":{"type":"integer","x-mcp-header":"N"},
            "a/b":{"type":"object","properties":{"on":{"type":"boolean","x-mcp-header":"On"}}},
            "list":{"type":"array","items":{"x-mcp-header":"Never"}},
            "odd":{"type":"string","x-mcp-header":"bad name"},
            "gone":{"type":"string","x-mcp-header":"Gone"}}}}"#;
        check("tools/list", "{}", None, &[("mcp-method", "tools/list")]);
        check("=?base64?YQ==?=", "{}", None, &[("mcp-method", "=?base64?YQ==?=")]);
        check(
            "resources/read",
            r#"{"uri":"a://ü"}"#,
            None,
            &[("mcp-method", "resources/read"), ("mcp-name", "=?base64?YTovL8O8?=")],
        );
        check(
            "tools/call",
            r#"{"name":"t","arguments":{"region":"eu","n":42.0,"a/b":{"on":true},"list":[1],"odd":"x","gone":null}}"#,
            Some(tool),
            &[
                ("mcp-method", "tools/call"),
                ("mcp-name", "t"),
                ("mcp-param-region", "eu"),
                ("mcp-param-n", "42"),
                ("mcp-param-on", "true"),
            ],
        );
    }
}
