//! The program within its walls: who is confined and who is not, and what a reload may still name.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A server of 2025 in `sh`, which writes where it likes and runs what it likes.
const SERVER: &str = r#"
say() { printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$1"; }
text() { say "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"server/discover"'*) say '"error":{"code":-32601,"message":"no"}' ;;
    *'"initialize"'*) say '"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"notifications/'*) ;;
    *'"tools/list"'*) say '"result":{"tools":[{"name":"write","inputSchema":{"type":"object"}},{"name":"die","inputSchema":{"type":"object"}}]}' ;;
    *'"name":"write"'*) sh -c 'echo "$0" >> "$MARK"' $$ && text $$ ;;
    *'"name":"die"'*) exit 3 ;;
  esac
done
"#;

/// The threads that are not confined.
const OUTSIDE: [&str; 2] = ["witgate-read", "witgate-start"];

/// A folder for the configuration, and one of which the gate knows nothing.
struct Site {
    home: tempfile::TempDir,
    foreign: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        Self { home: folder(), foreign: folder() }
    }

    fn foreign(&self, name: &str) -> PathBuf {
        self.foreign.path().join(name)
    }

    /// What was compiled: files other than the key.
    fn compiled(&self) -> usize {
        let files = fs::read_dir(self.home.path().join("cache")).expect("the cache was made");
        files
            .map(|file| file.expect("a file"))
            .filter(|file| file.metadata().is_ok_and(|file| file.len() > 1_000))
            .count()
    }

    /// The server writes to `mark` in the foreign folder; `server` and `more` are TOML.
    fn configure(&self, server: &str, more: &str) -> PathBuf {
        let (file, script) = (self.home.path().join("witgate.toml"), self.home.path().join("server.sh"));
        fs::write(&script, SERVER).expect("writes");
        let text = format!(
            "anonymous = true\n[compiler]\ncache = \"cache\"\n[server]\n{server}\n[upstream.sh]\ncommand = \"sh\"\nargs = ['{}']\n\
             env = {{ MARK = '{}' }}\n{more}",
            script.display(),
            self.foreign("mark").display()
        );
        fs::write(&file, text).expect("writes");
        file
    }
}

/// `witgate stdio`, which ends with the test.
struct Gate {
    child: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Gate {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
        command.arg("stdio").arg("--config").arg(config).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("witgate runs");
        let input = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output")).lines();
        let log = BufReader::new(child.stderr.take().expect("its log")).lines();
        Self { child, input, answers, log }
    }

