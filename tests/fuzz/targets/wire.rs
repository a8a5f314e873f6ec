//! What a client or a server sends: bytes to messages, headers beside them, and events of a stream.
//!
//! The input is up to three sections, parted by empty lines: HTTP headers, a message, a tool's definition. Input of
//! one section is a message; and all of it is a stream of events, too.

#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use witgate_fuzz::{json_members, second_opinion};
use witgate_gateway::upstream::fuzzing;
use witgate_gateway::wire::{self, ClientFacts, Incoming, Meta, Reject, RequestId};
use witgate_policy::Payload;
use witgate_policy::json::Limits;

const LIMITS: Limits = Limits { bytes: 64 << 10, depth: 32 };

/// Shorter than many a stream that is made up here, so that its end is tried.
const EVENT_BYTES: usize = 1 << 10;

/// What is told of a message that is none, however long it is.
const TOLD_BYTES: usize = 512;

fuzz_target!(|data: &[u8]| {
    stream(data);
    server(data);
    let sections = sections(data);
    let (head, message, tool) = match sections.as_slice() {
        [message] => (&b""[..], *message, None),
        [head, message] => (*head, *message, None),
        [head, message, tool, ..] => (*head, *message, Some(*tool)),
        [] => return,
    };
    let tool = tool.and_then(|tool| Payload::parse_str(std::str::from_utf8(tool).ok()?).ok());
    match wire::decode(Bytes::copy_from_slice(message), LIMITS) {
        Ok(incoming) => accepted(message, &incoming, head, tool.as_ref()),
        Err(error) => refused(error),
    }
});

fn sections(data: &[u8]) -> Vec<&[u8]> {
    let mut sections = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\n\n").filter(|_| sections.len() < 2) {
        sections.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    sections.push(rest);
    sections
}

/// What decodes is what another parser reads, has no key twice, and is sent on with its meaning.
fn accepted(bytes: &[u8], incoming: &Incoming, head: &[u8], tool: Option<&Payload>) {
    let text = std::str::from_utf8(bytes).expect("a message is UTF-8");
    let value = second_opinion(text).expect("a message is JSON");
    assert_eq!(json_members(text), json_members(&value.to_string()), "a key came twice");
    assert_eq!(value["jsonrpc"], "2.0");
    let id = value.get("id").map(|id| serde_json::from_value::<RequestId>(id.clone()).expect("an id"));
    match incoming {
        Incoming::Request { id: got, method, params } => {
            assert_eq!(Some(got), id.as_ref());
            call(&value, method, params, head, tool);
            let facts = (Meta::of(params).client(), ClientFacts::of_initialize(params));
            assert!(facts.0.is_err() || Meta::of(params).names_modern());
            assert!(!facts.1.revision.is_modern());
        }
        Incoming::Notification { method, params } => {
            assert_eq!(id, None);
            call(&value, method, params, head, tool);
        }
        Incoming::Response { id: got, message } => {
            assert_eq!(Some(got), id.as_ref());
            assert_eq!(message.as_str(), text);
            assert!(value["result"].is_object() != value["error"].is_object());
            assert!(value.get("method").is_none());
        }
    }
}

fn call(value: &Value, method: &str, params: &Payload, head: &[u8], tool: Option<&Payload>) {
    assert_eq!(value["method"], method);
    let sent = value.get("params").cloned().unwrap_or_else(|| serde_json::json!({}));
    assert_eq!(second_opinion(params.as_str()), Some(sent));
    forwarded(method, params);
    mirrored(method, params, head, tool);
}

/// What a server gets is one line, which says what was decoded.
fn forwarded(method: &str, params: &Payload) {
    let line = fuzzing::request(7, method, params);
    assert!(!line.contains(['\n', '\r']));
    match wire::decode(Bytes::from(line), Limits { bytes: usize::MAX, ..LIMITS }) {
        Ok(Incoming::Request { id: RequestId::Number(7), method: again, params: got }) => {
            assert_eq!((&*again, got.as_str()), (method, params.as_str().replace(['\n', '\r'], " ").as_str()));
        }
        other => panic!("{method} {} was sent as {other:?}", params.as_str()),
    }
}

/// Headers that the gate writes are headers that it takes; a header that it took says what the message says.
fn mirrored(method: &str, params: &Payload, head: &[u8], tool: Option<&Payload>) {
    let own = fuzzing::headers(method, params, tool);
    assert_eq!(wire::check_headers(&own, method, params, true), Ok(()), "our own headers");
    if let Some(tool) = tool.filter(|_| method == "tools/call") {
        assert_eq!(wire::check_params(&pairs(&own), tool, params), Ok(()), "our own headers");
    }
    let headers = parse_head(head);
    let _ = wire::version_header(&headers);
    let (strict, lenient) =
        (wire::check_headers(&headers, method, params, true), wire::check_headers(&headers, method, params, false));
    if strict.is_ok() {
        assert_eq!(lenient, Ok(()));
        assert_eq!(headers.get("mcp-method").map(HeaderValue::as_bytes), Some(method.as_bytes()));
    }
    if let Some(tool) = tool {
        let _ = wire::check_params(&pairs(&headers), tool, params);
    }
    if let Some(trace) = wire::traceparent(params) {
        assert!(trace.len() >= 55 && trace.is_ascii());
    }
}

fn parse_head(head: &[u8]) -> HeaderMap {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..at]).ok()?;
        Some((name, HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in lines.take(64) {
        headers.append(name, value);
    }
    headers
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    headers.iter().filter_map(pair).collect()
}

/// A refusal can be answered: on one line, as JSON, with the id that could be read.
fn refused(error: wire::DecodeError) {
    let id = error.id.clone();
    assert!(error.to_string().len() <= TOLD_BYTES, "{error}");
    let line = wire::encode::error(id.as_ref(), &Reject::from(error).error());
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
    let value: Value = serde_json::from_slice(&line).expect("an answer is JSON");
    assert!(value["error"]["code"].is_i64() && value["error"]["message"].is_string());
    if let Some(id) = id {
        match wire::decode(line, Limits { bytes: usize::MAX, ..LIMITS }) {
            Ok(Incoming::Response { id: got, .. }) => assert_eq!(got, id),
            other => panic!("the refusal is {other:?}"),
        }
    }
}

/// Whatever pieces a stream comes in, it holds the same events; and an event that is written is read.
fn stream(data: &[u8]) {
    let whole = fuzzing::events(&[data], EVENT_BYTES);
    let step = 1 + usize::from(data.first().copied().unwrap_or_default()) % 9;
    let pieces: Vec<&[u8]> = data.chunks(step).collect();
    assert_eq!(fuzzing::events(&pieces, EVENT_BYTES), whole, "in pieces of {step}");
    let line: Vec<u8> = data.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    if !line.is_empty() {
        let event = wire::encode::event(Bytes::from(line.clone()).into(), None).whole();
        assert_eq!(fuzzing::events(&[&event], usize::MAX), Some(vec![Bytes::from(line)]));
    }
}

/// A server's bytes are as many messages as they hold, and none where a key comes twice.
fn server(data: &[u8]) {
    let Some(count) = fuzzing::messages(Bytes::copy_from_slice(data), LIMITS) else { return };
    let text = std::str::from_utf8(data).expect("a message is UTF-8");
    let value = second_opinion(text).expect("a message is JSON");
    assert_eq!(json_members(text), json_members(&value.to_string()), "a key came twice");
    assert_eq!(count, value.as_array().map_or(1, Vec::len));
}
