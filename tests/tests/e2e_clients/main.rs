//! Clients from the registries, of both eras, over HTTP and over `witgate stdio`: each finds, calls, reads, gets,
//! completes, sees progress, and pings where there is a ping.

mod rust;

use serde_json::{Value, json};
use witgate_tests::client::Client;
use witgate_tests::gate::{Gate, configured};
use witgate_tests::server::Server;
use witgate_tests::{paths, settings};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// A server, what to do with it, and what must come of that.
#[derive(Clone, Copy)]
enum Behind {
    /// server-everything: legacy, a child.
    Everything,
    /// fastmcp: modern, on HTTP.
    Notes,
}

impl Behind {
    fn plan(self) -> Value {
        match self {
            Self::Everything => json!({
                "call": { "name": "echo", "arguments": { "message": "hi" } },
                "progressing": { "name": "trigger-long-running-operation", "arguments": { "duration": 0.6, "steps": 3 } },
                "resource": "demo://resource/static/document/features.md",
                "prompt": { "name": "args-prompt", "arguments": { "city": "Bonn" } },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "completable-prompt" },
                    "argument": { "name": "department", "value": "S" },
                },
            }),
            Self::Notes => json!({
                "call": { "name": "add", "arguments": { "a": 2, "b": 3 } },
                "progressing": { "name": "steps", "arguments": { "count": 3 } },
                "resource": "note://today",
                "prompt": { "name": "greet", "arguments": { "name": "Bonn" } },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "greet" },
                    "argument": { "name": "name", "value": "A" },
                },
            }),
        }
    }

    /// `client` is `None` for rmcp's.
    #[track_caller]
    fn check(self, client: Option<Client>, revision: &str, report: &Value) {
        let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let has = |list: &str, name: &str| report[list].as_array().is_some_and(|names| names.contains(&json!(name)));
        assert_eq!(report["revision"], revision, "{report:#}");
        match self {
            Self::Everything => {
                assert!(has("tools", "echo") && has("prompts", "args-prompt"), "{report:#}");
                assert_eq!(text("/call/content/0/text"), "Echo: hi", "{report:#}");
                assert!(text("/resource/contents/0/text").contains("Everything Server"), "{report:#}");
                assert!(text("/prompt/messages/0/content/text").contains("Bonn"), "{report:#}");
                assert_eq!(report["completion"], json!(["Sales", "Support"]), "{report:#}");
            }
            Self::Notes => {
                assert!(has("tools", "add") && has("prompts", "greet"), "{report:#}");
                assert_eq!(text("/call/content/0/text"), "5", "{report:#}");
                assert_eq!(report["call"]["structuredContent"], json!({ "result": 5 }), "{report:#}");
                assert_eq!(text("/resource/contents/0/text"), "Water the plants.", "{report:#}");
                assert_eq!(text("/prompt/messages/0/content/text"), "Say hello to Bonn.", "{report:#}");
                assert_eq!(report["completion"], json!(["Ada", "Alan"]), "{report:#}");
            }
        }
        let progress: Vec<_> = report["progress"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        // server-everything writes the last one and the result at once, and the TypeScript client forgets the one when it
        // reads the other in the same chunk.
        let forgets = matches!((self, client), (Self::Everything, Some(Client::TypeScript1 | Client::TypeScript2)));
        let least = if forgets { 2 } else { 3 };
        assert!(progress.len() >= least && [1.0, 2.0, 3.0].starts_with(&progress), "{report:#}");
        assert_eq!(report.get("ping").is_some(), revision == LEGACY, "{report:#}");
    }

    /// The server, where it has to be started, and the configuration of a gate before it.
    async fn configuration(self) -> (Option<Server>, String) {
        match self {
            Self::Everything => (None, format!("anonymous = true\n{}", settings::everything("everything"))),
            Self::Notes => {
                let server = Server::notes().await;
                let configuration = format!("anonymous = true\n{}", settings::remote("notes", server.url()));
                (Some(server), configuration)
            }
        }
    }
}

/// A client walks through the gate in one of its modes and ends up with that revision.
async fn over_http(client: Client, mode: Option<&str>, revision: &str) {
    for behind in [Behind::Everything, Behind::Notes] {
        let (_server, configuration) = behind.configuration().await;
        let gate = Gate::start(&configuration).await;
        let mut plan = behind.plan();
        plan["url"] = gate.url().into();
        if let Some(mode) = mode {
            plan["mode"] = mode.into();
        }
        let report = client.walk(&plan).await;
        behind.check(Some(client), revision, &report);
    }
}

async fn over_stdio(client: Client, mode: Option<&str>, revision: &str) {
    for behind in [Behind::Everything, Behind::Notes] {
        let (_server, configuration) = behind.configuration().await;
        let (_folder, file) = configured(&configuration);
        let mut plan = behind.plan();
        plan["command"] = json!([paths::witgate(), "stdio", "--config", file]);
        if let Some(mode) = mode {
            plan["mode"] = mode.into();
        }
        let report = client.walk(&plan).await;
        behind.check(Some(client), revision, &report);
    }
}

#[tokio::test]
async fn python_over_http() {
    over_http(Client::Python, None, MODERN).await;
}

#[tokio::test]
async fn python_legacy_over_http() {
    over_http(Client::Python, Some("legacy"), LEGACY).await;
}

#[tokio::test]
async fn python_over_stdio() {
    over_stdio(Client::Python, None, MODERN).await;
}

#[tokio::test]
async fn python_legacy_over_stdio() {
    over_stdio(Client::Python, Some("legacy"), LEGACY).await;
}

#[tokio::test]
async fn typescript_1_over_http() {
    over_http(Client::TypeScript1, None, LEGACY).await;
}

#[tokio::test]
async fn typescript_1_over_stdio() {
    over_stdio(Client::TypeScript1, None, LEGACY).await;
}

#[tokio::test]
async fn typescript_2_over_http() {
    over_http(Client::TypeScript2, None, LEGACY).await;
}

#[tokio::test]
async fn typescript_2_modern_over_http() {
    over_http(Client::TypeScript2, Some("auto"), MODERN).await;
}

#[tokio::test]
async fn typescript_2_modern_over_stdio() {
    over_stdio(Client::TypeScript2, Some("auto"), MODERN).await;
}

#[tokio::test]
async fn rust_over_http() {
    for (mode, revision) in [(rust::legacy(), LEGACY), (rust::modern(), MODERN)] {
        for behind in [Behind::Everything, Behind::Notes] {
            let (_server, configuration) = behind.configuration().await;
            let gate = Gate::start(&configuration).await;
            let report = rust::walk(rust::http(gate.url()), mode.clone(), &behind.plan()).await;
            behind.check(None, revision, &report);
        }
    }
}

#[tokio::test]
async fn rust_over_stdio() {
    for (mode, revision) in [(rust::legacy(), LEGACY), (rust::modern(), MODERN)] {
        for behind in [Behind::Everything, Behind::Notes] {
            let (_server, configuration) = behind.configuration().await;
            let (_folder, file) = configured(&configuration);
            let report = rust::walk(rust::stdio(&file), mode.clone(), &behind.plan()).await;
            behind.check(None, revision, &report);
        }
    }
}
