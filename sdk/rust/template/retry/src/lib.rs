//! Tries again where that may help and can do no harm, after a delay that doubles.

use serde::Deserialize;
use serde_json::value::RawValue;
use witgate_sdk::retry::{Again, Attempt, Decision, Destination, Failure, Strategy};
use witgate_sdk::{Call, Plugin};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    attempts: Option<u32>,
    base_ms: Option<u32>,
    cap_ms: Option<u32>,
    /// The result that a client gets when it is over.
    fallback: Option<Box<RawValue>>,
}

struct Backoff {
    attempts: u32,
    base_ms: u32,
    cap_ms: u32,
    fallback: Option<String>,
}

impl Plugin for Backoff {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self {
            attempts: settings.attempts.unwrap_or(3),
            base_ms: settings.base_ms.unwrap_or(100),
            cap_ms: settings.cap_ms.unwrap_or(2_000),
            fallback: settings.fallback.map(|json| json.get().to_owned()),
        })
    }
}

impl Strategy for Backoff {
    fn decide(&self, _: &Call, attempt: &Attempt) -> Decision {
        if !may_help(attempt) {
            return Decision::GiveUp;
        }
        let delay_ms = self.delay_ms(attempt).max(attempt.retry_after_ms.unwrap_or_default());
        if attempt.number >= self.attempts || delay_ms >= attempt.deadline_ms {
            return self.fallback.clone().map_or(Decision::GiveUp, Decision::Fallback);
        }
        // Who is throttled by one upstream does not press on to the next.
        let other = attempt.others > 0 && !matches!(attempt.failure, Failure::HttpStatus(429));
        let destination = if other { Destination::Other } else { Destination::Same };
        Decision::Again(Again { delay_ms, destination })
    }
}

impl Backoff {
    /// Doubled with each attempt, up to the cap; of that one half, and a random part of the other.
    fn delay_ms(&self, attempt: &Attempt) -> u32 {
        let factor = 1_u64.checked_shl(attempt.number.saturating_sub(1)).unwrap_or(u64::MAX);
        let grown = u64::from(self.base_ms).saturating_mul(factor).min(self.cap_ms.into());
        let half = u32::try_from(grown).unwrap_or(u32::MAX) / 2;
        half + attempt.chance % (half + 1)
    }
}

/// What had an effect, or may have had one, is not done again.
fn may_help(attempt: &Attempt) -> bool {
    match attempt.failure {
        Failure::NotSent(_) | Failure::CircuitOpen | Failure::HttpStatus(429 | 502 | 503 | 504) => true,
        Failure::Timeout | Failure::NoReply(_) => attempt.read_only || attempt.idempotent,
        Failure::HttpStatus(_) | Failure::RpcError(_) | Failure::ToolError => false,
    }
}

witgate_sdk::export!(Backoff as retry);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let plugin: Backoff = witgate_sdk::configure(r#"{"attempts": 99, "cap-ms": 350}"#).expect("settings");
        let delay = |number| {
            let attempt = Attempt {
                number,
                upstream: "a".to_owned(),
                others: 0,
                elapsed_ms: 0,
                deadline_ms: 10_000,
                read_only: false,
                idempotent: false,
                failure: Failure::CircuitOpen,
                retry_after_ms: None,
                chance: 0,
            };
            match plugin.decide(&Call::default(), &attempt) {
                Decision::Again(again) => again.delay_ms,
                decision => panic!("{decision:?}"),
            }
        };
        assert_eq!([1, 2, 3, 98].map(delay), [50, 100, 175, 175]);
    }
}
