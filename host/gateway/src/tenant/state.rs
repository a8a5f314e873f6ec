//! The `requestState` that a modern client carries for the gate: where its retry goes, and what it was asked (2026-07-28,
//! multi round-trip requests). It opens only for the tenant, the caller and the call that it was made for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use witgate_policy::{Identity, Payload, Reason, Refusal, Stage, Validated};

use super::Tenant;
use super::seal::Seal;

/// A person may fetch a second factor and answer; tomorrow is another call.
const LIFE: Duration = Duration::from_mins(15);

/// What a state says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Where the retry goes.
    pub(super) upstream: String,
    /// Seconds since the Unix epoch after which it is void.
    until: u64,
    /// The methods of what was asked, by key.
    pub(super) asked: IndexMap<String, String>,
    /// What is waited with.
    pub(super) wait: Wait,
}

/// How a call waits for its client to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wait {
    /// Not at all: the server begins anew, from its own state if it gave one.
    Server(Option<String>),
    /// Held open, under this number.
    Held(u64),
    /// Not at all: once the client has done what it was asked, the same call is made again.
    Again,
}

impl State {
    pub(super) fn new(upstream: &str, asked: IndexMap<String, String>, wait: Wait) -> Self {
        Self { upstream: upstream.to_owned(), until: now() + LIFE.as_secs(), asked, wait }
    }

    /// As the client carries it.
    fn close(&self, seal: &Seal, context: &str) -> Result<String, Refusal> {
        seal.close(context, Payload::of(self).as_str()).map_err(|no_chance| {
            let message = "the gateway cannot keep this call now; try again later";
            Refusal::new(Stage::Sanitize, Reason::Unavailable, message).noted(no_chance.to_string())
        })
    }

    /// What a client brought back; `None` for anything else than an unexpired state of this context.
    fn open(seal: &Seal, context: &str, sealed: &str, now: u64) -> Option<Self> {
        let state: Self = serde_json::from_str(&seal.open(context, sealed)?).ok()?;
        (now <= state.until).then_some(state)
    }
}

impl Tenant {
    /// Seals a state for the caller of a call. `asked` are the params as the client sent them.
    pub(super) fn sealed(&self, validated: &Validated, asked: &Payload, state: &State) -> Result<String, Refusal> {
        let context = context(self.name(), validated.identity(), validated.call().method(), asked);
        state.close(&self.spec().lasting.seal, &context)
    }

    /// The state that a retry brings; `None` when it brings none.
    pub(super) fn unsealed(&self, validated: &Validated, asked: &Payload) -> Result<Option<State>, Refusal> {
        if asked.get("/requestState").is_none() {
            return Ok(None);
        }
        let context = context(self.name(), validated.identity(), validated.call().method(), asked);
        let sealed: Option<String> = asked.read("/requestState");
        let state = sealed.and_then(|sealed| State::open(&self.spec().lasting.seal, &context, &sealed, now()));
        state.map(Some).ok_or_else(stale)
    }
}

/// One answer to all states that are none, so that nobody learns which of them exist.
pub(super) fn stale() -> Refusal {
    invalid(
        "this `requestState` is not of this call and caller, was used or altered, or has expired; \
         send the call again without it",
    )
}

/// The client's params are at fault.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Stage::Validate, Reason::Invalid, message)
}

/// What a state is for and whose it is.
fn context(tenant: &str, identity: &Identity, method: &str, params: &Payload) -> String {
    let digest = digest(params).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Payload::of(&("request-state", tenant, &identity.issuer, &identity.subject, method, digest)).as_str().to_owned()
}

/// Of what makes it the same call, however its client writes it the second time.
fn digest(params: &Payload) -> [u8; 32] {
    let mut text = String::new();
    for pointer in ["/name", "/uri", "/arguments"] {
        if let Some(value) = params.read::<Value>(pointer) {
            canonical(&value, &mut text);
        }
        text.push('\n');
    }
    Sha256::digest(text.as_bytes()).into()
}

/// JSON with the members of its objects in order.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in members {
                out.push_str(Payload::of(key).as_str());
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(Payload::of(plain).as_str()),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str) -> Identity {
        Identity { subject: subject.to_owned(), ..Identity::anonymous() }
    }

    fn params(text: &str) -> Payload {
        Payload::parse_str(text).expect("test JSON")
    }

    #[test]
    fn a_state_opens_only_for_whom_and_what_it_was_made() {
        let seal = Seal::random().expect("random bytes");
        let call = r#"{"name":"x","arguments":{"a":1,"b":[{"c":2,"d":1e2}]}}"#;
        let own = context("t", &caller("me"), "tools/call", &params(call));
        let asked = IndexMap::from([("k".to_owned(), "roots/list".to_owned())]);
        let state = State::new("u", asked, Wait::Server(Some("s".to_owned())));
        let sealed = state.close(&seal, &own).expect("sealed");
        let check = |context: &str, at: u64, want: bool| {
            assert_eq!(State::open(&seal, context, &sealed, at).is_some(), want, "{context} {at}");
        };
        let begun = state.until - LIFE.as_secs();
        check(&own, begun, true);
        check(&own, state.until, true);
        check(&own, state.until + 1, false);
        let same = r#"{"_meta":{"x":1},"arguments":{"b":[{"d":1e2,"c":2}],"a":1},"name":"x","inputResponses":{}}"#;
        check(&context("t", &caller("me"), "tools/call", &params(same)), begun, true);
        check(&context("u", &caller("me"), "tools/call", &params(call)), begun, false);
        check(&context("t", &caller("you"), "tools/call", &params(call)), begun, false);
        check(&context("t", &caller("me"), "prompts/get", &params(call)), begun, false);
        for other in [r#"{"name":"y","arguments":{}}"#, r#"{"name":"x","arguments":{"a":2}}"#, r#"{"uri":"x"}"#] {
            check(&context("t", &caller("me"), "tools/call", &params(other)), begun, false);
        }
        let issuer = Identity { issuer: "other".to_owned(), ..caller("me") };
        check(&context("t", &issuer, "tools/call", &params(call)), begun, false);
    }
}
