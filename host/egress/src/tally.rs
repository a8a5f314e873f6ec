use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::error::EgressError;

/// What one call has used, all of its requests together.
#[derive(Debug)]
pub(crate) struct Tally {
    requests_limit: u32,
    bytes_limit: u64,
    requests: AtomicU32,
    refused: AtomicBool,
    bytes_left: AtomicU64,
    overdrawn: AtomicBool,
}

impl Tally {
    pub(crate) fn new(requests: u32, bytes: u64) -> Self {
        Self {
            requests_limit: requests,
            bytes_limit: bytes,
            requests: AtomicU32::new(0),
            refused: AtomicBool::new(false),
            bytes_left: AtomicU64::new(bytes),
            overdrawn: AtomicBool::new(false),
        }
    }

    /// One more request.
    pub(crate) fn request(&self) -> Result<(), EgressError> {
        let one_more = |made: u32| (made < self.requests_limit).then(|| made + 1);
        let counted = self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if counted.is_ok() {
            return Ok(());
        }
        self.refused.store(true, Ordering::Relaxed);
        Err(EgressError::Requests(self.requests_limit))
    }

    /// How many more bytes may move.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.bytes_left.load(Ordering::Relaxed)
    }

    /// Bytes that moved; `false` once they are too many.
    pub(crate) fn moved(&self, bytes: usize) -> bool {
        let take = |left: u64| left.checked_sub(bytes as u64);
        let fits = self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if !fits {
            self.overdraw();
        }
        fits
    }

    /// From now on every connection of the call fails.
    pub(crate) fn overdraw(&self) {
        self.bytes_left.store(0, Ordering::Relaxed);
        self.overdrawn.store(true, Ordering::Relaxed);
    }

    /// The limit that the call has passed, if it has passed one.
    pub(crate) fn overdrawn(&self) -> Option<EgressError> {
        let refused = self.refused.load(Ordering::Relaxed);
        self.explains().or_else(|| refused.then_some(EgressError::Requests(self.requests_limit)))
    }

    /// What to call a failure of the connection, if this is what made it fail.
    pub(crate) fn explains(&self) -> Option<EgressError> {
        self.overdrawn.load(Ordering::Relaxed).then_some(EgressError::Bytes(self.bytes_limit))
    }
}
