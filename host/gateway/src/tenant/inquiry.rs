//! What a server wants to know of a client before it can answer, as a result that asks for input has it (2026-07-28, multi
//! round-trip requests).

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use witgate_policy::json::Edit;
use witgate_policy::{Payload, Reason, Refusal, Stage};

use super::ability::ASKABLE;
use super::shape::edited;

/// Requests in one question: a person answers a few, a machine some more.
const MOST_REQUESTS: usize = 64;

/// One of the requests in a question.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) params: Payload,
}

/// The requests of a question, by key.
pub(super) fn requests(question: &Payload) -> Result<IndexMap<String, Request>, Refusal> {
    #[derive(serde::Deserialize)]
    struct Raw<'a> {
        method: String,
        #[serde(borrow, default)]
        params: Option<&'a RawValue>,
    }
    let Some(text) = question.get("/inputRequests") else { return Ok(IndexMap::new()) };
    let raw: IndexMap<String, Raw<'_>> =
        serde_json::from_str(text).map_err(|_| astray("asks for input in a form that is none"))?;
    if raw.len() > MOST_REQUESTS {
        return Err(astray("asks for more input at once than the gateway passes on"));
    }
    let request = |Raw { method, params }: Raw<'_>| {
        if !ASKABLE.contains(&method.as_str()) {
            return Err(astray(&format!("asks for `{method}`, which a result must not ask for")));
        }
        Ok(Request { method, params: params.map_or_else(Payload::empty, |params| question.part(params)) })
    };
    raw.into_iter().map(|(key, raw)| Ok((key, request(raw)?))).collect()
}

/// A server's request without what belongs to its connection.
pub(super) fn plain(params: &Payload) -> Payload {
    let there = ["/_meta/progressToken", "/task"].into_iter().filter(|pointer| params.get(pointer).is_some());
    edited(params, &there.map(Edit::remove).collect::<Vec<_>>())
}

/// An elicitation by URL has an id up to 2025-11-25, and none since.
pub(super) fn identified(params: &Payload, call: &str, key: &str) -> Payload {
    if params.get("/mode") != Some("\"url\"") || params.get("/elicitationId").is_some() {
        return params.clone();
    }
    edited(params, &[Edit::set("/elicitationId", Payload::of(&format!("{call}-{key}")).as_str())])
}

/// A legacy server's error that asks for elicitations, as a result that does.
pub(super) fn by_url(error: &Payload) -> Option<Payload> {
    let elicitations: Vec<Value> = error.read("/data/elicitations")?;
    let requests: serde_json::Map<String, Value> = elicitations
        .into_iter()
        .enumerate()
        .map(|(at, params)| {
            (format!("elicitation-{}", at + 1), json!({ "method": "elicitation/create", "params": params }))
        })
        .collect();
    let question = json!({ "resultType": "input_required", "inputRequests": requests });
    (!requests.is_empty()).then(|| Payload::of(&question))
}

/// A server that does what the protocol does not have.
pub(super) fn astray(what: &str) -> Refusal {
    Refusal::new(Stage::Route, Reason::Unavailable, format!("the server {what}"))
}
