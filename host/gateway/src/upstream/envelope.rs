//! JSON-RPC envelopes as servers see and send them. Payloads stay text: a part of the line that it came in.

use bytestring::ByteString;
use witgate_policy::{Payload, json};

/// One message of a server.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Answers one of the gate's requests.
    Response {
        /// The id that it names; `None` when that cannot be one of the gate's.
        id: Option<u64>,
        /// What it answers.
        outcome: Outcome,
    },
    /// Tells something.
    Notification {
        /// Its method.
        method: String,
        /// Its `params`, `{}` when it has none.
        params: Payload,
    },
    /// Asks something.
    Request {
        /// The server's id, as it wrote it.
        id: Payload,
        /// Its method.
        method: String,
        /// Its `params`, `{}` when it has none.
        params: Payload,
    },
}

/// How a server answered.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// With a `result`, an object.
    Result(Payload),
    /// With an `error`, an object.
    Error(Payload),
    /// With neither, or with one that is no object.
    Neither,
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvelopeError {
    /// They are no UTF-8.
    #[error("the server sent bytes that are not UTF-8")]
    Utf8,
    /// They are no strict JSON.
    #[error("a message of the server was refused: {0}")]
    Strict(json::StrictError),
    /// They are JSON of another form.
    #[error("the server sent JSON that is no JSON-RPC 2.0 message: {0}")]
    Form(String),
}

impl EnvelopeError {
    /// What a client is told, in the gate's own words.
    pub(crate) fn told(&self) -> &'static str {
        match self {
            Self::Utf8 => "the upstream's answer is not UTF-8",
            Self::Strict(_) => {
                "the upstream's answer is broken JSON, has a name twice in one object, or is nested too deeply; the \
                 gateway's log says which"
            }
            Self::Form(_) => "the upstream's answer is no JSON-RPC 2.0 message",
        }
    }
}

/// Decodes one message, or the several of a batch (2025-03-26).
pub(crate) fn decode(bytes: bytes::Bytes, limits: json::Limits) -> Result<Vec<Message>, EnvelopeError> {
    let mut messages = Vec::new();
    decode_each(bytes, limits, |message| messages.push(message))?;
    Ok(messages)
}

/// Likewise, one after the other.
pub(crate) fn decode_each(
    bytes: bytes::Bytes,
    limits: json::Limits,
    mut hear: impl FnMut(Message),
) -> Result<(), EnvelopeError> {
    let text = ByteString::try_from(bytes).map_err(|_| EnvelopeError::Utf8)?;
    let payload = Payload::parse(text, limits).map_err(EnvelopeError::Strict)?;
    if payload.is_object() {
        hear(message(&payload)?);
        return Ok(());
    }
    if !payload.as_str().trim_ascii_start().starts_with('[') {
        return Err(EnvelopeError::Form("no object".to_owned()));
    }
    // Of a batch with something in it that is none, nothing is heard.
    let messages: Vec<_> = payload.items().map(|item| message(&payload.slice(item))).collect::<Result<_, _>>()?;
    messages.into_iter().for_each(hear);
    Ok(())
}

fn message(payload: &Payload) -> Result<Message, EnvelopeError> {
    let form = |what: &str| EnvelopeError::Form(what.to_owned());
    if !payload.is_object() {
        return Err(form("no object"));
    }
    let (mut version, mut id, mut method, mut params, mut result, mut error) = Default::default();
    for (name, value) in payload.members() {
        let member = match &*name {
            "jsonrpc" => &mut version,
            "id" => &mut id,
            "method" => &mut method,
            "params" => &mut params,
            "result" => &mut result,
            "error" => &mut error,
            _ => continue,
        };
        *member = Some(value).filter(|value| *value != "null");
    }
    if version.and_then(json::said).as_deref() != Some("2.0") {
        return Err(form("`jsonrpc` is not \"2.0\""));
    }
    let Some(method) = method else {
        let id = id.and_then(|id| id.parse().ok());
        let object = |raw: Option<&str>| raw.map(|raw| payload.slice(raw)).filter(Payload::is_object);
        let outcome = match (object(result), object(error)) {
            (Some(result), None) => Outcome::Result(result),
            (None, Some(error)) => Outcome::Error(error),
            _ => Outcome::Neither,
        };
        return Ok(Message::Response { id, outcome });
    };
    let method = json::said(method).ok_or_else(|| form("`method` is no string"))?.into_owned();
    let params = params.map_or_else(Payload::empty, |params| payload.slice(params));
    Ok(match id {
        Some(id) => Message::Request { id: payload.slice(id), method, params },
        None => Message::Notification { method, params },
    })
}

