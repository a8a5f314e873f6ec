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

/// For a component of at most 1 MiB. PLACEHOLDER
const LIGHT: Budget =
    Budget { memory_bytes: 512 << 20, cpu_time_s: 10, wall_time: Duration::from_secs(60), artifact_bytes: 32 << 20 };

/// For a component with a language runtime inside.
const HEAVY: Budget =
    Budget { memory_bytes: 3 << 30, cpu_time_s: 120, wall_time: Duration::from_secs(300), artifact_bytes: 512 << 20 };

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
