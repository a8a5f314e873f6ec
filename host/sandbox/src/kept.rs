//! Instances that live: one whose call is under way, and those that wait for their next.

use std::sync::{Mutex, PoisonError};

use wasmtime::Store;

use crate::export::Guest;
use crate::host::Host;
use crate::kind::Contract;
use crate::pace;
use crate::place::{Idle, Place};

/// Calls that a kept instance serves before it is replaced, so that what a guest leaks does not grow for ever.
const CALLS_PER_INSTANCE: u32 = 10_000;

/// An instance that was configured.
pub(crate) struct Live<C> {
    pub(crate) guest: Guest<C>,
    pub(crate) store: Store<Host>,
    pub(crate) manner: Manner,
    pub(crate) calls: u32,
    pub(crate) place: Place,
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
    most: usize,
    idle: Mutex<Vec<Live<C>>>,
}

impl<C: Contract> Kept<C> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, idle: Mutex::default() }
    }

    pub(crate) fn take(&self) -> Option<Live<C>> {
        if self.most == 0 {
            return None;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps an instance whose call ended with an answer, unless somebody waits for its place or it keeps what is not
    /// its own; what is not kept is dropped outside the lock.
    pub(crate) fn put(&self, live: Live<C>, crowded: impl FnOnce() -> bool) {
        if self.most == 0 || live.calls >= CALLS_PER_INSTANCE || live.store.data().is_littered() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most && !crowded() {
            idle.push(live);
        }
    }
}

impl<C: Contract> Idle for Kept<C> {
    fn give_way(&self) -> bool {
        // Dropped when the lock is no longer held.
        self.take().is_some()
    }
}
