//! Upstreams over Streamable HTTP, with a server that each test writes as one function.

#[path = "upstream_http/dual.rs"]
mod dual;
#[path = "upstream_http/modern.rs"]
mod modern;
#[path = "upstream_http/own.rs"]
mod own;
#[path = "upstream_http/resume.rs"]
mod resume;
#[path = "upstream_http/sse.rs"]
mod sse;
mod upstream_support;

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use upstream_support::*;
use witgate_gateway::upstream::{Event, Failed, Http, Limits, Outgoing, Timeouts, Transport, Upstream};
use witgate_policy::secret::Secret;
use witgate_policy::{Failure, Payload, Revision, json as strict};

type Body = BoxBody<Bytes, Infallible>;

/// One request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    headers: HeaderMap,
    body: Value,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    fn result(&self, result: &Value) -> Response<Body> {
        json_body(200, &json!({ "jsonrpc": "2.0", "id": self.body["id"], "result": result }))
    }

    fn error(&self, status: u16, code: i32) -> Response<Body> {
        let error = json!({ "code": code, "message": "no" });
        json_body(status, &json!({ "jsonrpc": "2.0", "id": self.body["id"], "error": error }))
    }

    fn discovered(&self) -> Response<Body> {
        self.result(&json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {} }))
    }

    fn initialized(&self, session: &str) -> Response<Body> {
        let mut response = self.result(&json!({ "protocolVersion": "2025-11-25", "capabilities": {} }));
        response.headers_mut().insert("mcp-session-id", session.parse().expect("a header"));
        response
    }
}

fn json_body(status: u16, value: &Value) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(Bytes::from(value.to_string())).boxed()).expect("a response")
}

fn plain(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
    let mut response = Response::builder().status(status).body(Full::new(Bytes::new()).boxed()).expect("a response");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    response
}

/// An event stream that ends when the sender is dropped; `gone` is told when the client leaves.
fn events(gone: Option<Arc<Notify>>) -> (mpsc::UnboundedSender<String>, Response<Body>) {
    struct Guard(Option<Arc<Notify>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            if let Some(gone) = &self.0 {
                gone.notify_one();
            }
        }
    }
    let (sender, receiver) = mpsc::unbounded_channel::<String>();
    let stream = futures_util::stream::unfold((receiver, Guard(gone)), |(mut receiver, guard)| async move {
        let text = receiver.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), (receiver, guard)))
    });
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    (sender, response.body(StreamBody::new(stream).boxed()).expect("a response"))
}

fn event(value: &Value) -> String {
    format!("event: message\ndata: {value}\n\n")
}

/// A server, what it saw, and how many connections it took.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicU32>,
    news: Arc<Notify>,
}

impl Server {
    async fn start(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let server = Self { url, seen: Arc::default(), connections: Arc::default(), news: Arc::default() };
        let (seen, connections, news) = (server.seen.clone(), server.connections.clone(), server.news.clone());
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, SeqCst);
                let (seen, answer, news) = (seen.clone(), answer.clone(), news.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (seen, answer, news) = (seen.clone(), answer.clone(), news.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.expect("a body").to_bytes();
                        let body =
                            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
                        let request = Seen { method: head.method, headers: head.headers, body };
                        seen.lock().expect("seen").push(request.clone());
                        news.notify_one();
                        Ok::<_, Infallible>(answer(&request))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        server
    }

    fn upstream(&self) -> (Arc<Upstream>, Arc<Ledger>) {
        upstream(self.transport())
    }

    fn transport(&self) -> Transport {
        Transport::Http(Http { url: self.url.clone(), headers: vec![("x-fixed".into(), "yes".into())] })
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("seen").clone()
    }

    fn methods(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.rpc())).collect()
    }

    /// Waits until the server has seen a message with this method.
    async fn saw(&self, rpc: &str) -> Seen {
        soon(async {
            loop {
                if let Some(seen) = self.seen().into_iter().find(|seen| seen.rpc() == rpc) {
                    return seen;
                }
                self.news.notified().await;
            }
        })
        .await
    }
}

async fn ask(upstream: &Upstream, params: Value) -> Result<(Value, Vec<Value>), Failed> {
    result(&mut send(upstream, "tools/call", params).await?).await
}

fn call() -> Value {
    json!({ "name": "t", "arguments": {} })
}

/// A modern server that answers calls with `answer`.
async fn modern(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| if seen.rpc() == "server/discover" { seen.discovered() } else { answer(seen) }).await
}

/// A legacy server with sessions that answers calls with `answer`.
async fn legacy(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| match seen.rpc() {
        "server/discover" => plain(400, &[]),
        "initialize" => seen.initialized("session-1"),
        method if method.starts_with("notifications/") => plain(202, &[]),
        _ if seen.method == Method::DELETE => plain(200, &[]),
        _ => answer(seen),
    })
    .await
}

