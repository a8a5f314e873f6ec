//! Tickets: how many instances may wait to be recycled, of all tenants together and of each.
//!
//! An instance that waits has a place that somebody else might want. Half of the sandbox's places are for those that
//! wait, and of these no tenant takes more than it leaves: who comes first gets half, who comes next half of the rest, so
//! that whoever comes later finds some, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All that there are.
pub(crate) struct Tickets(Arc<Semaphore>);

/// How many tickets a tenant's instances have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<AtomicUsize>);

/// That an instance may wait. Given back when it is dropped.
pub(crate) struct Ticket {
    _permit: OwnedSemaphorePermit,
    held: Held,
}

impl Tickets {
    pub(crate) fn new(tickets: usize) -> Self {
        Self(Arc::new(Semaphore::new(tickets)))
    }

    /// One more for a tenant, if that leaves as many as it has.
    pub(crate) fn take(&self, held: &Held) -> Option<Ticket> {
        let before = held.0.load(Ordering::Relaxed);
        // Threads that count at the same time may go a little beyond it: it is no exact number.
        if before >= self.0.available_permits() {
            return None;
        }
        let permit = self.0.clone().try_acquire_owned().ok()?;
        held.0.fetch_add(1, Ordering::Relaxed);
        Some(Ticket { _permit: permit, held: held.clone() })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.held.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(tickets: &Tickets, held: &Held) -> Vec<Ticket> {
        std::iter::from_fn(|| tickets.take(held)).collect()
    }

    #[test]
    fn whoever_comes_later_finds_some() {
        let tickets = Tickets::new(120);
        let tenants: [Held; 4] = Default::default();
        let taken = tenants.each_ref().map(|held| all(&tickets, held));
        assert_eq!(taken.each_ref().map(Vec::len), [60, 30, 15, 8]);
        let [first, ..] = taken;
        drop(first);
        assert_eq!(all(&tickets, &tenants[0]).len(), 34, "of 67 that are free");
    }

    #[test]
    fn the_only_one_is_for_whoever_is_first() {
        let (tickets, ours, theirs) = (Tickets::new(1), Held::default(), Held::default());
        let first = tickets.take(&ours).expect("one");
        assert!(tickets.take(&theirs).is_none());
        drop(first);
        assert!(tickets.take(&theirs).is_some());
        assert!(Tickets::new(0).take(&ours).is_none());
    }
}
