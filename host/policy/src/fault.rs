use std::time::Duration;

/// How a plugin failed to decide. Whatever the cause, the instance is gone and the call is denied unless the operator
/// chose otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The guest trapped: it panicked, divided by zero, read out of bounds.
    #[error("trapped: {0}")]
    Trap(String),
    /// The guest computed, or the hook with its host calls lasted, longer than it may.
    #[error("took longer than its limit of {limit:?} of {clock}")]
    Deadline {
        /// The limit that was passed.
        limit: Duration,
        /// Which time is meant: `guest time` or `wall-clock time`.
        clock: &'static str,
    },
    /// The guest asked for more memory, table space or stack than it may have.
    #[error("asked for more {what} than its limit allows")]
    Memory {
        /// What there was too much of, with the limit.
        what: String,
    },
    /// The guest answered something that the contract does not allow.
    #[error("answered outside the contract: {0}")]
    BadVerdict(String),
    /// The plugin could not be asked.
    #[error("cannot be asked: {0}")]
    Unavailable(String),
}

impl Fault {
    /// One word for logs and metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::BadVerdict(_) => "bad-verdict",
            Self::Unavailable(_) => "unavailable",
        }
    }
}
