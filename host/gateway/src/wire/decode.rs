use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use witgate_policy::Payload;
use witgate_policy::json::{Limits, StrictError, said};

use super::case;
use super::code;
use super::message::{Incoming, RequestId};

/// A method's name may be this long; the longest of the specification has 36 bytes.
const METHOD_BYTES: usize = 128;

/// Messages that one batch may have: a client that sends more at once can send more batches.
const BATCH: usize = 64;

/// A string id may be this long; a UUID has 36 bytes, and ids are kept while their requests run.
const ID_BYTES: usize = 256;

/// Bytes that are not one acceptable JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flaw}")]
pub struct DecodeError {
    /// The id, where it could be read; an answer carries it.
    pub id: Option<RequestId>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with bytes that should have been a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// RFC 8259 section 8.1.
    #[error("the message is not UTF-8")]
    Encoding,
    /// Longer than is taken.
    #[error("the message is {size} bytes long, {limit} are allowed")]
    Size {
        /// Its length.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Not JSON, or JSON with duplicate keys, or nested too deeply.
    #[error("the message is not acceptable JSON: {0}")]
    Syntax(String),
    /// An array. 2025-03-26 had batches; no other revision has.
    #[error("only 2025-03-26 has batches; send one JSON-RPC message at a time")]
    Batch,
    /// A batch of nothing, or of too much.
    #[error("a batch has 1 to {BATCH} messages")]
    BatchLength,
    /// JSON, but no object.
    #[error("a JSON-RPC message is an object")]
    NotAnObject,
    /// `jsonrpc` is absent or another version.
    #[error("`jsonrpc` has to be \"2.0\"")]
    Version,
    /// JSON-RPC has no such member, and the gate would have to drop it.
    #[error("a JSON-RPC message has no member `{0}`")]
    UnknownMember(String),
    /// An id that is null, a fraction, too large, or of another type.
    #[error("`id` has to be a string of at most {ID_BYTES} bytes or a 64-bit integer")]
    Id,
    /// A method that is no string, empty, too long, or has characters that no method has.
    #[error("`method` has to be a string of 1 to {METHOD_BYTES} visible ASCII characters")]
    Method,
    /// `params` that are no object: MCP has none by position.
    #[error("`params` has to be an object")]
    Params,
    /// A member that parsers which ignore case would read as another one, so that a server could read what no validator
    /// saw.
    #[error("`{0}` in the params differs from another member's name, or from a name of the protocol, only in case")]
    Case(String),
    /// Neither `method`, nor one of `result` and `error`; or more than one of them.
    #[error("a message has either a `method`, or an `id` and one of `result` and `error`, which are objects")]
    Shape,
}

impl DecodeError {
    /// The JSON-RPC error code.
    pub fn code(&self) -> i32 {
        match self.flaw {
            Flaw::Encoding | Flaw::Syntax(_) => code::PARSE_ERROR,
            Flaw::Size { .. } => code::TOO_LARGE,
            Flaw::Case(_) => code::INVALID_PARAMS,
            _ => code::INVALID_REQUEST,
        }
    }
}

impl From<Flaw> for DecodeError {
    fn from(flaw: Flaw) -> Self {
        Self { id: None, flaw }
    }
}

/// Takes the bytes of one message. The parameters share them.
pub fn decode(bytes: Bytes, limits: Limits) -> Result<Incoming, DecodeError> {
    message(&parse(bytes, limits)?)
}

/// Takes the bytes of a batch (2025-03-26, basic protocol). A message in it that is none spoils no other.
pub fn decode_batch(bytes: Bytes, limits: Limits) -> Result<Vec<Result<Incoming, DecodeError>>, DecodeError> {
    let whole = parse(bytes, Limits { depth: limits.depth + 1, ..limits })?;
    let count = whole.items().take(BATCH + 1).count();
    if !(1..=BATCH).contains(&count) {
        return Err(Flaw::BatchLength.into());
    }
    Ok(whole.items().map(|part| message(&whole.slice(part))).collect())
}

fn parse(bytes: Bytes, limits: Limits) -> Result<Payload, Flaw> {
    if bytes.len() > limits.bytes {
        return Err(Flaw::Size { size: bytes.len(), limit: limits.bytes });
    }
    let text = ByteString::try_from(bytes).map_err(|_| Flaw::Encoding)?;
    Payload::parse(text, limits).map_err(|e| match e {
        StrictError::Size { size, limit } => Flaw::Size { size, limit },
        StrictError::Syntax(what) => Flaw::Syntax(what),
    })
}

fn message(whole: &Payload) -> Result<Incoming, DecodeError> {
    match whole.as_str().trim_ascii_start().as_bytes().first() {
        Some(b'{') => {}
        Some(b'[') => return Err(Flaw::Batch.into()),
        _ => return Err(Flaw::NotAnObject.into()),
    }
    let envelope = Envelope::of(whole);
    let id = match envelope.id.map(read_id) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => return Err(Flaw::Id.into()),
    };
    envelope.message(whole, id.clone()).map_err(|flaw| DecodeError { id, flaw })
}

