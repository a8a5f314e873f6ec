//! An MCP server of the modern era inside the test: quick, so that what is measured is the gate, and with a memory of
//! all that it was sent, so that it can be searched for what must not have come.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// So much of what came is kept: the rest of a long run says nothing new.
const KEPT_BYTES: usize = 8 << 20;

/// Below this path a request is sent on to the authority that the rest of the path is.
const REDIRECT: &str = " /redirect/";

/// A server on a port of its own, gone when dropped.
pub(crate) struct Upstream {
    authority: String,
    received: Arc<Mutex<String>>,
    accepting: JoinHandle<()>,
}

/// What it lists and says.
struct Script {
    tools: Value,
    /// The text of every result.
    text: String,
}

impl Upstream {
    /// Lists these tools; a call of one is answered with `text`, as an error where its
    /// name says `retry`, since a retry strategy is asked about what failed.
    pub(crate) async fn start(tools: &[String], text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = listener.local_addr().expect("its address").to_string();
        let tool = |name: &String| json!({ "name": name, "inputSchema": { "type": "object" } });
        let script = Script { tools: tools.iter().map(tool).collect(), text: text.to_owned() };
        let (script, received) = (Arc::new(script), Arc::<Mutex<String>>::default());
        let kept = received.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (script, kept) = (script.clone(), kept.clone());
                // Ends with its connection.
                tokio::spawn(async move { serve(connection, &script, &kept).await });
            }
        });
        Self { authority, received, accepting }
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.authority)
    }

    /// Where it listens.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// All that it was sent, heads and bodies.
    pub(crate) fn received(&self) -> String {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(connection: TcpStream, script: &Script, kept: &Mutex<String>) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    let (reader, mut writer) = connection.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let (head, body) = request(&mut reader).await?;
        {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT_BYTES {
                kept.push_str(&head);
                kept.push_str(&body);
            }
        }
        let (status, body) = match serde_json::from_str(&body).map(|message| script.answer(&message)) {
            Ok(Some(answer)) => ("200 OK", answer.to_string()),
            Ok(None) => ("202 Accepted", String::new()),
            // Not MCP: a probe that came through.
            Err(_) => ("404 Not Found", String::new()),
        };
        let elsewhere = head.split_once(REDIRECT).and_then(|(_, rest)| rest.split(' ').next());
        let (status, location) = match elsewhere {
            Some(authority) => ("302 Found", format!("location: http://{authority}/probe\r\n")),
            None => (status, String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\n{location}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        writer.write_all(head.as_bytes()).await.ok()?;
    }
}

/// The head and the body of one request, which has a length: the gate knows what it sends.
async fn request(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<(String, String)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if reader.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
        let line = head[start..].trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

impl Script {
    /// `None` for a notification.
    fn answer(&self, message: &Value) -> Option<Value> {
        let id = message.get("id")?;
        let result = match message["method"].as_str()? {
            "server/discover" => json!({
                "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "private",
                "supportedVersions": [witgate_tests::wire::MODERN], "capabilities": { "tools": {} },
                "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "gauntlet", "version": "1" } },
            }),
            "tools/list" => json!({
                "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "private", "tools": self.tools,
            }),
            "tools/call" => {
                let broken = message["params"]["name"].as_str().is_some_and(|name| name.contains("retry"));
                json!({
                    "resultType": "complete", "isError": broken, "content": [{ "type": "text", "text": self.text }],
                })
            }
            method => {
                let error = json!({ "code": -32601, "message": format!("no `{method}` here") });
                return Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
        };
        Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }
}
