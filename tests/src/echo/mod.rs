//! A quick server of our own, of either era, over HTTP or standard streams, whose answers say for whom they are: its own
//! name and the caller's nonce. It answers out of order.
//!
//! | tool | |
//! |---|---|
//! | `echo` | answers `NAME NONCE`, and tells a progress token the nonce first |
//! | `large` | answers with `bytes` letters; as a stream where `stream` says so |
//! | `parts` | begins a stream, and waits for [`Stage`] before each of two events and the answer |
//! | `flood` | sends `bytes` of log lines before its answer |
//! | `endless` | begins an event that never ends |
//! | `ask` | asks the client for a name, `count` times at once, and says what came of it |

mod hat;
pub mod http;
mod sse;
pub mod stdio;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::watch;

use self::hat::Hat;
use crate::wire::{Era, LEGACY, MODERN};

/// What a test decides while calls are under way, and what it sees of them.
#[derive(Debug, Default)]
pub struct Stage {
    /// How many parts of `parts` may go out.
    pub parts: watch::Sender<usize>,
    /// Bytes that were written to streams so far.
    pub written: AtomicUsize,
    /// Calls that have ended, however.
    pub ended: watch::Sender<usize>,
    sessions: AtomicUsize,
    /// What came back to the questions of `ask`.
    pub answers: watch::Sender<Vec<Value>>,
    /// Streams that were opened to hear of changes.
    pub standing: watch::Sender<usize>,
    /// How often the tools have changed.
    pub changes: watch::Sender<usize>,
}

/// One server, over whatever.
#[derive(Debug)]
pub struct Echo {
    name: String,
    era: Era,
    hat: Hat,
    lines: sse::Lines,
    stage: Arc<Stage>,
}

impl Echo {
    /// A server with a name of its own.
    pub fn new(name: &str, era: Era, stage: Arc<Stage>) -> Self {
        Self { name: name.to_owned(), era, hat: Hat::default(), lines: sse::Lines::default(), stage }
    }

    /// The answer to all that is answered at once; `None` for what gets none.
    fn answer(&self, message: &Value) -> Option<Value> {
        let id = message.get("id")?;
        let method = message["method"].as_str()?;
        let result = match method {
            "initialize" => json!({
                "protocolVersion": LEGACY, "capabilities": { "tools": { "listChanged": true }, "logging": {} },
                "serverInfo": { "name": self.name, "version": "1" },
            }),
            "server/discover" if self.era == Era::Modern => json!({
                "supportedVersions": [MODERN], "capabilities": { "tools": { "listChanged": true }, "logging": {} },
                "ttlMs": 3_600_000, "cacheScope": "public",
                "_meta": { "io.modelcontextprotocol/serverInfo": { "name": self.name, "version": "1" } },
            }),
            "tools/list" => {
                let names = ["echo", "large", "parts", "flood", "endless", "ask"];
                let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
                json!({ "tools": names.map(tool), "ttlMs": 3_600_000, "cacheScope": "public" })
            }
            "ping" | "logging/setLevel" => json!({}),
            _ => {
                let error = json!({ "code": -32601, "message": format!("no `{method}` here") });
                return Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
        };
        Some(self.result(id, result))
    }

    fn result(&self, id: &Value, mut result: Value) -> Value {
        if self.era == Era::Modern {
            result["resultType"] = "complete".into();
        }
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }

    fn text(&self, id: &Value, text: &str) -> Value {
        self.result(id, json!({ "content": [{ "type": "text", "text": text }] }))
    }

    /// What `echo` says, in order, once it is its turn.
    async fn echo(&self, message: &Value) -> Vec<Value> {
        self.hat.turn().await;
        let params = &message["params"];
        let nonce = params["arguments"]["nonce"].as_str().unwrap_or_default();
        let mut said = Vec::new();
        if let Some(token) = params["_meta"].get("progressToken") {
            let params = json!({ "progressToken": token, "progress": 1, "message": nonce });
            said.push(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }));
        }
        said.push(self.text(&message["id"], &format!("{} {nonce}", self.name)));
        said
    }

    /// What `large` says.
    fn large(&self, message: &Value) -> Value {
        let bytes = message["params"]["arguments"]["bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
        self.text(&message["id"], &"x".repeat(bytes.unwrap_or_default()))
    }
}

impl Stage {
    /// Waits until so many parts may go out.
    async fn part(&self, number: usize) {
        // The sender is here, so waiting does not fail.
        let _ = self.parts.subscribe().wait_for(|parts| *parts >= number).await;
    }

    /// Waits until so many calls have ended.
    pub async fn ended(&self, count: usize) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended >= count).await;
    }

    fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }
}
