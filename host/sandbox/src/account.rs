//! What one instance and one call have used of their limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use crate::limits::Bounds;

/// A guest's call that ends because a limit is used up. Host functions return it as an error, which traps the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Overdrawn {
    /// More than `host_calls`.
    #[error("host calls (`host-calls` = {0})")]
    HostCalls(u32),
    /// More than `bytes_in`.
    #[error("input (`bytes-in` = {0})")]
    BytesIn(usize),
}

/// Memory and tables belong to the instance, the rest to the call.
#[derive(Debug)]
pub(crate) struct Account {
    bounds: Bounds,
    memory_bytes: usize,
    table_elements: usize,
    /// What the limiter last refused; explains the trap that usually follows.
    refused: Option<&'static str>,
    host_calls: u32,
    handed: Handed,
}

/// What was handed over in a call. A clone counts in the same place: streams keep one, since they are read without the
/// account at hand.
#[derive(Debug, Clone)]
pub(crate) struct Handed {
    bytes: Arc<AtomicUsize>,
    limit: usize,
}

impl Handed {
    /// Bytes that are about to be handed over.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Overdrawn> {
        let fits = |handed: usize| handed.checked_add(bytes).filter(|after| *after <= self.limit);
        match self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(_) => Err(Overdrawn::BytesIn(self.limit)),
        }
    }
}

impl Account {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let handed = Handed { bytes: Arc::default(), limit: bounds.bytes_in };
        Self { bounds, memory_bytes: 0, table_elements: 0, refused: None, host_calls: 0, handed }
    }

    /// A new call begins on the same instance.
    pub(crate) fn begin(&mut self) {
        (self.host_calls, self.refused) = (0, None);
        self.handed.bytes.store(0, Ordering::Relaxed);
    }

    /// One call of the guest to the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Overdrawn> {
        self.host_calls = self.host_calls.saturating_add(1);
        if self.host_calls > self.bounds.host_calls {
            return Err(Overdrawn::HostCalls(self.bounds.host_calls));
        }
        Ok(())
    }

    /// Bytes that are about to be handed over.
    pub(crate) fn hand_over(&self, bytes: usize) -> Result<(), Overdrawn> {
        self.handed.take(bytes)
    }

    /// Where a stream counts what it hands over.
    pub(crate) fn handed(&self) -> Handed {
        self.handed.clone()
    }

    /// The limit on handles, with its size.
    pub(crate) fn handles(&self) -> String {
        format!("handles (`handles` = {})", self.bounds.handles)
    }

    /// The limit on the fields of HTTP, with its size.
    pub(crate) fn fields(&self) -> String {
        format!("fields of HTTP (`header-bytes` = {})", self.bounds.header_bytes)
    }

    /// Which limit the guest ran into, with its size.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused.map(|what| match what {
            "memory" => format!("memory (`memory-bytes` = {})", self.bounds.memory_bytes),
            _ => format!("table space (`table-elements` = {})", self.bounds.table_elements),
        })
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
            self.refused = Some("memory");
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let fits = grow(&mut self.table_elements, current, desired, self.bounds.table_elements);
        if !fits {
            self.refused = Some("table space");
        }
        Ok(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Weight;
    use witgate_policy::Limits;

    fn account() -> Account {
        let limits = Limits { memory_bytes: Some(1000), host_calls: 2, bytes_in: 10, ..Limits::default() };
        Account::new(Bounds::of(&limits, &"p".into(), Weight::Light).expect("limits"))
    }

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut account = account();
        let mut grow = |current, desired, max| account.memory_growing(current, desired, max).expect("no trap");
        assert!(grow(0, 600, None));
        assert!(!grow(0, 500, None), "a second memory");
        assert!(grow(0, 400, None));
        assert!(!grow(600, 601, None));
        assert_eq!(account.refused().as_deref(), Some("memory (`memory-bytes` = 1000)"));
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
        assert_eq!(account.host_call().and(account.host_call()), Ok(()));
        assert_eq!(account.host_call(), Err(Overdrawn::HostCalls(2)));
        assert_eq!(account.hand_over(10), Ok(()));
        assert_eq!(account.hand_over(1), Err(Overdrawn::BytesIn(10)));
        account.begin();
        assert_eq!(account.host_call(), Ok(()));
        assert_eq!(account.hand_over(10), Ok(()));
    }
}
