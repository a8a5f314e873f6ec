//! Real clients, each a script in `clients/` that walks through a plan and prints a report.
//!
//! | plan | |
//! |---|---|
//! | `url`, `headers` | the endpoint, or … |
//! | `command`, `env` | … what to start for stdio |
//! | `mode` | `auto`, `legacy` or a modern revision; absent for the client's own default |
//! | `call`, `progressing` | tools to call, without and with a progress callback: `{name, arguments}` |
//! | `cancelling` | a tool whose call the client gives up at its first progress |
//! | `asking` | a list of tools within whose calls the client is asked something |
//! | `answer` | what an elicitation is answered with, `{name: value}` |
//! | `resource` | a URI to read, after the list |
//! | `prompt` | a prompt to get, after the list: `{name, arguments}` |
//! | `complete` | `{ref, argument: {name, value}}` |
//!
//! The report has the results under the same keys, the names in the lists under `tools`, `resources` and `prompts`, the
//! numbers of all progress notifications under `progress`, whether the call was `cancelled`, the methods that the client
//! was `asked`, `completion`, `revision`, `server`, and `ping` where there is a ping.

use serde_json::Value;
use tokio::process::Command;

use crate::process::{Process, Stream};
use crate::{inspector, paths, server};

/// A client from a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// `PyPI` `mcp` 2.x; modern where it can be.
    Python,
    /// npm `@modelcontextprotocol/sdk` 1.x; legacy.
    TypeScript1,
    /// npm `@modelcontextprotocol/client` 2.x; legacy unless told otherwise.
    TypeScript2,
    /// npm `@modelcontextprotocol/inspector`, its command line: one process for each request, over HTTP.
    Inspector,
}

impl Client {
    /// Walks through a plan.
    pub async fn walk(self, plan: &Value) -> Value {
        let (program, script) = match self {
            Self::Python => (paths::python("python"), "clients/python_sdk.py"),
            Self::TypeScript1 => ("node".into(), "clients/typescript_v1.mjs"),
            Self::TypeScript2 => ("node".into(), "clients/typescript_v2.mjs"),
            Self::Inspector => return inspector::walk(plan).await,
        };
        let mut command = Command::new(program);
        command.arg(paths::script(script)).arg(plan.to_string());
        let mut process = Process::spawn(command);
        drop(process.stdin());
        let report = |stream, line: &str| (stream == Stream::Stdout).then(|| serde_json::from_str(line).ok()).flatten();
        let report = process.line(&format!("a report of {self:?}"), 0, report).await;
        assert!(process.wait().await.success(), "{self:?} failed at its end:\n{}", process.text());
        report
    }
}

/// The system's Python running the raw server, as a command.
pub fn raw_server(arguments: &[&str]) -> Command {
    let mut command = Command::new(server::PYTHON);
    command.arg(paths::script("servers/raw.py")).args(arguments);
    command
}

/// The version that is pinned of a package from any of the registries.
pub fn version(package: &str) -> String {
    let read = |path: &str| std::fs::read_to_string(paths::script(path)).expect(path);
    let npm: Value = serde_json::from_str(&read("package.json")).expect("JSON");
    if let Some(version) = npm["dependencies"][package].as_str() {
        return version.to_owned();
    }
    let (python, rust) = (read("requirements.txt"), read("../Cargo.lock"));
    let python = python.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    let rust = || rust.split_once(&format!("name = \"{package}\"\nversion = \""))?.1.split('"').next();
    python.or_else(rust).unwrap_or_else(|| panic!("`{package}` is pinned nowhere")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_found_wherever_they_are_pinned() {
        for package in ["@modelcontextprotocol/sdk", "mcp", "fastmcp", "rmcp"] {
            assert!(version(package).contains('.'), "{package}");
        }
    }
}
