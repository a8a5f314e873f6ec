//! `witgate plugin record`: yesterday's traffic is today's test, and holds no secret.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const FILE: &str = r#"
listen = "127.0.0.1:0"

[secret.token]
env = "TOKEN"

[upstream.leave]
builtin = "leave"

[[plugin]]
name = "keys"
source = "builtin:auth-api-key"

[[plugin.settings.keys]]
id = "demo"
sha256 = "fdb8e4de16e6b030aca7ad587b2ac893d1ffaf2a0f46b9afd5b48fc6f9283a84"

[[plugin]]
name = "schema"
source = "builtin:validate-schema"

[[plugin]]
name = "rate"
source = "builtin:validate-rate"
settings = { limits = [{ calls = 3, window-s = 3600 }] }
grants = { counter = true }

[[plugin]]
name = "redact"
source = "builtin:sanitize-redact"
"#;

/// What the file above holds the hash of.
const KEY: &str = "witgate-demo-key";
/// The gate's own secret.
const TOKEN: &str = "c0ffee-c0ffee-c0ffee";

fn witgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("XDG_RUNTIME_DIR", folder).env("TOKEN", TOKEN).env_remove("WITGATE_CONFIG");
    command
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program of which this line was read, and what it says after it.
fn until(mut command: Command, line: &str, of_errors: bool) -> (Running, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("witgate runs");
    let (out, err) = (child.stdout.take().expect("its output"), child.stderr.take().expect("its errors"));
    let mut lines: Box<dyn BufRead> =
        if of_errors { Box::new(BufReader::new(err)) } else { Box::new(BufReader::new(out)) };
    let mut said = String::new();
    while !said.lines().last().unwrap_or_default().contains(line) {
        assert_ne!(lines.read_line(&mut said).expect("a line"), 0, "it ended: {said}");
    }
    (Running(child), said)
}

/// A call over HTTP; the whole answer.
fn call(address: &str, tool: &str, arguments: &str) -> String {
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{meta}}}}}"#
    );
    let mut stream = TcpStream::connect(address).expect("a gate");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         x-api-key: {KEY}\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn files(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { fs::read_to_string(path).expect("text") }).collect()
}

#[test]
fn what_is_recorded_holds_no_secret_and_is_a_test() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::write(at.join("witgate.toml"), FILE).expect("writes");
    let (_gate, said) = until(witgate(at, &["run"]), "http://", false);
    let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    for (plugin, source, tool, arguments) in [
        ("keys", "auth-api-key", "get_leave_balance", r#"{"employee_id":"E001"}"#.to_owned()),
        ("redact", "sanitize-redact", "get_employee_record", r#"{"employee_id":"E001"}"#.to_owned()),
        ("schema", "validate-schema", "apply_leave", format!(r#"{{"employee_id":"E001","reason":"{TOKEN}"}}"#)),
    ] {
        let record = ["plugin", "record", plugin, "--out", plugin, "--count", "1"];
        let (mut recording, _) = until(witgate(at, &record), "listening", true);
        let answer = call(address, tool, &arguments);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(recording.0.wait().expect("ends").success(), "{plugin}");
        let kept = files(&at.join(plugin));
        assert!(kept.contains(tool) && kept.contains("[redacted]"), "{plugin}: {kept}");
        for secret in [KEY, TOKEN, "hunter2"] {
            assert!(!kept.contains(secret), "{plugin}: {secret} is in {kept}");
        }
        let test = witgate(at, &["plugin", "test", &format!("builtin:{source}"), "--cases", plugin]).output();
        let test = test.expect("witgate runs");
        assert!(test.status.success(), "{plugin}: {}{kept}", String::from_utf8_lossy(&test.stdout));
    }
}

/// A plugin that counts is recorded with what it had counted.
#[test]
fn what_the_stores_held_is_recorded() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::write(at.join("witgate.toml"), FILE).expect("writes");
    let (_gate, said) = until(witgate(at, &["run"]), "http://", false);
    let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let (mut recording, _) =
        until(witgate(at, &["plugin", "record", "rate", "--out", "rate", "--count", "4"]), "listening", true);
    for _ in 0..4 {
        call(address, "get_leave_balance", r#"{"employee_id":"E001"}"#);
    }
    assert!(recording.0.wait().expect("ends").success());
    let kept = files(&at.join("rate"));
    assert!(kept.contains("exhausted") && kept.contains(r#""value": 3"#), "{kept}");
    let test = witgate(at, &["plugin", "test", "builtin:validate-rate", "--cases", "rate"]).output().expect("runs");
    assert!(test.status.success(), "{}{kept}", String::from_utf8_lossy(&test.stdout));
}

#[test]
fn a_plugin_that_is_not_there_is_not_waited_for() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    fs::write(at.join("witgate.toml"), FILE).expect("writes");
    let (_gate, _) = until(witgate(at, &["run"]), "http://", false);
    let done = witgate(at, &["plugin", "record", "rates"]).output().expect("witgate runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("no such plugin") && said.contains("rate of default"), "{said}");
}

#[test]
fn without_a_gate_there_is_nothing_to_record() {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("witgate.toml"), FILE).expect("writes");
    let done = witgate(folder.path(), &["plugin", "record", "keys"]).output().expect("witgate runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("no gate serves this configuration") && said.contains("--config"), "{said}");
}
