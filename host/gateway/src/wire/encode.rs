//! Messages to bytes, each on one line: raw line breaks in JSON text are whitespace between tokens, and would break the
//! framing of stdio and of server-sent events.

use bytes::Bytes;
use witgate_policy::{Kind, Sanitized};

use super::error::RpcError;
use super::message::RequestId;

/// From here on a body is written as it is instead of being copied into its message: below it, one piece costs less than
/// three.
const LARGE: usize = 16 << 10;

/// A message on one line, in up to three pieces: a large body is shared, not copied.
#[derive(Debug, Clone)]
pub struct Line {
    head: Bytes,
    body: Bytes,
    tail: Bytes,
}

impl Line {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len() + self.tail.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its pieces in their order; those after the first may be empty.
    pub fn pieces(self) -> [Bytes; 3] {
        [self.head, self.body, self.tail]
    }

    /// In one piece, which copies a large one.
    pub fn whole(self) -> Bytes {
        if self.body.is_empty() { self.head } else { Bytes::from(self.pieces().concat()) }
    }

    /// The line between other bytes.
    fn within(self, before: &str, after: &'static str) -> Self {
        if self.body.is_empty() {
            let head = [before.as_bytes(), &self.head, after.as_bytes()].concat();
            return Self::from(Bytes::from(head));
        }
        let head = [before.as_bytes(), &self.head].concat();
        let tail = [&self.tail, after.as_bytes()].concat();
        Self { head: head.into(), body: self.body, tail: tail.into() }
    }
}

impl From<Bytes> for Line {
    fn from(head: Bytes) -> Self {
        Self { head, body: Bytes::new(), tail: Bytes::new() }
    }
}

/// The answer to a request: the `result`, or the `error` that a server gave.
pub fn answer(id: &RequestId, answer: &Sanitized) -> Line {
    let member = if answer.kind() == Kind::Error { "error" } else { "result" };
    let payload = answer.payload();
    if payload.len() < LARGE {
        return response(id, member, payload.as_str()).into();
    }
    let head = Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{},"{member}":"#, json(id)));
    let body = payload.bytes().clone().into_bytes();
    let broken = memchr::memchr2(b'\n', b'\r', &body).is_some();
    let body = if broken { one_line(Vec::from(body)) } else { body };
    Line { head, body, tail: Bytes::from_static(b"}") }
}

/// Several messages as a batch (2025-03-26).
pub fn batch(messages: Vec<Line>) -> Line {
    let mut text = Vec::with_capacity(messages.iter().map(|message| message.len() + 1).sum::<usize>() + 2);
    text.push(b'[');
    for (index, message) in messages.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        for piece in message.pieces() {
            text.extend_from_slice(&piece);
        }
    }
    text.push(b']');
    Line::from(Bytes::from(text))
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
    one_line(format!(r#"{{"jsonrpc":"2.0","method":{method},"params":{params}}}"#).into_bytes())
}

/// A server's request to the client, under the gate's id.
pub fn request(id: i64, request: &Sanitized) -> Bytes {
    let (method, params) = (json(request.method()), request.payload().as_str());
    one_line(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#).into_bytes())
}

/// Takes a request to the client back.
pub fn withdrawn(id: i64) -> Bytes {
    let params = format!(r#"{{"requestId":{id},"reason":"the server does not wait for it any more"}}"#);
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#))
}

/// A message as a server-sent event; with an id where its stream can be resumed.
pub fn event(message: Line, id: Option<&str>) -> Line {
    match id {
        None => message.within("event: message\ndata: ", "\n\n"),
        Some(id) => message.within(&format!("event: message\nid: {id}\ndata: "), "\n\n"),
    }
}

/// The event that a resumable stream begins with (2025-11-25, streamable HTTP): an id to come back with, no data, and
/// how long to wait before that.
pub fn priming(id: &str, retry_ms: u64) -> Bytes {
    Bytes::from(format!("retry: {retry_ms}\nid: {id}\ndata: \n\n"))
}

fn response(id: &RequestId, member: &str, body: &str) -> Bytes {
    let id = json(id);
    let mut text = String::with_capacity(id.len() + body.len() + 40);
    for part in [r#"{"jsonrpc":"2.0","id":"#, &id, ",\"", member, "\":", body, "}"] {
        text.push_str(part);
    }
    one_line(text.into_bytes())
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // Strings, integers and trees of them always have JSON text.
    serde_json::to_string(value).unwrap_or_default()
}

fn one_line(mut bytes: Vec<u8>) -> Bytes {
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
    }

    #[test]
    fn an_event_is_the_same_in_one_piece_and_in_three() {
        let parts = Line { head: "{".into(), body: "a".into(), tail: "}".into() };
        for line in [Line::from(Bytes::from("{a}")), parts] {
            assert_eq!(line.len(), 3);
            assert_eq!(event(line.clone(), None).whole(), "event: message\ndata: {a}\n\n");
            assert_eq!(event(line.clone(), Some("3-1")).whole(), "event: message\nid: 3-1\ndata: {a}\n\n");
            assert_eq!(batch(vec![line.clone(), line]).whole(), "[{a},{a}]");
        }
        assert_eq!(priming("3-0", 50), "retry: 50\nid: 3-0\ndata: \n\n");
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
