//! What one compilation may use when the operator does not say.

use std::time::Duration;

use crate::engine::Weight;

use super::ChildCompiler;

/// The limits of one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) memory_bytes: u64,
    pub(super) cpu_time_s: u64,
    pub(super) wall_time: Duration,
    /// How long the artifact may be.
    pub(super) artifact_bytes: u64,
}

/// For a component of at most 1 MiB. The standard plugins have up to 0.3 MiB, and take up to 0.8 s of processor time and
/// 60 MiB; so the largest light one takes some 3 s and 200 MiB, and has three times that. On the wall it may take six
/// times as long, since a busy machine goes on serving first. Code is six times as long as its component.
const LIGHT: Budget =
    Budget { memory_bytes: 512 << 20, cpu_time_s: 10, wall_time: Duration::from_mins(1), artifact_bytes: 32 << 20 };

/// For a component with a language runtime inside. Python's, with 18 MB, and a full JavaScript engine take 8 to 14 s with
/// several threads: 120 s is that with four threads, twice. They take a gigabyte and more, a bomb 1.5 GB and more.
const HEAVY: Budget =
    Budget { memory_bytes: 3 << 30, cpu_time_s: 120, wall_time: Duration::from_mins(5), artifact_bytes: 512 << 20 };

impl Budget {
    /// What the operator wrote, and the rest by size.
    pub(super) fn of(weight: Weight, compiler: &ChildCompiler) -> Self {
        let usual = match weight {
            Weight::Light => LIGHT,
            Weight::Heavy => HEAVY,
        };
        Self {
            memory_bytes: compiler.memory_bytes.unwrap_or(usual.memory_bytes),
            cpu_time_s: compiler.cpu_time.map_or(usual.cpu_time_s, |time| time.as_secs().max(1)),
            wall_time: compiler.wall_time.unwrap_or(usual.wall_time),
            artifact_bytes: usual.artifact_bytes,
        }
    }
}
