use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use witgate_config::Quota;
use witgate_gateway::tenant::{Lasting, NoChance};
use witgate_policy::store::{Breaker, Counters, KeyValues};
use witgate_sandbox::Share;
use witgate_state::{CircuitBreaker, MemoryCounters, MemoryKeyValues, Quotas};

/// What outlives generations: a reload resets no rate limit.
#[derive(Clone)]
pub struct Stores {
    counters: Arc<MemoryCounters>,
    key_values: Arc<MemoryKeyValues>,
    shares: Arc<Mutex<HashMap<Arc<str>, Arc<Share>>>>,
    lasting: Arc<Lasting>,
}

impl Stores {
    /// In the memory of this process.
    pub fn in_memory() -> Result<Self, NoChance> {
        let quotas = Quotas::default();
        Ok(Self {
            counters: Arc::new(MemoryCounters::new(quotas)),
            key_values: Arc::new(MemoryKeyValues::new(quotas)),
            shares: Arc::default(),
            lasting: Arc::new(Lasting::new()?),
        })
    }

    /// What tenants keep beyond a generation.
    pub(super) fn lasting(&self) -> Arc<Lasting> {
        self.lasting.clone()
    }

    pub(super) fn counters(&self) -> Arc<dyn Counters> {
        self.counters.clone()
    }

    pub(super) fn key_values(&self) -> Arc<dyn KeyValues> {
        self.key_values.clone()
    }

    /// What the plugins of a tenant may use at once. A tenant that is new begins with its quota.
    pub(super) fn share(&self, tenant: &Arc<str>, quota: Quota) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.entry(tenant.clone()).or_insert_with(|| Share::new(quota.instances, quota.connections)).clone()
    }

    /// The quota of a tenant from now on.
    pub(super) fn allow(&self, tenant: &Arc<str>, quota: Quota) {
        self.share(tenant, quota).resize(quota.instances, quota.connections);
        let quotas = Quotas {
            counters: quota.counters as usize,
            keys: quota.keys as usize,
            total_bytes: quota.bytes as usize,
            ..Quotas::default()
        };
        self.counters.set_quotas(tenant, quotas);
        self.key_values.set_quotas(tenant, quotas);
    }

    /// For a new upstream. One that is taken over keeps its own.
    pub(super) fn breaker() -> Arc<dyn Breaker> {
        Arc::new(CircuitBreaker::default())
    }
}
