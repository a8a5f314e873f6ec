use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// The six hooks, by the word that names them everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Who is calling.
    Auth,
    /// What an upstream is shown.
    Credential,
    /// What goes in.
    Validate,
    /// Which upstream answers.
    Route,
    /// What happens after a failed attempt.
    Retry,
    /// What comes out.
    Sanitize,
}

impl Stage {
    /// All of them, in the order of DESIGN section 4.
    pub const ALL: [Self; 6] = [Self::Auth, Self::Credential, Self::Validate, Self::Route, Self::Retry, Self::Sanitize];

    /// Whether plugins of this kind may talk to the outside at all: those whose world has `wasi:http`. No grant can give
    /// it to the others, which see what comes out, or decide where it goes.
    pub const fn is_outward(self) -> bool {
        matches!(self, Self::Auth | Self::Credential | Self::Validate)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Credential => "credential",
            Self::Validate => "validate",
            Self::Route => "route",
            Self::Retry => "retry",
            Self::Sanitize => "sanitize",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One plugin's part in a call.
#[derive(Debug, Clone)]
pub struct Step {
    /// The hook.
    pub stage: Stage,
    /// The plugin's name in the configuration.
    pub plugin: Arc<str>,
    /// SHA-256 of the component, as the operator can find it.
    pub digest: Arc<str>,
    /// The verdict's word, `fault` when there was none.
    pub verdict: &'static str,
    /// How the plugin failed, if it did.
    pub fault: Option<Fault>,
    /// How long the plugin took.
    pub took: Duration,
    /// Whether the verdict was only recorded.
    pub shadow: bool,
}

/// The record of one call: which plugin decided what, in how long. Clones share one record, so that whoever ends the
/// call, on whichever path, logs all of it.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<Vec<Step>>>);

impl Trail {
    /// Adds a step.
    pub(crate) fn push(&self, step: Step) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    /// The steps so far.
    pub fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Measures one step.
pub(crate) struct Watch(Instant);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn took(&self) -> Duration {
        self.0.elapsed()
    }
}
