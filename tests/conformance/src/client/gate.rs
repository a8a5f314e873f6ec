//! The gate as a child process that speaks on its standard streams.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Less than the suite waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gate, killed when dropped.
pub(super) struct Gate {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Gate {
    /// Of the binary that `WITGATE_BIN` names, or that was built with this one.
    pub(super) fn start(url: &str) -> anyhow::Result<Self> {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join("witgate"));
        let binary = std::env::var_os("WITGATE_BIN").map(PathBuf::from).or_else(beside).context("no binary")?;
        let mut command = Command::new(&binary);
        command.args(["stdio", "--config", concat!(env!("CARGO_MANIFEST_DIR"), "/client.toml")]);
        command.env("SUITE_URL", url).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{} does not start", binary.display()))?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).context("no streams")?;
        Ok(Self { child, input, output: BufReader::new(output).lines() })
    }

    /// Writes one message.
    pub(super) async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        self.input.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// Reads the next message.
    pub(super) async fn next(&mut self) -> anyhow::Result<Value> {
        let line = timeout(PATIENCE, self.output.next_line()).await.context("the gate says nothing")??;
        Ok(serde_json::from_str(&line.context("the gate has ended")?)?)
    }

    /// Lets it end by itself.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        drop(self.input);
        let status = timeout(PATIENCE, self.child.wait()).await.context("the gate does not end")??;
        if !status.success() {
            bail!("the gate ended with {status}");
        }
        Ok(())
    }
}
