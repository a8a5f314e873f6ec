use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use witgate_policy::store::{Space, StoreError};

/// What one space may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Counters that have not expired. 65,536 by default: a window for each of as many callers, some 20 MiB at worst.
    pub counters: usize,
    /// Bytes of a key. 256, the contract's number.
    pub key_bytes: usize,
    /// Keys with values. 4,096 by default.
    pub keys: usize,
    /// Bytes of one value. 64 KiB by default: a key set or a session, not a cache of documents.
    pub value_bytes: usize,
    /// Bytes of all keys and values together. 4 MiB by default.
    pub total_bytes: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { counters: 65_536, key_bytes: 256, keys: 4_096, value_bytes: 64 << 10, total_bytes: 4 << 20 }
    }
}

impl Quotas {
    /// Whether a key is short enough.
    pub(crate) fn key(&self, key: &str) -> Result<(), StoreError> {
        within("bytes in a key", key.len(), self.key_bytes)
    }
}

/// The quotas of each tenant's spaces. Read at every operation, changed at a reload.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    default: Quotas,
    by_tenant: ArcSwap<HashMap<Arc<str>, Quotas>>,
}

impl Allowances {
    /// These for every tenant for which nothing else is set.
    pub(crate) fn new(default: Quotas) -> Self {
        Self { default, by_tenant: ArcSwap::default() }
    }

    /// What a space may hold.
    pub(crate) fn of(&self, space: &Space) -> Quotas {
        self.by_tenant.load().get(&space.tenant).copied().unwrap_or(self.default)
    }

    /// From now on. What is there already stays, and counts.
    pub(crate) fn set(&self, tenant: &Arc<str>, quotas: Quotas) {
        self.by_tenant.rcu(|before| {
            let mut after = HashMap::clone(before);
            after.insert(tenant.clone(), quotas);
            after
        });
    }
}

/// Refuses more than `limit` of something.
pub(crate) fn within(what: &str, have: usize, limit: usize) -> Result<(), StoreError> {
    if have > limit {
        return Err(StoreError::Quota(format!("{have} {what}, {limit} are allowed")));
    }
    Ok(())
}
