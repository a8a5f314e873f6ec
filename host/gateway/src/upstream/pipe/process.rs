//! A child process and its whole group: never left behind, always reaped.
//!
//! The child leads a process group of its own, since `npx`, `uvx` and shells start the real server as their child. A
//! signal goes to the group. [`Process`] kills it when dropped; the supervisor reaps it before that in all but the
//! end of the whole runtime, where tokio reaps what it can.

use std::process::ExitStatus;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// A running child.
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
}

/// Its standard streams.
pub(crate) struct Streams {
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
    pub(crate) errors: ChildStderr,
}

impl Process {
    /// Of a child that leads its own group, and has its streams still.
    pub(crate) fn of(mut child: Child) -> std::io::Result<(Self, Streams)> {
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // Whole from here on: a child without streams is killed with its group.
        let process = Self { child, group };
        match streams {
            (Some(input), Some(output), Some(errors)) => Ok((process, Streams { input, output, errors })),
            _ => Err(std::io::Error::other("it has no standard streams")),
        }
    }

    /// Waits until it has ended, and reaps it. Its descendants that are left are killed. Cancel safe.
    pub(crate) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // The leader's id cannot have been given to another group so soon: ids are handed out in rounds.
        self.kill_group();
        Ok(status)
    }

    /// Asks the group to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the group.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn kill_group(&mut self) {
        self.kill();
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Fails when nobody is left, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// How a child ended, in words.
pub(crate) fn how(status: &std::io::Result<ExitStatus>) -> Arc<str> {
    match status {
        Ok(status) => format!("the server's process ended ({status})").into(),
        Err(e) => format!("the server's process cannot be waited for: {e}").into(),
    }
}
