//! Upstreams over a stream of lines, with a server that the test plays.

use std::time::Duration;

use serde_json::{Value, json};
use witgate_gateway::upstream::{Limits, Outgoing, Transport, Upstream};
use witgate_gateway::wire::ClientFacts;
use witgate_policy::{Failure, Payload, Revision, json as strict};

use crate::support::*;

/// Connects with a script for the handshake; gives back the facts' revision.
async fn connect<F: Future<Output = Server>>(script: impl FnOnce(Server) -> F) -> (String, Server) {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let client = client(Revision::V2026_07_28);
    let server = async { script(servers.recv().await.expect("connected")).await };
    let (facts, server) = tokio::join!(upstream.server(&client, &[]), server);
    (facts.map_or_else(|failed| format!("{:?}", failed.failure), |facts| facts.revision.to_string()), server)
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_is_found_by_the_probe() {
    let (revision, _) = connect(|mut server| async {
        server.be_modern().await;
        server
    })
    .await;
    assert_eq!(revision, "2026-07-28");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_server_is_asked_to_initialize_and_may_choose_an_older_revision() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (revision, _) = connect(|mut server| async move {
            server.be_legacy(version).await;
            server
        })
        .await;
        assert_eq!(revision, version);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_the_probe_is_asked_to_initialize() {
    let (revision, _) = connect(|mut server| async {
        server.expect("server/discover").await;
        server.initialize("2025-06-18").await;
        server
    })
    .await;
    assert_eq!(revision, "2025-06-18");
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_known_by_its_late_answers() {
    let slow = |modern: bool| {
        connect(move |mut server| async move {
            let (probe, _) = server.expect("server/discover").await;
            let (handshake, _) = server.expect("initialize").await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            if modern {
                server.reply(&probe, json!({ "supportedVersions": ["2026-07-28"] })).await;
                server.refuse(&handshake, -32601).await;
            } else {
                server.refuse(&probe, -32601).await;
                server.reply(&handshake, json!({ "protocolVersion": "2025-06-18" })).await;
                server.expect("notifications/initialized").await;
            }
            server
        })
    };
    assert_eq!(slow(true).await.0, "2026-07-28");
    assert_eq!(slow(false).await.0, "2025-06-18");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let (failure, _) = connect(|server| async { server }).await;
    assert_eq!(failure, r#"NotSent("the server was not ready within 30000 ms")"#);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_at_the_probe_is_started_again_without_it() {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let client = client(Revision::V2026_07_28);
    let script = async {
        let mut first = servers.recv().await.expect("connected");
        first.expect("server/discover").await;
        drop(first);
        let mut second = servers.recv().await.expect("connected again");
        second.initialize("2025-03-26").await;
        second
    };
    let (facts, _server) = tokio::join!(upstream.server(&client, &[]), script);
    assert_eq!(facts.expect("connected").revision, Revision::V2025_03_26);
}

/// A connected upstream.
async fn connected(modern: bool, limits: Limits) -> (std::sync::Arc<Upstream>, std::sync::Arc<Ledger>, Server) {
    let (builtin, mut servers) = scripted();
    let ledger = std::sync::Arc::new(Ledger::default());
    let spec = witgate_gateway::upstream::Spec { limits, ..spec(Transport::Builtin(builtin)) };
    let upstream = Upstream::new(spec, ledger.clone());
    let client = client(Revision::V2026_07_28);
    let script = async {
        let mut server = servers.recv().await.expect("connected");
        if modern {
            server.be_modern().await;
        } else {
            server.be_legacy("2025-11-25").await;
        }
        server
    };
    let (facts, server) = tokio::join!(upstream.server(&client, &[]), script);
    facts.expect("connected");
    ledger.0.lock().expect("ledger").clear();
    (upstream, ledger, server)
}

fn call(n: u32) -> Value {
    json!({ "name": "t", "arguments": { "n": n } })
}

#[tokio::test(start_paused = true)]
async fn answers_find_their_requests_in_any_order() {
    let (upstream, ledger, mut server) = connected(false, Limits::default()).await;
    let mut exchanges = Vec::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        exchanges.push(send(&upstream, "tools/call", call(n)).await.expect("sent"));
        ids.push(server.expect("tools/call").await.0);
    }
    assert_eq!(upstream.candidate().in_flight, 5);
    server.reply(&json!(4711), json!({})).await;
    for n in [3, 0, 4, 2, 1] {
        server.reply(&ids[n], json!({ "n": n, "unknown": [1.0], "_meta": { "k": "v" } })).await;
    }
    for (n, exchange) in exchanges.iter_mut().enumerate() {
        let (got, _) = result(exchange).await.expect("answered");
        assert_eq!(got, json!({ "n": n, "unknown": [1.0], "_meta": { "k": "v" } }));
    }
    assert_eq!(upstream.candidate().in_flight, 0);
    assert_eq!(ledger.told(), ["answered"; 5]);
}

#[tokio::test(start_paused = true)]
async fn progress_comes_back_with_the_token_of_its_client() {
    let (upstream, _, mut server) = connected(true, Limits::default()).await;
    for token in [json!("same"), json!(7)] {
        let params = json!({ "name": "t", "_meta": { "progressToken": token } });
        let mut one = send(&upstream, "tools/call", params.clone()).await.expect("sent");
        let mut two = send(&upstream, "tools/call", params).await.expect("sent");
        let (first, first_params) = server.expect("tools/call").await;
        let (second, second_params) = server.expect("tools/call").await;
        let (a, b) = (&first_params["_meta"]["progressToken"], &second_params["_meta"]["progressToken"]);
        assert_ne!(a, b);
        server.note("notifications/progress", json!({ "progressToken": b, "progress": 2 })).await;
        server.note("notifications/progress", json!({ "progressToken": a, "progress": 1 })).await;
        server.note("notifications/progress", json!({ "progressToken": "same", "progress": 3 })).await;
        server.reply(&first, json!({})).await;
        server.reply(&second, json!({})).await;
        for (exchange, progress) in [(&mut one, 1), (&mut two, 2)] {
            let (_, notes) = result(exchange).await.expect("answered");
            let params = json!({ "progressToken": token, "progress": progress });
            assert_eq!(notes, [json!({ "method": "notifications/progress", "params": params })]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_exchange_is_cancelled_at_the_server() {
    let (upstream, ledger, mut server) = connected(false, Limits::default()).await;
    let exchange = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    drop(exchange);
    let (_, params) = server.expect("notifications/cancelled").await;
    assert_eq!(params["requestId"], id);
    assert_eq!(ledger.told(), ["released"]);
    assert_eq!(upstream.candidate().in_flight, 0);
    // Its late answer hurts nobody.
    server.reply(&id, json!({ "late": true })).await;
    let mut next = send(&upstream, "tools/call", call(2)).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    server.reply(&id, json!({ "late": false })).await;
    assert_eq!(result(&mut next).await.expect("answered").0, json!({ "late": false }));
}

#[tokio::test(start_paused = true)]
async fn an_answered_exchange_is_not_cancelled() {
    let (upstream, _, mut server) = connected(false, Limits::default()).await;
    let mut exchange = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    server.reply(&id, json!({})).await;
    result(&mut exchange).await.expect("answered");
    assert!(exchange.next().await.is_err());
    drop(exchange);
    let _next = send(&upstream, "tools/list", json!({})).await.expect("sent");
    server.expect("tools/list").await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_is_a_timeout_and_cancels() {
    let (upstream, ledger, mut server) = connected(false, Limits::default()).await;
    let time = Duration::from_secs(2);
    let mut exchange = send_as("alice", &upstream, "tools/call", call(1), time).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    let failed = exchange.next().await.expect_err("too late");
    assert_eq!(failed.failure, Failure::Timeout);
    assert_eq!(server.expect("notifications/cancelled").await.1["requestId"], id);
    assert_eq!(ledger.told(), ["failed"]);
    assert!(!upstream.candidate().healthy);
}

#[tokio::test(start_paused = true)]
async fn log_lines_go_to_their_caller_or_to_nobody() {
    let (upstream, _, mut server) = connected(false, Limits::default()).await;
    let log = json!({ "level": "info", "data": "secret" });
    let mut alice = send_as("alice", &upstream, "tools/call", call(1), SOON).await.expect("sent");
    let (first, _) = server.expect("tools/call").await;
    server.note("notifications/message", log.clone()).await;
    let mut again = send_as("alice", &upstream, "tools/call", call(2), SOON).await.expect("sent");
    let (second, _) = server.expect("tools/call").await;
    server.note("notifications/message", log.clone()).await;
    let mut bob = send_as("bob", &upstream, "tools/call", call(3), SOON).await.expect("sent");
    let (third, _) = server.expect("tools/call").await;
    server.note("notifications/message", log.clone()).await;
    for id in [first, second, third] {
        server.reply(&id, json!({})).await;
    }
    let want = json!({ "method": "notifications/message", "params": log });
    assert_eq!(result(&mut alice).await.expect("answered").1, std::slice::from_ref(&want));
    assert_eq!(result(&mut again).await.expect("answered").1, std::slice::from_ref(&want));
    assert!(result(&mut bob).await.expect("answered").1.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_is_answered() {
    let (_upstream, _, mut server) = connected(false, Limits::default()).await;
    server.say(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
    assert_eq!(server.hear().await, Some(json!({ "jsonrpc": "2.0", "id": "p", "result": {} })));
    server.say(r#"{"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}"#).await;
    let error = json!({ "code": -32601, "message": "Method not found" });
    assert_eq!(server.hear().await, Some(json!({ "jsonrpc": "2.0", "id": 9, "error": error })));
}

#[tokio::test(start_paused = true)]
async fn changed_lists_are_counted() {
    let (upstream, _, mut server) = connected(false, Limits::default()).await;
    let before = upstream.list_version();
    server.note("notifications/tools/list_changed", json!({})).await;
    let mut exchange = send(&upstream, "tools/list", json!({})).await.expect("sent");
    let (id, _) = server.expect("tools/list").await;
    server.reply(&id, json!({})).await;
    result(&mut exchange).await.expect("answered");
    assert_eq!(upstream.list_version(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_is_asked_to_tell_of_changes() {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let client = client(Revision::V2026_07_28);
    let script = async {
        let mut server = servers.recv().await.expect("connected");
        let (id, _) = server.expect("server/discover").await;
        let capabilities = json!({ "tools": { "listChanged": true }, "prompts": { "listChanged": false } });
        server.reply(&id, json!({ "supportedVersions": ["2026-07-28"], "capabilities": capabilities })).await;
        let (id, params) = server.expect("subscriptions/listen").await;
        assert_eq!(params["notifications"], json!({ "toolsListChanged": true }));
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        server.note("notifications/subscriptions/acknowledged", json!({ "_meta": meta })).await;
        server.note("notifications/tools/list_changed", json!({ "_meta": meta })).await;
        server.note("notifications/tools/list_changed", json!({ "_meta": meta })).await;
        server
    };
    let (facts, mut server) = tokio::join!(upstream.server(&client, &[]), script);
    facts.expect("connected");
    let mut exchange = send(&upstream, "tools/list", json!({})).await.expect("sent");
    let (id, params) = server.expect("tools/list").await;
    assert_eq!(params["_meta"]["io.modelcontextprotocol/clientCapabilities"], json!({ "roots": {} }));
    server.reply(&id, json!({})).await;
    result(&mut exchange).await.expect("answered");
    assert_eq!(upstream.list_version(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_fails_the_request_that_it_answers_and_no_other() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(70), "}".repeat(70));
    let breaches = [
        (r#"{"jsonrpc":"2.0","id":ID,"result":{"a":1,"a":2}}"#.to_owned(), "duplicate key", "a name twice"),
        (r#"{"jsonrpc":"2.0","id":ID,"id":ID,"result":{}}"#.to_owned(), "duplicate key", "a name twice"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":"#.to_owned(), "EOF", "broken JSON"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{}} {}"#.to_owned(), "trailing", "broken JSON"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{"a":"\ud800"}}"#.to_owned(), "hex escape", "broken JSON"),
        (format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{deep}}}"#), "deeply", "nested too deeply"),
        (r#"{"id":ID,"result":{}}"#.to_owned(), "jsonrpc", "JSON-RPC 2.0"),
        (r#"{"jsonrpc":"1.0","id":ID,"result":{}}"#.to_owned(), "jsonrpc", "JSON-RPC 2.0"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":[]}"#.to_owned(), "neither", ""),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{},"error":{}}"#.to_owned(), "neither", ""),
        (
            format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{{"x":"{}"}}}}"#, "y".repeat(3000)),
            "2000 bytes",
            "`message-bytes`",
        ),
    ];
    for (breach, why, told) in breaches {
        let limits = Limits { message: strict::Limits { bytes: 2000, depth: 64 }, ..Limits::default() };
        let (upstream, ledger, mut server) = connected(false, limits).await;
        let mut hurt = send(&upstream, "tools/call", call(1)).await.expect("sent");
        let mut other = send(&upstream, "tools/call", call(2)).await.expect("sent");
        let (id, _) = server.expect("tools/call").await;
        let (other_id, _) = server.expect("tools/call").await;
        server.say(&breach.replace("ID", &id.to_string())).await;
        let failed = result(&mut hurt).await.expect_err("no answer");
        match failed.failure {
            Failure::NoReply(text) => assert!(text.contains(why), "{text} for {breach:.80}"),
            failure => panic!("{failure:?} for {breach:.80}"),
        }
        assert!(failed.told.unwrap_or_default().contains(told), "{breach:.80}");
        server.reply(&other_id, json!({ "ok": true })).await;
        assert_eq!(result(&mut other).await.expect("answered").0, json!({ "ok": true }), "{breach:.80}");
        assert_eq!(ledger.told(), ["failed", "answered"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_and_answers_nobody_is_left_out_a_number_of_times() {
    let limits = Limits { message: strict::Limits { bytes: 2000, depth: 64 }, ..Limits::default() };
    let (upstream, ledger, mut server) = connected(false, limits).await;
    let noise = [
        "Server listening on stdio".to_owned(),
        "\u{feff}".to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"a":1,"a":2}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":ID,"method":"sampling/createMessage","params":{"a":1,"a":2}}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":ID,"method":"ping","params":{{"x":"{}"}}}}"#, "y".repeat(3000)),
        r#"{"jsonrpc":"2.0","id":999,"result":{"a":1,"a":2}}"#.to_owned(),
    ];
    let mut exchange = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    for line in &noise {
        server.say(&line.replace("ID", &id.to_string())).await;
    }
    server.reply(&id, json!({ "ok": true })).await;
    assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "ok": true }));

    let mut exchange = send(&upstream, "tools/call", call(2)).await.expect("sent");
    server.expect("tools/call").await;
    for _ in 0..65 {
        server.say("nonsense").await;
    }
    match result(&mut exchange).await.expect_err("no server").failure {
        Failure::NoReply(text) => assert!(text.contains("64 lines that are no messages"), "{text}"),
        failure => panic!("{failure:?}"),
    }
    assert_eq!(server.hear().await, None);
    assert_eq!(ledger.told(), ["answered", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_stops_its_own_callers_only() {
    let limits = Limits { queue_messages: 2, queue_bytes: 1 << 20, ..Limits::default() };
    let (upstream, _, _server) = connected(false, limits).await;
    let big = json!({ "name": "t", "arguments": { "x": "y".repeat(600_000) } });
    let time = Duration::from_secs(1);
    let _one = send_as("alice", &upstream, "tools/call", big.clone(), time).await.expect("queued");
    let failed = send_as("alice", &upstream, "tools/call", big, time).await.expect_err("no room");
    assert_eq!(failed.failure, Failure::NotSent("the server does not read what it is sent".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_not_sent() {
    let (upstream, ledger, _server) = connected(false, Limits { in_flight: 1, ..Limits::default() }).await;
    let _one = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let failed = send(&upstream, "tools/call", call(2)).await.expect_err("full");
    assert!(!failed.failure.may_have_arrived());
    assert!(ledger.told().is_empty(), "the server has done nothing wrong");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_server_sees_no_modern_fields() {
    let (upstream, _, mut server) = connected(false, Limits::default()).await;
    let params = json!({ "name": "t", "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "sampling": {} },
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
    }});
    let routed = routed("alice", "tools/call", params.clone(), SOON).await;
    // With capabilities it would have a connection to itself.
    let client = ClientFacts { capabilities: Payload::empty(), ..client(Revision::V2026_07_28) };
    let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: None, headers: &[] };
    let _exchange = upstream.send(&routed, outgoing).await.expect("sent");
    let (_, seen) = server.expect("tools/call").await;
    assert_eq!(seen["_meta"], json!({ "traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01" }));
}

#[tokio::test(start_paused = true)]
async fn a_closed_upstream_hangs_up_and_connects_again_when_used() {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let client = client(Revision::V2026_07_28);
    for round in 1..=2 {
        let script = async {
            let mut server = servers.recv().await.expect("connected");
            server.be_modern().await;
            server
        };
        let (facts, mut server) = tokio::join!(upstream.server(&client, &[]), script);
        facts.expect("connected");
        assert_eq!(upstream.list_version(), round);
        let end = async { server.hear().await };
        let ((), end) = tokio::join!(upstream.close(), end);
        assert_eq!(end, None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_holder_hangs_up() {
    let (upstream, _, mut server) = connected(false, Limits::default()).await;
    let mut exchange = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let (id, _) = server.expect("tools/call").await;
    drop(upstream);
    server.reply(&id, json!({ "ok": true })).await;
    assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "ok": true }));
    drop(exchange);
    assert_eq!(server.hear().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_only_where_it_was_routed() {
    let (builtin, _servers) = scripted();
    let mut other = spec(Transport::Builtin(builtin));
    other.id = "other".into();
    let upstream = Upstream::new(other, std::sync::Arc::new(Ledger::default()));
    let failed = send(&upstream, "tools/call", call(1)).await.expect_err("not routed there");
    assert!(matches!(failed.failure, Failure::NotSent(why) if why.contains("routed to `u`")));
}

#[tokio::test(start_paused = true)]
async fn a_clients_broken_message_is_not_the_servers_failure() {
    let (upstream, ledger, _server) = connected(false, Limits::default()).await;
    let params = json!({ "name": "t", "_meta": ["io.modelcontextprotocol/protocolVersion"] });
    let failed = send(&upstream, "tools/call", params).await.expect_err("no object");
    assert!(!failed.failure.may_have_arrived());
    assert_eq!(ledger.told(), ["released"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_long_fails_its_own_call_and_names_the_limit() {
    let limits = Limits { message: strict::Limits { bytes: 2000, depth: 64 }, ..Limits::default() };
    let (upstream, _, mut server) = connected(false, limits).await;
    let mut long = send(&upstream, "tools/call", call(1)).await.expect("sent");
    let mut short = send(&upstream, "tools/call", call(2)).await.expect("sent");
    let (long_id, _) = server.expect("tools/call").await;
    let (short_id, _) = server.expect("tools/call").await;
    server.reply(&long_id, json!({ "x": "y".repeat(10_000) })).await;
    server.reply(&short_id, json!({ "ok": true })).await;
    let failed = result(&mut long).await.expect_err("too long");
    let told = failed.told.expect("words for the client");
    assert!(told.contains("2000 bytes") && told.contains("`message-bytes`"), "{told}");
    assert_eq!(result(&mut short).await.expect("answered").0, json!({ "ok": true }));
}
