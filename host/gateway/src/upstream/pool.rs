//! The connections to one server, by credential and audience: made at their first use, bounded in number, ended when
//! nothing needs them or others need their place; never while one is at work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use witgate_policy::{Payload, Revision};

use super::audience::{Audience, Declared, Spot};
use super::crowd::{Crowd, Crowds};
use super::exchange::Own;
use super::gauge::Gauge;
use super::http::Shown;
use super::lazy::{Alive, Lazy};
use super::topics::Topics;
use super::{Failed, ServerFacts};
use crate::wire::ClientFacts;

/// For the next call of the same client; a person's pause between two calls is longer, and a connection is made soon.
const LEASE_IDLE: Duration = Duration::from_mins(1);

/// What is known of a server's era from an earlier connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(crate) fn of(revision: Revision) -> Self {
        if revision.is_modern() { Self::Modern } else { Self::Legacy }
    }
}

/// What is pooled.
pub(crate) trait Connection: Alive {
    /// Whether failures in a row are followed by a pause.
    const RESTS: bool;

    /// What the server said of itself.
    fn facts(&self) -> &ServerFacts;

    /// Ends it.
    fn end(self: Arc<Self>) -> BoxFuture<'static, ()>;

    /// Sends a request of the gate's own.
    fn request(self: Arc<Self>, method: &'static str, params: Payload) -> BoxFuture<'static, Result<Own, Failed>>;

    /// Passes on what it says outside of calls.
    fn note(&self, method: &str, params: &Payload);

    /// Something that it said may have been missed.
    fn lapse(&self);
}

/// What a connection is made for.
pub(crate) struct Order {
    pub(crate) shown: Shown,
    pub(crate) audience: Audience,
    pub(crate) declared: Declared,
    /// Those who listen to it.
    pub(crate) crowd: Arc<Crowd>,
    /// Those who listen to one that all share.
    pub(crate) anyone: Arc<Crowd>,
    pub(crate) known: Option<Era>,
}

/// The connections to one server.
pub(crate) struct Pool<T> {
    gauge: Arc<Gauge>,
    pub(crate) crowds: Arc<Crowds>,
    era: Arc<Mutex<Option<Era>>>,
    /// Held by whoever finds out the era, so that only one connection is made for that.
    scout: tokio::sync::Mutex<()>,
    places: Mutex<Places<T>>,
    max: usize,
}

struct Places<T> {
    by_spot: HashMap<Spot, Vec<Place<T>>>,
    clock: u64,
}

struct Place<T> {
    slot: Arc<Slot<T>>,
    used: u64,
    since: Instant,
}

/// The place of one connection.
pub(crate) struct Slot<T> {
    lazy: Lazy<T>,
    /// Those who use it now.
    busy: AtomicUsize,
    /// For one call at a time.
    leased: bool,
    /// Not to be used again: what a call left behind in it could reach the next one.
    spent: AtomicBool,
    /// Connections that were made in it.
    made: Arc<AtomicUsize>,
    /// As many of them as were told what clients are subscribed to.
    told: AtomicUsize,
    topics: Topics,
}

/// A connection at work.
pub(crate) struct Hold<T: Connection> {
    pub(crate) connection: Arc<T>,
    pub(crate) busy: Busy<T>,
}

/// Keeps a place while it is used.
pub(crate) struct Busy<T: Connection>(Arc<Slot<T>>);

impl<T: Connection> Busy<T> {
    fn new(slot: &Arc<Slot<T>>) -> Self {
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

    /// What is connected in its place.
    pub(crate) fn connection(&self) -> Option<Arc<T>> {
        self.0.lazy.peek()
    }

    /// A new connection is told what clients are subscribed to, and they are told that they missed something.
    fn renew(&self, connection: &Arc<T>) {
        let made = self.0.made.load(Relaxed);
        if self.0.told.swap(made, Relaxed) >= made {
            return;
        }
        let (busy, connection) = (self.clone(), connection.clone());
        tokio::spawn(async move {
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
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
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

impl<T: Connection> Pool<T> {
    pub(crate) fn new(gauge: &Arc<Gauge>, max: usize) -> Arc<Self> {
        Arc::new(Self {
            gauge: gauge.clone(),
            crowds: Arc::default(),
            era: Arc::default(),
            scout: tokio::sync::Mutex::default(),
            places: Mutex::new(Places { by_spot: HashMap::new(), clock: 0 }),
            max: max.max(1),
        })
    }

    fn places(&self) -> MutexGuard<'_, Places<T>> {
        lock(&self.places)
    }

    fn era(&self) -> Option<Era> {
        *lock(&self.era)
    }

    /// The server may be another one.
    pub(crate) fn forget_era(&self) {
        *lock(&self.era) = None;
    }

    /// The connection for a client, or for one call of it; `make` makes one if there is none.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        shown: &Shown,
        client: &ClientFacts,
        caller: Option<u64>,
        make: impl Fn(Order) -> F,
    ) -> Result<Hold<T>, Failed>
    where
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        let audience = Audience::of(client, caller);
        let shared = audience == Audience::Anyone || self.era() == Some(Era::Modern);
        if shared {
            return self.at(Spot::new(shown, Audience::Anyone), shown, client, &make).await;
        }
        let scouting = match self.era() {
            Some(_) => None,
            None => Some(self.scout.lock().await),
        };
        let audience = if self.era() == Some(Era::Modern) { Audience::Anyone } else { audience };
        let spot = Spot::new(shown, audience);
        let hold = self.at(spot.clone(), shown, client, &make).await?;
        drop(scouting);
        if spot.audience != Audience::Anyone && hold.connection.facts().revision.is_modern() {
            drop(hold);
            self.share(&spot);
            return self.at(Spot::new(shown, Audience::Anyone), shown, client, &make).await;
        }
        Ok(hold)
    }

    async fn at<F>(
        self: &Arc<Self>,
        spot: Spot,
        shown: &Shown,
        client: &ClientFacts,
        make: &impl Fn(Order) -> F,
    ) -> Result<Hold<T>, Failed>
    where
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        let busy = self.take(&spot)?;
        let making = || {
            let anyone = self.crowds.of(&Spot::new(shown, Audience::Anyone));
            let crowd = self.crowds.of(&spot);
            let declared = spot.audience.declares(client);
            let order = Order {
                shown: shown.clone(),
                audience: spot.audience.clone(),
                declared,
                crowd,
                anyone,
                known: self.era(),
            };
            let shared = spot.audience == Audience::Anyone;
            let (gauge, era, made) = (self.gauge.clone(), self.era.clone(), busy.0.made.clone());
            let making = make(order);
            async move {
                let connection = making.await;
                *lock(&era) = connection.as_ref().ok().map(|connection| Era::of(connection.facts().revision));
                let again = connection.is_ok() && made.fetch_add(1, Relaxed) > 0;
                if connection.is_ok() && (shared || again || gauge.list_version() == 0) {
                    gauge.lists_changed();
                }
                connection
            }
        };
        let connection = busy.0.lazy.get(making).await?;
        busy.renew(&connection);
        Ok(Hold { connection, busy })
    }

    /// A place, new or used before; the least recently used one makes room.
    fn take(self: &Arc<Self>, spot: &Spot) -> Result<Busy<T>, Failed> {
        let mut places = self.places();
        places.clock += 1;
        let clock = places.clock;
        let leased = matches!(spot.audience, Audience::Lease(_));
        let free = |place: &&mut Place<T>| !leased || place.slot.is_free();
        if let Some(place) = places.by_spot.get_mut(spot).and_then(|all| all.iter_mut().find(free)) {
            (place.used, place.since) = (clock, Instant::now());
            return Ok(Busy::new(&place.slot));
        }
        if places.count() >= self.max {
            let Some(gone) = places.oldest_idle() else {
                let max = self.max;
                let why =
                    format!("all {max} connections to this server are at work; `sessions` of its limits allows more");
                return Err(Failed::not_sent(why));
            };
            tokio::spawn(end(gone));
        }
        let first_lease = leased && !places.by_spot.keys().any(|spot| matches!(spot.audience, Audience::Lease(_)));
        let slot = Arc::new(Slot {
            lazy: Lazy::new(T::RESTS),
            busy: AtomicUsize::new(0),
            leased,
            spent: AtomicBool::new(false),
            made: Arc::default(),
            told: AtomicUsize::new(1),
            topics: Topics::default(),
        });
        let busy = Busy::new(&slot);
        places.by_spot.entry(spot.clone()).or_default().push(Place { slot, used: clock, since: Instant::now() });
        drop(places);
        if first_lease {
            self.sweep();
        }
        Ok(busy)
    }

    /// A server that turned out to be modern: the connection is for all, unless they have one already.
    fn share(&self, spot: &Spot) {
        let mut places = self.places();
        let Some(found) = places.by_spot.remove(spot) else { return };
        let anyone = Spot { audience: Audience::Anyone, ..spot.clone() };
        for place in found {
            let all = places.by_spot.entry(anyone.clone()).or_default();
            if all.is_empty() {
                all.push(place);
            } else {
                tokio::spawn(end(place.slot));
            }
        }
    }

    /// Ends leases that nobody came back for, as long as there are any.
    fn sweep(self: &Arc<Self>) {
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LEASE_IDLE / 2).await;
                let Some(pool) = pool.upgrade() else { return };
                let (gone, left) = pool.places().stale();
                gone.into_iter().for_each(|slot| drop(tokio::spawn(end(slot))));
                if !left {
                    return;
                }
            }
        });
    }

    /// What is connected for a client, else for anybody with the same credential.
    pub(crate) fn known(&self, shown: &Shown, client: &ClientFacts) -> Option<Arc<T>> {
        let places = self.places();
        let at = |spot: &Spot| places.by_spot.get(spot)?.iter().find_map(|place| place.slot.lazy.peek());
        let own = at(&Spot::new(shown, Audience::of(client, None)));
        own.or_else(|| places.by_spot.keys().filter(|spot| spot.key == shown.key).find_map(at))
    }

    /// What is connected for all who share.
    pub(crate) fn shared(&self, shown: &Shown) -> Option<Arc<T>> {
        self.peek(&Spot::new(shown, Audience::Anyone))
    }

    /// What is connected at a spot.
    pub(crate) fn peek(&self, spot: &Spot) -> Option<Arc<T>> {
        self.places().by_spot.get(spot)?.iter().find_map(|place| place.slot.lazy.peek())
    }

    /// Whether a client has a connection of its own, or needs none.
    pub(crate) fn is_in_session(&self, shown: &Shown, client: &ClientFacts) -> bool {
        match Audience::of(client, None) {
            own @ Audience::Session(_) => {
                self.era() == Some(Era::Modern) || self.peek(&Spot::new(shown, own)).is_some()
            }
            Audience::Anyone | Audience::Lease(_) => true,
        }
    }

    /// Ends the connections of a client's session.
    pub(crate) fn forget(&self, session: &str) {
        let mut gone = Vec::new();
        self.places().by_spot.retain(|spot, places| {
            let its = matches!(&spot.audience, Audience::Session(name) if **name == *session);
            if its {
                gone.extend(places.drain(..).map(|place| place.slot));
            }
            !its
        });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            gone.into_iter().for_each(|slot| drop(runtime.spawn(end(slot))));
        }
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        let all = std::mem::take(&mut self.places().by_spot);
        let all = all.into_values().flatten().map(|place| end(place.slot));
        futures_util::future::join_all(all).await;
    }
}

async fn end<T: Connection>(slot: Arc<Slot<T>>) {
    if let Some(connection) = slot.lazy.take() {
        connection.end().await;
    }
}

impl<T: Alive> Slot<T> {
    fn is_free(&self) -> bool {
        self.busy.load(Relaxed) == 0 && !self.spent.load(Relaxed)
    }
}

impl<T> Places<T> {
    fn count(&self) -> usize {
        self.by_spot.values().map(Vec::len).sum()
    }

    /// Takes out the one that was idle for longest.
    fn oldest_idle(&mut self) -> Option<Arc<Slot<T>>> {
        let idle = self.by_spot.iter().flat_map(|(spot, places)| places.iter().map(move |place| (spot, place)));
        let idle = idle.filter(|(_, place)| place.slot.busy.load(Relaxed) == 0);
        let (spot, place) = idle.min_by_key(|(_, place)| place.used)?;
        let (spot, used) = (spot.clone(), place.used);
        self.take_out(&spot, |place| place.used == used).pop()
    }

    /// Takes out the leases that are idle for too long or spent. Says whether there are others.
    fn stale(&mut self) -> (Vec<Arc<Slot<T>>>, bool) {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
