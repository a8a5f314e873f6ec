//! The suite as a program: what a revision requires, and runs of it. Results are read from the files it writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use witgate_tests::paths;

use crate::tally::{Tallies, Tally};

/// How long one run may take: many times what it takes.
const PATIENCE: Duration = Duration::from_mins(4);

/// The suite, installed.
pub(crate) struct Suite {
    package: PathBuf,
}

/// What a revision asks for.
pub(crate) struct Requirements {
    pub(crate) revision: &'static str,
    /// Scenarios for servers, in the suite's order.
    pub(crate) server: Vec<String>,
    /// Scenarios for clients.
    pub(crate) client: Vec<String>,
    /// Those of both that are run and never counted, as `server NAME`.
    pub(crate) unscored: BTreeSet<String>,
}

impl Suite {
    pub(crate) fn find() -> Self {
        Self { package: paths::package("@modelcontextprotocol/conformance") }
    }

    /// Its version.
    pub(crate) fn version(&self) -> String {
        let manifest = std::fs::read_to_string(self.package.join("package.json")).expect("the package's manifest");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        manifest["version"].as_str().expect("a version").to_owned()
    }

    /// What a revision asks for, as `list` says it.
    pub(crate) async fn requirements(&self, revision: &'static str) -> Requirements {
        let output = self.run(&["list", "--requirements", revision]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let requirements = Requirements::read(revision, &text);
        assert!(!requirements.server.is_empty() && !requirements.client.is_empty(), "no requirements in:\n{text}");
        requirements
    }

    /// All scenarios for servers of a revision.
    pub(crate) async fn server(&self, url: String, revision: &str) -> Tallies {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().display().to_string();
        self.run(&["server", "--url", &url, "--requirements", revision, "-o", &out]).await;
        read(&folder, "server-")
    }

    /// One of them, as the requirement set runs it.
    pub(crate) async fn server_scenario(&self, url: String, revision: &str, scenario: &str) -> Tally {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().display().to_string();
        let set = ["--scenario", scenario, "--spec-version", revision, "--force", "-o", &out];
        self.run(&[["server", "--url", &url].as_slice(), &set].concat()).await;
        read(&folder, "server-").remove(scenario).unwrap_or_default()
    }

    /// One scenario for clients.
    pub(crate) async fn client_scenario(&self, revision: &str, scenario: &str) -> Tally {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().display().to_string();
        let command = format!("{} client", env!("CARGO_BIN_EXE_witgate-conformance"));
        let set = ["--scenario", scenario, "--spec-version", revision, "--force", "-o", &out];
        self.run(&[["client", "--command", &command].as_slice(), &set].concat()).await;
        read(&folder, "").remove(scenario).unwrap_or_default()
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(paths::node());
        command.arg(self.package.join("dist/index.js")).args(arguments).kill_on_drop(true);
        command.env("WITGATE_BIN", paths::witgate());
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        output.unwrap_or_else(|_| panic!("{arguments:?} takes longer than {PATIENCE:?}")).expect("node")
    }
}

impl Requirements {
    fn read(revision: &'static str, text: &str) -> Self {
        let mut requirements = Self { revision, server: Vec::new(), client: Vec::new(), unscored: BTreeSet::new() };
        let mut side = "";
        for line in text.lines() {
            match line.split_once(" scenarios (") {
                Some(("Server", _)) => side = "server",
                Some(("Client", _)) => side = "client",
                _ => {}
            }
            let Some(entry) = line.trim_start().strip_prefix("- ") else { continue };
            // What is never counted names its side behind it.
            let (name, side) = match entry.split_once(" [") {
                Some((name, side)) => (name, side.trim_end_matches(']')),
                None => (entry, side),
            };
            if entry != name {
                requirements.unscored.insert(format!("{side} {name}"));
            }
            if side == "server" { &mut requirements.server } else { &mut requirements.client }.push(name.to_owned());
        }
        requirements
    }
}

/// What the runs in a folder found, by scenario. A run's folder is its scenario, with a prefix, and the time.
fn read(folder: &TempDir, prefix: &str) -> Tallies {
    const TIME: usize = "-2026-01-01T00-00-00-000Z".len();
    let entries = std::fs::read_dir(folder.path()).expect("the folder of results");
    let runs = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.strip_prefix(prefix)?;
        let scenario = name.get(..name.len().checked_sub(TIME)?)?;
        Some((scenario.to_owned(), checks(&path)?))
    });
    runs.collect()
}

fn checks(run: &Path) -> Option<Tally> {
    // A scenario that broke down wrote none.
    let text = std::fs::read_to_string(run.join("checks.json")).ok()?;
    Some(Tally::read(&text))
}

#[test]
fn requirements_are_read_with_their_sides() {
    let text = "Required for 2025-11-25:\n\nServer scenarios (test against a server):\n  - ping\n\nClient scenarios (test \
                against a client):\n  - initialize\n\nRun and reported, but never scored:\n  pending (2):\n    - slow [server]\n    \
                - odd [client]\n";
    let read = Requirements::read("2025-11-25", text);
    assert_eq!(read.server, ["ping", "slow"]);
    assert_eq!(read.client, ["initialize", "odd"]);
    assert_eq!(read.unscored, ["client odd", "server slow"].map(str::to_owned).into());
}
