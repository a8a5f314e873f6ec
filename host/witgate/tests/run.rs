//! The program as it is started: the demonstration over HTTP and stdio, a reload, and the end.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const KEY: &str = "witgate-demo-key";

/// A gate that listens, and ends with the test.
struct Gate {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Gate {
    fn start(arguments: &[&str]) -> Self {
        let mut child = witgate(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("witgate runs");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = (&mut out).lines().map(|line| line.expect("a line"));
        let line = lines.find(|line| line.contains("http://")).expect("the endpoint is told");
        let (_, rest) = line.split_once("http://").expect("an address");
        let address = rest.split('/').next().expect("an address").to_owned();
        Self { child, out, address }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }

    fn end(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("ends")
    }

    /// One modern request; the status and the answer.
    fn ask(&self, path: &str, key: Option<&str>, method: &str, params: &Value) -> (u16, Value) {
        let body = modern(method, params.clone()).to_string();
        let name = params["name"].as_str().map(|name| format!("Mcp-Name: {name}\r\n")).unwrap_or_default();
        let key = key.map(|key| format!("X-Api-Key: {key}\r\n")).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{key}{name}Mcp-Method: {method}\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        (status, serde_json::from_str(body).unwrap_or_else(|cause| panic!("{cause}: {answer}")))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn witgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).env_remove("WITGATE_CONFIG").stdin(Stdio::null());
    command
}

fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

#[test]
fn the_demonstration_shows_what_it_promises() {
    let gate = Gate::start(&[]);
    let call = |tool: &str, arguments: Value| {
        gate.ask("/mcp", Some(KEY), "tools/call", &json!({"name": tool, "arguments": arguments})).1
    };
    assert_eq!(gate.ask("/mcp", None, "tools/list", &json!({})).0, 401);
    assert_eq!(gate.ask("/mcp", Some("wrong"), "tools/list", &json!({})).0, 401);
    let (status, tools) = gate.ask("/mcp", Some(KEY), "tools/list", &json!({}));
    assert_eq!((status, tools["result"]["tools"][0]["name"].is_string()), (200, true), "{tools}");
    let bad = call("get_leave_balance", json!({"employee_id": "007"}));
    assert!(bad.to_string().contains("/arguments/employee_id"), "{bad}");
    let record = call("get_employee_record", json!({"employee_id": "E001"}))["result"]["structuredContent"].clone();
    assert_eq!(record["password"], "[redacted]", "{record}");
    assert_eq!(record["ssn"], "[redacted]", "{record}");
    let limited = (0..25).map(|_| call("list_employees", json!({}))).find(|answer| answer.get("error").is_some());
    assert_eq!(limited.expect("a limit")["error"]["data"]["reason"], "exhausted");
    assert_eq!(gate.end().code(), Some(0));
}

#[test]
fn the_lines_to_try_are_good_commands() {
    let mut gate = Gate::start(&["run"]);
    let lines = (&mut gate.out).lines().map(|line| line.expect("a line"));
    let told: Vec<_> = lines.take_while(|line| !line.starts_with("then `witgate check`")).collect();
    let commands = told.join("\n");
    let bodies: Vec<Value> = commands
        .split("-d '")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split('\'').next().expect("a body")).expect("JSON"))
        .collect();
    assert_eq!(bodies.len(), 3, "{commands}");
    for body in bodies {
        let method = body["method"].as_str().expect("a method").to_owned();
        assert_eq!(gate.ask("/mcp", Some(KEY), &method, &body["params"]).0, 200, "{body}");
    }
}

#[test]
fn stdio_takes_the_key_from_the_environment() {
    let ask = |key: Option<&str>| {
        let mut command = witgate(&["stdio"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env_remove("WITGATE_API_KEY");
        command.envs(key.map(|key| ("WITGATE_API_KEY", key)));
        let mut child = command.spawn().expect("witgate runs");
        let mut input = child.stdin.take().expect("its input");
        writeln!(input, "{}", modern("tools/list", json!({}))).expect("writes");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("an answer");
        drop(input);
        assert_eq!(child.wait().expect("ends").code(), Some(0));
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    assert!(ask(Some(KEY))["result"]["tools"].is_array());
    assert!(ask(None)["error"].is_object());
}

#[test]
fn a_changed_file_is_served_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("witgate.toml");
    let text = "listen = \"127.0.0.1:0\"\nanonymous = true\npath = \"/PATH\"\n[upstream.leave]\nbuiltin = \"leave\"\n";
    std::fs::write(&file, text.replace("PATH", "old")).expect("writes");
    let mut child = witgate(&["run", "--config", file.to_str().expect("UTF-8")]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("witgate runs");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let mut log = BufReader::new(child.stderr.take().expect("its log")).lines().map(|line| line.expect("a line"));
    let listening = log.find(|line| line.contains("listening")).expect("it listens");
    let listening: Value = serde_json::from_str(&listening).expect("JSON");
    let address = listening["address"].as_str().expect("an address").to_owned();
    let gate = Gate { child, out, address };
    let status = |path: &str| gate.ask(path, None, "tools/list", &json!({})).0;
    assert_eq!((status("/old"), status("/new")), (200, 404));

    std::fs::write(&file, "path = ").expect("writes");
    let refused = log.find(|line| line.contains("is refused")).expect("a bad file is told");
    assert!(refused.contains("witgate.toml:1"), "{refused}");
    assert_eq!(status("/old"), 200);

    let beside = folder.path().join("witgate.toml.new");
    std::fs::write(&beside, text.replace("PATH", "new")).expect("writes");
    std::fs::rename(&beside, &file).expect("renames");
    log.find(|line| line.contains("the new configuration serves")).expect("a good file is told");
    assert_eq!((status("/old"), status("/new")), (404, 200));
    gate.signal("HUP");
    log.find(|line| line.contains("the new configuration serves")).expect("SIGHUP is told");
    assert_eq!(gate.end().code(), Some(0));
}
