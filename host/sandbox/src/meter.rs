use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::account::Account;

/// What the instances of one plugin used, for whoever wants to know: an author. A gate has none.
#[derive(Debug, Default)]
pub struct Meter {
    memory_bytes: AtomicU64,
    host_calls: AtomicU64,
    bytes_in: AtomicU64,
}

/// What an instance used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Linear memory, of all memories together.
    pub memory_bytes: u64,
    /// Calls to the host within its last call.
    pub host_calls: u64,
    /// Bytes that these handed over.
    pub bytes_in: u64,
}

impl Meter {
    /// What the instance used that ended last.
    pub fn read(&self) -> Used {
        let Self { memory_bytes, host_calls, bytes_in } = self;
        Used {
            memory_bytes: memory_bytes.load(Relaxed),
            host_calls: host_calls.load(Relaxed),
            bytes_in: bytes_in.load(Relaxed),
        }
    }

    pub(crate) fn note(&self, account: &Account) {
        let used = account.used();
        self.memory_bytes.store(used.memory_bytes, Relaxed);
        self.host_calls.store(used.host_calls, Relaxed);
        self.bytes_in.store(used.bytes_in, Relaxed);
    }
}
