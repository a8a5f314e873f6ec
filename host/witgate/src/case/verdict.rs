//! What a plugin answered, as a case writes it: the words of `wit/`, absent options left out.

use serde_json::{Map, Value, json};
use witgate_policy::json::Edit;
use witgate_policy::{
    AuthVerdict, Challenge, Credential, Destination, Fault, Reason, Refusal, RetryDecision, RouteVerdict,
    SanitizeVerdict, ValidateVerdict,
};

use super::facts::{Caller, ms};

pub(crate) fn auth(verdict: &AuthVerdict) -> Value {
    match verdict {
        AuthVerdict::Allow(identity) => json!({ "allow": Caller::of(identity) }),
        AuthVerdict::Challenge(asked) => json!({ "challenge": challenge(asked) }),
        AuthVerdict::Deny(refused) => json!({ "deny": refusal(refused) }),
        AuthVerdict::Abstain => json!("abstain"),
    }
}

pub(crate) fn credential(verdict: &Result<Credential, Refusal>) -> Value {
    match verdict {
        Ok(credential) => {
            let header = |header: &witgate_policy::Header| json!({ "name": header.name, "value": header.value });
            let mut provided = Map::new();
            provided.insert("headers".to_owned(), credential.headers.iter().map(header).collect());
            add(&mut provided, "expires-in-s", credential.expires_in.map(|time| time.as_secs()));
            json!({ "provide": provided })
        }
        Err(refused) => json!({ "refuse": refusal(refused) }),
    }
}

pub(crate) fn validate(verdict: &ValidateVerdict) -> Value {
    match verdict {
        ValidateVerdict::Accept => json!("accept"),
        ValidateVerdict::Edits(changes) => json!({ "edits": edits(changes) }),
        ValidateVerdict::Refuse(refused) => json!({ "refuse": refusal(refused) }),
    }
}

pub(crate) fn route(verdict: &RouteVerdict) -> Value {
    match verdict {
        RouteVerdict::Order(ids) => json!({ "order": ids }),
        RouteVerdict::Refuse(refused) => json!({ "refuse": refusal(refused) }),
        RouteVerdict::Abstain => json!("abstain"),
    }
}

pub(crate) fn retry(decision: &RetryDecision) -> Value {
    match decision {
        RetryDecision::GiveUp => json!("give-up"),
        RetryDecision::Again(again) => {
            let destination = match again.destination {
                Destination::Same => "same",
                Destination::Other => "other",
            };
            json!({ "again": { "delay-ms": ms(again.delay), "destination": destination } })
        }
        RetryDecision::Fallback(text) => json!({ "fallback": text }),
    }
}

pub(crate) fn sanitize(verdict: &SanitizeVerdict) -> Value {
    match verdict {
        SanitizeVerdict::Pass => json!("pass"),
        SanitizeVerdict::Edits(changes) => json!({ "edits": edits(changes) }),
        SanitizeVerdict::Replace(text) => json!({ "replace": text }),
        SanitizeVerdict::Withhold(refused) => json!({ "withhold": refusal(refused) }),
    }
}

pub(crate) fn fault(fault: &Fault) -> Value {
    json!({ "fault": fault.to_string() })
}

pub(crate) fn settings(message: &str) -> Value {
    json!({ "configure": message })
}

/// Whether an answer is what a case wants: the same, but for the words in which settings are refused, which are the
/// plugin's own as long as they name the setting, and those of a fault, of which a part will do.
pub(crate) fn agree(wanted: &Value, got: &Value) -> bool {
    let named = wanted.pointer("/configure/names").and_then(Value::as_str);
    let said = got.pointer("/configure").and_then(Value::as_str);
    if let (Some(name), Some(said)) = (named, said) {
        return said.contains(name);
    }
    let fault = |verdict: &Value| verdict.pointer("/fault").and_then(Value::as_str).map(str::to_owned);
    match (fault(wanted), fault(got)) {
        (Some(part), Some(said)) => said.contains(&part),
        _ => wanted == got,
    }
}

fn challenge(challenge: &Challenge) -> Value {
    let mut said = Map::new();
    said.insert("scheme".to_owned(), json!(challenge.scheme));
    add(&mut said, "error", challenge.error.as_ref());
    add(&mut said, "description", challenge.description.as_ref());
    add(&mut said, "scope", challenge.scope.as_ref());
    said.into()
}

fn refusal(refusal: &Refusal) -> Value {
    let code = match refusal.reason {
        Reason::Unauthenticated => "unauthenticated",
        Reason::Forbidden => "forbidden",
        Reason::Invalid => "invalid",
        Reason::Exhausted => "exhausted",
        Reason::Unavailable => "unavailable",
        // The host's own, which no plugin says.
        other => other.label(),
    };
    let mut said = Map::new();
    said.insert("code".to_owned(), json!(code));
    said.insert("message".to_owned(), json!(refusal.message));
    add(&mut said, "note", refusal.note.as_ref());
    add(&mut said, "retry-after-ms", refusal.retry_after_ms);
    add(&mut said, "findings", (!refusal.findings.is_empty()).then_some(&refusal.findings));
    said.into()
}

fn edits(edits: &[Edit]) -> Vec<Value> {
    let written = |edit: &Edit| {
        let mut said = Map::new();
        said.insert("pointer".to_owned(), json!(edit.pointer));
        add(&mut said, "value", edit.value.as_ref());
        said.into()
    };
    edits.iter().map(written).collect()
}

fn add<T: serde::Serialize>(said: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        said.insert(name.to_owned(), json!(value));
    }
}
