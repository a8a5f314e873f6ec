//! A gate whose plugins do what a message asks of them, and a client that sees bytes.

mod client;
mod plugins;
mod world;

pub(crate) use client::{Ask, Reply, events, ids};
use serde_json::{Value, json};
pub(crate) use world::{Site, World};

/// A test that would wait for ever fails instead.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(20), future).await.expect("it happens soon")
}

/// Begins a session and gives its id.
pub(crate) async fn session(site: &Site, revision: &str) -> String {
    let reply = site.send(Ask::json(&initialize(revision))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("mcp-session-id").expect("a session").to_owned()
}

pub(crate) fn initialize(revision: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }})
}

pub(crate) fn test(what: &str) -> Value {
    json!({"_meta": {"test": what}})
}
