//! How a server's era is found out, apart from how its bytes travel: what is asked, and what the answers mean.

use serde_json::json;
use witgate_policy::{Payload, Revision};

use super::audience::Declared;
use super::envelope::Outcome;
use super::facts::ServerFacts;
use super::meta::gate_info;

/// The revision of `initialize`: the last with a handshake. A server that speaks an older one answers with that.
pub(crate) const LEGACY: Revision = Revision::V2025_11_25;
/// The revision of `server/discover`.
pub(crate) const MODERN: Revision = Revision::V2026_07_28;

/// What a probe shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The server is modern, and this is what it is.
    Modern(ServerFacts),
    /// It is to be asked with `initialize`.
    Legacy,
    /// It is modern, and there is no revision in common, or it does not answer `server/discover`.
    Incompatible(String),
}

/// The params of `server/discover`.
pub(crate) fn discover_params() -> Payload {
    let info: serde_json::Value = gate_info().deserialize().unwrap_or_default();
    Payload::of(&json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN.as_str(),
        "io.modelcontextprotocol/clientInfo": info,
        "io.modelcontextprotocol/clientCapabilities": {},
    }}))
}

/// The params of `initialize`.
pub(crate) fn initialize_params(declared: &Declared) -> Payload {
    let Declared { capabilities, info } = declared;
    let text = format!(
        "{{\"protocolVersion\":\"{LEGACY}\",\"capabilities\":{},\"clientInfo\":{}}}",
        capabilities.as_str(),
        info.as_str()
    );
    Payload::parse_str(&text).unwrap_or_else(|_| Payload::empty())
}

/// The params of `subscriptions/listen` for the lists whose changes a server tells of; `None` when it tells of none.
pub(crate) fn listen_params(facts: &ServerFacts) -> Option<Payload> {
    let lists = ["tools", "prompts", "resources"].into_iter();
    let wanted: serde_json::Map<_, _> = lists
        .filter(|list| facts.has(&format!("/{list}/listChanged")))
        .map(|list| (format!("{list}ListChanged"), true.into()))
        .collect();
    if wanted.is_empty() {
        return None;
    }
    Some(filtered(wanted.into()))
}

/// The member of a filter that lists resources.
pub(crate) const LISTENED_RESOURCES: &str = "resourceSubscriptions";
/// The member of a filter that lists tasks of the extension (SEP-2663).
pub(crate) const LISTENED_TASKS: &str = "taskIds";

/// The params of `subscriptions/listen` for one of what a member of the filter lists.
pub(crate) fn listen_to(member: &str, one: &str) -> Payload {
    filtered(json!({ member: [one] }))
}

fn filtered(notifications: serde_json::Value) -> Payload {
    let mut params: serde_json::Value = discover_params().deserialize().unwrap_or_default();
    if notifications.get(LISTENED_TASKS).is_some() {
        let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    }
    params["notifications"] = notifications;
    Payload::of(&params)
}

/// What an answer to `server/discover` shows.
pub(crate) fn judge_discover(outcome: &Outcome) -> Probe {
    match outcome {
        Outcome::Result(result) => {
            let versions: Option<Vec<String>> = result.read("/supportedVersions");
            match versions {
                Some(versions) if versions.iter().any(|v| v == MODERN.as_str()) => {
                    Probe::Modern(ServerFacts { dual: has_legacy(&versions), ..discovered(result) })
                }
                Some(versions) => other_version(&versions),
                None => Probe::Legacy,
            }
        }
        Outcome::Error(error) => judge_error(error),
        Outcome::Neither => Probe::Legacy,
    }
}

/// What an error shows, as the answer to a modern request: -32020 to -32022 are known to modern servers only.
pub(crate) fn judge_error(error: &Payload) -> Probe {
    match error.read::<i64>("/code") {
        Some(-32022) => other_version(&error.read::<Vec<String>>("/data/supported").unwrap_or_default()),
        Some(code @ (-32021 | -32020)) => {
            Probe::Incompatible(format!("the server refused `server/discover` with error {code}"))
        }
        _ => Probe::Legacy,
    }
}

/// A server that names its revisions, and 2026-07-28 is not among them.
fn other_version(versions: &[String]) -> Probe {
    if has_legacy(versions) { Probe::Legacy } else { Probe::Incompatible(unknown(versions)) }
}

fn has_legacy(versions: &[String]) -> bool {
    versions.iter().any(|version| Revision::parse(version).is_some_and(|known| !known.is_modern()))
}

