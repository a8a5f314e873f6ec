//! Sessions that are one client's own, and what servers ask in them: on the stream of a call, or on the session's.

use witgate_gateway::upstream::{Exchange, Reply, Standing};

use super::*;

/// A legacy server's streams, each to be opened once.
struct Streams {
    server: Server,
    get: mpsc::UnboundedSender<String>,
    call: mpsc::UnboundedSender<String>,
}

/// A server with a stream for the session and one for the first call; it may begin its answer to the call late.
async fn streams(early: bool) -> Streams {
    let (get, get_response) = events(None);
    let (call, call_response) = events(None);
    let get_response = Mutex::new(Some(get_response));
    let call_response = Mutex::new(Some(call_response));
    let count = AtomicU32::new(0);
    let server = Server::start(move |seen| match (seen.method.clone(), seen.rpc()) {
        (Method::GET, _) => get_response.lock().expect("once").take().unwrap_or_else(|| plain(405, &[])),
        (_, "server/discover") => plain(400, &[]),
        (_, "initialize") => seen.initialized(&format!("s{}", count.fetch_add(1, SeqCst))),
        (_, "tools/call") if early => call_response.lock().expect("once").take().expect("one call"),
        (_, "resources/subscribe") => seen.result(&json!({})),
        _ => plain(202, &[]),
    })
    .await;
    Streams { server, get, call }
}

fn request(id: &str, method: &str) -> String {
    event(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": {} }))
}

async fn begin(streams: &Streams) -> (Arc<Upstream>, Exchange) {
    let (upstream, _) = streams.server.upstream();
    let client = asked(Revision::V2025_11_25, "mine");
    let mut exchange = send_of(&client, "alice", &upstream, "tools/call", call()).await.expect("sent");
    assert!(matches!(soon(exchange.next()).await, Ok(Event::Opened)));
    (upstream, exchange)
}

/// What the server was answered.
async fn answered(server: &Server, id: &str) -> Seen {
    soon(async {
        loop {
            if let Some(seen) = server.seen().into_iter().find(|seen| seen.rpc().is_empty() && seen.body["id"] == id) {
                return seen;
            }
            server.news.notified().await;
        }
    })
    .await
}

#[tokio::test]
async fn what_is_asked_on_either_stream_comes_to_the_call_and_the_answer_goes_to_the_session() {
    let streams = streams(true).await;
    let (_upstream, mut exchange) = begin(&streams).await;
    let declared = streams.server.saw("initialize").await.body["params"]["capabilities"].clone();
    assert_eq!(declared, value(&asked(Revision::V2025_11_25, "mine").capabilities));
    for (id, stream) in [("on-post", &streams.call), ("on-get", &streams.get)] {
        stream.send(request(id, "elicitation/create")).expect("open");
        let (ask, method, _) = question(&mut exchange).await;
        assert_eq!(method, "elicitation/create");
        exchange.answer(&ask, Reply::Result(Payload::of(&json!({ "action": "accept" }))));
        let answer = answered(&streams.server, id).await;
        assert_eq!(answer.body["result"], json!({ "action": "accept" }));
        assert_eq!(answer.header("mcp-session-id"), Some("s0"));
    }
    streams.get.send(request("back", "roots/list")).expect("open");
    let (ask, ..) = question(&mut exchange).await;
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "back" } });
    streams.call.send(event(&cancelled)).expect("open");
    assert!(matches!(soon(exchange.next()).await, Ok(Event::Withdrawn { ask: which }) if which == ask));
    streams.call.send(request("no", "tools/list")).expect("open");
    let id = streams.server.saw("tools/call").await.body["id"].clone();
    streams.call.send(event(&json!({ "jsonrpc": "2.0", "id": id, "result": { "ok": true } }))).expect("open");
    assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "ok": true }));
    assert_eq!(answered(&streams.server, "no").await.body["error"]["code"], -32601);
}

