//! Canaries in all sources of secrets, and everything that the program prints.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One for each source. The gate is told where they are, and must say them to nobody but the upstream.
const CANARIES: [&str; 3] = ["canary-of-the-environment", "canary-of-the-file", "canary-of-the-command"];

fn witgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("WITGATE_CONFIG").env("WITGATE_CANARY", CANARIES[0]).env("XDG_RUNTIME_DIR", folder);
    command
}

/// An upstream that says back all that it is told, in whatever form an answer can fail.
struct Parrot {
    address: String,
    heard: Arc<Mutex<String>>,
}

impl Parrot {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("an address").to_string();
        let heard: Arc<Mutex<String>> = Arc::default();
        let ear = heard.clone();
        std::thread::spawn(move || {
            for (count, stream) in listener.incoming().enumerate() {
                // Whoever is not heard does not matter.
                let Ok(stream) = stream else { continue };
                let ear = ear.clone();
                std::thread::spawn(move || answer(stream, count, &ear));
            }
        });
        Self { address, heard }
    }
}

fn answer(stream: TcpStream, count: usize, heard: &Mutex<String>) {
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(reader.read_line(&mut head), Ok(1..)) {
            return;
        }
    }
    heard.lock().expect("heard").push_str(&head);
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let secret = head.lines().find(|line| line.contains("canary")).unwrap_or_default().replace('"', "'");
    let id =
        serde_json::from_slice::<serde_json::Value>(&body).map_or(serde_json::Value::Null, |body| body["id"].clone());
    let error =
        serde_json::json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": secret}}).to_string();
    let (status, kind, body) = match count % 5 {
        0 => ("500 Internal Server Error".to_owned(), "text/plain", secret),
        1 => ("200 OK".to_owned(), "application/json", error),
        2 => (format!("401 {secret}"), "text/plain", secret),
        3 => ("200 OK".to_owned(), "application/json", secret),
        _ => ("200 OK".to_owned(), "text/event-stream", format!("data: {secret}\n\n")),
    };
    let mut stream = stream;
    // The gate may have hung up.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Plugins that show the secrets where they may, where they may not, and how they may not.
fn configuration(upstream: &str) -> String {
    let mut text = "listen = \"127.0.0.1:0\"\nanonymous = true\n[log]\nformat = \"json\"\nlevel = \"trace\"\n\
         [secret.environment]\nenv = \"WITGATE_CANARY\"\n[secret.file]\nfile = \"canary.key\"\n\
         [secret.command]\ncommand = [\"cat\", \"canary.command\"]\n"
        .to_owned();
    let plugin = |upstream: &str, value: &str, origins: &str| {
        format!(
            "[[plugin]]\nname = \"shows-{upstream}\"\nsource = \"builtin:credential-static\"\n\
             settings = {{ value = \"{value}\" }}\nwhen = {{ upstreams = [\"{upstream}\"] }}\ngrants = {{ secrets = {origins} }}\n"
        )
    };
    let there = format!("[\"http://{upstream}\"]");
    let cases = [
        ("environment", "Bearer ${secret:environment}", format!("{{ environment = {there} }}")),
        ("file", "Bearer ${secret:file}", format!("{{ file = {there} }}")),
        ("command", "Bearer ${secret:command}", format!("{{ command = {there} }}")),
        ("elsewhere", "Bearer ${secret:file}", "{ file = [\"https://elsewhere.example\"] }".to_owned()),
        (
            "several",
            "${secret:file} ${secret:command}",
            format!("{{ file = {there}, command = [\"http://x.example\"] }}"),
        ),
    ];
    for (name, _, _) in &cases {
        let _ = writeln!(text, "[upstream.{name}]\nurl = \"http://{upstream}/{name}\"");
    }
    for (name, value, origins) in &cases {
        text.push_str(&plugin(name, value, origins));
    }
    text
}

