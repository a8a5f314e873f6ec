//! A server that a test plays by hand: it hears each request, and says what the test wants, on the same connection.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use witgate_gateway::upstream::{Builtin, InProcess, Transport};

/// The test's end.
pub(crate) struct Peer {
    heard: mpsc::UnboundedReceiver<Heard>,
}

/// One message of the gate, and the connection that it came on.
pub(crate) struct Heard {
    pub(crate) message: Value,
    back: mpsc::UnboundedSender<Value>,
}

impl Peer {
    /// The next message with this method; what comes before it is passed over.
    pub(crate) async fn heard(&mut self, method: &str) -> Heard {
        loop {
            let heard = self.heard.recv().await.expect("the gate is there");
            if heard.message["method"] == method {
                return heard;
            }
        }
    }

    /// The next message that the handshake did not need.
    pub(crate) async fn any(&mut self) -> Heard {
        self.heard.recv().await.expect("the gate is there")
    }

    /// The gate's next answer to a request of the server.
    pub(crate) async fn answered(&mut self, id: &str) -> Value {
        loop {
            let Heard { message, .. } = self.heard.recv().await.expect("the gate is there");
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }
}

impl Heard {
    pub(crate) fn params(&self) -> &Value {
        &self.message["params"]
    }

    /// Answers it.
    pub(crate) fn answer(&self, result: &Value) {
        self.say(json!({"jsonrpc": "2.0", "id": self.message["id"], "result": result}));
    }

    /// Answers it with an error.
    pub(crate) fn fail(&self, error: &Value) {
        self.say(json!({"jsonrpc": "2.0", "id": self.message["id"], "error": error}));
    }

    /// Asks something on its connection.
    pub(crate) fn ask(&self, id: &str, method: &str, params: &Value) {
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// Tells something on its connection.
    pub(crate) fn tell(&self, method: &str, params: &Value) {
        self.say(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn say(&self, message: Value) {
        self.back.send(message).expect("the connection is there");
    }
}

/// A legacy server with these capabilities.
pub(crate) fn legacy(capabilities: &Value) -> (Transport, Peer) {
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "peer", "version": "1"},
    });
    peer(move |method| match method {
        "initialize" => Some(json!({ "result": hello })),
        "server/discover" => Some(json!({"error": {"code": -32601, "message": "no"}})),
        "tools/list" => Some(json!({ "result": {"tools": [{"name": "x", "inputSchema": {"type": "object"}}]} })),
        _ => None,
    })
}

/// A modern one.
pub(crate) fn modern(capabilities: &Value) -> (Transport, Peer) {
    let hello = json!({
        "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities,
        "ttlMs": 0, "cacheScope": "private",
    });
    peer(move |method| match method {
        "server/discover" => Some(json!({ "result": hello })),
        "tools/list" => Some(json!({ "result": {
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "tools": [{"name": "x", "inputSchema": {"type": "object"}}],
        } })),
        _ => None,
    })
}

/// A server that answers by itself what `routine` knows; the rest is the test's.
fn peer(routine: impl Fn(&str) -> Option<Value> + Send + Sync + 'static) -> (Transport, Peer) {
    let (send, heard) = mpsc::unbounded_channel();
    let routine = Arc::new(routine);
    let start = move |stream: tokio::io::DuplexStream| {
        let (routine, send) = (routine.clone(), send.clone());
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(stream);
            let (back, mut say) = mpsc::unbounded_channel::<Value>();
            let mut lines = BufReader::new(read).lines();
            loop {
                tokio::select! {
                    Some(message) = say.recv() => {
                        if write.write_all(format!("{message}\n").as_bytes()).await.is_err() {
                            return;
                        }
                    }
                    line = lines.next_line() => {
                        let Ok(Some(line)) = line else { return };
                        let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
                        match message["method"].as_str().and_then(|method| routine(method)) {
                            Some(mut answer) => {
                                answer["jsonrpc"] = json!("2.0");
                                answer["id"] = message["id"].clone();
                                back.send(answer).expect("it is received above");
                            }
                            // The test may have heard enough.
                            None => drop(send.send(Heard { message, back: back.clone() })),
                        }
                    }
                }
            }
        });
    };
    (Transport::Builtin(Builtin::Other(InProcess(Arc::new(start)))), Peer { heard })
}
