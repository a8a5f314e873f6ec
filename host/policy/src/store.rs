//! What plugins and the gate remember between calls, as traits: `state` implements them, in memory or in a shared
//! store.

use std::sync::Arc;
use std::time::Duration;

use crate::hook::Answer;
use crate::verdict::Circuit;

/// Whose counters and keys are meant. Two spaces never see each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Space {
    /// The tenant.
    pub tenant: Arc<str>,
    /// The plugin's name in the configuration.
    pub plugin: Arc<str>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The space's quota is used up, or a key or value is too long.
    #[error("quota: {0}")]
    Quota(String),
    /// The store did not answer; what happened is unknown.
    #[error("store unavailable: {0}")]
    Unavailable(String),
}

/// What a counter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The count; saturates.
    pub value: u32,
    /// Until the counter is gone.
    pub expires_in: Duration,
}

/// Atomic counters with expiry.
pub trait Counters: Send + Sync {
    /// Adds, and says what the counter then holds; a new counter lives `expires_in`, an old one is not prolonged.
    fn add<'a>(
        &'a self,
        space: &'a Space,
        key: &'a str,
        amount: u32,
        expires_in: Duration,
    ) -> Answer<'a, Reading, StoreError>;

    /// What a counter holds.
    fn read<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Reading>, StoreError>;
}

/// Keys with values.
pub trait KeyValues: Send + Sync {
    /// The value of a key.
    fn get<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Vec<u8>>, StoreError>;

    /// Sets a key.
    fn set<'a>(&'a self, space: &'a Space, key: &'a str, value: Vec<u8>) -> Answer<'a, (), StoreError>;

    /// Removes a key; one that does not exist is no error.
    fn delete<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, (), StoreError>;

    /// All keys of the space, in order.
    fn keys<'a>(&'a self, space: &'a Space) -> Answer<'a, Vec<String>, StoreError>;

    /// Adds to a key that holds a decimal number (0 when it does not exist), as one atomic step.
    fn increment<'a>(&'a self, space: &'a Space, key: &'a str, delta: i64) -> Answer<'a, i64, StoreError>;
}

/// One upstream's circuit breaker.
pub trait Breaker: Send + Sync {
    /// Its state now.
    fn circuit(&self) -> Circuit;

    /// Asks to send one call. `false`: the circuit is open, or half open with its trial under way.
    fn admit(&self) -> bool;

    /// Reports how an admitted call ended: `true` when the upstream answered, whatever the answer; `false` when it
    /// failed.
    fn report(&self, answered: bool);

    /// Takes an admission back: the call ended (was cancelled) without saying anything about the upstream.
    fn release(&self);
}
