//! A client without an SDK, over a child's standard streams.

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

use crate::answer::Answer;
use crate::process::{Process, Stream};
use crate::wire::{Era, initialize, with_meta};

/// A child that speaks MCP, killed when dropped.
#[derive(Debug)]
pub struct Pipe {
    process: Process,
    input: Option<ChildStdin>,
    era: Era,
    next_id: u32,
}

impl Pipe {
    /// Starts the child, and its session where there are any.
    pub async fn open(command: Command, era: Era) -> Self {
        let mut process = Process::spawn(command);
        let input = Some(process.stdin());
        let mut pipe = Self { process, input, era, next_id: 1 };
        if era == Era::Legacy {
            pipe.request("initialize", &initialize().to_string()).await;
            pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        }
        pipe
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Sends a request and waits for its answer. `params` is a JSON object as text, without the era's `_meta`.
    pub async fn request(&mut self, method: &str, params: &str) -> Answer {
        let id = self.next_id;
        self.next_id += 1;
        let from = self.process.lines();
        let params = if self.era == Era::Modern { with_meta(params) } else { params.to_owned() };
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)).await;
        let mut messages = Vec::new();
        let find = |stream, line: &str| {
            if stream == Stream::Stderr {
                return None;
            }
            messages.push(line.to_owned());
            let message: Value = serde_json::from_str(line).ok()?;
            (message["id"] == id && message.get("method").is_none()).then_some(())
        };
        self.process.line("an answer", from, find).await;
        Answer { messages, ..Answer::default() }
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: &str) -> Answer {
        let params = format!(r#"{{"name":{},"arguments":{arguments}}}"#, Value::from(tool));
        self.request("tools/call", &params).await
    }

    /// Sends one line.
    pub async fn send(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open pipe");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("a child that reads");
        input.flush().await.expect("a child that reads");
    }

    /// Closes the child's standard input and waits for its end.
    pub async fn close(mut self) -> (std::process::ExitStatus, String) {
        drop(self.input.take());
        let status = self.process.wait().await;
        (status, self.process.text())
    }
}
