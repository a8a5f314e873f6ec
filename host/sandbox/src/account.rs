//! What one instance and one call have used of their limits.

use wasmtime::ResourceLimiter;
use witgate_policy::{Fault, LimitKey};

use crate::limits::Bounds;
use crate::meter::Used;

/// A limit is used up. Host functions return it as an error, which traps the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{key}` = {limit} is used up")]
pub(crate) struct Overdrawn {
    key: LimitKey,
    limit: u64,
}

impl Overdrawn {
    pub(crate) fn new(key: LimitKey, bounds: &Bounds) -> Self {
        Self { key, limit: bounds.of_key(key) }
    }
}

impl From<Overdrawn> for Fault {
    fn from(Overdrawn { key, limit }: Overdrawn) -> Self {
        match key {
            LimitKey::MemoryBytes
            | LimitKey::TableElements
            | LimitKey::Memories
            | LimitKey::Tables
            | LimitKey::CoreInstances
            | LimitKey::Stack => Self::Memory { key, limit },
            _ => Self::Limit { key, limit },
        }
    }
}

/// Memory and tables belong to the instance, the rest to the call.
#[derive(Debug)]
pub(crate) struct Account {
    bounds: Bounds,
    memory_bytes: usize,
    table_elements: usize,
    /// What the limiter last refused; explains the trap that usually follows.
    refused: Option<Overdrawn>,
    /// The first limit that was overdrawn where the guest could not be stopped at once.
    overdrawn: Option<Overdrawn>,
    host_calls: u32,
    bytes_in: usize,
}

impl Account {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { memory_bytes: 0, table_elements: 0, refused: None, overdrawn: None, host_calls: 0, bytes_in: 0, bounds }
    }

    /// A new call begins on the same instance.
    pub(crate) fn begin(&mut self) {
        (self.host_calls, self.bytes_in) = (0, 0);
        (self.refused, self.overdrawn) = (None, None);
    }

    /// One call of the guest to the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Overdrawn> {
        self.host_calls = self.host_calls.saturating_add(1);
        self.within(u64::from(self.host_calls), LimitKey::HostCalls)
    }

    /// The same where the host function cannot fail: one call too many is found when the guest has answered. None of
    /// these does more than a guest could do by itself in the time.
    pub(crate) fn count_call(&mut self) {
        if let Err(overdrawn) = self.host_call() {
            self.overdrawn.get_or_insert(overdrawn);
        }
    }

    /// Bytes that are about to be handed over.
    pub(crate) fn hand_over(&mut self, bytes: usize) -> Result<(), Overdrawn> {
        self.bytes_in = self.bytes_in.saturating_add(bytes);
        self.within(self.bytes_in as u64, LimitKey::BytesIn)
    }

    /// A limit was passed where others count: on the network.
    pub(crate) fn overdraw(&mut self, key: LimitKey) {
        let overdrawn = self.overdraft(key);
        self.overdrawn.get_or_insert(overdrawn);
    }

    /// The limit that the call has passed, though it was not stopped for it.
    pub(crate) fn overdrawn(&self) -> Option<Overdrawn> {
        self.overdrawn
    }

    /// The limit on space that the guest ran into.
    pub(crate) fn refused(&self) -> Option<Overdrawn> {
        self.refused
    }

    /// One of the limits, whatever was used of it.
    pub(crate) fn overdraft(&self, key: LimitKey) -> Overdrawn {
        Overdrawn::new(key, &self.bounds)
    }

    /// How long all memories of the instance are together.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// What was used so far.
    pub(crate) fn used(&self) -> Used {
        Used {
            memory_bytes: self.memory_bytes as u64,
            host_calls: u64::from(self.host_calls),
            bytes_in: self.bytes_in as u64,
        }
    }

    fn within(&self, used: u64, key: LimitKey) -> Result<(), Overdrawn> {
        let overdrawn = Overdrawn::new(key, &self.bounds);
        if used > overdrawn.limit { Err(overdrawn) } else { Ok(()) }
    }
}

/// Adds the growth from `current` to `desired`, unless that passes the limit.
fn grow(total: &mut usize, current: usize, desired: usize, limit: usize) -> bool {
    let grown = total.saturating_add(desired.saturating_sub(current));
    let fits = grown <= limit;
    if fits {
        *total = grown;
    }
    fits
}

impl ResourceLimiter for Account {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // What the module itself forbids is its own affair, and does not count.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let fits = grow(&mut self.memory_bytes, current, desired, self.bounds.memory_bytes);
        if !fits {
            self.refused = Some(self.overdraft(LimitKey::MemoryBytes));
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let fits = grow(&mut self.table_elements, current, desired, self.bounds.table_elements);
        if !fits {
            self.refused = Some(self.overdraft(LimitKey::TableElements));
        }
        Ok(fits)
    }
    fn instances(&self) -> usize {
        self.bounds.core_instances
    }

    fn tables(&self) -> usize {
        self.bounds.tables
    }

    fn memories(&self) -> usize {
        self.bounds.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Weight;
    use witgate_policy::Limits;

    fn account() -> Account {
        let limits =
            Limits { memory_bytes: Some(1000), host_calls: 2, bytes_in: 10, network_bytes: 10, ..Limits::default() };
        Account::new(Bounds::of(&limits, &"p".into(), Weight::Light).expect("limits"))
    }

    fn over(key: LimitKey, limit: u64) -> Overdrawn {
        Overdrawn { key, limit }
    }

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut account = account();
        let mut grow = |current, desired, max| account.memory_growing(current, desired, max).expect("no trap");
        assert!(grow(0, 600, None));
        assert!(!grow(0, 500, None), "a second memory");
        assert!(grow(0, 400, None));
        assert!(!grow(600, 601, None));
        assert_eq!(account.refused(), Some(over(LimitKey::MemoryBytes, 1000)));
    }

    #[test]
    fn what_the_module_forbids_is_not_our_refusal() {
        let mut account = account();
        assert!(!account.memory_growing(0, 600, Some(500)).expect("no trap"));
        assert_eq!(account.refused(), None);
    }

    #[test]
    fn a_call_has_its_own_counts() {
        let mut account = account();
        for _ in 0..2 {
            assert_eq!(account.host_call().and(account.host_call()), Ok(()));
            assert_eq!(account.host_call(), Err(over(LimitKey::HostCalls, 2)));
            assert_eq!(account.hand_over(10), Ok(()));
            assert_eq!(account.hand_over(1), Err(over(LimitKey::BytesIn, 10)));
            assert_eq!(account.overdrawn(), None);
            account.overdraw(LimitKey::NetworkBytes);
            account.count_call();
            assert_eq!(account.overdrawn(), Some(over(LimitKey::NetworkBytes, 10)), "the first");
            account.begin();
            assert_eq!(account.overdrawn(), None);
            account.host_call().and(account.host_call()).expect("two");
            account.count_call();
            assert_eq!(account.overdrawn(), Some(over(LimitKey::HostCalls, 2)));
            account.begin();
        }
    }
}
