//! What a server may ask of its client, and what the gate says when there is nobody to ask.

use serde_json::json;
use witgate_policy::Payload;

use super::Reply;
use super::envelope::{Outcome, response};

/// A server's id of its request to the client, as the server wrote it. Means nothing to anybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask(pub(crate) Payload);

/// The longest id that is remembered.
const ID_BYTES: usize = 1024;

/// Why a request gets no answer of a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// Its id is no id.
    Id,
    /// The client did not declare that it could be asked so.
    Undeclared,
    /// The client has nothing open, or too much.
    Nobody,
}

/// Whether an id is a string or a number, of a length that can be kept.
pub(crate) fn is_id(id: &Payload) -> bool {
    id.len() <= ID_BYTES && matches!(id.as_str().as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
}

/// Whether a client with these capabilities may be asked this.
pub(crate) fn is_declared(capabilities: &Payload, method: &str, params: &Payload) -> bool {
    let has = |pointer: &str| capabilities.get(pointer).is_some_and(|value| value != "null" && value != "false");
    match method {
        "sampling/createMessage" => has("/sampling"),
        "elicitation/create" if params.get("/mode") == Some("\"url\"") => has("/elicitation/url"),
        // A client that names no mode means the form.
        "elicitation/create" => has("/elicitation") && (has("/elicitation/form") || !has("/elicitation/url")),
        "roots/list" => has("/roots"),
        "tasks/get" | "tasks/result" | "tasks/list" | "tasks/cancel" => has("/tasks"),
        _ => false,
    }
}

/// The answer to `ping`, on one line.
pub(crate) fn pong(id: &Payload) -> String {
    response(id, &Outcome::Result(Payload::empty()))
}

/// What a server is told whose request reaches no client, on one line.
pub(crate) fn refusal(id: &Payload, why: Unasked) -> String {
    let (code, message) = match why {
        Unasked::Id => (-32600, "Invalid Request: an id is a string or a number"),
        Unasked::Undeclared => (-32601, "Method not found"),
        Unasked::Nobody => (-32603, "there is no client that could be asked now"),
    };
    let id = if why == Unasked::Id { "null" } else { id.as_str() };
    let error = Payload::of(&json!({ "code": code, "message": message }));
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{}}}", error.as_str())
}

/// A client's answer, on one line.
pub(crate) fn answer(ask: &Ask, answer: Reply) -> String {
    let outcome = match answer {
        Reply::Result(result) => Outcome::Result(result),
        Reply::Error(error) => Outcome::Error(error),
    };
    response(&ask.0, &outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_asked_what_it_declared() {
        #[track_caller]
        fn check(capabilities: &str, method: &str, params: &str, want: bool) {
            let read = |text| Payload::parse_str(text).expect("test JSON");
            assert_eq!(
                is_declared(&read(capabilities), method, &read(params)),
                want,
                "{capabilities} {method} {params}"
            );
        }
        let url = r#"{"mode":"url"}"#;
        check(r#"{"sampling":{}}"#, "sampling/createMessage", "{}", true);
        check(r#"{"sampling":null}"#, "sampling/createMessage", "{}", false);
        check(r#"{"elicitation":{}}"#, "elicitation/create", "{}", true);
        check(r#"{"elicitation":{}}"#, "elicitation/create", url, false);
        check(r#"{"elicitation":{"url":{}}}"#, "elicitation/create", url, true);
        check(r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"form"}"#, false);
        check(r#"{"elicitation":{"url":{},"form":{}}}"#, "elicitation/create", "{}", true);
        check(r#"{"roots":{}}"#, "roots/list", "{}", true);
        check(r#"{"tasks":{}}"#, "tasks/get", "{}", true);
        check(r#"{"roots":{},"sampling":{}}"#, "tools/call", "{}", false);
        check("{}", "roots/list", "{}", false);
    }

    #[test]
    fn an_id_is_a_string_or_a_number() {
        #[track_caller]
        fn check(id: &str, want: bool) {
            assert_eq!(is_id(&Payload::parse_str(id).expect("test JSON")), want, "{id:.40}");
        }
        check("7", true);
        check("-7", true);
        check("\"x\"", true);
        check("null", false);
        check("{}", false);
        check(&format!("\"{}\"", "x".repeat(2000)), false);
    }
}
