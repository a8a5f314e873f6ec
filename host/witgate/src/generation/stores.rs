use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use witgate_policy::store::{Breaker, Counters, KeyValues};
use witgate_sandbox::Share;
use witgate_state::{CircuitBreaker, MemoryCounters, MemoryKeyValues, Quotas};

/// What outlives generations: a reload resets no rate limit.
#[derive(Clone)]
pub struct Stores {
    pub(super) counters: Arc<dyn Counters>,
    pub(super) key_values: Arc<dyn KeyValues>,
    shares: Arc<Mutex<HashMap<Arc<str>, Arc<Share>>>>,
}

impl Stores {
    /// In the memory of this process.
    pub fn in_memory() -> Self {
        let quotas = Quotas::default();
        Self {
            counters: Arc::new(MemoryCounters::new(quotas)),
            key_values: Arc::new(MemoryKeyValues::new(quotas)),
            shares: Arc::default(),
        }
    }

    /// What the plugins of a tenant may use at once.
    pub(super) fn share(&self, tenant: &Arc<str>) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.entry(tenant.clone()).or_default().clone()
    }

    /// For a new upstream. One that is taken over keeps its own.
    pub(super) fn breaker() -> Arc<dyn Breaker> {
        Arc::new(CircuitBreaker::default())
    }
}