/// A request on one line.
pub(crate) fn request(id: u64, method: &str, params: &Payload) -> String {
    write(format_args!("\"id\":{id},"), method, params)
}

/// A notification on one line.
pub(crate) fn notification(method: &str, params: &Payload) -> String {
    write(format_args!(""), method, params)
}

fn write(id: std::fmt::Arguments<'_>, method: &str, params: &Payload) -> String {
    use std::fmt::Write as _;
    let mut line = String::with_capacity(params.len() + method.len() + 64);
    // Writing to a string does not fail.
    let _ = write!(line, "{{\"jsonrpc\":\"2.0\",{id}\"method\":");
    if method.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f)) {
        let _ = write!(line, "{}", serde_json::Value::from(method));
    } else {
        line.extend(["\"", method, "\""]);
    }
    line.push_str(",\"params\":");
    push_flat(&mut line, params.as_str());
    line.push('}');
    line
}

/// Adds JSON text on one line: outside strings a line feed is only white space, and within them it cannot stand.
fn push_flat(line: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
        line.push_str(&rest[..at]);
        line.push(' ');
        rest = &rest[at + 1..];
    }
    line.push_str(rest);
}

/// An answer to a server's request, on one line.
pub(crate) fn response(id: &Payload, outcome: &Outcome) -> String {
    let (member, value) = match outcome {
        Outcome::Result(result) => ("result", result.as_str()),
        Outcome::Error(error) => ("error", error.as_str()),
        Outcome::Neither => ("result", "{}"),
    };
    let mut line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"{member}\":", id.as_str());
    push_flat(&mut line, value);
    line.push('}');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let got = match decode(bytes::Bytes::copy_from_slice(text.as_bytes()), json::Limits::default()) {
            Ok(messages) => messages.iter().map(show).collect::<Vec<_>>().join(" + "),
            Err(e) => e.to_string(),
        };
        assert_eq!(got, want, "{text}");
    }

    fn show(message: &Message) -> String {
        match message {
            Message::Response { id, outcome: Outcome::Result(p) } => format!("result {id:?} {}", p.as_str()),
            Message::Response { id, outcome: Outcome::Error(p) } => format!("error {id:?} {}", p.as_str()),
            Message::Response { id, outcome: Outcome::Neither } => format!("neither {id:?}"),
            Message::Notification { method, params } => format!("notification {method} {}", params.as_str()),
            Message::Request { id, method, params } => format!("request {} {method} {}", id.as_str(), params.as_str()),
        }
    }

    #[test]
    fn messages_are_told_apart_and_keep_their_bytes() {
        check(r#"{"jsonrpc":"2.0","id":7,"result":{"x": 1.0}}"#, r#"result Some(7) {"x": 1.0}"#);
        check(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#, r#"error None {"code":1}"#);
        check(r#"{"jsonrpc":"2.0","id":"7","result":{}}"#, "result None {}");
        check(r#"{"jsonrpc":"2.0","id":7,"result":[]}"#, "neither Some(7)");
        check(r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#, "neither Some(7)");
        check(r#"{"jsonrpc":"2.0","method":"a","extra":[1]}"#, "notification a {}");
        check(r#"{"jsonrpc":"2.0","id":"q","method":"ping","params":{"a":1}}"#, "request \"q\" ping {\"a\":1}");
        check(
            r#"[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}}]"#,
            "notification a {} + result Some(1) {}",
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        check("7", "the server sent JSON that is no JSON-RPC 2.0 message: no object");
        check(r#"{"jsonrpc":"1.0"}"#, "the server sent JSON that is no JSON-RPC 2.0 message: `jsonrpc` is not \"2.0\"");
        check(
            r#"{"jsonrpc":"2.0","id":1,"id":2}"#,
            "a message of the server was refused: duplicate key \"id\" at line 1 column 29",
        );
    }

    #[test]
    fn a_request_is_one_line() {
        let params = Payload::parse_str("{\n  \"a\":\r\n \"x\\ny\"}").expect("test JSON");
        assert_eq!(
            request(3, "m\"", &params),
            "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"m\\\"\",\"params\":{   \"a\":   \"x\\ny\"}}"
        );
        assert_eq!(notification("n", &Payload::empty()), r#"{"jsonrpc":"2.0","method":"n","params":{}}"#);
    }
}