fn read_id(raw: &str) -> Option<RequestId> {
    if raw.starts_with('"') {
        return said(raw).filter(|text| text.len() <= ID_BYTES).map(|text| RequestId::Text(text.into_owned()));
    }
    // Minus zero is no integer: it would come back as another text.
    raw.parse().ok().filter(|_| raw != "-0").map(RequestId::Number)
}

/// The members of a message, as text within it. A member that is null is there: `"id": null` makes no notification of a
/// request.
#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
    unknown: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    fn of(whole: &'a Payload) -> Self {
        let mut envelope = Self::default();
        for (name, value) in whole.members() {
            let member = match &*name {
                "jsonrpc" => &mut envelope.jsonrpc,
                "id" => &mut envelope.id,
                "method" => &mut envelope.method,
                "params" => &mut envelope.params,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                _ => {
                    envelope.unknown = Some(name);
                    continue;
                }
            };
            *member = Some(value);
        }
        envelope
    }
}

impl Envelope<'_> {
    fn message(self, whole: &Payload, id: Option<RequestId>) -> Result<Incoming, Flaw> {
        if self.jsonrpc.and_then(said).as_deref() != Some("2.0") {
            return Err(Flaw::Version);
        }
        if let Some(member) = self.unknown {
            return Err(Flaw::UnknownMember(member.chars().take(64).collect()));
        }
        let Some(method) = self.method else {
            return match (id, self.result, self.error, self.params) {
                (Some(id), Some(body), None, None) | (Some(id), None, Some(body), None) if is_object(body) => {
                    Ok(Incoming::Response { id, message: whole.clone() })
                }
                _ => Err(Flaw::Shape),
            };
        };
        if self.result.is_some() || self.error.is_some() {
            return Err(Flaw::Shape);
        }
        let method = said(method).filter(|method| is_method(method)).ok_or(Flaw::Method)?;
        let method = match method {
            Cow::Borrowed(method) => whole.bytes().slice_ref(method),
            Cow::Owned(method) => method.into(),
        };
        let params = match self.params {
            None => Payload::empty(),
            Some(params) if is_object(params) => {
                let params = whole.slice(params);
                if let Some(key) = case::variant(&params) {
                    return Err(Flaw::Case(key));
                }
                params
            }
            Some(_) => return Err(Flaw::Params),
        };
        Ok(match id {
            Some(id) => Incoming::Request { id, method, params },
            None => Incoming::Notification { method, params },
        })
    }
}

fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

