//! The gate.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::Process;

/// A running gate.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Gate {
    /// Starts it with a configuration without `listen`, and waits until it says where it listens.
    pub(crate) fn start(binary: &Path, configuration: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("witgate.toml");
        std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n{configuration}"))?;
        // Its log is made and goes nowhere, as nginx's is off. When it does not start it is started again to say why.
        let quiet = launch(binary, &file, Stdio::null());
        let (process, address) = quiet.or_else(|_| launch(binary, &file, Stdio::inherit()))?;
        Ok(Self { process, address, _folder: folder })
    }
}

fn launch(binary: &Path, file: &Path, errors: Stdio) -> Result<(Process, SocketAddr)> {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WITGATE_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").arg("--config").arg(file).stderr(errors);
    let mut process = Process::spawn(command)?;
    let address = process.line(authority).with_context(|| format!("starting {}", binary.display()))?;
    Ok((process, address.parse()?))
}

/// What stands behind `http://` up to the path.
fn authority(line: &str) -> Option<String> {
    let rest = &line[line.find("http://127.0.0.1:")? + "http://".len()..];
    rest.split('/').next().map(str::to_owned)
}
