//! A process whose standard output is read line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running process, ended when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    name: String,
}

impl Process {
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("standard output")?);
        Ok(Self { child, input, output, name })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first of what `find` makes of its further lines.
    pub(crate) fn line<T>(&mut self, mut find: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let mut line = String::new();
        while self.output.read_line(&mut line)? > 0 {
            if let Some(found) = find(line.trim_end()) {
                return Ok(found);
            }
            line.clear();
        }
        bail!("{} ended: {}", self.name, self.child.wait()?)
    }

    /// Sends a line.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("standard input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Asks it to end, and waits.
    pub(crate) fn end(&mut self) {
        self.input = None;
        if let (Ok(None), Ok(id)) = (self.child.try_wait(), i32::try_from(self.id())) {
            // One that has just ended needs no signal.
            let _ = Pid::from_raw(id).map(|id| kill_process(id, Signal::TERM));
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
