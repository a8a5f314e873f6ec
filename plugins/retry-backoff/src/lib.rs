#![doc = include_str!("../README.md")]

mod failure;

use serde::Deserialize;
use serde_json::{Map, Value};
use witgate_sdk::retry::{Again, Attempt, Decision, Destination, Strategy};
use witgate_sdk::{Call, Glob, Plugin};

use failure::Class;

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Settings {
    max_attempts: u32,
    base_ms: u32,
    cap_ms: u32,
    on: Vec<Class>,
    destination: Where,
    fallbacks: Vec<Fallback>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_ms: 100,
            cap_ms: 2_000,
            on: Class::passing(),
            destination: Where::Other,
            fallbacks: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Other,
    Same,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fallback {
    #[serde(default = "tool_calls")]
    methods: Vec<Glob>,
    targets: Option<Vec<Glob>>,
    result: Map<String, Value>,
}

fn tool_calls() -> Vec<Glob> {
    vec![Glob::new("tools/call")]
}

impl Fallback {
    fn is_for(&self, call: &Call) -> bool {
        let addressed = |targets: &Vec<Glob>| {
            call.target.as_ref().is_some_and(|target| targets.iter().any(|glob| glob.matches(target)))
        };
        self.methods.iter().any(|glob| glob.matches(&call.method)) && self.targets.as_ref().is_none_or(addressed)
    }
}

const ATTEMPTS_MAX: u32 = 10;
const PAUSE_MAX_MS: u32 = 60_000;

struct Backoff(Settings);

impl Plugin for Backoff {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(1..=ATTEMPTS_MAX).contains(&settings.max_attempts) {
            return Err(format!("setting `max-attempts`: {} is not in 1..={ATTEMPTS_MAX}", settings.max_attempts));
        }
        for (name, value) in [("base-ms", settings.base_ms), ("cap-ms", settings.cap_ms)] {
            if !(1..=PAUSE_MAX_MS).contains(&value) {
                return Err(format!("setting `{name}`: {value} is not in 1..={PAUSE_MAX_MS}"));
            }
        }
        Ok(Self(settings))
    }
}

impl Strategy for Backoff {
    fn decide(&self, call: &Call, attempt: &Attempt) -> Decision {
        if !self.0.on.iter().any(|class| class.covers(&attempt.failure)) {
            return Decision::GiveUp;
        }
        let may_send = attempt.read_only || attempt.idempotent || failure::certainly_not_received(&attempt.failure);
        if may_send && attempt.number < self.0.max_attempts {
            let again = self.again(attempt);
            if again.delay_ms < attempt.deadline_ms {
                return Decision::Again(again);
            }
        }
        let fallback = self.0.fallbacks.iter().find(|fallback| fallback.is_for(call));
        fallback
            .map_or(Decision::GiveUp, |fallback| Decision::Fallback(Value::Object(fallback.result.clone()).to_string()))
    }
}

impl Backoff {
    fn again(&self, attempt: &Attempt) -> Again {
        let moves = self.0.destination == Where::Other && attempt.others > 0;
        let destination = if moves { Destination::Other } else { Destination::Same };
        let delay_ms = match (moves, attempt.retry_after_ms) {
            (true, _) if failure::certainly_not_received(&attempt.failure) => 0,
            (false, Some(retry_after_ms)) => retry_after_ms.saturating_add(self.pause_ms(attempt)),
            _ => self.pause_ms(attempt),
        };
        Again { delay_ms, destination }
    }

    /// Evenly from 0 to `base * 2^(attempts - 1)`, both included, or to the cap.
    fn pause_ms(&self, attempt: &Attempt) -> u32 {
        let doublings = attempt.number.saturating_sub(1).min(31);
        let bound_ms = (u64::from(self.0.base_ms) << doublings).min(u64::from(self.0.cap_ms));
        let drawn_ms = (u64::from(attempt.chance) * (bound_ms + 1)) >> 32;
        u32::try_from(drawn_ms).unwrap_or(self.0.cap_ms)
    }
}

witgate_sdk::export!(Backoff as retry);

#[cfg(test)]
mod tests;
