//! What many streams may keep together: an account of bytes, with a part of it for each session.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may be kept.
#[derive(Debug)]
pub(super) struct Room {
    used: AtomicUsize,
    limit: usize,
    within: Option<Arc<Room>>,
}

impl Room {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit, within: None })
    }

    /// A part of this room, for one session.
    pub(super) fn part(self: &Arc<Self>, limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit, within: Some(self.clone()) })
    }

    /// Takes a part of it, if there is so much.
    pub(super) fn keep(self: &Arc<Self>, bytes: usize) -> Option<Kept> {
        // Given back when there is none here.
        let within = match &self.within {
            None => None,
            Some(outer) => Some(Box::new(outer.keep(bytes)?)),
        };
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Kept { room: self.clone(), bytes, _within: within })
    }
}

/// A part of the room that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Kept {
    room: Arc<Room>,
    bytes: usize,
    _within: Option<Box<Kept>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
