//! What a client must have declared before a server may ask it something.

use serde_json::{Value, json};
use witgate_policy::Payload;

use crate::upstream::is_declared;

/// Requests that a server may make of a client by a result that asks for input (2026-07-28, multi round-trip requests).
pub(super) const ASKABLE: [&str; 3] = ["elicitation/create", "sampling/createMessage", "roots/list"];

/// The capability that a client lacks for a server's request, as an object of `ClientCapabilities`; `None` when it lacks
/// none.
pub(super) fn lacking(capabilities: &Payload, method: &str, params: &Payload) -> Option<Value> {
    let tools = method == "sampling/createMessage" && params.get("/tools").is_some();
    if is_declared(capabilities, method, params) && (!tools || capabilities.get("/sampling/tools").is_some()) {
        return None;
    }
    Some(match method {
        "roots/list" => json!({ "roots": {} }),
        "sampling/createMessage" if tools => json!({ "sampling": { "tools": {} } }),
        "sampling/createMessage" => json!({ "sampling": {} }),
        "elicitation/create" if params.get("/mode") == Some("\"url\"") => json!({ "elicitation": { "url": {} } }),
        "elicitation/create" if capabilities.get("/elicitation/url").is_some() => {
            json!({ "elicitation": { "form": {} } })
        }
        "elicitation/create" => json!({ "elicitation": {} }),
        _ => json!({}),
    })
}

/// The capabilities of a client that nobody can ask: one that takes no stream to be asked on.
pub(super) fn unasked(capabilities: &Payload) -> Payload {
    let there = ["/roots", "/sampling", "/elicitation", "/tasks"].into_iter();
    let edits: Vec<_> =
        there.filter(|pointer| capabilities.get(pointer).is_some()).map(witgate_policy::json::Edit::remove).collect();
    super::shape::edited(capabilities, &edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_asked_only_for_what_it_declared() {
        #[track_caller]
        fn check(capabilities: &str, method: &str, params: &str, want: Option<&Value>) {
            let parsed = |text| Payload::parse_str(text).expect("test JSON");
            assert_eq!(
                lacking(&parsed(capabilities), method, &parsed(params)).as_ref(),
                want,
                "{capabilities} {method}"
            );
        }
        let elicit = "elicitation/create";
        check(r#"{"elicitation":{}}"#, elicit, "{}", None);
        check(r#"{"elicitation":{}}"#, elicit, r#"{"mode":"form"}"#, None);
        let url = json!({ "elicitation": { "url": {} } });
        check(r#"{"elicitation":{}}"#, elicit, r#"{"mode":"url"}"#, Some(&url));
        check(r#"{"elicitation":{"url":{}}}"#, elicit, r#"{"mode":"url"}"#, None);
        check(r#"{"elicitation":{"url":{}}}"#, elicit, "{}", Some(&json!({ "elicitation": { "form": {} } })));
        check(r#"{"sampling":{}}"#, "sampling/createMessage", "{}", None);
        check("{}", "sampling/createMessage", "{}", Some(&json!({ "sampling": {} })));
        let tools = json!({ "sampling": { "tools": {} } });
        check(r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"tools":[]}"#, Some(&tools));
        check(r#"{"roots":null}"#, "roots/list", "{}", Some(&json!({ "roots": {} })));
        check(r#"{"roots":{}}"#, "tools/call", "{}", Some(&json!({})));
    }

    #[test]
    fn who_cannot_be_asked_declares_nothing_to_be_asked_for() {
        let all = r#"{"roots":{},"sampling":{},"extensions":{"x":{}}}"#;
        let left = unasked(&Payload::parse_str(all).expect("test JSON"));
        assert_eq!(left.as_str(), r#"{"extensions":{"x":{}}}"#);
    }
}
