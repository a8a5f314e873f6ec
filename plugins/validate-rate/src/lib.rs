//! `validate-rate`: so many calls, in so many seconds, for each key.
//!
//! | setting | type | default | |
//! |---|---|---|---|
//! | `limits` | list, 1…16 | required | each is checked, in this order |
//! | `limits[].calls` | number, 1 or more | required | so many calls are let through … |
//! | `limits[].window-s` | seconds, 1…86400 | required | … in a window that opens at the first of them |
//! | `limits[].by` | list of keys | `["issuer", "subject"]` | calls are counted apart by these facts |
//! | `limits[].methods` | list of globs | `["tools/call"]` | the methods that count |
//! | `limits[].targets` | list of globs | every target | the tools, prompts or URIs that count |
//! | `limits[].name` | string | its position | keeps its counters when limits are moved; told to the operator |
//! | `on-counter-error` | `"refuse"`, `"accept"` | `"refuse"` | what happens when the host cannot count |
//!
//! Keys are `subject`, `issuer`, `tenant`, `target`, `method` and `claim:NAME`; calls without a fact are counted
//! together. `"by": []` counts all calls of the tenant. Needs the grant `counter`.
//!
//! ```json
//! {"limits": [
//!   {"calls": 5, "window-s": 1},
//!   {"name": "deletes", "calls": 10, "window-s": 3600, "by": ["subject", "target"], "targets": ["delete_*"]}
//! ]}
//! ```
//!
//! A call over a limit is refused as `exhausted`, with the milliseconds until its window closes, and the limits after
//! it do not count it. Put this plugin behind validators that edit: an edit starts the round again, and every round
//! that reaches this plugin counts.

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
