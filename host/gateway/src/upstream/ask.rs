//! What a server asks of its client.

use serde_json::json;
use witgate_policy::Payload;

use super::envelope::{Outcome, response};

/// The gate's answer to a server's request, on one line. Sampling, elicitation and roots are to be bridged to the client
/// here; until then the gate declares none of them, and says that it knows no such method.
pub(crate) fn answer(id: &Payload, method: &str) -> String {
    let outcome = match method {
        "ping" => Outcome::Result(Payload::empty()),
        _ => Outcome::Error(Payload::of(&json!({ "code": -32601, "message": "Method not found" }))),
    };
    response(id, &outcome)
}
