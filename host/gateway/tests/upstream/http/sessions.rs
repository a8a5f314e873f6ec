//! Sessions of legacy servers.

use super::*;

#[tokio::test]
async fn a_legacy_session_is_kept_and_ended() {
    let server = legacy(|seen| seen.result(&json!({ "session": seen.header("mcp-session-id") }))).await;
    let (upstream, _) = server.upstream();
    for _ in 0..3 {
        assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "session": "session-1" }));
    }
    let seen = server.saw("tools/call").await;
    assert_eq!(seen.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(seen.header("mcp-method"), None);
    assert!(seen.body["params"].get("_meta").is_none());
    upstream.close().await;
    let methods = server.methods();
    let want = ["POST server/discover", "POST initialize", "POST notifications/initialized"];
    assert_eq!(methods[..3], want);
    assert_eq!(methods[3..], ["POST tools/call", "POST tools/call", "POST tools/call", "DELETE "]);
    assert_eq!(server.connections.load(SeqCst), 1, "connections are used again");
}

#[tokio::test]
async fn each_credential_has_its_own_session() {
    let count = AtomicU32::new(0);
    let server = Server::start(move |seen| match seen.rpc() {
        "server/discover" => plain(404, &[]),
        "initialize" => seen.initialized(&format!("s{}", count.fetch_add(1, SeqCst))),
        "tools/call" => seen.result(&json!({ "session": seen.header("mcp-session-id") })),
        _ => plain(202, &[]),
    })
    .await;
    let mut spec = spec(server.transport());
    spec.limits = Limits { sessions: 2, ..spec.limits };
    let upstream = Upstream::new(spec, Arc::new(Ledger::default()));
    let client = client(Revision::V2025_11_25);
    for (token, session) in [("a", "s0"), ("b", "s1"), ("a", "s0"), ("c", "s2"), ("a", "s0"), ("b", "s3")] {
        let routed = routed("alice", "tools/call", call(), SOON).await;
        let headers = [("authorization".to_owned(), Secret::new(token))];
        let outgoing = Outgoing { client: &client, params: Payload::of(&call()), tool: None, headers: &headers };
        let (got, _) = result(&mut upstream.send(&routed, outgoing).await.expect("sent")).await.expect("answered");
        assert_eq!(got, json!({ "session": session }), "{token}");
    }
}

#[tokio::test]
async fn a_forgotten_session_is_begun_anew_and_the_call_sent_once_more() {
    for (status, code) in [(404, None), (404, Some(-32001)), (400, Some(-32000))] {
        let count = AtomicU32::new(0);
        let server = Server::start(move |seen| match (seen.rpc(), seen.header("mcp-session-id")) {
            ("server/discover", _) => plain(400, &[]),
            ("initialize", None) => seen.initialized(&format!("s{}", count.fetch_add(1, SeqCst))),
            ("tools/call", Some("s0")) => code.map_or_else(|| plain(status, &[]), |code| seen.error(status, code)),
            ("tools/call", session) => seen.result(&json!({ "session": session })),
            _ => plain(202, &[]),
        })
        .await;
        let (upstream, ledger) = server.upstream();
        assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "session": "s1" }));
        assert_eq!(ledger.told(), ["answered"]);
        assert_eq!(upstream.list_version(), 2);
        let methods = server.methods();
        assert_eq!(methods.iter().filter(|method| *method == "POST server/discover").count(), 1, "the era is known");
    }
}

#[tokio::test]
async fn a_legacy_server_that_asks_is_answered() {
    let (sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let server = Server::start(move |seen| match seen.rpc() {
        "server/discover" => plain(400, &[]),
        "initialize" => seen.initialized("s"),
        "tools/call" => once.lock().expect("once").take().expect("one call"),
        _ => plain(202, &[]),
    })
    .await;
    let (upstream, _) = server.upstream();
    let mut exchange = send(&upstream, "tools/call", call()).await.expect("sent");
    let id = server.saw("tools/call").await.body["id"].clone();
    sender
        .send(event(&json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {} })))
        .expect("open");
    sender.send(event(&json!({ "jsonrpc": "2.0", "id": id, "result": {} }))).expect("open");
    result(&mut exchange).await.expect("answered");
    let answer = server.saw("").await;
    assert_eq!((&answer.body["id"], &answer.body["error"]["code"]), (&json!("q"), &json!(-32601)));
}

#[tokio::test]
async fn a_notification_goes_to_legacy_servers_only() {
    for (is_modern, sent) in [(true, false), (false, true)] {
        let answer = |seen: &Seen| seen.result(&json!({}));
        let server = if is_modern { modern(answer).await } else { legacy(answer).await };
        let (upstream, ledger) = server.upstream();
        let routed = routed("alice", "notifications/roots/list_changed", json!({}), SOON).await;
        let client = client(Revision::V2025_11_25);
        let outgoing = Outgoing { client: &client, params: Payload::empty(), tool: None, headers: &[] };
        upstream.notify(&routed, outgoing).await.expect("taken");
        assert_eq!(server.methods().contains(&"POST notifications/roots/list_changed".to_owned()), sent);
        assert_eq!(ledger.told(), ["answered"]);
    }
}
