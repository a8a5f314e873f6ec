//! A process whose output is read line by line.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use crate::patiently;

/// A running process, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: watch::Receiver<Output>,
}

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// All lines so far.
#[derive(Debug, Default)]
struct Output {
    lines: Vec<(Stream, String)>,
    open: usize,
}

impl Process {
    /// Starts a program. Its standard input is a pipe, see [`stdin`](Self::stdin).
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let (sender, output) = watch::channel(Output { lines: Vec::new(), open: 2 });
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        tokio::spawn(read(stdout, Stream::Stdout, sender.clone()));
        tokio::spawn(read(stderr, Stream::Stderr, sender));
        Self { child, output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Its standard input, once.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("standard input, once")
    }

    /// The first of what `find` makes of the lines so far and to come, beginning with the line number `from`.
    pub async fn line<T>(&self, what: &str, from: usize, mut find: impl FnMut(Stream, &str) -> Option<T>) -> T {
        let mut found = None;
        let mut next = from;
        let mut output = self.output.clone();
        let wait = output.wait_for(|output| {
            let lines = output.lines.iter().skip(next);
            found = lines.map(|(stream, line)| find(*stream, line)).find_map(|found| found);
            next = output.lines.len();
            found.is_some() || output.open == 0
        });
        let ended = tokio::time::timeout(crate::PATIENCE, wait).await.is_ok();
        found.unwrap_or_else(|| {
            let how = if ended { "the process ended" } else { "time is up" };
            panic!("{how} without {what}; it wrote:\n{}", self.text())
        })
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.output.borrow().lines.len()
    }

    /// All that was written so far.
    pub fn text(&self) -> String {
        let output = self.output.borrow();
        output.lines.iter().fold(String::new(), |text, (_, line)| text + line + "\n")
    }

    /// What was written to one stream so far, beginning with the line number `from` of both.
    pub fn written(&self, stream: Stream, from: usize) -> Vec<String> {
        let output = self.output.borrow();
        let lines = output.lines.iter().skip(from);
        lines.filter(|(name, _)| *name == stream).map(|(_, line)| line.clone()).collect()
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.output.borrow().open == 0
    }

    /// Sends a signal, as `TERM`.
    pub fn signal(&self, signal: &str) {
        kill(self.id(), signal);
    }

    /// Waits for the end.
    pub async fn wait(&mut self) -> ExitStatus {
        patiently("the end of a process", self.child.wait()).await.expect("an exit status")
    }
}

async fn read(stream: impl AsyncRead + Unpin, name: Stream, sender: watch::Sender<Output>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        sender.send_modify(|output| output.lines.push((name, line)));
    }
    sender.send_modify(|output| output.open -= 1);
}

/// Sends a signal to a process.
pub fn kill(process: u32, signal: &str) {
    let status = std::process::Command::new("kill").arg(format!("-{signal}")).arg(process.to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "process {process} cannot be sent SIG{signal}");
}

/// The state letter (`R`, `S`, `Z`, …) and the parent of a process; `None` when there is none.
pub fn stat(process: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The children of a process, with their state letters.
pub fn children(process: u32) -> Vec<(u32, char)> {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| stat(id).filter(|(_, parent)| *parent == process).map(|(state, _)| (id, state))).collect()
}

/// Waits until something holds that gives no sign when it begins to: the state of processes in `/proc`.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let poll = async {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
        while !holds() {
            tick.tick().await;
        }
    };
    patiently(what, poll).await;
}