fn ask(address: &str, method: &str, name: Option<&str>) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let (header, params) = match name {
        Some(name) => (format!("Mcp-Name: {name}\r\n"), format!(r#""name":"{name}","arguments":{{}},"#)),
        None => (String::new(), String::new()),
    };
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{meta}}}}}"#);
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_mins(2))).expect("a timeout");
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\n{header}Mcp-Method: {method}\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[track_caller]
fn says_no_canary(what: &str, said: &str) {
    for canary in CANARIES {
        if let Some(line) = said.lines().find(|line| line.contains(canary)) {
            panic!("{what} says {canary}: {line}");
        }
    }
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[test]
fn no_secret_is_in_anything_that_a_gate_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let parrot = Parrot::start();
    fs::write(folder.path().join("canary.key"), CANARIES[1]).expect("writes");
    fs::write(folder.path().join("canary.command"), CANARIES[2]).expect("writes");
    fs::write(folder.path().join("witgate.toml"), configuration(&parrot.address)).expect("writes");
    for verb in [&["check"][..], &["plugin", "list"], &["plugin", "list", "--json"]] {
        let done = witgate(folder.path(), verb).output().expect("witgate runs");
        assert!(done.status.success(), "{verb:?}: {}", said(&done));
        says_no_canary(&verb.join(" "), &said(&done));
    }
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let mut child = witgate(folder.path(), &["run"]).stdout(Stdio::piped()).stderr(log).spawn().expect("witgate runs");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut told = String::new();
    while !told.contains("http://") {
        assert_ne!(out.read_line(&mut told).expect("a line"), 0, "it ended: {told}");
    }
    let (_, rest) = told.split_once("http://").expect("an address");
    let address = rest.split('/').next().expect("an address").to_owned();
    for _ in 0..3 {
        ask(&address, "tools/list", None);
        for name in ["environment", "file", "command", "elsewhere", "several"] {
            ask(&address, "tools/call", Some(&format!("{name}__tool")));
        }
    }
    let reloaded = Command::new("kill").args(["-HUP", &child.id().to_string()]).status().expect("kill runs");
    assert!(reloaded.success());
    ask(&address, "tools/list", None);
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(stopped.success());
    assert!(child.wait().expect("ends").success());
    out.read_to_string(&mut told).expect("the rest");
    let log = fs::read_to_string(folder.path().join("log")).expect("the log");
    assert!(log.contains("tools/list"), "the log says what happened: {log}");
    says_no_canary("its output", &told);
    says_no_canary("its log", &log);
    let heard = parrot.heard.lock().expect("heard");
    for canary in CANARIES {
        assert!(heard.contains(canary), "{canary} never came to the upstream, so nothing was tried");
    }
    let misled = heard.split("POST ").filter(|head| head.starts_with("/elsewhere") || head.starts_with("/several"));
    for head in misled {
        says_no_canary("a request to an upstream that may not see it", head);
    }
}

#[test]
fn no_secret_is_in_a_diagnostic() {
    const FILE: &str = "anonymous = true\n[upstream.leave]\nbuiltin = \"leave\"\n";
    #[track_caller]
    fn check(secret: &str, canary_file: &str, want: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("canary.key"), canary_file).expect("writes");
        fs::write(folder.path().join("witgate.toml"), format!("{FILE}[secret.x]\n{secret}\n")).expect("writes");
        let mut command = witgate(folder.path(), &["check"]);
        let done = command.env("WITGATE_CANARY", format!("{}\r\nx: y", CANARIES[0])).output().expect("witgate runs");
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        // Lines are wrapped for a person.
        let plain = said(&done).replace("\n  │ ", " ");
        assert!(plain.contains(want), "{plain}");
        says_no_canary("check", &said(&done));
    }
    check("env = \"WITGATE_CANARY\"", "", "its byte 25 is a control character");
    check("file = \"canary.key\"", "canary-of-the-file\u{1b}[0m", "its byte 18 is a control character");
    check("file = \"canary.key\"", &"canary-of-the-file".repeat(10_000), "it is 65539 bytes, more than 65536");
    check("command = [\"sh\", \"-c\", \"cat canary.key; exit 1\"]", "canary-of-the-file", "failed with exit status: 1");
    check("command = [\"cat\", \"canary.key\"]", &"canary-of-the-file".repeat(10_000), "wrote more than 65536 bytes");
    check("command = [\"cat\", \"canary.key\"]\nfile = \"canary.key\"", "canary-of-the-file", "needs one of");
}
