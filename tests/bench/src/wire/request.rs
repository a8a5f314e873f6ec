//! Requests, made once and sent with another id each time.

use std::io::Write as _;
use std::ops::Range;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// 2026-07-28.
pub(crate) const MODERN: &str = "2026-07-28";
/// 2025-11-25.
pub(crate) const LEGACY: &str = "2025-11-25";

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Era {
    /// Without sessions.
    Modern,
    /// With `initialize`.
    Legacy,
}

/// Who sends and where to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) era: Era,
    pub(crate) path: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) session: Option<&'a str>,
}

/// A request with room for an id.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    id: Range<usize>,
}

/// All ids have seven digits, so that every request is as long as every other.
const FIRST_ID: u32 = 1_000_000;
const IDS: u32 = 9_000_000;

impl Request {
    /// A request of a method; of a tool, `params` has its `name`.
    pub(crate) fn new(sender: Sender<'_>, method: &str, mut params: Value) -> Self {
        let name = params["name"].as_str().map(str::to_owned);
        if sender.era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
            });
        }
        let before = r#"{"jsonrpc":"2.0","id":"#;
        let body = format!(r#"{before}{FIRST_ID},"method":"{method}","params":{params}}}"#);
        let mut headers = standing(sender);
        if sender.era == Era::Modern {
            headers.extend([format!("Mcp-Method: {method}\r\n")]);
            headers.extend(name.map(|name| format!("Mcp-Name: {name}\r\n")));
        }
        let bytes = post(sender.path, &headers, &body);
        let start = bytes.len() - body.len() + before.len();
        Self { bytes, id: start..start + 7 }
    }

    /// A call of a tool that takes any text.
    pub(crate) fn call(sender: Sender<'_>, tool: &str) -> Self {
        let arguments = json!({ "text": "the quick brown fox jumps over the lazy dog", "count": 3 });
        Self::new(sender, "tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The bytes with the id number `number`, and that id.
    pub(crate) fn numbered(&mut self, number: u32) -> (&[u8], u32) {
        let id = FIRST_ID + number % IDS;
        let mut place = &mut self.bytes[self.id.clone()];
        // Seven digits fit into seven bytes.
        let _ = write!(place, "{id}");
        (&self.bytes, id)
    }
}

/// The request that begins a session.
pub(crate) fn initialize(sender: Sender<'_>) -> Request {
    let client = json!({ "name": "bench", "version": "1" });
    let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client });
    Request::new(sender, "initialize", params)
}

/// The notification that ends a handshake.
pub(crate) fn initialized(sender: Sender<'_>) -> Vec<u8> {
    post(sender.path, &standing(sender), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
}

/// The headers of every request.
fn standing(sender: Sender<'_>) -> String {
    let mut headers = String::from("Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n");
    let revision = match (sender.era, sender.session) {
        (Era::Modern, _) => Some(MODERN),
        (Era::Legacy, Some(_)) => Some(LEGACY),
        (Era::Legacy, None) => None,
    };
    headers.extend(revision.map(|revision| format!("MCP-Protocol-Version: {revision}\r\n")));
    headers.extend(sender.session.map(|session| format!("Mcp-Session-Id: {session}\r\n")));
    headers.extend(sender.key.map(|key| format!("Authorization: Bearer {key}\r\n")));
    headers
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}
