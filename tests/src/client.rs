//! Real clients, each a script in `clients/` that walks through a plan and prints a report.
//!
//! | plan | |
//! |---|---|
//! | `url`, `headers` | the endpoint, or … |
//! | `command`, `env` | … what to start for stdio |
//! | `mode` | `auto`, `legacy` or a modern revision; absent for the client's own default |
//! | `call`, `progressing` | tools to call, without and with a progress callback: `{name, arguments}` |
//! | `resource` | a URI to read, after the list |
//! | `prompt` | a prompt to get, after the list: `{name, arguments}` |
//! | `complete` | `{ref, argument: {name, value}}` |
//!
//! The report has the results under the same keys, the names in the lists under `tools`, `resources` and `prompts`, the
//! numbers of all progress notifications under `progress`, `completion`, `revision`, `server`, and `ping` where there
//! is a ping.

use serde_json::Value;
use tokio::process::Command;

use crate::process::{Process, Stream};
use crate::{paths, server};

/// A client from a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// `PyPI` `mcp` 2.x; modern where it can be.
    Python,
    /// npm `@modelcontextprotocol/sdk` 1.x; legacy.
    TypeScript1,
    /// npm `@modelcontextprotocol/client` 2.x; legacy unless told otherwise.
    TypeScript2,
}

impl Client {
    /// Walks through a plan.
    pub async fn walk(self, plan: &Value) -> Value {
        let mut command = match self {
            Self::Python => Command::new(paths::python("python")),
            Self::TypeScript1 | Self::TypeScript2 => Command::new("node"),
        };
        command.arg(paths::script(self.script())).arg(plan.to_string());
        let mut process = Process::spawn(command);
        drop(process.stdin());
        let report = |stream, line: &str| (stream == Stream::Stdout).then(|| serde_json::from_str(line).ok()).flatten();
        let report = process.line(&format!("a report of {self:?}"), 0, report).await;
        assert!(process.wait().await.success(), "{self:?} failed at its end:\n{}", process.text());
        report
    }

    fn script(self) -> &'static str {
        match self {
            Self::Python => "clients/python_sdk.py",
            Self::TypeScript1 => "clients/typescript_v1.mjs",
            Self::TypeScript2 => "clients/typescript_v2.mjs",
        }
    }
}

/// The system's Python running the raw server, as a command.
pub fn raw_server(arguments: &[&str]) -> Command {
    let mut command = Command::new(server::PYTHON);
    command.arg(paths::script("servers/raw.py")).args(arguments);
    command
}
