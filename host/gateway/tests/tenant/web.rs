//! A legacy server over HTTP that wants a token, and says which it was shown.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use witgate_gateway::upstream::{Http, Transport};

/// The `authorization` headers of all requests, in order.
pub(crate) type Shown = Arc<Mutex<Vec<String>>>;

/// Starts it; only `token` is let in.
pub(crate) async fn guarded(token: &'static str) -> (Transport, Shown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let shown = Shown::default();
    let seen = shown.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            let service = service_fn(move |request| answer(request, token, seen.clone()));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (Transport::Http(Http { url, headers: Vec::new() }), shown)
}

async fn answer(
    request: Request<Incoming>,
    token: &'static str,
    shown: Shown,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let header = header.unwrap_or_default();
    shown.lock().expect("log").push(header.clone());
    if header != format!("Bearer {token}") {
        return Ok(Response::builder().status(401).body(Full::default()).expect("a response"));
    }
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "web", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}),
        Some("tools/call") => json!({"content": []}),
        Some("server/discover") => {
            return Ok(Response::builder().status(400).body(Full::default()).expect("a response"));
        }
        _ => return Ok(Response::builder().status(202).body(Full::default()).expect("a response")),
    };
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    let response = Response::builder().header("content-type", "application/json").body(Full::from(answer));
    Ok(response.expect("a response"))
}
