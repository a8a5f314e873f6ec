//! The servers of the pairs: how each is put behind a gate, what is done with it, and what must come of that.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use witgate_tests::client::Client;
use witgate_tests::server::Server;
use witgate_tests::settings;

/// 2025-11-25, what the gate agrees on with legacy clients.
pub(crate) const LEGACY: &str = "2025-11-25";
/// 2026-07-28.
pub(crate) const MODERN: &str = "2026-07-28";

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// server-everything: legacy, a child.
    Everything,
    /// The same on HTTP.
    EverythingHttp,
    /// The same on HTTP+SSE.
    EverythingSse,
    /// mcp-server-git: modern, a child.
    Git,
    /// fastmcp: modern, on HTTP.
    Notes,
    /// The same, legacy.
    NotesLegacy,
    /// rmcp's, with the fixtures of the conformance suite: of both eras, on HTTP.
    Rmcp,
}

/// A server that has been put up, for as long as this lives, and the configuration of a gate before it.
pub(crate) struct Standing {
    pub(crate) configuration: String,
    folder: Option<TempDir>,
    _server: Option<Server>,
}

/// The steps of a walk, as they stand in a table, and by which member of the report each is known.
pub(crate) const STEPS: [(&str, &str); 9] = [
    ("list", "tools"),
    ("call", "call"),
    ("progress", "progressing"),
    ("cancel", "cancelled"),
    ("ask", "asking"),
    ("read", "resource"),
    ("prompt", "prompt"),
    ("complete", "completion"),
    ("ping", "ping"),
];

