//! Messages to bytes, each on one line: raw line breaks in JSON text are whitespace between tokens, and would break the
//! framing of stdio and of server-sent events.

use bytes::Bytes;
use witgate_policy::{Kind, Sanitized};

use super::error::RpcError;
use super::message::RequestId;

/// The answer to a request: the `result`, or the `error` that a server gave.
pub fn answer(id: &RequestId, answer: &Sanitized) -> Bytes {
    let member = if answer.kind() == Kind::Error { "error" } else { "result" };
    response(id, member, answer.payload().as_str())
}

/// A `result` in the gate's own words.
pub(super) fn result(id: &RequestId, result: &str) -> Bytes {
    response(id, "result", result)
}

/// An error in the gate's own words; without an id where none could be read, and for a notification (2025-11-25 and
/// later: the member is optional; earlier revisions had no way to say it).
pub fn error(id: Option<&RequestId>, error: &RpcError) -> Bytes {
    let error = json(error);
    match id {
        Some(id) => response(id, "error", &error),
        None => Bytes::from(format!(r#"{{"jsonrpc":"2.0","error":{error}}}"#)),
    }
}

/// A notification to the client.
pub fn notification(note: &Sanitized) -> Bytes {
    let (method, params) = (json(note.method()), note.payload().as_str());
    one_line(format!(r#"{{"jsonrpc":"2.0","method":{method},"params":{params}}}"#))
}

/// A server's request to the client, under the gate's id.
pub fn request(id: i64, request: &Sanitized) -> Bytes {
    let (method, params) = (json(request.method()), request.payload().as_str());
    one_line(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#))
}

/// Takes a request to the client back.
pub fn withdrawn(id: i64) -> Bytes {
    let params = format!(r#"{{"requestId":{id},"reason":"the server does not wait for it any more"}}"#);
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#))
}

/// A message as a server-sent event.
pub fn event(message: &[u8]) -> Bytes {
    const HEAD: &[u8] = b"event: message\ndata: ";
    let mut event = Vec::with_capacity(HEAD.len() + message.len() + 2);
    event.extend_from_slice(HEAD);
    event.extend_from_slice(message);
    event.extend_from_slice(b"\n\n");
    event.into()
}

fn response(id: &RequestId, member: &str, body: &str) -> Bytes {
    let id = json(id);
    let mut text = String::with_capacity(id.len() + body.len() + 40);
    for part in [r#"{"jsonrpc":"2.0","id":"#, &id, ",\"", member, "\":", body, "}"] {
        text.push_str(part);
    }
    one_line(text)
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // Strings, integers and trees of them always have JSON text.
    serde_json::to_string(value).unwrap_or_default()
}

fn one_line(text: String) -> Bytes {
    let mut bytes = text.into_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
        bytes[at + found] = b' ';
        at += found + 1;
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_keeps_its_text() {
        let got = response(&RequestId::Text("a\"b".into()), "result", "{\n  \"x\":\r\n\"\\n\", \"y\": 1.0}");
        assert_eq!(got, r#"{"jsonrpc":"2.0","id":"a\"b","result":{   "x":  "\n", "y": 1.0}}"#);
        assert_eq!(event(b"{}"), "event: message\ndata: {}\n\n");
    }

    #[test]
    fn an_error_without_an_id_has_no_such_member() {
        let oops = RpcError { code: -32700, message: "line\nbreak".into(), data: None };
        assert_eq!(error(None, &oops), r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"line\nbreak"}}"#);
        let id = RequestId::Number(3);
        assert_eq!(
            error(Some(&id), &oops),
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32700,"message":"line\nbreak"}}"#
        );
    }
}