    /// Calls a tool, and waits for the answer.
    fn call(&mut self, tool: &str) -> Value {
        let call = json!({"jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": {
            "name": tool, "arguments": {}, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        writeln!(self.input, "{call}").expect("writes");
        let answers =
            self.answers.by_ref().map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
        answers.into_iter().find(|answer| answer["id"] == tool).expect("an answer")
    }

    /// Has the server write, which answers with its process id.
    fn write(&mut self) -> u32 {
        let answer = self.call("write");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        text.parse().expect("a process id")
    }

    /// The next line of the log with these words.
    fn told(&mut self, words: &str) -> String {
        let mut before = Vec::new();
        for line in self.log.by_ref() {
            let line = line.expect("a line");
            if line.contains(words) {
                return line;
            }
            before.push(line);
        }
        panic!("nothing with `{words}` in {before:#?}")
    }

    /// Whether the kernel confines; if it cannot, the gate says so.
    fn is_confined(&mut self) -> bool {
        !self.told("confined").contains("not confined: the kernel has")
    }

    fn reload(&mut self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }

    /// The names of the threads that can, and that cannot, gain privileges: a confined thread cannot, and so a file of
    /// `/proc` says which ones are.
    fn threads(&self) -> (Vec<String>, Vec<String>) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("threads");
        let mut threads = (Vec::new(), Vec::new());
        for task in tasks.map(|task| task.expect("a thread").path()) {
            // It may have ended meanwhile.
            let Ok(name) = fs::read_to_string(task.join("comm")) else { continue };
            let side = if may_gain_privileges(&task) { &mut threads.0 } else { &mut threads.1 };
            side.push(name.trim_end().to_owned());
        }
        threads.0.sort();
        threads
    }

    fn end(mut self) {
        self.signal("TERM");
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn may_gain_privileges(process: &Path) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["NoNewPrivs:", "0"]))
}

#[test]
fn the_gate_is_within_and_its_servers_are_not() {
    let site = Site::new();
    let mut gate = Gate::start(&site.configure("", ""));
    if !gate.is_confined() {
        return;
    }
    let first = gate.write();
    // Where this test was started without such rights, nobody has them.
    if may_gain_privileges(Path::new("/proc/self")) {
        let (outside, within) = gate.threads();
        assert_eq!(outside, OUTSIDE, "{within:?}");
        assert!(within.iter().any(|name| name.contains("tokio")), "{within:?}");
        assert!(within.iter().any(|name| name == "witgate-log"), "{within:?}");
        assert!(may_gain_privileges(&PathBuf::from(format!("/proc/{first}"))), "the server was not started outside");
    }
    // One that ends by itself is reaped and started again, outside as the first.
    assert!(gate.call("die")["error"].is_object());
    let second = gate.write();
    assert_ne!(first, second);
    let marks = fs::read_to_string(site.foreign("mark")).expect("what the server wrote");
    assert_eq!(marks, format!("{first}\n{second}\n"));
    gate.end();
    for server in [first, second] {
        assert!(!Path::new(&format!("/proc/{server}")).exists(), "the server {server} is left");
    }
}

#[test]
fn a_reload_may_name_files_anywhere() {
    let site = Site::new();
    let mut gate = Gate::start(&site.configure("", ""));
    if !gate.is_confined() {
        return;
    }
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist");
    fs::copy(dist.join("sanitize-redact.wasm"), site.foreign("redact.wasm")).expect("copies");
    fs::write(site.foreign("key"), "s3cret").expect("writes");
    let plugin = |file: &str| {
        format!(
            "[secret.key]\nfile = '{}'\n[[plugin]]\nname = \"redact\"\nsource = '{}'\n",
            site.foreign("key").display(),
            site.foreign(file).display()
        )
    };
    let server = gate.write();
    site.configure("", &plugin("redact.wasm"));
    gate.reload();
    gate.told("the new configuration serves");
    assert_eq!(gate.write(), server, "a server that is the same goes on");
    assert_eq!(site.compiled(), 1, "the compiler runs within the walls, and what it made is kept");
    // What is wrong with a file is its own, not the walls'.
    site.configure("", &plugin("missing.wasm"));
    gate.reload();
    let refused = gate.told("is refused");
    assert!(refused.contains("No such file"), "{refused}");
    gate.end();
}

#[test]
fn a_folder_that_the_gate_gave_up_needs_a_restart() {
    let site = Site::new();
    let data = site.home.path().join("data");
    fs::create_dir_all(data.join("below")).expect("makes");
    let granted = |folder: &Path| {
        let files = format!("[[plugin.grants.files]]\npath = '{}'\nas = \"/data\"\n", folder.display());
        format!("[[plugin]]\nname = \"redact\"\nsource = \"builtin:sanitize-redact\"\n{files}")
    };
    let mut gate = Gate::start(&site.configure("", &granted(&data)));
    if !gate.is_confined() {
        return;
    }
    let server = gate.write();
    site.configure("", &granted(site.foreign.path()));
    gate.reload();
    let refused: Value = serde_json::from_str(&gate.told("is refused")).expect("JSON");
    // Lines are broken where they are full.
    let refused = refused["message"].as_str().expect("text").replace('│', " ");
    let refused = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = format!("granted {}, which this gate gave up when it confined itself", site.foreign.path().display());
    for words in [why.as_str(), "witgate.toml:14:", "restart the gate, which then keeps this folder"] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert_eq!(gate.write(), server, "the old configuration serves on");
    site.configure("", &granted(&data.join("below")));
    gate.reload();
    gate.told("the new configuration serves");
    gate.end();
    let mut gate = Gate::start(&site.configure("", &granted(site.foreign.path())));
    gate.told("confined");
    gate.write();
    gate.end();
}

#[test]
fn a_gate_that_is_told_not_to_is_not_confined() {
    let site = Site::new();
    let mut gate = Gate::start(&site.configure("confine = \"off\"", ""));
    gate.told("not confined: `confine = \\\"off\\\"` in [server]");
    let server = gate.write();
    if may_gain_privileges(Path::new("/proc/self")) {
        assert_eq!(gate.threads().1, [""; 0]);
    }
    assert_eq!(fs::read_to_string(site.foreign("mark")).expect("what the server wrote"), format!("{server}\n"));
    gate.end();
}
