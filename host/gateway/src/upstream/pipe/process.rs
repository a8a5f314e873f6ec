//! A child process and its whole group: started with a small environment, never left behind, always reaped.
//!
//! The child leads a process group of its own, since `npx`, `uvx` and shells start the real server as their child. A
//! signal goes to the group. [`Process`] kills it when dropped; the supervisor reaps it before that in all but the
//! end of the whole runtime, where tokio reaps what it can.

use std::process::{ExitStatus, Stdio as Redirect};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::upstream::Stdio;

/// What a child inherits, as with the official SDKs: what programs need to find themselves, and no secrets.
const INHERITED: [&str; 9] = ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER", "SHELL", "LOGNAME", "TMPDIR"];

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
    /// Starts a child.
    pub(crate) fn start(stdio: &Stdio) -> Result<(Self, Streams), String> {
        let mut command = Command::new(&stdio.command);
        command.args(&stdio.args).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(&stdio.env);
        if let Some(cwd) = &stdio.cwd {
            command.current_dir(cwd);
        }
        command.stdin(Redirect::piped()).stdout(Redirect::piped()).stderr(Redirect::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(|e| why_not(stdio, &e))?;
        let streams = match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(input), Some(output), Some(errors)) => Streams { input, output, errors },
            _ => return Err(format!("`{}` has no standard streams", stdio.command)),
        };
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok((Self { child, group }, streams))
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

/// Why a child did not start, in words that help.
fn why_not(stdio: &Stdio, error: &std::io::Error) -> String {
    let command = &stdio.command;
    match (error.kind(), &stdio.cwd) {
        (std::io::ErrorKind::NotFound, Some(cwd)) if !cwd.is_dir() => {
            format!("cannot start `{command}`: its directory {} does not exist", cwd.display())
        }
        (std::io::ErrorKind::NotFound, _) => {
            format!("cannot start `{command}`: no such program; install it, or write its full path")
        }
        _ => format!("cannot start `{command}`: {error}"),
    }
}

/// How a child ended, in words.
pub(crate) fn how(status: &std::io::Result<ExitStatus>) -> Arc<str> {
    match status {
        Ok(status) => format!("the server's process ended ({status})").into(),
        Err(e) => format!("the server's process cannot be waited for: {e}").into(),
    }
}