#[tokio::test]
async fn a_question_may_come_before_the_answer_has_begun() {
    let (get, get_response) = events(None);
    let once = Mutex::new(Some(get_response));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let (told, answers) = tokio::sync::watch::channel(false);
    let server = Arc::new(move |seen: Seen| {
        let mut answers = answers.clone();
        let stream = once.lock().expect("once").take_if(|_| seen.method == Method::GET);
        let (get, told) = (get.clone(), told.clone());
        async move {
            match (stream, seen.rpc()) {
                (Some(stream), _) => stream,
                (_, "server/discover") => plain(400, &[]),
                (_, "initialize") => seen.initialized("s"),
                (_, "tools/call") => {
                    get.send(request("q", "roots/list")).expect("open");
                    soon(answers.wait_for(|answered| *answered)).await.expect("answered");
                    seen.result(&json!({ "ok": true }))
                }
                (_, "") if seen.body["id"] == "q" => {
                    told.send_replace(true);
                    plain(202, &[])
                }
                _ => plain(202, &[]),
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let server = server.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.expect("a body").to_bytes();
                    let body = serde_json::from_slice(&body).unwrap_or_default();
                    Ok::<_, Infallible>(server(Seen { method: head.method, headers: head.headers, body }).await)
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let (upstream, _) = upstream(Transport::Http(Http { url, headers: Vec::new() }));
    let client = asked(Revision::V2025_11_25, "mine");
    let mut exchange = send_of(&client, "alice", &upstream, "tools/call", call()).await.expect("sent");
    let (ask, ..) = question(&mut exchange).await;
    exchange.answer(&ask, Reply::Result(Payload::of(&json!({ "roots": [] }))));
    assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "ok": true }));
}

#[tokio::test]
async fn without_a_call_who_listens_to_the_session_is_asked_and_told() {
    let streams = streams(true).await;
    let (upstream, exchange) = begin(&streams).await;
    drop(exchange);
    let mut watch = upstream.watch(&asked(Revision::V2025_11_25, "mine"), &[]).await.expect("watched");
    streams.get.send(request("q", "sampling/createMessage")).expect("open");
    let Standing::Request { ask, .. } = soon(watch.next()).await else { panic!("a request") };
    watch.answer(&ask, Reply::Error(Payload::of(&json!({ "code": -1, "message": "no" }))));
    assert_eq!(answered(&streams.server, "q").await.body["error"]["code"], -1);
    let updated =
        json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": "a://b" } });
    streams.get.send(event(&updated)).expect("open");
    match soon(watch.next()).await {
        Standing::Notification { method, .. } => assert_eq!(method, "notifications/resources/updated"),
        other => panic!("{other:?}"),
    }
    upstream.forget("mine");
    soon(streams.get.closed()).await;
    soon(async {
        while !streams.server.methods().contains(&"DELETE ".to_owned()) {
            streams.server.news.notified().await;
        }
    })
    .await;
    assert!(matches!(soon(watch.next()).await, Standing::Lapsed));
}

#[tokio::test]
async fn sessions_of_different_clients_are_different_sessions() {
    let count = AtomicU32::new(0);
    let server = Server::start(move |seen| match seen.rpc() {
        "server/discover" => plain(400, &[]),
        "initialize" => seen.initialized(&format!("s{}", count.fetch_add(1, SeqCst))),
        "tools/call" => seen.result(&json!({ "session": seen.header("mcp-session-id") })),
        _ if seen.method == Method::GET => plain(405, &[]),
        _ => plain(202, &[]),
    })
    .await;
    let (upstream, _) = server.upstream();
    for (session, want) in [("a", "s0"), ("b", "s1"), ("a", "s0")] {
        let client = asked(Revision::V2025_11_25, session);
        let mut exchange = send_of(&client, "alice", &upstream, "tools/call", call()).await.expect("sent");
        assert_eq!(result(&mut exchange).await.expect("answered").0, json!({ "session": want }));
    }
    assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "session": "s2" }));
}
