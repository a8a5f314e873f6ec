//! Streams under load, measured from outside: answers that find their callers, idle streams, long messages, readers that
//! do not read; and what becomes of open streams and questions when something breaks.
//!
//! What has to hold is asserted in every run of the tests, with small numbers; `tests/streams/run` takes large ones and
//! prints the figures, which README.md keeps. Nothing here depends on how fast the machine is.

mod caller;
mod faults;
mod idle;
mod interleave;
mod large;
mod memory;
mod slow;

/// A number from the environment, for a run that is for its figures.
fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Says a figure to whoever runs the tests, captured or not.
fn say(name: &str, figure: &str) {
    use std::io::Write as _;
    // Nobody there to read it is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "| {name} | {figure} |");
}
