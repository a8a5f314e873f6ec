//! `_meta` made right for a server's era: modern servers need who asks and in which revision with each request, legacy
//! ones must not see that; and progress tokens are the gate's own.

use std::borrow::Cow;

use serde_json::Value;
use witgate_policy::json::{Edit, EditError, Limits};
use witgate_policy::{Payload, Revision};

use crate::wire::{ClientFacts, OF_CLIENT};

/// The revision that modern servers are spoken to in.
const VERSION: &str = "\"2026-07-28\"";

/// What the gate calls itself.
pub(crate) fn gate_info() -> Payload {
    Payload::of(&serde_json::json!({ "name": "witgate", "version": env!("CARGO_PKG_VERSION") }))
}

/// The protocol's own members of a modern request, in the order of [`OF_CLIENT`]; `None` where one is not to be there.
fn members(client: &ClientFacts) -> [Option<Cow<'_, str>>; 4] {
    let modern = client.revision.is_modern();
    let capabilities =
        if modern { Cow::Borrowed(client.capabilities.as_str()) } else { Cow::Owned(askable(&client.capabilities)) };
    let info = client.info.as_ref().map(|info| Cow::Borrowed(info.as_str()));
    let level = client.log_level.as_deref().map(|level| Cow::Owned(Value::from(level).to_string()));
    let info = info.unwrap_or_else(|| Cow::Owned(gate_info().as_str().to_owned()));
    [Some(Cow::Borrowed(VERSION)), Some(info), Some(capabilities), level]
}

/// Where a member of `_meta` stands in the params.
fn pointer(name: &str) -> String {
    format!("/_meta/{}", name.replace('/', "~1"))
}

/// What a legacy client declared that a modern server may use: whoever takes the call asks for its results' questions on
/// the client's connection. Core tasks are none of the extension's.
fn askable(capabilities: &Payload) -> String {
    let mut kept = serde_json::Map::new();
    for name in ["roots", "sampling", "elicitation", "extensions"] {
        if let Some(Value::Object(mut declared)) = capabilities.read(&format!("/{name}")) {
            declared.remove("io.modelcontextprotocol/tasks");
            kept.insert(name.to_owned(), Value::Object(declared));
        }
    }
    Value::Object(kept).to_string()
}

/// The params for a server of `revision`, with `token` in place of the client's progress token if there is one. What
/// already stands there keeps its bytes.
pub(crate) fn bridge(
    params: &Payload,
    client: &ClientFacts,
    revision: Revision,
    token: Option<u64>,
    limits: Limits,
) -> Result<Payload, EditError> {
    let wanted = if revision.is_modern() { members(client) } else { Default::default() };
    let Some(meta) = params.get("/_meta") else {
        let members = OF_CLIENT.into_iter().zip(wanted);
        let meta: Vec<_> =
            members.filter_map(|(name, value)| value.map(|value| format!("\"{name}\":{value}"))).collect();
        if meta.is_empty() {
            return Ok(params.clone());
        }
        return params.edit(&[Edit::set("/_meta", format!("{{{}}}", meta.join(",")))], limits);
    };
    if !meta.starts_with('{') {
        return Err(EditError::Pointer("/_meta".to_owned()));
    }
    let mut edits = Vec::new();
    for ((name, value), there) in OF_CLIENT.into_iter().zip(wanted).zip(params.pick("/_meta", OF_CLIENT)) {
        if there != value.as_deref() {
            edits.push(Edit { pointer: pointer(name), value: value.map(Cow::into_owned) });
        }
    }
    if let Some(token) = token {
        edits.push(Edit::set("/_meta/progressToken", token.to_string()));
    }
    params.edit(&edits, limits)
}

/// The client's own progress token, as it wrote it.
pub(crate) fn token(params: &Payload) -> Option<&str> {
    params.get("/_meta/progressToken")
}

/// A progress notification for its client, with the client's own token.
pub(crate) fn restore(params: &Payload, token: &str, limits: Limits) -> Result<Payload, EditError> {
    params.edit(&[Edit::set("/progressToken", token)], limits)
}

/// What a stream of the gate's own told, without that stream's name.
pub(crate) fn without_subscription(params: Payload, limits: Limits) -> Payload {
    let pointer = pointer("io.modelcontextprotocol/subscriptionId");
    if params.get(&pointer).is_none() {
        return params;
    }
    let edited = params.edit(&[Edit { pointer, value: None }], limits);
    edited.unwrap_or(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(revision: Revision) -> ClientFacts {
        ClientFacts {
            revision,
            info: Some(Payload::parse_str(r#"{"name":"c","version":"1"}"#).expect("test JSON")),
            capabilities: Payload::parse_str(r#"{"roots":{}}"#).expect("test JSON"),
            log_level: None,
            session: None,
        }
    }

    #[track_caller]
    fn check(from: Revision, to: Revision, params: &str, want: &str) {
        let params = Payload::parse_str(params).expect("test JSON");
        let own = token(&params).map(|_| 9);
        let got = bridge(&params, &client(from), to, own, Limits::default()).expect("bridged");
        assert_eq!(got.as_str(), want);
    }

    #[test]
    fn a_server_sees_what_its_era_needs() {
        use Revision::{V2025_11_25 as Legacy, V2026_07_28 as Modern};
        let info = r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}"#;
        let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
        let own = r#""io.modelcontextprotocol/clientCapabilities":{"roots":{}}"#;
        check(Legacy, Legacy, r#"{"a": 1.0}"#, r#"{"a": 1.0}"#);
        check(Legacy, Legacy, r#"{"_meta":{"k": 1}}"#, r#"{"_meta":{"k": 1}}"#);
        check(Legacy, Legacy, r#"{"_meta":{"progressToken":"t","k":1}}"#, r#"{"_meta":{"progressToken":9,"k":1}}"#);
        check(Legacy, Modern, r#"{"a":1}"#, &format!(r#"{{"a":1,"_meta":{{{version},{info},{own}}}}}"#));
        check(Modern, Modern, r#"{"a":1}"#, &format!(r#"{{"a":1,"_meta":{{{version},{info},{own}}}}}"#));
        let as_is = format!(r#"{{ "_meta":{{{version},{info},{own},"traceparent":"x"}}}}"#);
        check(Modern, Modern, &as_is, &as_is);
        check(Modern, Legacy, &as_is, r#"{"_meta":{"traceparent":"x"}}"#);
    }

    #[test]
    fn of_a_legacy_client_s_capabilities_a_modern_server_sees_what_it_can_use() {
        #[track_caller]
        fn check(declared: &str, want: &str) {
            assert_eq!(askable(&Payload::parse_str(declared).expect("test JSON")), want);
        }
        check("{}", "{}");
        check(
            r#"{"tasks":{},"elicitation":{"url":{}},"roots":{"listChanged":true},"experimental":{},"sampling":null}"#,
            r#"{"roots":{"listChanged":true},"elicitation":{"url":{}}}"#,
        );
        check(r#"{"extensions":{"a":{},"io.modelcontextprotocol/tasks":{}}}"#, r#"{"extensions":{"a":{}}}"#);
    }

    #[test]
    fn a_meta_that_is_no_object_is_refused() {
        let params = Payload::parse_str(r#"{"_meta":[]}"#).expect("test JSON");
        let modern = Revision::V2026_07_28;
        assert!(bridge(&params, &client(modern), modern, None, Limits::default()).is_err());
    }
}
