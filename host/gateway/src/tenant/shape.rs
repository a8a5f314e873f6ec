//! The fields that a client's revision demands and an upstream of another era does not send.

use witgate_policy::json::{Edit, Limits};
use witgate_policy::{Kind, Payload, Revision, Sanitized};

/// Makes an answer one of the client's revision. What is there is left as it is, but for a `cacheScope` of `public`
/// where the answer is `personal`: who else it would suit, only the gate's policies know.
pub(super) fn for_client(answer: Sanitized, revision: Revision, personal: bool) -> Sanitized {
    if !revision.is_modern() {
        return answer;
    }
    match answer.kind() {
        Kind::Error => {
            let edits = error_edits(answer.payload());
            if edits.is_empty() { answer } else { answer.renamed(|payload| edited(payload, &edits)) }
        }
        Kind::Result | Kind::Listing => match completed(answer.payload(), answer.method(), personal) {
            Some(completed) => answer.renamed(|_| completed),
            None => answer,
        },
        Kind::InputRequired | Kind::Notification | Kind::ServerRequest => answer,
    }
}

/// The gate's own edits have a place by construction; should one not, the payload stays.
pub(super) fn edited(payload: &Payload, edits: &[Edit]) -> Payload {
    let roomy = Limits { bytes: usize::MAX, depth: 127 };
    payload.edit(edits, roomy).unwrap_or_else(|_| payload.clone())
}

/// 2026-07-28: every result has a `resultType`, a cacheable one also `ttlMs` and `cacheScope`. A server that says
/// nothing of caching gets the answer that is always true: stale at once, and nobody else's.
/// `None` where nothing is missing.
fn completed(result: &Payload, method: &str, personal: bool) -> Option<Payload> {
    let cacheable = matches!(
        method,
        "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "server/discover"
    );
    let stands = |pointer: &str| match (pointer, result.get(pointer)) {
        (_, None) => false,
        ("/cacheScope", Some(scope)) => scope == "\"private\"" || (scope == "\"public\"" && !personal),
        ("/ttlMs", Some(_)) => result.read::<u64>(pointer).is_some(),
        (_, Some(_)) => true,
    };
    let fields = ["/resultType", "/ttlMs", "/cacheScope"].into_iter().take(if cacheable { 3 } else { 1 });
    fields.filter(|pointer| !stands(pointer)).fold(None, |completed, pointer| {
        let value = match pointer {
            "/resultType" => Payload::of("complete"),
            "/ttlMs" => Payload::of(&0),
            _ => Payload::of("private"),
        };
        Some(completed.as_ref().unwrap_or(result).with(&pointer[1..], &value))
    })
}

/// Legacy "resource not found" is "invalid params" now, and a legacy "URL elicitation required" that names none is no more
/// than a failure; neither code may be emitted any more (2026-07-28, error codes).
fn error_edits(error: &Payload) -> Vec<Edit> {
    match error.get("/code") {
        Some("-32002") => vec![Edit::set("/code", "-32602")],
        Some("-32042") => vec![Edit::set("/code", "-32603")],
        _ => Vec::new(),
    }
}
