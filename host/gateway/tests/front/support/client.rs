//! HTTP as bytes: what is sent and what comes back.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::soon;

/// An HTTP request.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Bytes,
    pub(crate) h2: bool,
}

impl<'a> Ask<'a> {
    /// A POST to `/mcp` as alice, with what every client sends.
    pub(crate) fn post(body: impl Into<Bytes>) -> Self {
        let headers = [
            ("host", "localhost"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("authorization", "alice"),
            ("x-not-for-auth", "secret"),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Self { method: "POST", path: "/mcp", headers, body: body.into(), h2: false }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::post(body.to_string())
    }

    /// A modern request with the headers that belong to it.
    pub(crate) fn modern(id: i64, method: &str, params: Value) -> Self {
        let mut params = params;
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let ask = Self::json(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let ask = ask.with("mcp-protocol-version", "2026-07-28").with("mcp-method", method);
        match params.get("name").and_then(Value::as_str) {
            Some(name) => ask.with("mcp-name", name),
            None => ask,
        }
    }

    /// A legacy request of a session.
    pub(crate) fn legacy(session: &str, id: i64, method: &str, params: &Value) -> Self {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        Self::json(&body).with("mcp-session-id", session)
    }

    pub(crate) fn note(session: &str, method: &str, params: &Value) -> Self {
        Self::json(&json!({"jsonrpc": "2.0", "method": method, "params": params})).with("mcp-session-id", session)
    }

    /// The same with a header, instead of the one that was there; an empty value takes it away.
    pub(crate) fn with(mut self, name: &'a str, value: &str) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn at(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn by(mut self, method: &'a str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn over_h2(mut self) -> Self {
        self.h2 = true;
        self
    }

    pub(crate) async fn send(self, address: SocketAddr) -> http::Response<Incoming> {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let io = TokioIo::new(stream);
        let target = if self.h2 { format!("http://localhost{}", self.path) } else { self.path.to_owned() };
        let mut request = http::Request::builder().method(self.method).uri(target);
        for (name, value) in &self.headers {
            if !(self.h2 && *name == "host") {
                request = request.header(*name, value);
            }
        }
        let request = request.body(Full::new(self.body)).expect("a request");
        // Dropping the sender ends the connection once the response was read; dropping the response ends it at once.
        if self.h2 {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("a response")
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("a handshake");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("a response")
        }
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn read(response: http::Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = soon(body.collect()).await.expect("a body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        Self { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// Status and JSON-RPC code.
    pub(crate) fn refused(&self) -> (u16, i64) {
        (self.status, self.json()["error"]["code"].as_i64().expect("a code"))
    }

    /// The messages of a stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.header("content-type"), Some("text/event-stream"), "{self:?}");
        events(&self.text)
    }
}

pub(crate) fn events(text: &str) -> Vec<Value> {
    let messages = text.split("\n\n").filter(|event| event.starts_with("event: message\n"));
    messages
        .map(|event| {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
            serde_json::from_str(data).expect("JSON")
        })
        .collect()
}

/// The ids of a stream's events, with that of the first, which has no data, where there is one.
pub(crate) fn ids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
}
