//! Everything that is ever answered, prepared.

use std::collections::HashMap;
use std::io::Write as _;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::message::Message;
use crate::wire::{Era, Head, LEGACY, MODERN};

/// A list has so many tools on one page.
const PAGE: usize = 1000;
/// What is longer is sent from where it lies.
const SHORT: usize = 16 * 1024;
const SESSION: &str = "Mcp-Session-Id: bench-session\r\n";

/// The answers of a server.
#[derive(Debug)]
pub(super) struct Answers {
    era: Era,
    introduction: Vec<u8>,
    pages: Vec<Vec<u8>>,
    results: HashMap<&'static str, Vec<u8>>,
    other: Vec<u8>,
}

impl Answers {
    pub(super) fn new(era: Era, tools: usize) -> Self {
        let pages = (0..tools.div_ceil(PAGE)).map(|page| result(era, list(page, tools), true));
        let sizes =
            [("echo", 64), ("echo_1k", 1 << 10), ("echo_8k", 8 << 10), ("echo_64k", 64 << 10), ("echo_1m", 1 << 20)];
        let mut results: HashMap<_, _> =
            sizes.iter().map(|(name, size)| (*name, result(era, content(*size), false))).collect();
        let secret = json!({ "content": [{ "type": "text", "text": "password: hunter2" }] });
        results.insert("echo_secret", result(era, secret, false));
        Self {
            era,
            introduction: result(era, introduction(era), true),
            pages: pages.collect(),
            results,
            other: br#","error":{"code":-32601,"message":"Method not found"}}"#.to_vec(),
        }
    }

    /// Writes the answer to a request, and gives back what is to be sent behind it.
    pub(super) fn put(&self, head: &Head<'_>, body: &[u8], output: &mut Vec<u8>) -> &[u8] {
        if !head.first.starts_with("POST") {
            return plain(output, if head.first.starts_with("GET") { "405 Method Not Allowed" } else { "200 OK" });
        }
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else { return plain(output, "400 Bad Request") };
        let Some(id) = message.id.map(RawValue::get) else { return plain(output, "202 Accepted") };
        let is_modern = head.get("mcp-protocol-version") == Some(MODERN);
        if is_modern != (self.era == Era::Modern) {
            return json(output, "400 Bad Request", "", id, WRONG_ERA);
        }
        let session = if message.method == "initialize" { SESSION } else { "" };
        match self.tail(&message) {
            Some(tail) => json(output, "200 OK", session, id, tail),
            None => json(output, "404 Not Found", "", id, &self.other),
        }
    }

    fn tail(&self, message: &Message<'_>) -> Option<&[u8]> {
        let tail = match (message.method, self.era) {
            ("tools/call", _) => self.results.get(message.params.name?).unwrap_or(&self.results["echo"]),
            ("tools/list", _) => self.pages.get(message.params.cursor.map_or(Some(0), |page| page.parse().ok())?)?,
            ("server/discover", Era::Modern) | ("initialize", Era::Legacy) => &self.introduction,
            _ => return None,
        };
        Some(tail)
    }
}

/// What servers of either era have said to those of the other since before there were two.
const WRONG_ERA: &[u8] = br#","error":{"code":-32000,"message":"Bad Request: unsupported protocol version"}}"#;

fn plain<'a>(output: &mut Vec<u8>, status: &str) -> &'a [u8] {
    // Writing to memory does not fail.
    let _ = write!(output, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    &[]
}

fn json<'a>(output: &mut Vec<u8>, status: &str, headers: &str, id: &str, tail: &'a [u8]) -> &'a [u8] {
    const BEFORE: &str = r#"{"jsonrpc":"2.0","id":"#;
    let length = BEFORE.len() + id.len() + tail.len();
    // Writing to memory does not fail.
    let _ = write!(
        output,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{BEFORE}{id}"
    );
    if tail.len() > SHORT {
        return tail;
    }
    output.extend_from_slice(tail);
    &[]
}

/// What stands behind the id.
fn result(era: Era, mut result: Value, is_cached: bool) -> Vec<u8> {
    if era == Era::Modern {
        result["resultType"] = "complete".into();
    }
    if era == Era::Modern && is_cached {
        result["ttlMs"] = 3_600_000.into();
        result["cacheScope"] = "public".into();
    }
    format!(r#","result":{result}}}"#).into_bytes()
}

fn introduction(era: Era) -> Value {
    let info = json!({ "name": "bench", "version": "1" });
    let capabilities = json!({ "tools": {} });
    match era {
        Era::Modern => json!({
            "supportedVersions": [MODERN], "capabilities": capabilities,
            "_meta": { "io.modelcontextprotocol/serverInfo": info },
        }),
        Era::Legacy => json!({ "protocolVersion": LEGACY, "capabilities": capabilities, "serverInfo": info }),
    }
}

fn list(page: usize, tools: usize) -> Value {
    const FIRST: [&str; 6] = ["echo", "echo_1k", "echo_8k", "echo_64k", "echo_1m", "echo_secret"];
    let range = page * PAGE..tools.min((page + 1) * PAGE);
    let next = (range.end < tools).then(|| (page + 1).to_string());
    let names =
        range.map(|number| FIRST.get(number).map_or_else(|| format!("tool_{number:05}"), |name| (*name).to_owned()));
    let mut list = json!({ "tools": names.map(|name| tool(&name)).collect::<Vec<_>>() });
    if let Some(next) = next {
        list["nextCursor"] = next.into();
    }
    list
}

fn tool(name: &str) -> Value {
    let properties = json!({
        "text": { "type": "string", "minLength": 1, "maxLength": 200, "description": "What is said back" },
        "count": { "type": "integer", "minimum": 0, "maximum": 100 },
    });
    let schema =
        json!({ "type": "object", "properties": properties, "required": ["text"], "additionalProperties": false });
    json!({ "name": name, "description": "Says something back, some times", "inputSchema": schema })
}

/// A result of about so many bytes: prose, and from 1 KiB on as much again as rows.
fn content(size: usize) -> Value {
    const LINE: &str = "Order 1042 of Miller and Sons: 3 items, shipped on 2026-03-14, 129.90 in all.\n";
    let is_short = size < 1 << 10;
    let text = LINE.repeat(size.div_ceil(LINE.len()));
    let text = &text[..if is_short { size } else { size / 2 }];
    let mut result = json!({ "content": [{ "type": "text", "text": text }] });
    if !is_short {
        let row = json!({ "order": 1042, "customer": "Miller and Sons", "items": 3, "total": 129.9, "shipped": true });
        let rows = size / 2 / (row.to_string().len() + 1);
        result["structuredContent"] = json!({ "rows": vec![row; rows.max(1)] });
    }
    result
}