fn unknown(versions: &[String]) -> String {
    let known = Revision::ALL.map(Revision::as_str).join(", ");
    let versions: String = versions.join(", ").chars().filter(|c| !c.is_control()).take(200).collect();
    format!("the server speaks MCP {versions}; the gate speaks {known}")
}

fn discovered(result: &Payload) -> ServerFacts {
    facts(result, MODERN, "/_meta/io.modelcontextprotocol~1serverInfo")
}

/// What an answer to `initialize` shows, or what is wrong with it.
pub(crate) fn judge_initialize(outcome: &Outcome) -> Result<ServerFacts, String> {
    match outcome {
        Outcome::Result(result) => {
            let version: String = result.read("/protocolVersion").unwrap_or_default();
            match Revision::parse(&version) {
                Some(revision) if !revision.is_modern() => Ok(facts(result, revision, "/serverInfo")),
                Some(revision) => Err(format!("the server answered `initialize` with MCP {revision}, which has none")),
                None => Err(unknown(std::slice::from_ref(&version))),
            }
        }
        Outcome::Error(error) => {
            let code = error.read::<i64>("/code").unwrap_or_default();
            let message: String = error.read::<String>("/message").unwrap_or_default();
            let message: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
            Err(format!("the server refused `initialize` with error {code}: {message}"))
        }
        Outcome::Neither => Err("the server answered `initialize` with neither a result nor an error".to_owned()),
    }
}

fn facts(result: &Payload, revision: Revision, info: &str) -> ServerFacts {
    let object =
        |pointer: &str| result.get(pointer).and_then(|text| Payload::parse_str(text).ok()).filter(Payload::is_object);
    ServerFacts {
        revision,
        dual: false,
        info: object(info),
        capabilities: object("/capabilities").unwrap_or_else(Payload::empty),
        instructions: result.read("/instructions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Outcome {
        let payload = Payload::parse_str(text).expect("test JSON");
        if payload.get("/code").is_some() { Outcome::Error(payload) } else { Outcome::Result(payload) }
    }

    #[test]
    fn the_probe_tells_the_eras_apart() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            let got = match judge_discover(&outcome(text)) {
                Probe::Modern(facts) => {
                    let name = facts.info.map_or("-".into(), |info| info.as_str().to_owned());
                    format!("{} {name}", if facts.dual { "dual" } else { "modern" })
                }
                Probe::Legacy => "legacy".to_owned(),
                Probe::Incompatible(why) => why,
            };
            assert!(got.starts_with(want), "{text}: {got}");
        }
        check(r#"{"supportedVersions":["2026-07-28"]}"#, "modern -");
        check(r#"{"supportedVersions":["2025-06-18","2026-07-28"]}"#, "dual -");
        let named = r#"{"supportedVersions":["2099-01-01","2026-07-28"],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#;
        check(named, r#"modern {"name":"s"}"#);
        check(r#"{"supportedVersions":["2025-11-25"]}"#, "legacy");
        check(r#"{"supportedVersions":["2099-01-01"]}"#, "the server speaks MCP 2099-01-01;");
        check(r#"{"tools":[]}"#, "legacy");
        check(r#"{"code":-32601,"message":"no"}"#, "legacy");
        check(r#"{"code":-32602,"message":"no"}"#, "legacy");
        check(r#"{"code":-32022,"data":{"supported":["2099-01-01"]}}"#, "the server speaks MCP 2099-01-01;");
        check(r#"{"code":-32022,"data":{"supported":["2099-01-01","2025-06-18"]}}"#, "legacy");
        check(r#"{"code":-32021}"#, "the server refused");
    }

    #[test]
    fn initialize_settles_on_a_revision_of_the_server() {
        #[track_caller]
        fn check(text: &str, want: Result<Revision, &str>) {
            let got = judge_initialize(&outcome(text)).map(|facts| facts.revision);
            match (&got, want) {
                (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
                _ => assert_eq!(got.ok(), want.ok(), "{text}"),
            }
        }
        for revision in Revision::ALL.into_iter().filter(|revision| !revision.is_modern()) {
            check(&format!(r#"{{"protocolVersion":"{revision}"}}"#), Ok(revision));
        }
        check(r#"{"protocolVersion":"2024-10-07"}"#, Err("2024-10-07"));
        check(r#"{"protocolVersion":"2026-07-28"}"#, Err("which has none"));
        check(r#"{"code":-32601,"message":"un\u0007known"}"#, Err("-32601: unknown"));
    }
}
