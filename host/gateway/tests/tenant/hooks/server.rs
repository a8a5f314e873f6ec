//! A server of either era that says whatever the arguments of a call tell it to say.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use witgate_gateway::upstream::{Builtin, InProcess, Transport};
use witgate_policy::Revision;

/// What it is told to say within a call's `arguments`: notifications before the answer, a question before it, and
/// notifications after it that belong to no call.
pub(crate) fn puppet(revision: Revision) -> Transport {
    let start = move |stream: tokio::io::DuplexStream| {
        let (read, write) = tokio::io::split(stream);
        let puppet = Puppet { revision, lines: BufReader::new(read).lines(), write, listening: None };
        tokio::spawn(puppet.run());
    };
    Transport::Builtin(Builtin::Other(InProcess(Arc::new(start))))
}

struct Puppet {
    revision: Revision,
    lines: tokio::io::Lines<BufReader<ReadHalf<tokio::io::DuplexStream>>>,
    write: WriteHalf<tokio::io::DuplexStream>,
    /// The id of the subscription that it feeds.
    listening: Option<Value>,
}

impl Puppet {
    async fn run(mut self) {
        while let Ok(Some(line)) = self.lines.next_line().await {
            let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
            if message.get("id").is_none() || message.get("method").is_none() {
                continue;
            }
            self.request(&message).await;
        }
    }

    async fn say(&mut self, message: Value) {
        let mut message = message;
        message["jsonrpc"] = json!("2.0");
        // The gate is gone when the test is over.
        let _ = self.write.write_all(format!("{message}\n").as_bytes()).await;
    }

    async fn note(&mut self, note: &Value, outside: bool) {
        let mut note = note.clone();
        if let (true, Some(id)) = (outside, &self.listening) {
            note["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] = id.clone();
        }
        self.say(note).await;
    }

    async fn request(&mut self, message: &Value) {
        let id = &message["id"];
        let arguments = &message["params"]["arguments"];
        match message["method"].as_str().expect("a method") {
            "subscriptions/listen" => {
                self.listening = Some(id.clone());
                let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
                let params = json!({"notifications": message["params"]["notifications"], "_meta": meta});
                return self.say(json!({"method": "notifications/subscriptions/acknowledged", "params": params})).await;
            }
            "tools/call" if arguments["fail"] == true => {
                return self.say(json!({"id": id, "error": {"code": -32000, "message": "as told"}})).await;
            }
            "tools/call" => {
                for note in arguments["notes"].as_array().into_iter().flatten() {
                    let mut note = note.clone();
                    if note["method"] == "notifications/progress" {
                        note["params"]["progressToken"] = message["params"]["_meta"]["progressToken"].clone();
                    }
                    self.note(&note, false).await;
                }
                if let Some(question) = arguments.get("question") {
                    if self.revision.is_modern() && message["params"].get("inputResponses").is_none() {
                        let wanted = json!({"resultType": "input_required", "inputRequests": {"q": question}});
                        return self.say(json!({"id": id, "result": wanted})).await;
                    }
                    if !self.revision.is_modern() {
                        self.ask(question).await;
                    }
                }
            }
            _ => {}
        }
        let result = self.result(message["method"].as_str().expect("a method"), &message["params"]);
        self.say(match result {
            Some(result) => json!({"id": id, "result": result}),
            None => json!({"id": id, "error": {"code": -32601, "message": "no such method"}}),
        })
        .await;
        for note in arguments["outside"].as_array().into_iter().flatten() {
            self.note(note, true).await;
        }
    }

    /// Asks, and waits for the answer.
    async fn ask(&mut self, question: &Value) {
        let mut question = question.clone();
        question["id"] = json!("q");
        self.say(question).await;
        while let Ok(Some(line)) = self.lines.next_line().await {
            let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
            if message["id"] == "q" {
                return;
            }
        }
    }

    fn result(&self, method: &str, params: &Value) -> Option<Value> {
        let task = json!({"taskId": "t1", "status": "working", "createdAt": "2026-01-01T00:00:00Z", "ttl": null});
        let capabilities = json!({
            "tools": {"listChanged": true}, "prompts": {"listChanged": true}, "completions": {}, "logging": {},
            "resources": {"subscribe": true, "listChanged": true},
            "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
            "extensions": {"io.modelcontextprotocol/tasks": {}},
        });
        Some(match (method, self.revision.is_modern()) {
            ("server/discover", true) => json!({
                "resultType": "complete", "supportedVersions": [self.revision.as_str()], "capabilities": capabilities,
                "ttlMs": 0, "cacheScope": "private",
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "puppet", "version": "1"}},
            }),
            ("initialize", false) => json!({
                "protocolVersion": self.revision.as_str(), "capabilities": capabilities,
                "serverInfo": {"name": "puppet", "version": "1"},
            }),
            ("tools/list", _) => json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}),
            ("prompts/list", _) => json!({"prompts": [{"name": "p"}]}),
            ("resources/list", _) => json!({"resources": [{"uri": "x://1", "name": "r"}]}),
            ("resources/templates/list", _) => json!({"resourceTemplates": []}),
            ("resources/read", _) => json!({"contents": [{"uri": "x://1", "text": ""}]}),
            ("prompts/get", _) => json!({"messages": []}),
            ("completion/complete", _) => json!({"completion": {"values": []}}),
            ("tools/call", false) if params.get("task").is_some() => json!({ "task": task }),
            ("tools/call", true) if params["arguments"]["task"] == true => {
                json!({"resultType": "task", "taskId": "t1", "status": "working"})
            }
            ("tasks/update", true) => json!({"resultType": "complete"}),
            ("tools/call" | "tasks/result", _) => json!({"content": []}),
            ("tasks/get" | "tasks/cancel", _) => task,
            ("tasks/list", _) => json!({ "tasks": [task] }),
            ("resources/subscribe" | "resources/unsubscribe" | "logging/setLevel" | "ping", false) => json!({}),
            _ => return None,
        })
    }
}
