//! A plugin that fails again and again is not asked for a while, so that it cannot use up the machine by failing, and
//! is then tried with one call.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::Fault;

/// Faults in a row, with no answer between them, that put a plugin into quarantine. More than one bad message can
/// cause by itself when a client retries it a few times.
const FAULTS: u32 = 16;
/// The first quarantine; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest: a mended dependency is noticed within this.
const LONGEST: Duration = Duration::from_secs(30);

/// The state of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Faults since the last answer.
    faults: u32,
    /// Quarantines since the last answer.
    times: u32,
    /// Until when, and for what.
    until: Option<(Instant, Fault)>,
    /// One call tries whether the plugin is well again.
    trial: bool,
}

/// A call that may be made. Dropped without a report, it says nothing about the plugin.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    quarantine: &'a Quarantine,
    trial: bool,
}

impl Quarantine {
    /// Whether the plugin may be asked now.
    pub(crate) fn admit(&self) -> Result<Admission<'_>, Fault> {
        let mut state = self.state();
        let Some((until, cause)) = &state.until else {
            return Ok(Admission { quarantine: self, trial: false });
        };
        let left = until.saturating_duration_since(Instant::now());
        if state.trial || !left.is_zero() {
            let why = format!("in quarantine for {left:.1?} after {} faults in a row, the last: {cause}", state.faults);
            return Err(Fault::Unavailable(why));
        }
        state.trial = true;
        Ok(Admission { quarantine: self, trial: true })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// How the call ended.
    pub(crate) fn report(self, fault: Option<&Fault>) {
        let mut state = self.quarantine.state();
        match fault {
            None if state.faults > 0 => *state = State::default(),
            // What was not asked has not failed.
            None | Some(Fault::Unavailable(_)) => {}
            Some(fault) => {
                state.faults = state.faults.saturating_add(1);
                // A call that began before the quarantine, and ends now, does not prolong it.
                if self.trial || (state.faults >= FAULTS && state.until.is_none()) {
                    let length = FIRST.saturating_mul(1 << state.times.min(5)).min(LONGEST);
                    state.times += 1;
                    state.until = Some((Instant::now() + length, fault.clone()));
                }
            }
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.quarantine.state().trial = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trap() -> Fault {
        Fault::Trap("x".into())
    }

    fn fail(quarantine: &Quarantine) {
        quarantine.admit().unwrap_or_else(|e| panic!("{e}")).report(Some(&trap()));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_in_a_row_lead_to_quarantine_and_one_trial_out_of_it() {
        let quarantine = Quarantine::default();
        (0..FAULTS).for_each(|_| fail(&quarantine));
        let refused = quarantine.admit().expect_err("in quarantine").to_string();
        assert!(refused.contains("16 faults in a row, the last: trapped: x"), "{refused}");
        tokio::time::advance(FIRST).await;
        let trial = quarantine.admit().expect("a trial");
        assert!(quarantine.admit().is_err(), "one trial at a time");
        trial.report(Some(&trap()));
        tokio::time::advance(FIRST).await;
        assert!(quarantine.admit().is_err(), "the second is longer");
        tokio::time::advance(FIRST).await;
        drop(quarantine.admit().expect("a trial"));
        quarantine.admit().expect("an abandoned trial leaves room for another").report(None);
        (0..FAULTS - 1).for_each(|_| fail(&quarantine));
        assert!(quarantine.admit().is_ok(), "an answer forgets what was before");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_between_faults_and_what_was_not_asked_do_not_count() {
        let quarantine = Quarantine::default();
        for _ in 0..3 {
            (0..FAULTS - 1).for_each(|_| fail(&quarantine));
            quarantine.admit().expect("open").report(None);
        }
        for _ in 0..2 * FAULTS {
            quarantine.admit().expect("open").report(Some(&Fault::Unavailable("busy".into())));
        }
        assert!(quarantine.admit().is_ok());
    }
}
