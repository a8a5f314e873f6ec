//! Upstreams over Streamable HTTP, with a server that each test writes as one function.

mod answers;
mod changes;
mod dual;
mod eras;
mod modern;
mod own;
mod resume;
mod sessions;
mod sse;

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
use witgate_gateway::upstream::{Event, Failed, Http, Limits, Outgoing, Timeouts, Transport, Upstream};
use witgate_policy::secret::Secret;
use witgate_policy::{Failure, Payload, Revision, json as strict};

use crate::support::*;

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
