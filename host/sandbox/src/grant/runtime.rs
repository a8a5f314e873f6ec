//! What the runtime of a guest language asks for before it does anything: answered with the environment, the arguments
//! and the standard input that were granted, which are none by default and never the gate's own, and with output that
//! becomes log lines. That gives nothing away, so it needs no grant to be linked.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliCtxView, WasiCliView};
use wasmtime_wasi::p2::bindings::cli;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};
use wasmtime_wasi::{WasiCtx, async_trait};
use witgate_policy::Grants;

use super::clocks::Coarse;
use super::{Capability, io, random};
use crate::host::{Host, Shared};
use crate::log::{Level, Log};

/// `wasi:cli` and `wasi:io`.
pub(super) struct Runtime;

impl Capability for Runtime {
    fn word(&self) -> &'static str {
        "runtime"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:cli/environment",
            "wasi:cli/exit",
            "wasi:cli/stdin",
            "wasi:cli/stdout",
            "wasi:cli/stderr",
            "wasi:cli/terminal-input",
            "wasi:cli/terminal-output",
            "wasi:cli/terminal-stdin",
            "wasi:cli/terminal-stdout",
            "wasi:cli/terminal-stderr",
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
        ]
    }

    fn allows(&self, _: &Grants) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        io::link(linker)?;
        cli::environment::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::exit::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::stdin::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::stdout::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::stderr::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::terminal_input::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::terminal_output::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::terminal_stdin::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::terminal_stdout::add_to_linker::<Host, WasiCli>(linker, counted)?;
        cli::terminal_stderr::add_to_linker::<Host, WasiCli>(linker, counted)
    }
}

/// These functions cannot fail, and do nothing that grows: they are only counted.
fn counted(host: &mut Host) -> WasiCliCtxView<'_> {
    host.account.count_call();
    host.cli()
}

/// What `wasmtime-wasi` keeps for one instance. It reaches nothing that was not linked; clocks and entropy are set up
/// here for those who were granted them.
pub(crate) fn context(shared: &Arc<Shared>, log: &Log) -> WasiCtx {
    let grants = &shared.grants;
    let clock = Coarse::new(grants.clock_granularity_ms);
    let mut context = WasiCtx::builder();
    for (name, value) in &grants.environment {
        context.env(name, value);
    }
    if !grants.arguments.is_empty() {
        // As programs expect: what they are called comes first.
        context.arg(&shared.space.plugin).args(&grants.arguments);
    }
    if !grants.stdin.is_empty() {
        context.stdin(MemoryInputPipe::new(grants.stdin.clone()));
    }
    context
        .stdout(Output::new(log, Level::Info, "stdout"))
        .stderr(Output::new(log, Level::Warn, "stderr"))
        .wall_clock(clock)
        .monotonic_clock(clock)
        .max_random_size(random::MOST_BYTES)
        .build()
}

/// How much of a line is held back until its end comes.
const HELD_BYTES: usize = 2 << 10;
/// What a guest may write at once.
const PERMIT_BYTES: usize = 64 << 10;

/// Standard output or error: each line becomes a line of the log.
#[derive(Clone)]
struct Output {
    log: Log,
    level: Level,
    name: &'static str,
    held: Arc<Mutex<Vec<u8>>>,
}

impl Output {
    fn new(log: &Log, level: Level, name: &'static str) -> Self {
        Self { log: log.clone(), level, name, held: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = HELD_BYTES.saturating_sub(held.len());
            held.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.line(&mut held);
            }
        }
    }

    fn line(&self, held: &mut Vec<u8>) {
        if !held.is_empty() {
            self.log.line(self.level, self.name, &String::from_utf8_lossy(held));
            held.clear();
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.take(&bytes);
        Ok(())
    }

    /// A flush ends no line: a runtime flushes after each piece of one.
    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(PERMIT_BYTES)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What was written without an end of line comes out with the last of the streams.
impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.held) == 1 {
            let mut held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
            self.line(&mut held);
        }
    }
}
