//! A client of one era, which says yes to whatever it is asked.

use anyhow::bail;
use serde_json::{Value, json};

use super::gate::Gate;
use super::sample;

/// What the client can do.
fn capabilities() -> Value {
    json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} })
}

fn info() -> Value {
    json!({ "name": "witgate-conformance", "version": env!("CARGO_PKG_VERSION") })
}

/// A connection to the gate.
pub(super) struct Session {
    gate: Gate,
    is_modern: bool,
    next_id: u64,
    /// The `capabilities` of the server.
    pub(super) server: Value,
}

/// What became of a request.
pub(super) enum Answer {
    /// It was answered.
    Result(Value),
    /// More is wanted first: what to add to its params.
    Wanted(Value),
    /// It was refused.
    Error(Value),
}

impl Session {
    /// Says who it is, and learns who the server is.
    pub(super) async fn open(gate: Gate, is_modern: bool) -> anyhow::Result<Self> {
        let mut session = Self { gate, is_modern, next_id: 1, server: Value::Null };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities(), "clientInfo": info() });
        let (method, params) = if is_modern { ("server/discover", json!({})) } else { ("initialize", hello) };
        let Answer::Result(mut server) = session.request(method, params).await? else { bail!("{method} was refused") };
        session.server = server["capabilities"].take();
        if !is_modern {
            session.gate.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        }
        Ok(session)
    }

    /// Sends a request, and answers what is asked before its answer comes.
    pub(super) async fn request(&mut self, method: &str, mut params: Value) -> anyhow::Result<Answer> {
        let id = self.next_id;
        self.next_id += 1;
        if self.is_modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": info(),
                "io.modelcontextprotocol/clientCapabilities": capabilities(),
            });
        }
        self.gate.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        loop {
            let mut message = self.gate.next().await?;
            let is_mine = message["id"] == id;
            match message["method"].as_str() {
                Some(asked) if !message["id"].is_null() => {
                    let result = sample::response(asked, &message["params"]);
                    self.gate.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).await?;
                }
                None if is_mine && message.get("error").is_some() => return Ok(Answer::Error(message["error"].take())),
                None if is_mine => return Ok(Answer::of(message["result"].take())),
                // Told, or not to be known.
                _ => {}
            }
        }
    }

    /// All items of a list, page by page.
    pub(super) async fn list(&mut self, method: &str, member: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut params = json!({});
        loop {
            let Answer::Result(mut page) = self.request(method, params).await? else { bail!("{method} was refused") };
            all.extend(page[member].as_array_mut().into_iter().flat_map(std::mem::take));
            match page["nextCursor"].take() {
                Value::Null => return Ok(all),
                cursor => params = json!({ "cursor": cursor }),
            }
        }
    }

    /// Ends it in order.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.gate.close().await
    }
}

impl Answer {
    fn of(mut result: Value) -> Self {
        if result["resultType"] != "input_required" {
            return Self::Result(result);
        }
        let asked = result["inputRequests"].as_object().into_iter().flatten();
        let responses: serde_json::Map<_, _> = asked
            .map(|(key, request)| {
                let method = request["method"].as_str().unwrap_or_default();
                (key.clone(), sample::response(method, &request["params"]))
            })
            .collect();
        let mut more = json!({ "inputResponses": responses });
        if let Some(state) = result.get_mut("requestState") {
            more["requestState"] = state.take();
        }
        Self::Wanted(more)
    }
}
