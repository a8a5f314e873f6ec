//! The places of one pool's connections: which are at work, which are idle and for how long, and which are not to be used
//! again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::Payload;

use super::audience::{Audience, Spot};
use super::connection::Connection;
use super::lazy::{Alive, Lazy};
use super::level::SET_LEVEL;
use super::topics::{Topics, outcome};
use crate::home;

/// For the next call of the same client; a person's pause between two calls is longer, and a connection is made soon.
pub(super) const LEASE_IDLE: Duration = Duration::from_mins(1);

pub(super) struct Places<T> {
    pub(super) by_spot: HashMap<Spot, Vec<Place<T>>>,
    pub(super) clock: u64,
}

pub(super) struct Place<T> {
    pub(super) slot: Arc<Slot<T>>,
    pub(super) used: u64,
    pub(super) since: Instant,
}

/// The place of one connection.
pub(crate) struct Slot<T> {
    pub(super) lazy: Lazy<T>,
    /// Those who use it now.
    busy: AtomicUsize,
    /// For one call at a time.
    leased: bool,
    /// Not to be used again: what a call left behind in it could reach the next one.
    spent: AtomicBool,
    /// Connections that were made in it.
    pub(super) made: Arc<AtomicUsize>,
    /// As many of them as were told what clients are subscribed to.
    told: AtomicUsize,
    topics: Topics,
    /// The log level that a legacy server was told last, as it was told.
    level: Mutex<Option<Payload>>,
}

/// A connection at work.
pub(crate) struct Hold<T: Connection> {
    pub(crate) connection: Arc<T>,
    pub(crate) busy: Busy<T>,
}

/// Keeps a place while it is used.
pub(crate) struct Busy<T: Connection>(pub(super) Arc<Slot<T>>);

impl<T: Connection> Busy<T> {
    pub(super) fn new(slot: &Arc<Slot<T>>) -> Self {
        slot.busy.fetch_add(1, Relaxed);
        Self(slot.clone())
    }

    /// What is left of a call could reach the next one.
    pub(crate) fn spend(&self) {
        if self.0.leased {
            self.0.spent.store(true, Relaxed);
        }
    }

    /// What is subscribed to in its place.
    pub(crate) fn topics(&self) -> &Topics {
        &self.0.topics
    }

    /// The server is told a log level: so will be those that are connected in its place.
    pub(crate) fn set_level(&self, params: &Payload) {
        *self.0.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(params.clone());
    }

    /// What it was told last.
    pub(super) fn level(&self) -> Option<Payload> {
        self.0.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is connected in its place.
    pub(crate) fn connection(&self) -> Option<Arc<T>> {
        self.0.lazy.peek()
    }

    /// A new connection is told of which level log lines are wanted and what clients are subscribed to, and they are told
    /// that they missed something.
    pub(super) fn renew(&self, connection: &Arc<T>) {
        let made = self.0.made.load(Relaxed);
        if self.0.told.swap(made, Relaxed) >= made {
            return;
        }
        let (busy, connection) = (self.clone(), connection.clone());
        let level =
            self.level().filter(|_| !connection.facts().revision.is_modern() && connection.facts().has("/logging"));
        home::spawn(async move {
            if let Some(level) = level {
                // Whatever it says, its log lines are what they are.
                let _ = outcome(&connection, SET_LEVEL, level).await;
            }
            if !busy.topics().is_empty() {
                busy.topics().renew(&connection).await;
            }
            connection.lapse();
        });
    }
}

impl<T: Connection> Drop for Busy<T> {
    fn drop(&mut self) {
        let last = self.0.busy.fetch_sub(1, Relaxed) == 1;
        if last
            && self.0.spent.load(Relaxed)
            && let Some(runtime) = home::runtime()
        {
            runtime.spawn(end(self.0.clone()));
        }
    }
}

impl<T: Connection> Clone for Busy<T> {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}
/// Ends what is connected in a place.
pub(super) async fn end<T: Connection>(slot: Arc<Slot<T>>) {
    if let Some(connection) = slot.lazy.take() {
        connection.end().await;
    }
}

impl<T: Alive> Slot<T> {
    pub(super) fn new(leased: bool, rests: bool) -> Self {
        Self {
            lazy: Lazy::new(rests),
            busy: AtomicUsize::new(0),
            leased,
            spent: AtomicBool::new(false),
            made: Arc::default(),
            told: AtomicUsize::new(1),
            topics: Topics::default(),
            level: Mutex::default(),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.busy.load(Relaxed) == 0 && !self.spent.load(Relaxed)
    }
}

impl<T> Places<T> {
    pub(super) fn new() -> Self {
        Self { by_spot: HashMap::new(), clock: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.by_spot.values().map(Vec::len).sum()
    }

    /// Takes out the one that was idle for longest.
    pub(super) fn oldest_idle(&mut self) -> Option<Arc<Slot<T>>> {
        let idle = self.by_spot.iter().flat_map(|(spot, places)| places.iter().map(move |place| (spot, place)));
        let idle = idle.filter(|(_, place)| place.slot.busy.load(Relaxed) == 0);
        let (spot, place) = idle.min_by_key(|(_, place)| place.used)?;
        let (spot, used) = (spot.clone(), place.used);
        self.take_out(&spot, |place| place.used == used).pop()
    }

    /// Takes out the leases that are idle for too long or spent. Says whether there are others.
    pub(super) fn stale(&mut self) -> (Vec<Arc<Slot<T>>>, bool) {
        let leases: Vec<Spot> =
            self.by_spot.keys().filter(|spot| matches!(spot.audience, Audience::Lease(_))).cloned().collect();
        let stale = |place: &Place<T>| {
            let slot = &place.slot;
            let idle = place.since.elapsed() >= LEASE_IDLE || slot.spent.load(Relaxed);
            idle && slot.busy.load(Relaxed) == 0
        };
        let gone = leases.iter().flat_map(|spot| self.take_out(spot, stale)).collect();
        (gone, leases.iter().any(|spot| self.by_spot.contains_key(spot)))
    }

    fn take_out(&mut self, spot: &Spot, which: impl Fn(&Place<T>) -> bool) -> Vec<Arc<Slot<T>>> {
        let Some(places) = self.by_spot.get_mut(spot) else { return Vec::new() };
        let gone = places.extract_if(.., |place| which(place)).map(|place| place.slot).collect();
        if places.is_empty() {
            self.by_spot.remove(spot);
        }
        gone
    }
}
