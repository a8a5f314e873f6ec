//! The tasks of one connection, and its end: whatever ends first — the child, its output, the last who holds the
//! connection — the others follow within a bounded time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::line::{self, Lines};
use super::process::{Process, how};
use super::{Line, Shared};
use crate::upstream::Failed;

/// Lines that are no messages, as banners that servers print by mistake; with more of them it is no MCP server.
const NOISE_LINES: usize = 64;
/// For what a process that has ended left in its pipe.
const DRAIN: Duration = Duration::from_millis(500);
/// For a process to end after its output did, so that its status can be told.
const STATUS: Duration = Duration::from_millis(250);

/// An end that a process's status may explain.
const CLOSED_OUTPUT: &str = "the server closed its output";
/// Another one.
const CLOSED_INPUT: &str = "the server closed its input";

/// Everything that has to end with a connection.
pub(super) struct Tasks {
    pub(super) process: Option<Process>,
    pub(super) reader: JoinHandle<Arc<str>>,
    pub(super) writer: JoinHandle<()>,
    pub(super) errors: Option<JoinHandle<()>>,
}

/// Reads until the output ends or makes no sense; says why. What is no message hurts only the request that it answers,
/// or nobody.
pub(super) async fn read(output: impl AsyncRead + Unpin, shared: Arc<Shared>) -> Arc<str> {
    let max_bytes = shared.spec.limits.message.bytes;
    let mut lines = Lines::new(output, max_bytes);
    let mut noise = 0;
    loop {
        let (flaw, answered, shown) = match lines.next().await {
            Ok(Some(line::Line::Whole(line))) => match take(&shared, &line) {
                Ok(()) => continue,
                Err(failed) => (failed, line::answered_by(&line), line),
            },
            Ok(Some(line::Line::Long { head, tail })) => {
                (Failed::too_long(max_bytes), line::answered(&head, &tail), head)
            }
            Ok(None) => return CLOSED_OUTPUT.into(),
            Err(e) => return e.to_string().into(),
        };
        if let Some(id) = answered {
            shared.fail(id, flaw);
            continue;
        }
        noise += 1;
        if noise > NOISE_LINES {
            return format!("the server wrote more than {NOISE_LINES} lines that are no messages").into();
        }
        // What is not JSON is a banner; what nearly is may be somebody's data.
        let is_banner = !matches!(shown.trim_ascii_start().first(), Some(b'{' | b'['));
        let text = String::from_utf8_lossy(if is_banner { &shown[..] } else { &shown[..1] });
        let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        tracing::warn!(upstream = %shared.spec.id, cause = ?flaw.failure, "no message of the server: {text}");
    }
}

/// Takes a line, which may be empty.
fn take(shared: &Shared, line: &Bytes) -> Result<(), Failed> {
    match line.trim_ascii_start().first() {
        None => Ok(()),
        Some(b'{' | b'[') => shared.hear(line.clone()).map_err(|e| Failed::unreadable(&e)),
        Some(_) => Err(Failed::no_reply("it is not JSON")),
    }
}

/// Writes until there is nobody left to write for.
pub(super) async fn write(
    mut input: impl AsyncWrite + Unpin,
    shared: Arc<Shared>,
    mut outbox: mpsc::Receiver<Line>,
    mut urgent: mpsc::Receiver<String>,
) {
    let mut closing = shared.closing.subscribe();
    let mut open = true;
    loop {
        let next = tokio::select! {
            biased;
            Some(text) = urgent.recv() => Some(Line { text, id: None, room: None }),
            line = outbox.recv() => line,
            _ = closing.wait_for(|closing| *closing), if open => {
                open = false;
                outbox.close();
                continue;
            }
        };
        let Some(mut line) = next else { break };
        if line.id.is_some_and(|id| !shared.sending(id)) {
            continue;
        }
        line.text.push('\n');
        if input.write_all(line.text.as_bytes()).await.is_err() || input.flush().await.is_err() {
            // The reader finds out why.
            break;
        }
    }
    let _ = input.shutdown().await;
}

/// Watches over a connection until nothing of it is left.
pub(super) async fn supervise(mut tasks: Tasks, shared: Arc<Shared>, ended: watch::Sender<bool>) {
    let mut closing = shared.closing.subscribe();
    let (why, reading) = tokio::select! {
        biased;
        why = &mut tasks.reader => (cause(why), false),
        status = exit(&mut tasks.process) => (status, true),
        _ = closing.wait_for(|closing| *closing) => ("the gate closed the connection".into(), true),
        _ = &mut tasks.writer => (CLOSED_INPUT.into(), true),
    };
    let why = exit_soon(&mut tasks.process, why).await;
    if !reading {
        shared.close(&why);
    }
    end(&mut tasks, &shared, reading).await;
    shared.close(&why);
    tasks.writer.abort();
    if let Some(mut errors) = tasks.errors {
        // Held open by a process that left the group.
        if timeout(DRAIN, &mut errors).await.is_err() {
            errors.abort();
        }
    }
    tracing::debug!(upstream = %shared.spec.id, "connection closed: {why}");
    ended.send_replace(true);
}

/// Lets a server end in its own time, then in ours.
async fn end(tasks: &mut Tasks, shared: &Shared, reading: bool) {
    let grace = shared.spec.timeouts.close;
    shared.closing.send_replace(true);
    if let Some(mut process) = tasks.process.take() {
        // The writer ends by itself, and with it the child's input, unless the child does not read.
        if timeout(grace, process.wait()).await.is_err() {
            process.terminate();
            if timeout(grace, process.wait()).await.is_err() {
                process.kill();
                // One that even this does not end hangs in the kernel; tokio reaps it when it comes out.
                let _ = timeout(grace, process.wait()).await;
            }
        }
        if reading && timeout(DRAIN, &mut tasks.reader).await.is_err() {
            tasks.reader.abort();
        }
    } else if reading && timeout(grace, &mut tasks.reader).await.is_err() {
        tasks.reader.abort();
    }
}

/// How the process ended, once it has; never for an in-process server.
async fn exit(process: &mut Option<Process>) -> Arc<str> {
    match process {
        Some(process) => how(&process.wait().await),
        None => std::future::pending().await,
    }
}

/// How the process ended, if it does so now; else the reason that is already known.
async fn exit_soon(process: &mut Option<Process>, why: Arc<str>) -> Arc<str> {
    if process.is_none() || ![CLOSED_OUTPUT, CLOSED_INPUT].contains(&&*why) {
        return why;
    }
    timeout(STATUS, exit(process)).await.unwrap_or(why)
}

fn cause(why: Result<Arc<str>, tokio::task::JoinError>) -> Arc<str> {
    why.unwrap_or_else(|_| "the reader was stopped".into())
}
