//! Instances that live: one whose call is under way, and those that wait for their next.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use wasmtime::Store;

use crate::export::Guest;
use crate::host::Host;
use crate::kind::Contract;
use crate::pace;
use crate::place::{Idle, Place};
use crate::recycle::{self, Image};
use crate::ticket::Ticket;

/// Calls that a kept instance serves before it is replaced, so that what a guest leaks does not grow for ever.
const CALLS_PER_INSTANCE: u32 = 10_000;

/// An instance that was configured.
pub(crate) struct Live<C> {
    pub(crate) guest: Guest<C>,
    pub(crate) store: Store<Host>,
    pub(crate) manner: Manner,
    pub(crate) calls: u32,
    pub(crate) place: Place,
    /// That it is among those which wait to be recycled, once it was.
    pub(crate) ticket: Option<Ticket>,
}

/// How the guests of a store are called, and what a tick of the clock does to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once: the second tick ends the instance.
    AtOnce,
    /// In turns: at every tick the guest yields, so that its time is looked at and its neighbours get their turn.
    InTurns,
}

impl Manner {
    /// Prepares a store. What was told to call its guests in turns has to stay so.
    pub(crate) fn set(self, store: &mut Store<Host>) {
        self.wind(store);
        if self == Self::InTurns {
            store.epoch_deadline_async_yield_and_update(1);
        }
    }

    /// From here to the next tick that counts.
    fn wind(self, store: &mut Store<Host>) {
        store.set_epoch_deadline(match self {
            Self::AtOnce => pace::TICKS,
            Self::InTurns => 1,
        });
    }
}

impl<C> Live<C> {
    /// Puts the instance back to where it was when it had just been configured; `false` when that is impossible.
    pub(crate) fn again(&mut self, image: &Image) -> bool {
        recycle::memory(&mut self.store).and_then(|memory| image.lay(memory)).is_some()
    }

    /// The next call is made in this manner.
    pub(crate) fn turn(&mut self, manner: Manner) {
        if self.manner == manner {
            return manner.wind(&mut self.store);
        }
        manner.set(&mut self.store);
        self.manner = manner;
    }
}

/// The instances that wait for their next call, and how many may.
pub(crate) struct Kept<C> {
    /// On each shelf. More than one shelf is for instances that are put back to where they began: each thread has its
    /// own, so that what is in its processor's cache stays there, and no two wait for one another.
    most: usize,
    /// Whether they are nobody's wish, and end when nobody comes for them.
    recycled: bool,
    shelves: Box<[Mutex<Vec<Rested<C>>>]>,
}

/// An instance, and the tick at which it was put there.
struct Rested<C> {
    live: Live<C>,
    since: u64,
}

impl<C: Contract> Kept<C> {
    /// None at all.
    pub(crate) fn none() -> Self {
        Self { most: 0, recycled: false, shelves: Box::default() }
    }

    /// As many as the operator said.
    pub(crate) fn reused(most: usize) -> Self {
        Self { most, recycled: false, shelves: Box::new([Mutex::default()]) }
    }

    /// One for each thread that serves.
    pub(crate) fn recycled() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shelves = (0..threads.min(SHELVES_MOST)).map(|_| Mutex::default()).collect();
        Self { most: 1, recycled: true, shelves }
    }

    pub(crate) fn take(&self) -> Option<Live<C>> {
        Some(self.own_shelf()?.lock().unwrap_or_else(PoisonError::into_inner).pop()?.live)
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether one more might be kept.
    pub(crate) fn has_room(&self, live: &Live<C>) -> bool {
        self.most > 0 && live.calls < CALLS_PER_INSTANCE && !live.store.data().is_littered()
    }

    /// Keeps an instance whose call ended with an answer, unless somebody waits for its place or it keeps what is not
    /// its own; what is not kept is dropped outside the lock.
    pub(crate) fn put(&self, live: Live<C>, since: u64, crowded: impl FnOnce() -> bool) {
        if !self.has_room(&live) {
            return;
        }
        let Some(shelf) = self.own_shelf() else { return };
        let mut idle = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most && !crowded() {
            idle.push(Rested { live, since });
        }
    }

    fn own_shelf(&self) -> Option<&Mutex<Vec<Rested<C>>>> {
        match self.shelves.len() {
            0 => None,
            1 => self.shelves.first(),
            shelves => self.shelves.get(thread() % shelves),
        }
    }
}

/// More threads than these share shelves.
const SHELVES_MOST: usize = 64;

/// This thread's number.
fn thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    THREAD.with(|thread| *thread)
}

impl<C: Contract> Idle for Kept<C> {
    fn give_way(&self) -> bool {
        // Dropped when the lock is no longer held.
        let mut idle =
            self.shelves.iter().filter_map(|shelf| shelf.lock().unwrap_or_else(PoisonError::into_inner).pop());
        idle.next().is_some()
    }

    fn rest(&self, before: u64) {
        if !self.recycled {
            return;
        }
        for shelf in &self.shelves {
            let rested = {
                let mut idle = shelf.lock().unwrap_or_else(PoisonError::into_inner);
                idle.extract_if(.., |rested| rested.since < before).collect::<Vec<_>>()
            };
            drop(rested);
        }
    }
}
