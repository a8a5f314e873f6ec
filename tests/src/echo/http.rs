//! The server over HTTP.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::streams::STREAM;
use super::{Echo, Stage};
use crate::http::{Connection, Head};
use crate::wire::{Era, MODERN};

/// A server on a port of its own, gone when dropped.
#[derive(Debug)]
pub struct Server {
    url: String,
    stage: Arc<Stage>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Begins to serve.
    pub async fn start(name: &str, era: Era) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("its address"));
        let stage = Arc::<Stage>::default();
        let echo = Arc::new(Echo::new(name, era, stage.clone()));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let echo = echo.clone();
                // Ends with its connection.
                tokio::spawn(async move { echo.serve(Connection::over(stream)?).await });
            }
        });
        Self { url, stage, accepting }
    }

    /// Its endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it speaks HTTP+SSE.
    pub fn sse_url(&self) -> String {
        self.url.replace("/mcp", "/sse")
    }

    /// What the test decides and sees.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Echo {
    async fn serve(&self, mut connection: Connection) -> io::Result<()> {
        loop {
            let head = connection.head().await?;
            let body = connection.text().await?;
            if head.first.starts_with("GET /sse ") {
                return self.open_line(&mut connection).await;
            }
            if head.first.starts_with("POST /messages?") {
                self.take_line(&mut connection, &head, &body).await?;
                continue;
            }
            if head.first.starts_with("GET") && self.era == Era::Legacy {
                return self.stand(&mut connection, None).await;
            }
            if !head.first.starts_with("POST") {
                connection.send("HTTP/1.1 405 Method Not Allowed", &[], "").await?;
                continue;
            }
            self.take(&mut connection, &head, &serde_json::from_str(&body)?).await?;
        }
    }

    async fn take(&self, connection: &mut Connection, head: &Head, message: &Value) -> io::Result<()> {
        if (self.era == Era::Modern) != (head.get("mcp-protocol-version") == Some(MODERN)) {
            let error = match self.era {
                Era::Modern => {
                    let data = json!({ "supported": [MODERN] });
                    json!({ "code": -32022, "message": "Unsupported protocol version", "data": data })
                }
                Era::Legacy => json!({ "code": -32000, "message": "Bad Request" }),
            };
            let body = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }).to_string();
            return connection.send("HTTP/1.1 400 Bad Request", &[JSON], &body).await;
        }
        if message["method"] == "tools/call" {
            let called = self.call(connection, message).await;
            self.stage.ended.send_modify(|ended| *ended += 1);
            return called;
        }
        if message["method"] == "subscriptions/listen" && self.era == Era::Modern {
            return self.stand(connection, Some(message)).await;
        }
        if message.get("method").is_none() {
            self.stage.answers.send_modify(|answers| answers.push(message.clone()));
        }
        match self.answer(message) {
            Some(answer) => {
                let session = session_id(&self.stage);
                let session = [JSON, ("mcp-session-id", session.as_str())];
                let headers = if message["method"] == "initialize" { &session[..] } else { &session[..1] };
                connection.send("HTTP/1.1 200 OK", headers, &answer.to_string()).await
            }
            None => connection.send("HTTP/1.1 202 Accepted", &[], "").await,
        }
    }

    async fn call(&self, connection: &mut Connection, message: &Value) -> io::Result<()> {
        let params = &message["params"];
        match params["name"].as_str().unwrap_or_default() {
            "echo" => {
                let said = self.echo(message).await;
                self.say(connection, &said, said.len() > 1).await
            }
            "large" => self.say(connection, &[self.large(message)], params["arguments"]["stream"] == true).await,
            "parts" => self.parts(connection, message).await,
            "flood" => self.flood(connection, message).await,
            "endless" => self.endless(connection).await,
            "ask" => self.ask(connection, message).await,
            name => {
                let error = json!({ "code": -32602, "message": format!("no tool `{name}` here") });
                self.say(connection, &[json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })], false).await
            }
        }
    }

    async fn say(&self, connection: &mut Connection, said: &[Value], stream: bool) -> io::Result<()> {
        if let ([answer], false) = (said, stream) {
            return connection.send("HTTP/1.1 200 OK", &[JSON], &answer.to_string()).await;
        }
        connection.write(STREAM).await?;
        for message in said {
            self.event(connection, message).await?;
        }
        connection.chunk("").await
    }

    pub(super) async fn event(&self, connection: &mut Connection, message: &Value) -> io::Result<()> {
        let event = format!("event: message\ndata: {message}\n\n");
        self.stage.wrote(event.len());
        connection.chunk(&event).await
    }
}

/// A session's id, unlike the others of this server.
fn session_id(stage: &Stage) -> String {
    format!("session-{}", stage.sessions.fetch_add(1, Ordering::Relaxed))
}

const JSON: (&str, &str) = ("content-type", "application/json");
