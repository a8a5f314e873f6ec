//! The ways to the server: alone, through the gate, through the gate with a plugin in every hook.

use tempfile::TempDir;
use tokio::process::Command;
use witgate_tests::gate::Gate;
use witgate_tests::process::{Process, Stream};
use witgate_tests::settings;

use crate::plugins;

/// One way. All that was started ends with it.
pub(crate) struct Leg {
    server: Fixtures,
    gate: Option<Gate>,
    /// Where the plugins are.
    _folder: Option<TempDir>,
}

struct Fixtures {
    _process: Process,
    url: String,
}

impl Leg {
    /// No gate.
    pub(crate) async fn direct() -> Self {
        Self { server: Fixtures::start().await, gate: None, _folder: None }
    }

    /// The gate with no plugins: one upstream, its names as they are, nobody has to say who he is.
    pub(crate) async fn gate() -> Self {
        let server = Fixtures::start().await;
        let gate = Gate::start(&configuration(&server.url)).await;
        Self { server, gate: Some(gate), _folder: None }
    }

    /// The gate with a plugin in every hook, none of which changes anything.
    pub(crate) async fn plugins() -> Self {
        let server = Fixtures::start().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugins = plugins::write(folder.path());
        let gate = Gate::start(&[configuration(&server.url), plugins].concat()).await;
        Self { server, gate: Some(gate), _folder: Some(folder) }
    }

    pub(crate) fn url(&self) -> &str {
        self.gate.as_ref().map_or(&self.server.url, Gate::url)
    }

    /// Fails unless each plugin was asked: otherwise nothing is shown of its hook.
    pub(crate) async fn expect_all_asked(&self) {
        let gate = self.gate.as_ref().expect("a gate");
        for name in plugins::names() {
            let asked = |record: &serde_json::Value| {
                let steps = record["plugins"].as_array().map(Vec::as_slice).unwrap_or_default();
                steps.iter().any(|step| step["plugin"] == name)
            };
            gate.record(&format!("a message that plugin `{name}` was asked about"), 0, asked).await;
        }
    }
}

impl Fixtures {
    async fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_witgate-conformance"));
        command.arg("server");
        let process = Process::spawn(command);
        let first = |stream, line: &str| (stream == Stream::Stdout).then(|| line.to_owned());
        let url = process.line("the URL of the fixtures", 0, first).await;
        Self { _process: process, url }
    }
}

fn configuration(url: &str) -> String {
    let upstream = settings::remote(plugins::UPSTREAM, url);
    format!("anonymous = true\n[log]\nformat = \"json\"\n{upstream}prefix = \"\"\n")
}
