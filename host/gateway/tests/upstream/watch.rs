//! What servers say outside of calls, and the resources that clients are subscribed to, over a stream of lines.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use witgate_gateway::upstream::{Failed, Outgoing, Reply, Standing, Subscription, Transport, Upstream, Watch};
use witgate_gateway::wire::ClientFacts;
use witgate_policy::{Payload, Revision};

use crate::support::*;

use Revision::{V2025_11_25 as Legacy, V2026_07_28 as Modern};

fn plain() -> ClientFacts {
    ClientFacts { capabilities: Payload::empty(), ..client(Legacy) }
}

async fn connected(modern: bool) -> (Arc<Upstream>, UnboundedReceiver<Server>, Server) {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let server = reconnect(&upstream, &mut servers, modern).await;
    (upstream, servers, server)
}

/// Connects, as a call would.
async fn reconnect(upstream: &Arc<Upstream>, servers: &mut UnboundedReceiver<Server>, modern: bool) -> Server {
    let script = async {
        let mut server = soon(servers.recv()).await.expect("connected");
        let first = server.hear().await.expect("a handshake");
        match (first["method"].as_str(), modern) {
            (Some("server/discover"), true) => {
                server.reply(&first["id"], json!({ "supportedVersions": ["2026-07-28"] })).await;
            }
            (Some("server/discover"), false) => {
                server.refuse(&first["id"], -32601).await;
                server.initialize("2025-11-25").await;
            }
            _ => {
                server.reply(&first["id"], json!({ "protocolVersion": "2025-11-25" })).await;
                server.expect("notifications/initialized").await;
            }
        }
        server
    };
    let plain = plain();
    let (facts, server) = tokio::join!(upstream.server(&plain, &[]), script);
    facts.expect("connected");
    server
}

async fn heard(watch: &mut Watch) -> String {
    match soon(watch.next()).await {
        Standing::Notification { method, params } => format!("{method} {}", params.as_str()),
        other => format!("{other:?}"),
    }
}

async fn silent(watch: &mut Watch) {
    assert!(tokio::time::timeout(Duration::from_secs(1), watch.next()).await.is_err());
}

async fn subscribe(upstream: &Arc<Upstream>, uri: &str) -> Result<(Reply, Option<Subscription>), Failed> {
    let params = json!({ "uri": uri, "_meta": { "progressToken": "mine" } });
    let routed = routed("alice", "resources/subscribe", params.clone(), SOON).await;
    let client = plain();
    let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: None, headers: &[] };
    upstream.subscribe(&routed, outgoing).await
}

