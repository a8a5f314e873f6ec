//! Plugins that do what a message asks of them, and a server that talks.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::{Notify, mpsc};
use witgate_gateway::upstream::{Builtin, InProcess, Transport};
use witgate_policy::json::Edit;
use witgate_policy::{
    Answer, AuthVerdict, Authenticator, Call, Challenge, Fault, Finding, Identity, InputValidator, Payload, Presented,
    Reason, Refusal, Stage, ValidateVerdict,
};

/// What the tests hold of a gate's inside.
#[derive(Clone)]
pub(crate) struct Strings {
    /// A message that asks for `hold` has arrived.
    pub(crate) held: Arc<Notify>,
    /// Lets it go on.
    pub(crate) release: Arc<Notify>,
    /// How each held message ended: gone on, or dropped.
    pub(crate) ends: mpsc::UnboundedSender<&'static str>,
}

/// Says who calls by the `authorization` header alone, which is the only header that it may see.
pub(super) struct Doorman;

impl Authenticator for Doorman {
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        Box::pin(async move {
            assert!(presented.headers.iter().all(|(name, _)| name == "authorization"), "{:?}", presented.headers);
            assert!(!presented.peer.address.is_empty());
            let identity = |name: &str| Identity { subject: name.into(), ..Identity::anonymous() };
            let challenge = |error: &str| Challenge {
                scheme: "Bearer".into(),
                error: Some(error.into()),
                description: None,
                scope: Some("files:write".into()),
            };
            let shown = presented.headers.first().map(|(_, value)| value.as_slice());
            Ok(match shown {
                Some(b"alice") => AuthVerdict::Allow(identity("alice")),
                Some(b"bob") => AuthVerdict::Allow(identity("bob")),
                Some(b"mallory") => {
                    AuthVerdict::Deny(Refusal::new(Stage::Auth, Reason::Forbidden, "not you").noted(call.id()))
                }
                Some(b"expired") => AuthVerdict::Challenge(challenge("invalid_token")),
                Some(b"small") => AuthVerdict::Challenge(challenge("insufficient_scope")),
                _ => AuthVerdict::Abstain,
            })
        })
    }
}

/// Where an `initialize` says that its client can be asked.
const ELICITATION: &str = "/capabilities/elicitation";

/// Does what `_meta.test` asks for.
pub(super) struct Puppet(pub(super) Strings);

/// Tells how a held message ended.
struct Watch(mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

impl InputValidator for Puppet {
    fn validate<'a>(&'a self, call: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        Box::pin(async move {
            let asked: String = call.params().read("/_meta/test").unwrap_or_default();
            let refuse = |reason| {
                let mut refusal = Refusal::new(Stage::Validate, reason, "no").noted("for the operator");
                refusal.findings = vec![Finding { pointer: "/arguments/date".into(), message: "is no date".into() }];
                refusal.retry_after_ms = (reason == Reason::Exhausted).then_some(1500);
                Ok(ValidateVerdict::Refuse(refusal))
            };
            match asked.as_str() {
                "hold" => {
                    let mut watch = Watch(self.0.ends.clone(), "dropped");
                    self.0.held.notify_one();
                    self.0.release.notified().await;
                    watch.1 = "went on";
                    Ok(ValidateVerdict::Accept)
                }
                "mute" if call.params().get(ELICITATION).is_some() => {
                    Ok(ValidateVerdict::Edits(vec![Edit::remove(ELICITATION)]))
                }
                "trap" => Err(Fault::Trap("unreachable".into())),
                "forbidden" => refuse(Reason::Forbidden),
                "invalid" => refuse(Reason::Invalid),
                "exhausted" => refuse(Reason::Exhausted),
                "unavailable" => refuse(Reason::Unavailable),
                _ => Ok(ValidateVerdict::Accept),
            }
        })
    }
}

/// Waits for the answer to the question `q`, and answers the call with it.
async fn answered(
    lines: &mut tokio::io::Lines<BufReader<tokio::io::ReadHalf<DuplexStream>>>,
    write: &mut tokio::io::WriteHalf<DuplexStream>,
    id: &Value,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: Value = serde_json::from_str(&line).expect("the gate writes JSON");
        if answer["id"] == "q" {
            let result = json!({"content": [], "structuredContent": answer});
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
            return write.write_all(format!("{answer}\n").as_bytes()).await.expect("the gate reads");
        }
    }
}

/// A legacy server with one tool, `talk`, which says something on its way: a word of progress, and the answer when it is
/// released.
pub(super) fn talkative(release: Arc<Notify>) -> Transport {
    let start = move |stream: DuplexStream| {
        let release = release.clone();
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(stream);
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
                let Some(id) = message.get("id") else { continue };
                let result = match message["method"].as_str().expect("a method") {
                    "initialize" => json!({
                        "protocolVersion": "2025-11-25",
                        "capabilities": {"tools": {}},
                        "serverInfo": {"name": "talkative", "version": "1"},
                    }),
                    "tools/list" => json!({ "tools": [{"name": "talk", "inputSchema": {
                        "type": "object",
                        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
                    }}] }),
                    "tools/call" => {
                        let token = &message["params"]["_meta"]["progressToken"];
                        let note = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
                            "progressToken": token, "progress": 0.5, "message": "line\nbreak",
                        }});
                        for _ in 0..message["params"]["arguments"]["notes"].as_u64().unwrap_or(1) {
                            write.write_all(format!("{note}\n").as_bytes()).await.expect("the gate reads");
                        }
                        if message["params"]["arguments"]["ask"] == true {
                            let ask = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {
                                "message": "who?", "requestedSchema": {"type": "object", "properties": {}},
                            }});
                            write.write_all(format!("{ask}\n").as_bytes()).await.expect("the gate reads");
                            answered(&mut lines, &mut write, id).await;
                            continue;
                        }
                        if let Some(size) = message["params"]["arguments"]["size"].as_u64() {
                            let text = "x".repeat(usize::try_from(size).expect("a size"));
                            json!({"content": [{"type": "text", "text": text}]})
                        } else {
                            release.notified().await;
                            json!({"content": [{"type": "text", "text": "done"}]})
                        }
                    }
                    _ => {
                        let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}});
                        write.write_all(format!("{error}\n").as_bytes()).await.expect("the gate reads");
                        continue;
                    }
                };
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
                write.write_all(format!("{answer}\n").as_bytes()).await.expect("the gate reads");
            }
        });
    };
    Transport::Builtin(Builtin::Other(InProcess(Arc::new(start))))
}
