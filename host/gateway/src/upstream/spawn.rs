//! Who starts the servers that are children of the gate.
//!
//! What confines a thread confines the children that it starts. So whoever runs the gate may have them started on a thread
//! of its own choice, and nothing else: what is started, and how it is ended, is decided here.

use std::io;
use std::process::Stdio as Redirect;

use futures_util::future::{BoxFuture, FutureExt, ready};
use tokio::process::Command;
use tokio::runtime::Handle;

use super::Stdio;
use super::pipe::{Process, Streams};

/// What a child inherits, as with the official SDKs: what programs need to find themselves, and no secrets.
const INHERITED: [&str; 9] = ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER", "SHELL", "LOGNAME", "TMPDIR"];

/// Starts children.
pub trait Spawner: Send + Sync {
    /// Has [`Start::start`] called, on a thread that may wait for the system.
    fn spawn(&self, start: Start) -> BoxFuture<'static, io::Result<Started>>;
}

/// Starts children on the thread that asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Directly;

impl Spawner for Directly {
    fn spawn(&self, start: Start) -> BoxFuture<'static, io::Result<Started>> {
        ready(start.start()).boxed()
    }
}

/// A child that is to be started.
#[derive(Debug)]
pub struct Start {
    command: Command,
    runtime: Handle,
}

/// A child that was started, and is killed with all of its group when this is dropped.
#[must_use]
pub struct Started {
    pub(super) process: Process,
    pub(super) streams: Streams,
}

impl Start {
    /// Of a runtime's thread: the child's streams will be that runtime's.
    pub(super) fn new(stdio: &Stdio) -> Self {
        let mut command = Command::new(&stdio.command);
        command.args(&stdio.args).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(&stdio.env);
        if let Some(cwd) = &stdio.cwd {
            command.current_dir(cwd);
        }
        command.stdin(Redirect::piped()).stdout(Redirect::piped()).stderr(Redirect::piped());
        command.process_group(0).kill_on_drop(true);
        Self { command, runtime: Handle::current() }
    }

    /// Starts it, on any thread. Neither this nor the end of the child starts a thread.
    pub fn start(mut self) -> io::Result<Started> {
        let _within = self.runtime.enter();
        let (process, streams) = Process::of(self.command.spawn()?)?;
        Ok(Started { process, streams })
    }
}

/// Why a child did not start, in words that help.
pub(super) fn why_not(stdio: &Stdio, error: &io::Error) -> String {
    let command = &stdio.command;
    match (error.kind(), &stdio.cwd) {
        (io::ErrorKind::NotFound, Some(cwd)) if !cwd.is_dir() => {
            format!("cannot start `{command}`: its directory {} does not exist", cwd.display())
        }
        (io::ErrorKind::NotFound, _) => {
            format!("cannot start `{command}`: no such program; install it, or write its full path")
        }
        _ => format!("cannot start `{command}`: {error}"),
    }
}
