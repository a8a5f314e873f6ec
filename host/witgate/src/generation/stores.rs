use std::sync::Arc;

use witgate_policy::store::{Breaker, Counters, KeyValues};
use witgate_state::{CircuitBreaker, MemoryCounters, MemoryKeyValues, Quotas};

/// What outlives generations: a reload resets no rate limit.
#[derive(Clone)]
pub struct Stores {
    pub(super) counters: Arc<dyn Counters>,
    pub(super) key_values: Arc<dyn KeyValues>,
}

impl Stores {
    /// In the memory of this process.
    pub fn in_memory() -> Self {
        let quotas = Quotas::default();
        Self { counters: Arc::new(MemoryCounters::new(quotas)), key_values: Arc::new(MemoryKeyValues::new(quotas)) }
    }

    /// For a new upstream. One that is taken over keeps its own.
    pub(super) fn breaker() -> Arc<dyn Breaker> {
        Arc::new(CircuitBreaker::default())
    }
}
