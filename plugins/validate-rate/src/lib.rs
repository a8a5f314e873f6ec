#![doc = include_str!("../README.md")]

mod limit;

use serde::Deserialize;
use witgate_sdk::counter::{Counter, Host};
use witgate_sdk::validate::{Validator, Verdict};
use witgate_sdk::{Call, Document, Identity, Plugin, Refusal};

use limit::Limit;

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    limits: Vec<Limit>,
    #[serde(default)]
    on_counter_error: OnCounterError,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnCounterError {
    #[default]
    Refuse,
    Accept,
}

/// Each limit costs every call a question to the host.
const LIMITS_MAX: usize = 16;

struct Rate<C = Host> {
    settings: Settings,
    counters: C,
}

impl<C: Counter + Default + 'static> Plugin for Rate<C> {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.limits.is_empty() || settings.limits.len() > LIMITS_MAX {
            return Err(format!("setting `limits`: write 1 to {LIMITS_MAX} of them"));
        }
        for (position, limit) in settings.limits.iter().enumerate() {
            limit.check().map_err(|cause| format!("setting `limits[{position}]{cause}"))?;
        }
        Ok(Self { settings, counters: C::default() })
    }
}

impl<C: Counter + Default + 'static> Validator for Rate<C> {
    fn validate(&self, call: &Call, caller: &Identity, _: Option<&Document>, _: &Document) -> Verdict {
        let limits = self.settings.limits.iter().enumerate();
        let mut applying = limits.filter(|(_, limit)| limit.applies_to(call));
        applying.try_for_each(|(position, limit)| self.count(position, limit, call, caller)).into()
    }
}

impl<C: Counter> Rate<C> {
    fn count(&self, position: usize, limit: &Limit, call: &Call, caller: &Identity) -> Result<(), Refusal> {
        match self.counters.add(&limit.counter(position, call, caller), 1, limit.window_ms()) {
            Ok(reading) if reading.value <= limit.calls => Ok(()),
            Ok(reading) => Err(limit.exceeded(position, reading.expires_in_ms)),
            Err(error) => match self.settings.on_counter_error {
                OnCounterError::Accept => Ok(()),
                OnCounterError::Refuse => Err(Refusal::unavailable("calls cannot be counted now; try again later")
                    .note(format!("the host's counters failed: {error:?}"))),
            },
        }
    }
}

witgate_sdk::export!(Rate as validate);

#[cfg(test)]
mod tests;
