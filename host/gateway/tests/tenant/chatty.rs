//! A legacy server that also speaks unasked, one connection at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, mpsc};
use witgate_gateway::upstream::{Builtin, InProcess, Transport};

/// What it hears of its latest connection, and where to put words into its mouth.
#[derive(Clone)]
pub(crate) struct Chatty(Arc<Mutex<State>>, Arc<Notify>);

#[derive(Default)]
struct State {
    heard: Vec<Value>,
    mouths: Vec<mpsc::UnboundedSender<Value>>,
}

impl Chatty {
    /// With these capabilities. It answers what it is asked with `{}`, lists with empty lists.
    pub(crate) fn new(capabilities: Value) -> (Transport, Self) {
        let chatty = Self(Arc::default(), Arc::default());
        let shared = chatty.clone();
        let start = move |stream: tokio::io::DuplexStream| {
            let (chatty, capabilities) = (shared.clone(), capabilities.clone());
            let (mouth, mut words) = mpsc::unbounded_channel::<Value>();
            chatty.0.lock().expect("state").mouths.push(mouth.clone());
            let (read, mut write) = tokio::io::split(stream);
            tokio::spawn(async move {
                while let Some(line) = words.recv().await {
                    if line.is_null() {
                        return write.shutdown().await.unwrap_or_default();
                    }
                    if write.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                let mut lines = BufReader::new(read).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
                    chatty.0.lock().expect("state").heard.push(message.clone());
                    chatty.1.notify_one();
                    if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
                        let _ = mouth.send(answer(id, method, &capabilities));
                    }
                }
            });
        };
        (Transport::Builtin(Builtin::Other(InProcess(Arc::new(start)))), chatty)
    }

    /// Says something on every connection.
    pub(crate) fn say(&self, message: &Value) {
        for mouth in &self.0.lock().expect("state").mouths {
            let _ = mouth.send(message.clone());
        }
    }

    /// Ends its connections, and forgets what it heard on them.
    pub(crate) fn hang_up(&self) {
        self.say(&Value::Null);
        let mut state = self.0.lock().expect("state");
        (state.heard, state.mouths) = <_>::default();
    }

    /// Waits until it has heard a message like this.
    pub(crate) async fn heard(&self, like: impl Fn(&Value) -> bool) -> Value {
        loop {
            let news = self.1.notified();
            if let Some(found) = self.0.lock().expect("state").heard.iter().find(|message| like(message)) {
                return found.clone();
            }
            tokio::time::timeout(Duration::from_secs(10), news).await.expect("in time");
        }
    }
}

fn answer(id: &Value, method: &str, capabilities: &Value) -> Value {
    let result = match method {
        "initialize" => json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "c", "version": "1"},
        }),
        "server/discover" => {
            return json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}});
        }
        "resources/list" => json!({"resources": [{"uri": "x://1", "name": "n"}]}),
        "resources/templates/list" => json!({"resourceTemplates": []}),
        "tools/list" => json!({"tools": []}),
        _ => json!({}),
    };
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}