#[tokio::test(start_paused = true)]
async fn all_who_share_a_connection_hear_what_is_for_all() {
    let (upstream, _servers, mut server) = connected(false).await;
    let mut one = upstream.watch(&plain(), &[]).await.expect("watched");
    let mut two = upstream.watch(&ClientFacts { revision: Modern, ..asked(Modern, "") }, &[]).await.expect("watched");
    let mut own = upstream.watch(&asked(Legacy, "s"), &[]).await.expect("watched");
    server.note("notifications/message", json!({ "level": "error", "data": "somebody's" })).await;
    server.note("notifications/custom", json!({})).await;
    server.note("notifications/progress", json!({ "progressToken": 99, "progress": 1 })).await;
    server.note("notifications/tools/list_changed", json!({})).await;
    server.note("notifications/resources/updated", json!({ "uri": "a://b" })).await;
    for watch in [&mut one, &mut two] {
        assert_eq!(heard(watch).await, "notifications/tools/list_changed {}");
        assert_eq!(heard(watch).await, r#"notifications/resources/updated {"uri":"a://b"}"#);
        silent(watch).await;
    }
    silent(&mut own).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_would_have_its_own_connection_shares_a_modern_servers() {
    let (upstream, _servers, mut server) = connected(true).await;
    let mut own = upstream.watch(&asked(Legacy, "s"), &[]).await.expect("watched");
    server.note("notifications/prompts/list_changed", json!({})).await;
    assert_eq!(heard(&mut own).await, "notifications/prompts/list_changed {}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_up_is_told_so_and_who_loses_the_connection_too() {
    let (upstream, mut servers, mut server) = connected(false).await;
    let mut watch = upstream.watch(&plain(), &[]).await.expect("watched");
    let mut eager = upstream.watch(&plain(), &[]).await.expect("watched");
    for _ in 0..70 {
        server.note("notifications/tools/list_changed", json!({})).await;
        assert_eq!(heard(&mut eager).await, "notifications/tools/list_changed {}");
    }
    assert_eq!(heard(&mut watch).await, "Lapsed");
    drop(server);
    assert_eq!(heard(&mut eager).await, "Lapsed");
    let mut server = reconnect(&upstream, &mut servers, false).await;
    assert_eq!(heard(&mut eager).await, "Lapsed");
    server.note("notifications/tools/list_changed", json!({})).await;
    assert_eq!(heard(&mut eager).await, "notifications/tools/list_changed {}");
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_subscribed_to_once_and_until_the_last_leaves() {
    let (upstream, _servers, mut server) = connected(false).await;
    let mut watch = upstream.watch(&plain(), &[]).await.expect("watched");
    let script = async {
        let (id, params) = server.expect("resources/subscribe").await;
        assert_eq!(params, json!({ "uri": "a://b", "_meta": {} }));
        server.reply(&id, json!({ "ok": true })).await;
    };
    let (one, two, ()) = tokio::join!(subscribe(&upstream, "a://b"), subscribe(&upstream, "a://b"), script);
    let [one, two] = [one, two].map(|subscribed| match subscribed.expect("subscribed") {
        (Reply::Result(reply), Some(subscription)) if value(&reply) == json!({ "ok": true }) => subscription,
        other => panic!("{other:?}"),
    });
    server.note("notifications/resources/updated", json!({ "uri": "a://b" })).await;
    assert_eq!(heard(&mut watch).await, r#"notifications/resources/updated {"uri":"a://b"}"#);
    drop(one);
    let script = async {
        let (id, _) = server.expect("resources/subscribe").await;
        server.refuse(&id, -32002).await;
    };
    let (other, ()) = tokio::join!(subscribe(&upstream, "a://none"), script);
    match other.expect("answered") {
        (Reply::Error(error), None) => assert_eq!(value(&error)["code"], -32002),
        other => panic!("{other:?}"),
    }
    drop(two);
    let (id, params) = server.expect("resources/unsubscribe").await;
    assert_eq!(params, json!({ "uri": "a://b" }));
    server.reply(&id, json!({})).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_is_told_what_clients_are_subscribed_to() {
    let (upstream, mut servers, mut server) = connected(false).await;
    let script = async {
        let (id, _) = server.expect("resources/subscribe").await;
        server.reply(&id, json!({})).await;
        server
    };
    let (subscribed, server) = tokio::join!(subscribe(&upstream, "a://b"), script);
    let _subscription = subscribed.expect("answered").1.expect("subscribed");
    let mut watch = upstream.watch(&plain(), &[]).await.expect("watched");
    drop(server);
    assert_eq!(heard(&mut watch).await, "Lapsed");
    let mut server = reconnect(&upstream, &mut servers, false).await;
    let (id, params) = server.expect("resources/subscribe").await;
    assert_eq!(params["uri"], "a://b");
    server.reply(&id, json!({})).await;
    assert_eq!(heard(&mut watch).await, "Lapsed");
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_is_listened_to_for_a_resource() {
    let (upstream, _servers, mut server) = connected(true).await;
    let mut watch = upstream.watch(&plain(), &[]).await.expect("watched");
    let script = async {
        let (id, params) = server.expect("subscriptions/listen").await;
        assert_eq!(params["notifications"], json!({ "resourceSubscriptions": ["a://b"] }));
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        server.note("notifications/subscriptions/acknowledged", json!({ "_meta": meta })).await;
        server.note("notifications/resources/updated", json!({ "uri": "a://b", "_meta": meta })).await;
        id
    };
    let (subscribed, id): (_, Value) = tokio::join!(subscribe(&upstream, "a://b"), script);
    let subscription = subscribed.expect("answered").1.expect("subscribed");
    assert_eq!(heard(&mut watch).await, r#"notifications/resources/updated {"uri":"a://b","_meta":{}}"#);
    drop(subscription);
    assert_eq!(server.expect("notifications/cancelled").await.1["requestId"], id);
    let script = async {
        let (id, _) = server.expect("subscriptions/listen").await;
        server.refuse(&id, -32601).await;
    };
    let (subscribed, ()) = tokio::join!(subscribe(&upstream, "a://c"), script);
    assert!(matches!(subscribed.expect("answered"), (Reply::Error(_), None)));
    let script = async {
        let (id, _) = server.expect("subscriptions/listen").await;
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        server.note("notifications/subscriptions/acknowledged", json!({ "notifications": {}, "_meta": meta })).await;
    };
    let (subscribed, ()) = tokio::join!(subscribe(&upstream, "a://d"), script);
    assert!(matches!(subscribed.expect("answered"), (Reply::Error(_), None)));
}
