//! Atomic counters with expiry, shared by all instances of a plugin within one tenant (grant `counter`).

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::bindings::counter::witgate::counter::counter as host;

pub use host::{CounterError, Reading};

/// What counts: the host, or in a test [`Memory`]. A plugin that counts is generic over this, with [`Host`] by default.
pub trait Counter {
    /// Adds to a counter and returns what it then holds. One that does not exist starts at 0 and lives `expires_in_ms`
    /// from now; adding to one that exists does not prolong it.
    fn add(&self, key: &str, amount: u32, expires_in_ms: u32) -> Result<Reading, CounterError>;

    /// What a counter holds; `None` when it does not exist or is gone.
    fn read(&self, key: &str) -> Result<Option<Reading>, CounterError>;
}

/// The host's counters. Who uses this imports `witgate:counter`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Counter for Host {
    fn add(&self, key: &str, amount: u32, expires_in_ms: u32) -> Result<Reading, CounterError> {
        host::add(key, amount, expires_in_ms)
    }

    fn read(&self, key: &str) -> Result<Option<Reading>, CounterError> {
        host::read(key)
    }
}

/// Counters for tests, with a clock that stands still until it is moved, and a failure on demand.
#[derive(Debug, Default)]
pub struct Memory(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    failure: Option<CounterError>,
    /// By key: the count, and when it is gone.
    counters: BTreeMap<String, (u32, u64)>,
}

impl Memory {
    /// Lets time pass.
    pub fn advance(&self, ms: u32) {
        self.0.borrow_mut().now_ms += u64::from(ms);
    }

    /// Makes everything fail from now on, or work again.
    pub fn fail(&self, failure: Option<CounterError>) {
        self.0.borrow_mut().failure = failure;
    }

    /// The keys that were ever added to, in order.
    pub fn keys(&self) -> Vec<String> {
        self.0.borrow().counters.keys().cloned().collect()
    }
}

impl State {
    fn reading(&self, value: u32, gone_at_ms: u64) -> Reading {
        Reading { value, expires_in_ms: u32::try_from(gone_at_ms - self.now_ms).unwrap_or(u32::MAX) }
    }
}

impl Counter for Memory {
    fn add(&self, key: &str, amount: u32, expires_in_ms: u32) -> Result<Reading, CounterError> {
        let state = &mut *self.0.borrow_mut();
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        let entry = state.counters.entry(key.to_owned()).or_default();
        if entry.1 <= state.now_ms {
            *entry = (0, state.now_ms + u64::from(expires_in_ms));
        }
        entry.0 = entry.0.saturating_add(amount);
        let (value, gone_at_ms) = *entry;
        Ok(state.reading(value, gone_at_ms))
    }

    fn read(&self, key: &str) -> Result<Option<Reading>, CounterError> {
        let state = self.0.borrow();
        match (state.failure, state.counters.get(key)) {
            (Some(failure), _) => Err(failure),
            (None, Some((value, gone_at_ms))) if *gone_at_ms > state.now_ms => {
                Ok(Some(state.reading(*value, *gone_at_ms)))
            }
            (None, _) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_at_its_first_call_and_is_not_prolonged() {
        let counters = Memory::default();
        assert_eq!(counters.read("k"), Ok(None));
        assert_eq!(counters.add("k", 1, 100), Ok(Reading { value: 1, expires_in_ms: 100 }));
        counters.advance(60);
        assert_eq!(counters.add("k", 2, 100), Ok(Reading { value: 3, expires_in_ms: 40 }));
        assert_eq!(counters.read("k"), Ok(Some(Reading { value: 3, expires_in_ms: 40 })));
        counters.advance(40);
        assert_eq!(counters.read("k"), Ok(None));
        assert_eq!(counters.add("k", 1, 100), Ok(Reading { value: 1, expires_in_ms: 100 }));
        counters.fail(Some(CounterError::Unavailable));
        assert_eq!(counters.add("k", 1, 100), Err(CounterError::Unavailable));
    }
}
