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
    /// How long the plugin took, all times together.
    pub took: Duration,
    /// How often the plugin said this; more than once in what is not told step by step any more.
    pub times: u32,
    /// Whether the verdict was only recorded.
    pub shadow: bool,
}

impl Step {
    fn repeats(&self, other: &Self) -> bool {
        let what = |step: &Self| (step.stage, step.verdict, step.shadow);
        what(self) == what(other) && self.plugin == other.plugin && self.digest == other.digest
    }
}

/// Steps that are told one by one; a message without a stream, or a long list, has a few. What comes after them is counted
/// with what it repeats, so that a server that never ends does not make a record that never ends.
const TOLD: usize = 64;

/// The record of one call: which plugin decided what, in how long. Clones share one record, so that whoever ends the
/// call, on whichever path, logs all of it.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<Vec<Step>>>);

impl Trail {
    /// Adds a step.
    pub(crate) fn push(&self, step: Step) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = steps.len() >= TOLD;
        match steps.iter_mut().rev().find(|earlier| told && step.repeats(earlier)) {
            Some(earlier) => {
                earlier.times = earlier.times.saturating_add(step.times);
                earlier.took += step.took;
            }
            None => steps.push(step),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_is_counted_in_the_end() {
        let trail = Trail::default();
        let step = |plugin: usize, verdict| Step {
            stage: Stage::Sanitize,
            plugin: plugin.to_string().into(),
            digest: "00".into(),
            verdict,
            fault: None,
            took: Duration::from_micros(1),
            times: 1,
            shadow: false,
        };
        for at in 0..1000 {
            trail.push(step(at % 2, "pass"));
        }
        trail.push(step(0, "edit"));
        let steps = trail.steps();
        assert_eq!(steps.len(), TOLD + 1);
        assert_eq!(steps.iter().map(|step| step.times).sum::<u32>(), 1001);
        assert_eq!(steps.iter().map(|step| step.took).sum::<Duration>(), Duration::from_micros(1001));
        assert_eq!((steps[TOLD - 1].times, steps[TOLD].verdict), (469, "edit"));
    }
}
