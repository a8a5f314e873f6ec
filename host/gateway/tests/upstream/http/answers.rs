//! What comes of a call: events, statuses, nothing.

use super::*;

#[tokio::test]
async fn events_arrive_as_they_are_sent_however_they_are_cut() {
    let (sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let server = modern(move |_| once.lock().expect("once").take().expect("one call")).await;
    let (upstream, _) = server.upstream();
    let params = json!({ "name": "t", "_meta": { "progressToken": "mine" } });
    let mut exchange = send(&upstream, "tools/call", params).await.expect("sent");
    let seen = server.saw("tools/call").await;
    let token = &seen.body["params"]["_meta"]["progressToken"];
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 1 } });
    for byte in event(&progress).chars() {
        sender.send(byte.to_string()).expect("open");
    }
    assert!(matches!(soon(exchange.next()).await, Ok(Event::Opened)), "before anything came on it");
    match soon(exchange.next()).await.expect("a notification") {
        Event::Notification { params, .. } => {
            assert_eq!(value(&params), json!({ "progressToken": "mine", "progress": 1 }));
        }
        other => panic!("{other:?}"),
    }
    let other = json!({ "jsonrpc": "2.0", "id": 4711, "result": {} });
    let reply = json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": { "ü": "data: \n\n" } });
    sender.send(format!(": hello\r\n\r\n{}{}", event(&other), event(&reply))).expect("open");
    assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "ü": "data: \n\n" }));
}

#[tokio::test]
async fn statuses_are_failures_and_json_rpc_errors_are_answers() {
    type Answer = fn(&Seen) -> Response<Body>;
    type Case = (Answer, Result<i32, u16>, Option<u64>, &'static str);
    let cases: [Case; 8] = [
        (|_| plain(401, &[]), Err(401), None, "answered"),
        (|_| plain(429, &[("retry-after", "7")]), Err(429), Some(7), "answered"),
        (|_| plain(503, &[("retry-after", "2")]), Err(503), Some(2), "failed"),
        (|_| plain(302, &[("location", "/elsewhere")]), Err(302), None, "answered"),
        (|_| plain(404, &[]), Err(404), None, "answered"),
        (|seen| seen.error(500, -32603), Err(500), None, "failed"),
        (|seen| seen.error(404, -32601), Ok(-32601), None, "answered"),
        (|seen| seen.error(400, -32020), Ok(-32020), None, "answered"),
    ];
    for (answer, want, retry_after, told) in cases {
        let server = modern(answer).await;
        let (upstream, ledger) = server.upstream();
        match (ask(&upstream, call()).await, want) {
            (Ok((reply, _)), Ok(code)) => assert_eq!(reply["error"]["code"], code),
            (Err(failed), Err(status)) => {
                assert_eq!(failed.failure, Failure::HttpStatus(status));
                assert_eq!(failed.retry_after, retry_after.map(Duration::from_secs));
                assert_eq!(failed.error.is_some(), status == 500);
            }
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
        assert_eq!(ledger.told(), [told]);
        assert!(!server.methods().iter().any(|method| method.starts_with("GET")));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_no_reply() {
    type Answer = fn(&Seen) -> Response<Body>;
    let cases: [(Answer, &str); 6] = [
        (|_| plain(202, &[]), "HTTP 202"),
        (|_| plain(200, &[("content-type", "text/html")]), "`text/html`"),
        (|seen| json_body(200, &json!({ "jsonrpc": "2.0", "id": seen.body["id"] })), "neither"),
        (|seen| seen.result(&json!({ "x": "y".repeat(3000) })), "more than 2000 bytes"),
        (
            |_| {
                let (sender, response) = events(None);
                sender.send("data: {}\n\n".into()).expect("open");
                response
            },
            "jsonrpc",
        ),
        (|_| events(None).1, "without an answer"),
    ];
    for (answer, why) in cases {
        let server = modern(answer).await;
        let mut spec = spec(server.transport());
        spec.limits.message = strict::Limits { bytes: 2000, depth: 64 };
        let ledger = Arc::new(Ledger::default());
        let upstream = Upstream::new(spec, ledger.clone());
        match ask(&upstream, call()).await.expect_err("no answer").failure {
            Failure::NoReply(text) => assert!(text.contains(why), "{text}"),
            other => panic!("{other:?} instead of {why}"),
        }
        assert_eq!(ledger.told(), ["failed"]);
    }
}

#[tokio::test]
async fn a_dropped_exchange_closes_the_stream_of_a_modern_server() {
    let gone = Arc::new(Notify::new());
    let (_sender, response) = events(Some(gone.clone()));
    let once = Mutex::new(Some(response));
    let server = modern(move |_| once.lock().expect("once").take().expect("one call")).await;
    let (upstream, ledger) = server.upstream();
    let exchange = send(&upstream, "tools/call", call()).await.expect("sent");
    drop(exchange);
    soon(gone.notified()).await;
    assert_eq!(ledger.told(), ["released"]);
    assert!(!server.methods().contains(&"POST notifications/cancelled".to_owned()));
}

#[tokio::test]
async fn a_dropped_exchange_is_cancelled_in_the_session_of_a_legacy_server() {
    let (_sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let server = legacy(move |_| once.lock().expect("once").take().expect("one call")).await;
    let (upstream, _) = server.upstream();
    let exchange = send(&upstream, "tools/call", call()).await.expect("sent");
    let id = server.saw("tools/call").await.body["id"].clone();
    drop(exchange);
    let cancelled = server.saw("notifications/cancelled").await;
    assert_eq!(cancelled.body["params"]["requestId"], id);
    assert_eq!(cancelled.header("mcp-session-id"), Some("session-1"));
}

#[tokio::test]
async fn a_deadline_that_passes_is_a_timeout() {
    let (_sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let server = modern(move |_| once.lock().expect("once").take().expect("one call")).await;
    let (upstream, ledger) = server.upstream();
    upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    let time = Duration::from_millis(100);
    let mut exchange = send_as("alice", &upstream, "tools/call", call(), time).await.expect("sent");
    assert!(matches!(exchange.next().await, Ok(Event::Opened)));
    assert_eq!(exchange.next().await.expect_err("too late").failure, Failure::Timeout);
    assert_eq!(ledger.told(), ["answered", "failed"]);
}

#[tokio::test]
async fn nobody_there_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    drop(listener);
    let (upstream, ledger) = upstream(Transport::Http(Http { url, headers: Vec::new() }));
    assert!(matches!(ask(&upstream, call()).await.expect_err("nobody").failure, Failure::NotSent(_)));
    assert_eq!(ledger.told(), ["failed"]);
}

#[tokio::test]
async fn a_broken_address_is_not_sent() {
    let (upstream, _) = upstream(Transport::Http(Http { url: "ftp://x".into(), headers: Vec::new() }));
    assert!(matches!(ask(&upstream, call()).await.expect_err("no URL").failure, Failure::NotSent(_)));
}
