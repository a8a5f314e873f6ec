use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::Circuit;
use witgate_policy::store::Breaker;

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Failures in a row that open the circuit. 5 by default.
    pub failures: u32,
    /// The share of failures within `window`, in percent, that opens it too, for an upstream that fails now and then.
    /// 50 by default.
    pub percent: u32,
    /// Calls within `window` before their share means anything. 20 by default.
    pub calls: u32,
    /// 10 s by default.
    pub window: Duration,
    /// How long the circuit stays open before a trial; doubles with each trial that fails. 1 s by default.
    pub back_off: Duration,
    /// The longest back-off. 30 s by default: a mended upstream is noticed within this.
    pub longest: Duration,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            failures: 5,
            percent: 50,
            calls: 20,
            window: Duration::from_secs(10),
            back_off: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

/// One upstream's circuit breaker in this process's memory.
///
/// Calls carry no mark, so one that was admitted before the circuit opened and ends while a trial is under way is taken
/// for the trial: it knows as much about the upstream.
#[derive(Debug)]
pub struct CircuitBreaker {
    tolerance: Tolerance,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed(Score),
    /// Until then; the trial of `since`, if one is under way. Open while the time has not come, then half open.
    Broken {
        until: Instant,
        back_off: Duration,
        trial: Option<Instant>,
    },
}

/// How the calls of a closed circuit ended.
#[derive(Debug)]
struct Score {
    in_a_row: u32,
    began: Instant,
    calls: u32,
    failures: u32,
}

impl Score {
    fn new() -> Self {
        Self { in_a_row: 0, began: Instant::now(), calls: 0, failures: 0 }
    }

    /// Counts a call; `true` when that was one failure too many.
    fn count(&mut self, answered: bool, tolerance: &Tolerance) -> bool {
        if self.began.elapsed() >= tolerance.window {
            *self = Self { in_a_row: self.in_a_row, ..Self::new() };
        }
        self.calls = self.calls.saturating_add(1);
        if answered {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let share = u64::from(self.failures) * 100 >= u64::from(self.calls) * u64::from(tolerance.percent);
        self.in_a_row >= tolerance.failures || (self.calls >= tolerance.calls && share)
    }
}

impl CircuitBreaker {
    /// Closed.
    pub fn new(tolerance: Tolerance) -> Self {
        Self { tolerance, state: Mutex::new(State::Closed(Score::new())) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new(Tolerance::default())
    }
}

impl Breaker for CircuitBreaker {
    fn circuit(&self) -> Circuit {
        match &*self.state() {
            State::Closed(_) => Circuit::Closed,
            State::Broken { until, .. } if Instant::now() < *until => Circuit::Open,
            State::Broken { .. } => Circuit::HalfOpen,
        }
    }

    /// A trial that has said nothing for as long as the longest back-off counts as lost, and another one goes.
    fn admit(&self) -> bool {
        let now = Instant::now();
        match &mut *self.state() {
            State::Closed(_) => true,
            State::Broken { until, .. } if now < *until => false,
            State::Broken { trial: Some(since), .. } if now.duration_since(*since) < self.tolerance.longest => false,
            State::Broken { trial, .. } => {
                *trial = Some(now);
                true
            }
        }
    }

    fn report(&self, answered: bool) {
        let now = Instant::now();
        let mut state = self.state();
        let back_off = match &mut *state {
            State::Closed(score) => {
                if !score.count(answered, &self.tolerance) {
                    return;
                }
                self.tolerance.back_off
            }
            State::Broken { trial: Some(_), .. } if answered => {
                *state = State::Closed(Score::new());
                return;
            }
            State::Broken { trial: Some(_), back_off, .. } => back_off.saturating_mul(2).min(self.tolerance.longest),
            // Admitted before the circuit opened.
            State::Broken { trial: None, .. } => return,
        };
        *state = State::Broken { until: now + back_off, back_off, trial: None };
    }

    fn release(&self) {
        if let State::Broken { trial, .. } = &mut *self.state() {
            *trial = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn broken() -> CircuitBreaker {
        let breaker = CircuitBreaker::default();
        (0..5).for_each(|_| breaker.report(false));
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_and_a_trial_closes() {
        let breaker = CircuitBreaker::default();
        (0..4).for_each(|_| breaker.report(false));
        breaker.report(true);
        (0..4).for_each(|_| breaker.report(false));
        assert_eq!((breaker.circuit(), breaker.admit()), (Circuit::Closed, true));
        breaker.report(false);
        assert_eq!((breaker.circuit(), breaker.admit()), (Circuit::Open, false));
        breaker.report(true);
        assert_eq!(breaker.circuit(), Circuit::Open, "a late answer of an older call closes nothing");
        tokio::time::advance(SECOND).await;
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        assert_eq!((breaker.admit(), breaker.admit()), (true, false), "one trial");
        breaker.report(true);
        assert_eq!((breaker.circuit(), breaker.admit()), (Circuit::Closed, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_failures_opens_too_and_only_within_the_window() {
        let breaker = CircuitBreaker::default();
        let mixed = || (0..20).for_each(|at| breaker.report(at % 2 == 0));
        (0..10).for_each(|at| breaker.report(at % 2 == 0));
        tokio::time::advance(10 * SECOND).await;
        (0..10).for_each(|at| breaker.report(at % 2 == 0));
        assert_eq!(breaker.circuit(), Circuit::Closed);
        mixed();
        assert_eq!(breaker.circuit(), Circuit::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn the_back_off_doubles_to_its_longest() {
        let breaker = broken();
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            tokio::time::advance(Duration::from_millis(seconds * 1_000 - 1)).await;
            assert!(!breaker.admit(), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(breaker.admit(), "{seconds}");
            breaker.report(false);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_was_cancelled_or_lost_leaves_room_for_another() {
        let breaker = broken();
        tokio::time::advance(SECOND).await;
        assert!(breaker.admit());
        breaker.release();
        assert_eq!((breaker.admit(), breaker.admit()), (true, false));
        tokio::time::advance(30 * SECOND).await;
        assert!(breaker.admit(), "the trial never said anything");
    }

    proptest! {
        /// Whatever happens, an open circuit lets nothing through and a half-open one lets one trial through.
        #[test]
        fn never_more_than_one_trial(steps in proptest::collection::vec((0u8..4, 0u64..2_000), 0..80)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime").block_on(async {
                let breaker = broken();
                let mut trials = 0;
                for (step, ms) in steps {
                    let before = breaker.circuit();
                    match step {
                        0 => breaker.report(ms % 2 == 0),
                        1 => breaker.release(),
                        2 => tokio::time::advance(Duration::from_millis(ms)).await,
                        _ => {
                            let admitted = breaker.admit();
                            prop_assert!(before != Circuit::Open || !admitted);
                            prop_assert!(before != Circuit::Closed || admitted);
                            trials += u32::from(admitted && before == Circuit::HalfOpen);
                            prop_assert!(trials <= 1);
                        }
                    }
                    if step < 2 || breaker.circuit() != Circuit::HalfOpen {
                        trials = 0;
                    }
                }
                Ok(())
            })?;
        }
    }
}
