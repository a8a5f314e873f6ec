//! The gate as a process.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Process, Stream};
use crate::{paths, settings};

/// A running gate, killed when dropped.
#[derive(Debug)]
pub struct Gate {
    process: Process,
    folder: TempDir,
    authority: String,
    endpoint: String,
}

impl Gate {
    /// Starts it with a configuration (TOML, without `listen`) and waits until it says where it listens.
    pub async fn start(configuration: &str) -> Self {
        Self::start_with(configuration, &[]).await
    }

    /// Starts the embedded default: no configuration, in an empty folder. Where its port is taken it takes another.
    pub async fn embedded() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = command();
        command.current_dir(folder.path());
        Self::launch(command, folder).await
    }

    /// Starts it with more arguments after `--config FILE`.
    pub async fn start_with(configuration: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("witgate.toml");
        std::fs::write(&file, listening(configuration)).expect("the configuration");
        let mut command = command();
        command.arg("--config").arg(&file).args(arguments);
        Self::launch(command, folder).await
    }

    /// Starts it with more in its environment.
    pub async fn start_among(configuration: &str, environment: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("witgate.toml");
        std::fs::write(&file, listening(configuration)).expect("the configuration");
        let mut command = command();
        command.arg("--config").arg(&file).envs(environment.iter().cloned());
        Self::launch(command, folder).await
    }

    async fn launch(command: Command, folder: TempDir) -> Self {
        let process = Process::spawn(command);
        let announced = process
            .line("its endpoint", 0, |stream, line| endpoint_in(line).filter(|_| stream == Stream::Stdout))
            .await;
        let authority = announced.split('/').nth(2).expect("an authority");
        Self { process, folder, authority: authority.to_owned(), endpoint: format!("http://{authority}/mcp") }
    }

    /// The endpoint of the tenant `default`.
    pub fn url(&self) -> &str {
        &self.endpoint
    }

    /// The endpoint at another path, as `/acme/mcp`.
    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The process alone; its folder goes.
    pub fn into_process(self) -> Process {
        self.process
    }

    /// The folder of the configuration, for files that it names.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces the configuration file at once, as an editor does: written beside it and renamed.
    pub fn reconfigure(&self, configuration: &str) {
        let file = self.folder.path().join("witgate.toml");
        let beside = file.with_extension("toml.new");
        // The port stays as it is: the file's `listen` is read at the start only.
        std::fs::write(&beside, listening(configuration)).expect("the configuration");
        std::fs::rename(beside, file).expect("the configuration in place");
    }

    /// The first record of a message that satisfies `want`, among the lines from number `from`.
    pub async fn record(&self, what: &str, from: usize, want: impl Fn(&Value) -> bool) -> Value {
        let line = |_, line: &str| serde_json::from_str(line).ok().and_then(record_of).filter(&want);
        self.process.line(what, from, line).await
    }

    /// Stops it with SIGTERM and waits for its end.
    pub async fn stop(mut self) -> (ExitStatus, String) {
        self.process.signal("TERM");
        let status = self.process.wait().await;
        (status, self.process.text())
    }
}

/// The binary, in an environment that says nothing to it.
pub fn command() -> Command {
    let mut command = Command::new(paths::witgate());
    let noisy = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WITGATE_"));
    for (name, _) in noisy.collect::<Vec<_>>() {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG");
    command
}

/// Writes a configuration into a folder that outlives the caller's interest, for commands that take a file.
pub fn configured(configuration: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("witgate.toml");
    std::fs::write(&file, configuration).expect("the configuration");
    (folder, file)
}

fn listening(configuration: &str) -> String {
    format!("listen = {}\n{configuration}", settings::text("127.0.0.1:0"))
}

fn endpoint_in(line: &str) -> Option<String> {
    let url = &line[line.find("http://127.0.0.1:")?..];
    let end = url.find(|c: char| c.is_whitespace() || "\"'`,\\\u{1b}".contains(c)).unwrap_or(url.len());
    Some(url[..end].to_owned())
}

/// A log line's record of a message, wherever the line's layout puts it.
fn record_of(line: Value) -> Option<Value> {
    let is_record = |value: &Value| value.get("method").is_some() && value.get("outcome").is_some();
    if is_record(&line) {
        return Some(line);
    }
    ["record", "fields"].iter().find_map(|key| line.get(key)).filter(|value| is_record(value)).cloned()
}