impl Behind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Everything,
        Self::EverythingHttp,
        Self::EverythingSse,
        Self::Git,
        Self::Notes,
        Self::NotesLegacy,
        Self::Rmcp,
    ];

    /// Puts it up.
    pub(crate) async fn stand(self) -> Standing {
        let (mut server, mut folder) = (None, None);
        let upstream = match self {
            Self::Everything => settings::everything("everything"),
            Self::Git => settings::git("git", folder.insert(repository()).path()),
            Self::EverythingHttp => settings::remote("remote", server.insert(Server::everything().await).url()),
            Self::EverythingSse => settings::remote_sse("old", server.insert(Server::everything_sse().await).url()),
            Self::Notes => settings::remote("notes", server.insert(Server::notes().await).url()),
            Self::Rmcp => settings::remote("rmcp", server.insert(Server::fixtures().await).url()),
            Self::NotesLegacy => settings::remote("notes", server.insert(Server::legacy_notes().await).url()),
        };
        let configuration = format!("anonymous = true\n[log]\nformat = \"json\"\n{upstream}");
        Standing { configuration, folder, _server: server }
    }

    /// What a client of a revision does with it.
    pub(crate) fn plan(self, standing: &Standing, revision: &str) -> Value {
        match self {
            Self::Everything | Self::EverythingHttp | Self::EverythingSse => json!({
                "call": { "name": "echo", "arguments": { "message": "hi" } },
                "progressing": { "name": LONG, "arguments": { "duration": 0.6, "steps": 3 } },
                "cancelling": { "name": LONG, "arguments": { "duration": 120, "steps": 1200 } },
                "asking": [
                    { "name": "trigger-elicitation-request", "arguments": {} },
                    { "name": "trigger-sampling-request", "arguments": { "prompt": "Why?" } },
                    { "name": "get-roots-list", "arguments": {} },
                ],
                "answer": { "name": "Ada" },
                "resource": "demo://resource/static/document/features.md",
                "prompt": { "name": "args-prompt", "arguments": { "city": "Bonn" } },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "completable-prompt" },
                    "argument": { "name": "department", "value": "S" },
                },
            }),
            Self::Git => {
                let folder = standing.folder.as_ref().map(TempDir::path);
                json!({ "call": { "name": "git_log", "arguments": { "repo_path": folder } } })
            }
            Self::Rmcp => json!({
                "call": { "name": "greet", "arguments": { "name": "Bonn" } },
                "progressing": { "name": "test_tool_with_progress", "arguments": {} },
                "cancelling": { "name": "count", "arguments": {} },
                // The server speaks both eras, with a tool for either way of asking.
                "asking": [match revision {
                    LEGACY => json!({ "name": "test_elicitation", "arguments": { "message": "Who?" } }),
                    _ => json!({ "name": "test_input_required_result_elicitation", "arguments": {} }),
                }],
                "answer": { "name": "Ada" },
                "resource": "test://static-text",
                "prompt": { "name": "test_prompt_with_arguments", "arguments": { "arg1": "Bonn", "arg2": "Ulm" } },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "test_prompt_with_arguments" },
                    "argument": { "name": "arg1", "value": "park" },
                },
            }),
            Self::Notes | Self::NotesLegacy => json!({
                "call": { "name": "add", "arguments": { "a": 2, "b": 3 } },
                "progressing": { "name": "steps", "arguments": { "count": 3 } },
                "cancelling": { "name": "steps", "arguments": { "count": 1200 } },
                "asking": [{ "name": "ask", "arguments": { "question": "Who?" } }],
                "answer": { "name": "Ada" },
                "resource": "note://today",
                "prompt": { "name": "greet", "arguments": { "name": "Bonn" } },
                "complete": {
                    "ref": { "type": "ref/prompt", "name": "greet" },
                    "argument": { "name": "name", "value": "A" },
                },
            }),
        }
    }

    /// That the report of a client (`None` for rmcp's) says what it must.
    #[track_caller]
    pub(crate) fn check(self, client: Option<Client>, revision: &str, report: &Value) {
        let what = format!("{client:?} {revision} {self:?}: {report:#}");
        let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let has = |list: &str, name: &str| report[list].as_array().is_some_and(|names| names.contains(&json!(name)));
        if client != Some(Client::Inspector) {
            assert_eq!(report["revision"], revision, "{what}");
            assert_eq!(report.get("ping").is_some(), revision == LEGACY, "{what}");
        }
        let full = |call: &str, resource: &str, prompt: &str| {
            assert!(text("/call/content/0/text").contains(call), "{what}");
            assert!(text("/resource/contents/0/text").contains(resource), "{what}");
            assert!(text("/prompt/messages/0/content/text").contains(prompt), "{what}");
        };
        match self {
            Self::Everything | Self::EverythingHttp | Self::EverythingSse => {
                assert!(has("tools", "echo") && has("prompts", "args-prompt"), "{what}");
                full("Echo: hi", "Everything Server", "Bonn");
            }
            Self::Git => {
                assert!(has("tools", "git_log"), "{what}");
                assert!(text("/call/content/0/text").contains("The first commit"), "{what}");
                return;
            }
            Self::Rmcp => {
                assert!(has("tools", "greet"), "{what}");
                full("Hello, Bonn!", "static text", "arg1='Bonn'");
            }
            Self::Notes | Self::NotesLegacy => {
                assert!(has("tools", "add") && has("prompts", "greet"), "{what}");
                full("5", "Water the plants.", "Say hello to Bonn.");
                assert_eq!(report["call"]["structuredContent"], json!({ "result": 5 }), "{what}");
            }
        }
        if client != Some(Client::Inspector) {
            self.check_conversation(client, report, &what);
        }
    }

    /// What needs more than a request and its answer.
    #[track_caller]
    fn check_conversation(self, client: Option<Client>, report: &Value, what: &str) {
        type Expected<'a> = (&'a [&'a str], [f64; 3], usize, &'a [&'a str]);
        let (names, all, least, want): Expected<'_> = match self {
            // server-everything writes the last progress and the result at once, and the TypeScript client forgets the
            // one when it reads the other in the same chunk.
            Self::Everything | Self::EverythingHttp | Self::EverythingSse => {
                let forgets = matches!(client, Some(Client::TypeScript1 | Client::TypeScript2));
                let least = if forgets { 2 } else { 3 };
                (&["Sales", "Support"], [1.0, 2.0, 3.0], least, &["Name: Ada", "forty-two", "file:///garden"])
            }
            // It says all and answers at once, and clients handle notifications beside answers.
            Self::Rmcp => (&["park"], [0.0, 50.0, 100.0], 1, &["Ada"]),
            _ => (&["Ada", "Alan"], [1.0, 2.0, 3.0], 3, &["Hello Ada"]),
        };
        assert_eq!(report["completion"], json!(names), "{what}");
        assert_eq!(report["cancelled"], true, "{what}");
        let progress: Vec<_> = report["progress"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        assert!(progress.len() >= least && all.starts_with(&progress), "{what}");

        let answers = report["asking"].as_array().cloned().unwrap_or_default();
        assert_eq!(answers.len(), want.len(), "{what}");
        for (answer, want) in answers.iter().zip(want) {
            assert!(answer.to_string().contains(want), "no {want:?}: {what}");
        }
        for method in ["elicitation/create", "sampling/createMessage", "roots/list"].iter().take(want.len()) {
            assert!(report["asked"].as_array().is_some_and(|asked| asked.contains(&json!(method))), "{what}");
        }
    }
}

const LONG: &str = "trigger-long-running-operation";

/// A repository with one commit.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path() as &Path).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
        let output = command.args(arguments).output().expect("git");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q", "-b", "trunk"]);
    git(&["commit", "-q", "--allow-empty", "-m", "The first commit"]);
    folder
}
