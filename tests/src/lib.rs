//! What the end-to-end tests share: the real binary as a process, real servers behind it, real and raw clients before it.
//!
//! The tests are in `tests/`, one file for each promise. Invariants of what is here:
//!
//! - the gate is only what its users have: the binary, a configuration file, its endpoint, its log;
//! - nothing sleeps: each wait is for an event (a line, a message, the end of a process), and has [`PATIENCE`];
//! - ports are chosen by the system; files live in a temporary folder; whatever was started ends with its handle;
//! - what is compared is compared as text or as JSON that came over the wire, never through a model of MCP.
//!
//! Clients and servers from npm and `PyPI` are in `tests/.deps`, where `tests/run` puts them.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness panics where a test has failed, and says what did not happen"
)]

pub mod answer;
pub mod client;
pub mod echo;
pub mod gate;
pub mod http;
mod inspector;
pub mod paths;
pub mod pipe;
pub mod process;
pub mod reports;
pub mod server;
pub mod settings;
pub mod wire;

use std::time::Duration;

/// How long a test waits for anything: long enough for two busy cores, short enough to see what hangs.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The result of a future, or a panic that says what did not happen in time.
#[track_caller]
pub fn patiently<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let Ok(output) = tokio::time::timeout(PATIENCE, future).await else {
            panic!("{caller}: {what} did not happen within {PATIENCE:?}");
        };
        output
    }
}
