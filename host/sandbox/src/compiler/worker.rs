//! The child's side.

use std::io::{self, Read};
use std::process::ExitCode;

use crate::engine;
use crate::log::clean;
use crate::recycle;

use super::frame::{self, Confinement, Outcome, SAID_BYTES};
use super::job::Job;

/// Compiles one component from standard input to standard output, within the job's limits, and nothing else: this is
/// all that a process may do that was started for it, and it must have one thread. The error is why there was no
/// answer.
pub fn work(job: Job) -> io::Result<ExitCode> {
    let confinement = confine(&job)?;
    let component = frame::receive(&mut io::stdin().lock())?;
    // The end of standard input is the end of the one who waits, however that came.
    std::thread::Builder::new().name("witgate-waited".into()).spawn(end_with_input)?;
    let outcome = component.map_or(Outcome::NoMemory, |component| compile(job, &component));
    frame::answer(&mut io::stdout().lock(), confinement, &outcome)?;
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a compiler at work cannot be asked to return; it has nothing to leave whole"
)]
fn end_with_input() {
    // Whatever it says, it says that nobody waits.
    let _ = io::stdin().lock().read(&mut [0]);
    std::process::exit(0);
}

#[cfg(unix)]
fn confine(job: &Job) -> io::Result<Confinement> {
    super::confine::confine(job)
}

/// The gate's clock is the only limit.
#[cfg(not(unix))]
fn confine(_: &Job) -> io::Result<Confinement> {
    Ok(Confinement::default())
}

fn compile(job: Job, component: &[u8]) -> Outcome {
    let engine = match engine::compiling(job.weight) {
        Ok(engine) => engine,
        Err(cause) => return Outcome::Refused(clean(&cause.to_string(), SAID_BYTES)),
    };
    let prepared = match recycle::prepare(job.weight, component) {
        Ok(prepared) => prepared,
        Err(cause) => return Outcome::Refused(clean(&cause, SAID_BYTES)),
    };
    match engine.precompile_component(&prepared.component) {
        Ok(code) => Outcome::Artifact { code, recyclable: prepared.recyclable },
        Err(cause) if is_memory(&cause) => Outcome::NoMemory,
        Err(cause) => Outcome::Refused(clean(&format!("{cause:#}"), SAID_BYTES)),
    }
}

/// Where wasmtime asks the system itself, it hears of the limit as an error; elsewhere the process aborts.
fn is_memory(cause: &wasmtime::Error) -> bool {
    cause.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::OutOfMemory);
        io || cause.is::<wasmtime::OutOfMemory>()
    })
}
