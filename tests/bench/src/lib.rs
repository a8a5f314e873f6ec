//! What the gate costs, part by part: each step of a message's way by itself, named, prepared once and run as often as
//! somebody who measures wants.
//!
//! `benches/parts.rs` takes their time, `tests/counts.rs` counts their
//! instructions. What the gate costs as a whole is the
//! business of this package's program.

#![expect(clippy::expect_used, reason = "what cannot be prepared cannot be measured")]

mod guests;
mod hooks;
mod host;
mod messages;

use std::hint::black_box;

/// One step, ready to be run.
pub type Work = Box<dyn Fn() + Send + Sync>;

/// A named step.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it reads, in bytes; zero where that does not matter.
    pub bytes: usize,
    prepare: fn() -> Work,
}

impl Part {
    /// All that there are: those of the host alone, and those that ask a plugin.
    pub fn all() -> impl Iterator<Item = Self> {
        host::PARTS.into_iter().chain(hooks::PARTS)
    }

    /// Those of the host alone.
    pub fn of_host() -> impl Iterator<Item = Self> {
        host::PARTS.into_iter()
    }

    /// Those that ask a plugin.
    pub fn of_hooks() -> impl Iterator<Item = Self> {
        hooks::PARTS.into_iter()
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|part| part.name == name)
    }

    /// How often it is run to be counted: long ones once, others so often that what differs from time to time is small.
    pub fn times(&self) -> u32 {
        if self.bytes < 64 << 10 { 20 } else { 1 }
    }

    /// Makes what it needs.
    pub fn prepare(&self) -> Work {
        (self.prepare)()
    }
}

/// Runs parts for what counts instructions: each a few times unseen, and then as often as it says.
pub fn count(parts: impl Iterator<Item = Part>) {
    parts.for_each(counted_part);
}

/// What counts writes what it has when this returns, …
#[inline(never)]
fn counted_part(part: Part) {
    let work = part.prepare();
    // The first time differs: instances are made, memory is grown.
    (0..3).for_each(|_| work());
    counted_steps(&work, part.times());
}

/// … and looks at nothing but what happens in here.
#[inline(never)]
fn counted_steps(work: &Work, times: u32) {
    for _ in 0..black_box(times) {
        work();
    }
}
