//! The gate's side of one child: it is fed, heard, and judged by how it ended.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::engine::Weight;
use crate::log::clean;

use super::artifact::Artifact;
use super::budget::Budget;
use super::frame::{self, Confinement, Outcome, Unheard};
use super::job::Job;
use super::{ChildCompiler, CompilerFault};

type Heard = (Confinement, Outcome);

/// What a child answered in time.
pub(super) struct Answer {
    pub(super) confinement: Confinement,
    /// The artifact, or the compiler's words on the component.
    pub(super) outcome: Result<Artifact, String>,
}

/// How much of a child's standard error is kept: a panic's message.
const SAID_BYTES: u64 = 4 << 10;
/// Threads of a child. Each takes memory for its stack and its allocator, and more than these do not make the largest
/// component that is known ready much sooner.
const MOST_THREADS: usize = 4;
/// Where wasmtime's thread pool reads their number.
const THREADS_VARIABLE: &str = "RAYON_NUM_THREADS";

/// Compiles a component in a child, which is gone when this returns. When this is dropped the child is killed.
pub(super) async fn compile(
    compiler: &ChildCompiler,
    budget: &Budget,
    weight: Weight,
    component: &[u8],
) -> Result<Answer, CompilerFault> {
    let mut child =
        start(compiler, budget, weight).map_err(|cause| CompilerFault::Start { cause: cause.to_string() })?;
    let all = async {
        let (heard, said) = converse(&mut child, budget, component).await;
        (heard, said, child.wait().await)
    };
    let Ok((heard, said, status)) = tokio::time::timeout(budget.wall_time, all).await else {
        // Reaps it, too. One that is gone already is no failure.
        let _ = child.kill().await;
        return Err(CompilerFault::WallTime { limit_s: budget.wall_time.as_secs() });
    };
    let status = status.map_err(|cause| CompilerFault::Failed { said: cause.to_string() })?;
    judge(budget, status, heard, said)
}

fn start(compiler: &ChildCompiler, budget: &Budget, weight: Weight) -> io::Result<Child> {
    let job = Job { weight, memory_bytes: budget.memory_bytes, cpu_time_s: budget.cpu_time_s };
    let threads = std::thread::available_parallelism().map_or(1, |there| there.get().min(MOST_THREADS));
    let mut command = Command::new(&compiler.program);
    command
        .args(&compiler.arguments)
        .arg(job.to_string())
        .env_clear()
        .env(THREADS_VARIABLE, threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // What a person types at a terminal is for the gate, which ends its children itself.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Until the child has closed its pipes.
async fn converse(child: &mut Child, budget: &Budget, component: &[u8]) -> (Result<Heard, Unheard>, String) {
    let (Some(input), Some(mut output), Some(complaints)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return (Err(Unheard::Broken), String::new());
    };
    let hearing = async {
        let heard = frame::hear(&mut output, budget.artifact_bytes).await;
        // Whoever answers at too great length cannot write on, and ends.
        drop(output);
        heard
    };
    // A child that ends early does not read all: how it ended says why. Its input stays open until it has.
    let (_open, heard, said) = tokio::join!(frame::send(input, component), hearing, last_words(complaints));
    (heard, said)
}

/// What a process writes on standard error, its first so many bytes on one line; the rest is read and dropped.
async fn last_words(mut from: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    // What was read before a failure is as good.
    let _ = (&mut from).take(SAID_BYTES).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    clean(String::from_utf8_lossy(&said).trim(), said.len())
}

fn judge(
    budget: &Budget,
    status: ExitStatus,
    heard: Result<Heard, Unheard>,
    said: String,
) -> Result<Answer, CompilerFault> {
    if matches!(heard, Err(Unheard::TooLong)) {
        return Err(CompilerFault::Output { limit_bytes: budget.artifact_bytes });
    }
    if let Some(fault) = by_signal(budget, status, &said) {
        return Err(fault);
    }
    let ended = match status.code() {
        Some(0) => "it ended without an answer".to_owned(),
        Some(code) => format!("it ended with code {code}"),
        None => "it ended".to_owned(),
    };
    match heard {
        Ok((_, Outcome::NoMemory)) => Err(CompilerFault::Memory { limit_bytes: budget.memory_bytes }),
        Ok((confinement, Outcome::Artifact { code, recyclable })) if status.success() => {
            Ok(Answer { confinement, outcome: Ok(Artifact::of_own_child(code, recyclable)) })
        }
        Ok((confinement, Outcome::Refused(cause))) if status.success() => {
            Ok(Answer { confinement, outcome: Err(cause) })
        }
        _ => Err(CompilerFault::Failed { said: if said.is_empty() { ended } else { said } }),
    }
}

/// How Rust's standard library ends a process that has no memory: with these words, and SIGABRT. There is no other sign.
const NO_MEMORY: &str = "memory allocation of ";

#[cfg(unix)]
fn by_signal(budget: &Budget, status: ExitStatus, said: &str) -> Option<CompilerFault> {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal;
    let signal = status.signal()?;
    Some(match Signal::from_named_raw(signal) {
        Some(Signal::XCPU) => CompilerFault::CpuTime { limit_s: budget.cpu_time_s },
        Some(Signal::ABORT) if said.contains(NO_MEMORY) => CompilerFault::Memory { limit_bytes: budget.memory_bytes },
        _ => CompilerFault::Killed { signal, said: said.to_owned() },
    })
}

#[cfg(not(unix))]
fn by_signal(_: &Budget, _: ExitStatus, _: &str) -> Option<CompilerFault> {
    None
}
