//! Streams of the server over HTTP, each with a course of its own.

use std::io;

use serde_json::{Value, json};

use super::Echo;
use crate::http::Connection;

/// The head of a stream of events.
pub(super) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Bytes of a log line, and of a piece of an event.
const LINE: usize = 16 << 10;

impl Echo {
    pub(super) async fn parts(&self, connection: &mut Connection, message: &Value) -> io::Result<()> {
        connection.write(STREAM).await?;
        for number in 1..=2 {
            self.stage.part(number).await;
            let params = json!({
                "progressToken": message["params"]["_meta"]["progressToken"], "progress": number,
            });
            let note = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
            self.event(connection, &note).await?;
        }
        self.stage.part(3).await;
        self.event(connection, &self.text(&message["id"], "whole")).await?;
        connection.chunk("").await
    }

    pub(super) async fn flood(&self, connection: &mut Connection, message: &Value) -> io::Result<()> {
        let bytes = message["params"]["arguments"]["bytes"].as_u64().unwrap_or_default();
        let data = "x".repeat(LINE);
        let params = json!({ "level": "error", "logger": "echo", "data": data });
        let line = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params });
        connection.write(STREAM).await?;
        for _ in 0..bytes / (LINE as u64) {
            self.event(connection, &line).await?;
        }
        self.event(connection, &self.text(&message["id"], "flooded")).await?;
        connection.chunk("").await
    }

    /// Until the other side has had enough.
    pub(super) async fn endless(&self, connection: &mut Connection) -> io::Result<()> {
        connection.write(STREAM).await?;
        connection.chunk("event: message\ndata: \"").await?;
        let piece = "x".repeat(LINE);
        loop {
            connection.chunk(&piece).await?;
            self.stage.wrote(piece.len());
        }
    }

    /// Asks for something `count` times at once, and says how many of the answers were results and how many errors.
    pub(super) async fn ask(&self, connection: &mut Connection, message: &Value) -> io::Result<()> {
        let count = message["params"]["arguments"]["count"].as_u64().unwrap_or(1);
        self.stage.answers.send_replace(Vec::new());
        connection.write(STREAM).await?;
        for number in 0..count {
            let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
            let params = json!({ "message": format!("Who {number}?"), "requestedSchema": schema });
            let id = format!("question-{number}");
            let ask = json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params });
            self.event(connection, &ask).await?;
        }
        let mut answers = self.stage.answers.subscribe();
        let all = answers.wait_for(|answers| answers.len() as u64 >= count).await.map_err(io::Error::other)?.clone();
        let results = all.iter().filter(|answer| answer.get("result").is_some()).count();
        let said = format!("{results} results, {} errors", all.len() - results);
        self.event(connection, &self.text(&message["id"], &said)).await?;
        connection.chunk("").await
    }

    /// Tells of each change that the test makes; a modern client, who has asked for it with `listen`, by its id.
    pub(super) async fn stand(&self, connection: &mut Connection, listen: Option<&Value>) -> io::Result<()> {
        let params = listen
            .map_or(json!({}), |listen| json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": listen["id"] } }));
        connection.write(STREAM).await?;
        if let Some(listen) = listen {
            let mut params = params.clone();
            params["notifications"] = listen["params"]["notifications"].clone();
            let method = "notifications/subscriptions/acknowledged";
            self.event(connection, &json!({ "jsonrpc": "2.0", "method": method, "params": params })).await?;
        }
        let mut changes = self.stage.changes.subscribe();
        self.stage.standing.send_modify(|standing| *standing += 1);
        while changes.changed().await.is_ok() {
            let method = "notifications/tools/list_changed";
            self.event(connection, &json!({ "jsonrpc": "2.0", "method": method, "params": params })).await?;
        }
        Ok(())
    }
}