fn is_method(method: &str) -> bool {
    (1..=METHOD_BYTES).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> Limits {
        Limits { bytes: 4096, depth: 16 }
    }

    fn decoded(text: impl AsRef<[u8]>) -> Result<Incoming, DecodeError> {
        decode(Bytes::copy_from_slice(text.as_ref()), limits())
    }

    #[test]
    fn what_is_a_message_is_told_by_its_members() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            let got = match decoded(text).expect("a message") {
                Incoming::Request { id, method, params } => format!("request {id} {method} {}", params.as_str()),
                Incoming::Notification { method, params } => format!("notification {method} {}", params.as_str()),
                Incoming::Response { id, .. } => format!("response {id}"),
            };
            assert_eq!(got, want);
        }
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping {}");
        check(r#" {"params":{"a": 1},"method":"x/y","id":"é\u0031","jsonrpc":"2.0"} "#, r#"request "é1" x/y {"a": 1}"#);
        check(r#"{"jsonrpc":"2.0","id":-9007199254740993,"method":"p"}"#, "request -9007199254740993 p {}");
        check(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "notification notifications/initialized {}");
        check(r#"{"jsonrpc":"2.0","id":"","result":{}}"#, r#"response """#);
        check(r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}"#, "response 7");
        check(r#"{"jsonrpc":"2.0","\u0069d":1,"m\u0065thod":"ping"}"#, "request 1 ping {}");
    }

    #[test]
    fn what_is_none_is_refused_with_its_code_and_the_id_that_could_be_read() {
        #[track_caller]
        fn check(text: impl AsRef<[u8]>, code: i32, id: Option<RequestId>, flaw: &str) {
            let error = decoded(&text).expect_err("no message");
            let told = error.to_string();
            assert!(told.contains(flaw), "{told}");
            assert_eq!((error.code(), error.id), (code, id), "{told}");
        }
        let one = || Some(RequestId::Number(1));
        check(b"\xff\xfe", -32700, None, "UTF-8");
        check("{", -32700, None, "EOF");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, -32700, None, "duplicate key");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"\u0078":2}}"#, -32700, None, "duplicate key");
        check("[".repeat(20), -32700, None, "deeply");
        check(format!("\"{}\"", "x".repeat(5000)), -31413, None, "5002 bytes long, 4096");
        check(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, None, "batches");
        check("[]", -32600, None, "batches");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","params":{"Name":0}}"#, -32602, one(), "`Name`");
        check(r#"{"jsonrpc":"2.0","id":1,"Method":"p"}"#, -32600, one(), "`Method`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","params":{"a":["\ud800"]}}"#, -32700, None, "escape");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","params":{"\udc00":0}}"#, -32700, None, "surrogate");
        check("null", -32600, None, "object");
        check(r#"{"id":1,"method":"ping"}"#, -32600, one(), "jsonrpc");
        check(r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600, one(), "jsonrpc");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":0}"#, -32600, one(), "`extra`");
        check(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#, -32600, None, "`id`");
        check(format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"p"}}"#, "i".repeat(257)), -32600, None, "`id`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, one(), "`method`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":null}"#, -32600, one(), "`method`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":""}"#, -32600, one(), "`method`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"a\nb"}"#, -32600, one(), "`method`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","params":[1]}"#, -32600, one(), "`params`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","params":null}"#, -32600, one(), "`params`");
        check(r#"{"jsonrpc":"2.0","id":1,"method":"p","result":{}}"#, -32600, one(), "either");
        check(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600, one(), "either");
        check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, -32600, one(), "either");
        check(r#"{"jsonrpc":"2.0","result":{}}"#, -32600, None, "either");
        check(r#"{"jsonrpc":"2.0","id":1}"#, -32600, one(), "either");
    }

    #[test]
    fn a_batch_is_taken_message_by_message() {
        let taken = |text: &str| decode_batch(Bytes::copy_from_slice(text.as_bytes()), limits());
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let mixed = taken(&format!(r#"[{ping},[{ping}],7,{{"jsonrpc":"2.0","method":"n/x","params":{{"a":1}}}}]"#));
        let mixed = mixed.expect("a batch");
        assert!(matches!(&mixed[0], Ok(Incoming::Request { .. })));
        assert_eq!(mixed[1].as_ref().expect_err("a batch in a batch").code(), -32600);
        assert_eq!(mixed[2].as_ref().expect_err("a number").code(), -32600);
        assert!(matches!(&mixed[3], Ok(Incoming::Notification { params, .. }) if params.as_str() == r#"{"a":1}"#));
        let many = |count: usize| format!("[{}]", vec![ping; count].join(","));
        assert_eq!(taken(&many(64)).expect("a batch").len(), 64);
        for none in [many(65), "[]".into(), "{}".into()] {
            assert_eq!(taken(&none).expect_err("no batch").code(), -32600);
        }
        assert_eq!(taken("[").expect_err("no JSON").code(), -32700);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_batch(Bytes::copy_from_slice(&bytes), limits());
            let _ = decoded(bytes);
        }

        #[test]
        fn nothing_that_looks_like_a_message_panics(
            text in r#"\{("(jsonrpc|id|method|params|result|error|x)":("2\.0"|"a"|1|-1|null|true|\{\}|\[\]|1e3),?){0,6}\}"#,
        ) {
            let _ = decoded(text);
        }

        #[test]
        fn a_request_comes_out_as_it_went_in(id in prop_oneof![any::<i64>().prop_map(RequestId::Number), ".{0,40}".prop_map(RequestId::Text)], method in "[!-~]{1,128}") {
            let text = serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": {} }).to_string();
            match decoded(text) {
                Ok(Incoming::Request { id: got_id, method: got_method, .. }) => {
                    prop_assert_eq!((got_id, got_method.to_string()), (id, method));
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
