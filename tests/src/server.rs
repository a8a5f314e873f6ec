//! Servers on HTTP that stand behind the gate.

use tokio::process::Command;

use crate::paths;
use crate::process::{Process, Stream};
use crate::reports::Reports;

/// The system's Python, which is enough for the raw server.
pub const PYTHON: &str = "python3";

/// A server that printed its URL, killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    url: String,
}

impl Server {
    async fn launch(command: Command) -> Self {
        let process = Process::spawn(command);
        let url =
            |stream, line: &str| (stream == Stream::Stdout && line.starts_with("http://")).then(|| line.to_owned());
        let url = process.line("its URL", 0, url).await;
        Self { process, url }
    }

    /// The raw server.
    pub async fn raw(name: &str, reports: &Reports, arguments: &[&str]) -> Self {
        let mut command = Command::new(PYTHON);
        command.arg(paths::script("servers/raw.py")).args(["http", "--name", name, "--report", reports.address()]);
        command.args(arguments);
        Self::launch(command).await
    }

    /// fastmcp, of both eras.
    pub async fn notes() -> Self {
        let mut command = Command::new(paths::python("python"));
        command.arg(paths::script("servers/notes.py")).arg("http");
        Self::launch(command).await
    }

    /// The same, whose lists everybody may keep for an hour.
    pub async fn kept_notes() -> Self {
        let mut command = Command::new(paths::python("python"));
        command.arg(paths::script("servers/notes.py")).args(["http", "kept"]);
        Self::launch(command).await
    }

    /// The same, of the legacy era only.
    pub async fn legacy_notes() -> Self {
        let mut command = Command::new(paths::python("python"));
        command.arg(paths::script("servers/notes.py")).args(["http", "legacy"]);
        Self::launch(command).await
    }

    /// The conformance suite's fixtures on rmcp, of both eras.
    pub async fn fixtures() -> Self {
        let mut command = Command::new(paths::fixtures());
        command.arg("server");
        Self::launch(command).await
    }

    /// `server-everything`, legacy.
    pub async fn everything() -> Self {
        let mut command = Command::new("node");
        command.arg("--import").arg(paths::script("servers/announce.mjs")).arg(paths::everything());
        command.arg("streamableHttp").env("PORT", "0");
        Self::launch(command).await
    }

    /// `server-everything` over HTTP+SSE, as of 2024-11-05.
    pub async fn everything_sse() -> Self {
        let mut command = Command::new("node");
        command.arg("--import").arg(paths::script("servers/announce.mjs")).arg(paths::everything());
        command.arg("sse").env("PORT", "0");
        let mut server = Self::launch(command).await;
        server.url = server.url.replace("/mcp", "/sse");
        server
    }

    /// Its endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
