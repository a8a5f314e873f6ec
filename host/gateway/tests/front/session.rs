//! The life of a legacy session, and cancellation in both eras.

use serde_json::json;
use witgate_gateway::front::http::Options;

use crate::support::{Ask, Reply, Site, initialize, session, soon, test};

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let site = Site::open().await;
    let hello = site.send(Ask::json(&initialize("2025-06-18"))).await;
    assert_eq!(hello.json()["result"]["protocolVersion"], "2025-06-18");
    let id = hello.header("mcp-session-id").expect("a session").to_owned();
    let ping = || Ask::legacy(&id, 1, "ping", &json!({}));
    assert_eq!(site.send(ping()).await.json(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(site.send(ping().with("mcp-protocol-version", "2025-06-18")).await.status, 200);
    assert_eq!(site.send(ping().with("mcp-protocol-version", "2025-11-25")).await.refused(), (400, -32600));
    assert_eq!(site.send(ping().with("mcp-protocol-version", "1900-01-01")).await.refused(), (400, -32022));
    assert_eq!(site.send(ping().with("mcp-session-id", "")).await.refused(), (400, -32600));
    assert_eq!(site.send(ping().with("mcp-session-id", "guessed")).await.refused(), (404, -31404));
    assert_eq!(site.send(ping().at("/other")).await.refused(), (404, -31404));
    assert_eq!(site.send(ping().with("authorization", "bob")).await.refused(), (403, -31403));
    assert_eq!(site.send(ping().with("mcp-method", "tools/list")).await.refused(), (400, -32020));
    let response = Ask { body: r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.into(), ..ping() };
    assert_eq!(site.send(response).await.status, 202);

    site.world.reload();
    assert_eq!(site.send(ping()).await.status, 200, "a session outlives a generation");

    let delete = || ping().by("DELETE");
    assert_eq!(site.send(delete().with("mcp-session-id", "")).await.status, 400);
    assert_eq!(site.send(delete().at("/other")).await.status, 404);
    assert_eq!(site.send(delete()).await.status, 204);
    assert_eq!(site.send(ping()).await.refused(), (404, -31404));
    assert_eq!(site.send(delete()).await.status, 404);
}

#[tokio::test]
async fn a_refused_initialize_begins_nothing() {
    let site = Site::with(Options { sessions: 1, ..Options::default() }).await;
    let id = session(&site, "2025-11-25").await;
    let refused = site.send(Ask::json(&initialize("2025-11-25")).with("authorization", "")).await;
    assert_eq!((refused.refused(), refused.header("mcp-session-id")), ((401, -31401), None));
    assert_eq!(site.send(Ask::legacy(&id, 1, "ping", &json!({}))).await.status, 200);
    let next = session(&site, "2025-11-25").await;
    assert_eq!(site.send(Ask::legacy(&id, 1, "ping", &json!({}))).await.status, 404, "it made place");
    assert_eq!(site.send(Ask::legacy(&next, 1, "ping", &json!({}))).await.status, 200);
}

#[tokio::test]
async fn a_modern_version_in_a_handshake_gets_a_legacy_one() {
    let site = Site::open().await;
    let hello = site.send(Ask::json(&initialize("2026-07-28")).with("mcp-protocol-version", "2026-07-28")).await;
    assert_eq!(hello.json()["result"]["protocolVersion"], "2025-11-25");
    assert!(hello.header("mcp-session-id").is_some());
    let modern = site.send(Ask::modern(1, "initialize", json!({"protocolVersion": "2026-07-28"}))).await;
    assert_eq!(modern.refused(), (404, -32601), "a message that is modern itself has no handshake");
}

#[tokio::test]
async fn a_modern_client_s_disconnect_cancels() {
    let mut site = Site::open().await;
    let asking = tokio::spawn(Ask::modern(1, "server/discover", test("hold")).send(site.address));
    site.world.held().await;
    asking.abort();
    assert_eq!(site.world.end().await, "dropped");
    assert_eq!(site.world.records.outcomes(), [("server/discover".to_owned(), "cancelled")]);
}

#[tokio::test]
async fn a_modern_client_s_reset_of_one_stream_cancels() {
    let mut site = Site::open().await;
    let asking = tokio::spawn(Ask::modern(1, "server/discover", test("hold")).over_h2().send(site.address));
    site.world.held().await;
    asking.abort();
    assert_eq!(site.world.end().await, "dropped");
}

#[tokio::test]
async fn a_legacy_client_s_disconnect_does_not() {
    let mut site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let asking = {
        let (address, id) = (site.address, id.clone());
        tokio::spawn(async move { Ask::legacy(&id, 1, "ping", &test("hold")).send(address).await })
    };
    site.world.held().await;
    asking.abort();
    assert!(soon(asking).await.expect_err("aborted").is_cancelled());
    // It still is under way, so its id is taken.
    let again = site.send(Ask::legacy(&id, 1, "ping", &json!({}))).await;
    assert_eq!(again.refused(), (200, -32600));
    site.world.strings.release.notify_one();
    assert_eq!(site.world.end().await, "went on");
}

#[tokio::test]
async fn a_legacy_client_cancels_by_notification() {
    let mut site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    for accept in ["application/json, text/event-stream", "application/json"] {
        let asking = {
            let (address, id) = (site.address, id.clone());
            let ask = move || async move {
                Ask::legacy(&id, 1, "ping", &test("hold")).with("accept", accept).send(address).await
            };
            tokio::spawn(ask())
        };
        site.world.held().await;
        let params = json!({"requestId": 1, "reason": "enough"});
        let cancel = |id: &str| Ask::note(id, "notifications/cancelled", &params);
        assert_eq!(site.send(cancel(&id).with("authorization", "bob")).await.status, 403, "not by others");
        let other = session(&site, "2025-11-25").await;
        assert_eq!(site.send(cancel(&other)).await.status, 202, "ids are a session's own");
        assert_eq!(site.send(cancel(&id)).await.status, 202);
        let reply = Reply::read(soon(asking).await.expect("a response")).await;
        assert_eq!(site.world.end().await, "dropped");
        let want = if accept.contains("event") { (200, "") } else { (202, "") };
        assert_eq!((reply.status, reply.text.as_str()), want, "no answer follows a cancellation");
        assert_eq!(site.send(cancel(&id)).await.status, 202, "one that ended is ignored");
    }
}

#[tokio::test]
async fn ending_a_session_ends_what_it_has_under_way() {
    let mut site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let asking = {
        let (address, id) = (site.address, id.clone());
        tokio::spawn(async move { Ask::legacy(&id, 1, "ping", &test("hold")).send(address).await })
    };
    site.world.held().await;
    let end = || Ask::legacy(&id, 1, "", &json!({})).by("DELETE");
    assert_eq!(site.send(end().with("authorization", "bob")).await.status, 403, "not by others");
    assert_eq!(site.send(end()).await.status, 204);
    assert_eq!(site.world.end().await, "dropped");
    soon(asking).await.expect("a response");
}