#[tokio::test]
async fn a_modern_server_sees_headers_that_say_what_the_body_says() {
    let server = modern(|seen| seen.result(&json!({ "ok": true }))).await;
    let (upstream, ledger) = server.upstream();
    let params = json!({ "name": "ä", "arguments": { "region": "eu" } });
    let tool = json!({ "inputSchema": { "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } } });
    let tool = Payload::of(&tool);
    let routed = routed("alice", "tools/call", params.clone(), SOON).await;
    let client = client(Revision::V2026_07_28);
    let headers =
        [("authorization".to_owned(), Secret::new("Bearer token")), ("x-fixed".to_owned(), Secret::new("no"))];
    let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: Some(&tool), headers: &headers };
    let (got, _) = result(&mut upstream.send(&routed, outgoing).await.expect("sent")).await.expect("answered");
    assert_eq!(got, json!({ "ok": true }));
    let seen = server.saw("tools/call").await;
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?w6Q=?="),
        ("mcp-param-region", "eu"),
        ("authorization", "Bearer token"),
        ("x-fixed", "no"),
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("mcp-session-id"), None);
    let meta = &seen.body["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({ "roots": {} }));
    assert_eq!(ledger.told(), ["answered"]);
    assert_eq!(upstream.facts().origin, server.url.trim_end_matches("/mcp"));
}

#[tokio::test]
async fn the_eras_are_told_apart_by_the_answer_to_the_probe() {
    type Probe = fn(&Seen) -> Response<Body>;
    let probes: [(Probe, &str); 8] = [
        (Seen::discovered, "2026-07-28"),
        (|seen| seen.error(200, -32601), "2025-11-25"),
        (|_| plain(400, &[]), "2025-11-25"),
        (|seen| seen.error(400, -32000), "2025-11-25"),
        (|_| plain(405, &[]), "2025-11-25"),
        (|seen| seen.error(400, -32020), "the server refused `server/discover` with error -32020"),
        (|_| plain(401, &[]), "HttpStatus(401)"),
        (|_| plain(503, &[]), "NotSent(\"the server answered the handshake with HTTP 503\")"),
    ];
    for (probe, want) in probes {
        let server = Server::start(move |seen| match seen.rpc() {
            "server/discover" => probe(seen),
            "initialize" => seen.initialized("s"),
            _ => plain(202, &[]),
        })
        .await;
        let (upstream, _) = server.upstream();
        let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await;
        let got = facts.map_or_else(|failed| format!("{:?}", failed.failure), |facts| facts.revision.to_string());
        assert!(got.contains(want), "{got} instead of {want}");
    }
}

#[tokio::test]
async fn a_probe_without_an_answer_is_followed_by_initialize() {
    let (_held, response) = events(None);
    let silent = Mutex::new(Some(response));
    let server = Server::start(move |seen| match seen.rpc() {
        "server/discover" => silent.lock().expect("once").take().unwrap_or_else(|| plain(400, &[])),
        "initialize" => seen.initialized("s"),
        _ => plain(202, &[]),
    })
    .await;
    let mut spec = spec(server.transport());
    spec.timeouts = Timeouts { probe: Duration::from_millis(50), ..spec.timeouts };
    let upstream = Upstream::new(spec, Arc::new(Ledger::default()));
    let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2025_11_25);
}

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

/// A server whose tools change, and the stream on which it says so.
async fn changing(is_modern: bool) -> (Server, mpsc::UnboundedSender<String>) {
    let (sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let capabilities = json!({ "tools": { "listChanged": true } });
    let server = Server::start(move |seen| match (seen.method.clone(), seen.rpc()) {
        (_, "server/discover") if is_modern => {
            seen.result(&json!({ "supportedVersions": ["2026-07-28"], "capabilities": capabilities }))
        }
        (_, "initialize") => seen.result(&json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities })),
        (Method::GET, _) | (_, "subscriptions/listen") => {
            once.lock().expect("once").take().unwrap_or_else(|| plain(405, &[]))
        }
        (_, "notifications/initialized") => plain(202, &[]),
        (_, "server/discover") => plain(400, &[]),
        _ => seen.result(&json!({})),
    })
    .await;
    (server, sender)
}

#[tokio::test]
async fn changed_lists_are_heard_of() {
    for (is_modern, stream) in [(true, "POST subscriptions/listen"), (false, "GET ")] {
        let (server, sender) = changing(is_modern).await;
        let (upstream, _) = server.upstream();
        upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
        assert_eq!(upstream.list_version(), 1);
        let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        sender.send(event(&changed)).expect("open");
        soon(async {
            while upstream.list_version() < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(server.methods().iter().filter(|method| *method == stream).count(), 1);
        upstream.close().await;
        soon(sender.closed()).await;
    }
}

#[tokio::test]
async fn a_legacy_server_that_was_replaced_by_a_modern_one_is_found() {
    let new = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_new = new.clone();
    let server = Server::start(move |seen| match (is_new.load(SeqCst), seen.rpc()) {
        (true, "server/discover") => seen.discovered(),
        (true, _) if seen.header("mcp-method").is_none() => seen.error(400, -32020),
        (false, "server/discover") => plain(400, &[]),
        (false, "initialize") => seen.initialized("s"),
        (false, "notifications/initialized") => plain(202, &[]),
        (is_new, _) => seen.result(&json!({ "new": is_new })),
    })
    .await;
    let (upstream, _) = server.upstream();
    assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "new": false }));
    new.store(true, SeqCst);
    assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "new": true }));
}
