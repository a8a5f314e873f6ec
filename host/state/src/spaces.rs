//! The directory of spaces: which are there, each behind its own lock.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use witgate_policy::store::Space;

/// Locks of the directory. More than processors that look something up at the same instant.
const SHARDS: usize = 32;

/// What is kept for one space.
pub(crate) trait Shelf: Default + Send {
    /// Nothing is on it, so it need not be kept.
    fn is_empty(&self) -> bool;
}

#[derive(Debug)]
pub(crate) struct Spaces<T> {
    shards: Vec<Mutex<HashMap<Space, Arc<Mutex<T>>>>>,
    hasher: RandomState,
}

impl<T: Shelf> Default for Spaces<T> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl<T: Shelf> Spaces<T> {
    /// Does something to a space as one atomic step.
    pub(crate) fn with<R>(&self, space: &Space, step: impl FnOnce(&mut T) -> R) -> R {
        let owned = self.shelf(space);
        let mut locked = owned.lock().unwrap_or_else(PoisonError::into_inner);
        step(&mut locked)
    }

    fn shelf(&self, space: &Space) -> Arc<Mutex<T>> {
        let at = usize::try_from(self.hasher.hash_one(space) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = shard.get(space) {
            return shelf.clone();
        }
        // A new space comes with a new configuration; then those that nobody uses and that are empty go.
        shard.retain(|_, shelf| Arc::strong_count(shelf) > 1 || !lock_is_empty(shelf));
        shard.entry(space.clone()).or_default().clone()
    }
}

fn lock_is_empty<T: Shelf>(shelf: &Mutex<T>) -> bool {
    shelf.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
}
