//! `witgate plugin list` with a configuration, while a gate serves it and while none does.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;

const FILE: &str = r#"
listen = "127.0.0.1:0"
anonymous = true

[secret.token]
command = ["sh", "-c", "touch ran; echo s3cret"]

[upstream.search]
url = "https://search.example/mcp"

[[plugin]]
name = "rate"
source = "builtin:validate-rate"
settings = { limits = [{ calls = 1, window-s = 60 }] }
grants = { counter = true }

[[plugin]]
name = "token"
source = "builtin:credential-static"
mode = "shadow"
settings = { value = "Bearer ${secret:token}" }
grants = { secrets = { token = ["https://search.example"] }, logging = false }

[tenant.acme]
anonymous = true
upstream = { leave = { builtin = "leave" } }

[[tenant.acme.plugin]]
name = "redact"
source = "builtin:sanitize-redact"
"#;

fn witgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("XDG_RUNTIME_DIR", folder);
    command.env_remove("WITGATE_CONFIG");
    command
}

fn list(folder: &Path, more: &[&str]) -> String {
    let done = witgate(folder, &[&["plugin", "list"], more].concat()).output().expect("witgate runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

/// A gate that ends with the test.
struct Gate {
    child: Child,
    _out: BufReader<ChildStdout>,
    log: Option<ChildStderr>,
}

impl Gate {
    fn start(folder: &Path) -> Self {
        let mut command = witgate(folder, &["run"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("witgate runs");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.contains("http://") {
            assert_ne!(out.read_line(&mut line).expect("a line"), 0, "it ended");
        }
        let log = child.stderr.take();
        Self { child, _out: out, log }
    }

    /// What it logged, once it has ended.
    fn end(mut self, signal: &str) -> String {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(killed.expect("kill runs").success());
        self.child.wait().expect("ends");
        let mut log = String::new();
        self.log.take().expect("its log").read_to_string(&mut log).expect("UTF-8");
        log
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configured() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("witgate.toml"), FILE).expect("writes");
    folder
}

/// Without what differs from run to run.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("sha256 [0-9a-f]{12}", "sha256 [DIGEST]");
    settings.add_filter(r"process \d+", "process [PID]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn without_a_gate_the_configuration_is_listed_and_nothing_is_run() {
    let folder = configured();
    snapshot("plugin_list_no_gate", &list(folder.path(), &[]));
    assert!(!folder.path().join("ran").exists(), "a secret's command was run");
    let all: Value = serde_json::from_str(&list(folder.path(), &["--json"])).expect("JSON");
    assert_eq!(all["configured"]["pid"], Value::Null);
    assert_eq!(all["configured"]["plugins"][2]["tenant"], "acme");
}

#[test]
fn a_gate_says_how_its_plugins_do() {
    let folder = configured();
    let gate = Gate::start(folder.path());
    snapshot("plugin_list_gate", &list(folder.path(), &[]));
    let all: Value = serde_json::from_str(&list(folder.path(), &["--json"])).expect("JSON");
    assert_eq!(all["configured"]["pid"], gate.child.id());
    assert_eq!(all["configured"]["plugins"][0]["health"][0]["condition"]["state"], "well");
    // From another folder, by another path to the same file.
    let other = tempfile::tempdir().expect("a folder");
    let link = other.path().join("link.toml");
    std::os::unix::fs::symlink(folder.path().join("witgate.toml"), &link).expect("links");
    assert!(list(folder.path(), &["-c", link.to_str().expect("UTF-8")]).contains("served by process"));
}

#[test]
fn a_second_gate_says_that_the_first_answers_and_a_killed_one_leaves_nothing_in_the_way() {
    let folder = configured();
    let first = Gate::start(folder.path());
    let second = Gate::start(folder.path());
    let listed = list(folder.path(), &[]);
    assert!(listed.contains(&format!("process {}", first.child.id())), "{listed}");
    let log = second.end("-TERM");
    assert!(log.contains("another gate serves the same configuration"), "{log}");
    assert!(list(folder.path(), &[]).contains(&format!("process {}", first.child.id())));
    first.end("-KILL");
    assert!(list(folder.path(), &[]).contains("no gate serves it now"));
    let third = Gate::start(folder.path());
    assert!(list(folder.path(), &[]).contains(&format!("process {}", third.child.id())));
}
