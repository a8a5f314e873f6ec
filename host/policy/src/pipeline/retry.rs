use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::answer;
use crate::evidence::Routed;
use crate::json::Payload;
use crate::trail::Stage;
use crate::verdict::{Again, Attempt, Destination, RetryDecision};

use super::{Bounds, Pipeline, ask, faulted};

const STAGE: Stage = Stage::Retry;

/// What follows a failed attempt.
#[derive(Debug)]
pub enum Next {
    /// The client gets the failure.
    GiveUp,
    /// After this delay `routed` is to be sent; it addresses the next upstream already.
    Again {
        /// How long to wait.
        delay: Duration,
    },
    /// The client gets this result.
    Fallback(Payload),
}

/// What the retries of a tenant may cost: every call pays in a fifth of a retry, and no more than a hundred can be
/// saved up, so that an outage is met with at most 20% more traffic rather than with a multiple of it.
#[derive(Debug)]
pub struct Budget {
    /// In fifths of a retry.
    fifths: AtomicU32,
}

impl Budget {
    const FIFTHS: u32 = 5;
    const MOST: u32 = 100 * Self::FIFTHS;

    /// One call pays in.
    pub fn deposit(&self) {
        let add = |have: u32| (have < Self::MOST).then(|| have + 1);
        let _ = self.fifths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes one retry out; `false` when there is none.
    fn withdraw(&self) -> bool {
        let take = |have: u32| have.checked_sub(Self::FIFTHS);
        self.fifths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

impl Default for Budget {
    /// Ten retries to begin with, so that the first calls after a start may be retried too.
    fn default() -> Self {
        Self { fifths: AtomicU32::new(10 * Self::FIFTHS) }
    }
}

impl Pipeline {
    /// Decides on a failed attempt: the first strategy that does not give up decides, within the clamp. On
    /// [`Next::Again`], `routed` has moved to the upstream that is to be tried.
    pub async fn retry(&self, routed: &mut Routed, attempt: &Attempt) -> Next {
        for hook in &self.retry {
            let call = routed.call();
            if !hook.when.holds(call.method(), call.target(), Some(&attempt.upstream)) {
                continue;
            }
            let trail = call.trail().clone();
            let answer = hook.plugin.decide(call, attempt);
            let decision = ask(STAGE, hook, &trail, answer, |decision| match decision {
                RetryDecision::GiveUp => "give-up",
                RetryDecision::Again(_) => "again",
                RetryDecision::Fallback(_) => "fallback",
            })
            .await;
            match decision {
                Err(_) => return Next::GiveUp,
                Ok(None | Some(RetryDecision::GiveUp)) => {}
                Ok(Some(RetryDecision::Again(again))) => return self.again(routed, attempt, again),
                Ok(Some(RetryDecision::Fallback(text))) => {
                    match answer::object("the fallback", text, self.bounds.document) {
                        Ok(result) => return Next::Fallback(result),
                        Err(fault) => drop(faulted(STAGE, hook, &trail, &fault)),
                    }
                }
            }
        }
        Next::GiveUp
    }

    fn again(&self, routed: &mut Routed, attempt: &Attempt, again: Again) -> Next {
        if !may_repeat(attempt, again.delay, &self.bounds) || !self.budget.withdraw() {
            return Next::GiveUp;
        }
        if again.destination == Destination::Other && routed.others() > 0 {
            routed.at += 1;
        }
        Next::Again { delay: again.delay }
    }
}

/// The clamp: within the attempts and the deadline, and never a second time what may have had an effect, unless the
/// operator allows it.
fn may_repeat(attempt: &Attempt, delay: Duration, bounds: &Bounds) -> bool {
    let harmless = !attempt.failure.may_have_arrived() || attempt.read_only || attempt.idempotent;
    attempt.number < bounds.attempts && delay < attempt.time_left && (harmless || bounds.unsafe_retries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verdict::Failure;

    fn failure() -> impl Strategy<Value = Failure> {
        prop_oneof![
            Just(Failure::NotSent(String::new())),
            Just(Failure::NoReply(String::new())),
            any::<u16>().prop_map(Failure::HttpStatus),
            Just(Failure::RpcError { code: -32603, message: String::new() }),
            Just(Failure::ToolError),
            Just(Failure::Timeout),
            Just(Failure::CircuitOpen),
        ]
    }

    proptest! {
        #[test]
        fn the_clamp_keeps_its_word(
            failure in failure(), number in 1u32..9, delay in 0u64..500, left in 0u64..500,
            read_only: bool, idempotent: bool, unsafe_retries: bool,
        ) {
            let attempt = Attempt {
                number, failure: failure.clone(), read_only, idempotent,
                upstream: "u".into(), others: 0, elapsed: Duration::ZERO,
                time_left: Duration::from_millis(left), retry_after: None, chance: 0,
            };
            let bounds = Bounds { unsafe_retries, ..Bounds::default() };
            if may_repeat(&attempt, Duration::from_millis(delay), &bounds) {
                prop_assert!(delay < left);
                prop_assert!(number < bounds.attempts);
                prop_assert!(unsafe_retries || read_only || idempotent || !failure.may_have_arrived());
            } else {
                prop_assert!(
                    delay >= left || number >= bounds.attempts
                        || !(unsafe_retries || read_only || idempotent) && failure.may_have_arrived()
                );
            }
        }

        #[test]
        fn retries_never_outrun_the_budget(calls in 0u32..2000) {
            let budget = Budget::default();
            (0..calls).for_each(|_| budget.deposit());
            let retries = (0..1000).take_while(|_| budget.withdraw()).count();
            prop_assert_eq!(retries, (10 + calls as usize / 5).min(100));
        }
    }
}
