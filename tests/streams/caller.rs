//! A client by hand, on as many connections as it likes.

use std::io;

use serde_json::{Value, json};
use witgate_tests::http::Connection;
use witgate_tests::wire::{Era, LEGACY, MODERN, initialize, with_meta};

/// Where it calls, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    authority: String,
    path: String,
    era: Era,
    session: String,
    capabilities: Value,
}

impl Caller {
    /// A client of the endpoint at `url` that can be asked nothing; a legacy one begins a session.
    pub(crate) async fn new(url: &str, era: Era) -> Self {
        Self::able(url, era, json!({})).await
    }

    /// The same with these capabilities.
    pub(crate) async fn able(url: &str, era: Era, capabilities: Value) -> Self {
        let (authority, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
        let (authority, path) = (authority.to_owned(), format!("/{path}"));
        let mut caller = Self { authority, path, era, session: String::new(), capabilities };
        if era == Era::Legacy {
            let mut connection = caller.connect().await.expect("a connection");
            let mut params = initialize();
            params["capabilities"] = caller.capabilities.clone();
            caller.request(&mut connection, "1", "initialize", &params.to_string()).await.expect("a request");
            let (head, answer) = connection.messages().await.expect("an answer");
            caller.session = head.get("mcp-session-id").unwrap_or_else(|| panic!("{head:?} {answer:?}")).to_owned();
            let done = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            caller.post(&mut connection, &[], done).await.expect("a request");
            assert_eq!(connection.head().await.expect("a head").status(), 202);
        }
        caller
    }

    /// One more connection.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        Connection::open(&self.authority).await
    }

    /// Sends a request with an id as it is written; the answer is the connection's next message.
    pub(crate) async fn request(
        &self,
        connection: &mut Connection,
        id: &str,
        method: &str,
        params: &str,
    ) -> io::Result<()> {
        let params = if self.era == Era::Modern { with_meta(params) } else { params.to_owned() };
        let params =
            params.replacen(r#"clientCapabilities":{}"#, &format!(r#"clientCapabilities":{}"#, self.capabilities), 1);
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let name: Value = serde_json::from_str(&params)?;
        let mut headers = vec![("mcp-method", method)];
        headers.extend(name["name"].as_str().map(|name| ("mcp-name", name)));
        let headers = if self.era == Era::Modern { &headers[..] } else { &[] };
        self.post(connection, headers, &body).await
    }

    /// Calls a tool; `token` is a progress token as it is written.
    pub(crate) async fn call(
        &self,
        connection: &mut Connection,
        id: &str,
        (tool, arguments): (&str, &Value),
        token: Option<&str>,
    ) -> io::Result<()> {
        let meta = token.map(|token| format!(r#""_meta":{{"progressToken":{token}}},"#)).unwrap_or_default();
        let params = format!(r#"{{{meta}"name":"{tool}","arguments":{arguments}}}"#);
        self.request(connection, id, "tools/call", &params).await
    }

    /// Opens the standing stream of a legacy session, or takes up a stream after its event `last`.
    pub(crate) async fn stand(&self, connection: &mut Connection, last: Option<&str>) -> io::Result<()> {
        let mut headers = self.standing();
        headers.push(("accept", "text/event-stream"));
        headers.extend(last.map(|last| ("last-event-id", last)));
        connection.send(&format!("GET {} HTTP/1.1", self.path), &headers, "").await
    }

    /// Answers what a legacy client was asked; the status says whether that was taken.
    pub(crate) async fn answer(&self, id: &Value, result: &Value) -> io::Result<u16> {
        let mut connection = self.connect().await?;
        self.post(&mut connection, &[], &json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()).await?;
        Ok(connection.head().await?.status())
    }

    /// Listens for changes, as modern clients do.
    pub(crate) async fn listen(&self, connection: &mut Connection) -> io::Result<()> {
        let params = json!({ "notifications": { "toolsListChanged": true } }).to_string();
        self.request(connection, "1", "subscriptions/listen", &params).await
    }

    async fn post(&self, connection: &mut Connection, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
        let own = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let headers = [self.standing().as_slice(), &own, headers].concat();
        connection.send(&format!("POST {} HTTP/1.1", self.path), &headers, body).await
    }

    fn standing(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![("host", self.authority.as_str())];
        match self.era {
            Era::Modern => headers.push(("mcp-protocol-version", MODERN)),
            Era::Legacy if self.session.is_empty() => {}
            Era::Legacy => {
                headers.extend([("mcp-protocol-version", LEGACY), ("mcp-session-id", self.session.as_str())]);
            }
        }
        headers
    }
}
