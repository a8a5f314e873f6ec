//! The connections to one server, by credential and audience: made at their first use, bounded in number, ended when
//! nothing needs them or others need their place; never while one is at work.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Failed;
use super::audience::{Audience, Spot};
use super::connection::{Connection, Era, Order};
use super::crowd::Crowds;
use super::gauge::Gauge;
use super::http::Shown;
use super::place::{Busy, Hold, LEASE_IDLE, Place, Places, Slot, end};
use crate::home;
use crate::wire::ClientFacts;

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

impl<T: Connection> Pool<T> {
    pub(crate) fn new(gauge: &Arc<Gauge>, max: usize) -> Arc<Self> {
        Arc::new(Self {
            gauge: gauge.clone(),
            crowds: Arc::default(),
            era: Arc::default(),
            scout: tokio::sync::Mutex::default(),
            places: Mutex::new(Places::new()),
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
        let scouting = match self.era() {
            None if audience != Audience::Anyone => Some(self.scout.lock().await),
            _ => None,
        };
        let spot = Spot::new(shown, audience.at(self.era()));
        let hold = self.chosen(spot.clone(), shown, client, &make).await?;
        drop(scouting);
        if spot.audience == Audience::Anyone || !hold.connection.facts().revision.is_modern() {
            return Ok(hold);
        }
        drop(hold);
        self.share(&spot);
        let spot = Spot { audience: spot.audience.at(self.era()), ..spot };
        self.chosen(spot, shown, client, &make).await
    }

    /// At a server of both eras, one that says so and refuses to be spoken to in the older is spoken to in the other.
    async fn chosen<F>(
        self: &Arc<Self>,
        spot: Spot,
        shown: &Shown,
        client: &ClientFacts,
        make: &impl Fn(Order) -> F,
    ) -> Result<Hold<T>, Failed>
    where
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        let has_choice = spot.audience != Audience::Anyone && self.era() == Some(Era::Dual);
        match self.at(spot, shown, client, make).await {
            Err(_) if has_choice => {
                let held = self.at(Spot::new(shown, Audience::Anyone), shown, client, make).await?;
                // Until it is met anew.
                *lock(&self.era) =
                    Some(if held.connection.facts().revision.is_modern() { Era::Modern } else { Era::Legacy });
                Ok(held)
            }
            held => held,
        }
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
                known: spot.audience.speaks(self.era()),
            };
            let has_chosen = spot.audience != Audience::Anyone && self.era() == Some(Era::Dual);
            let shared = spot.audience == Audience::Anyone;
            let (gauge, era, made) = (self.gauge.clone(), self.era.clone(), busy.0.made.clone());
            let making = make(order);
            async move {
                let connection = making.await;
                *lock(&era) = connection.as_ref().ok().map(|connection| match Era::of(connection.facts()) {
                    Era::Legacy if has_chosen => Era::Dual,
                    found => found,
                });
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
            home::spawn(end(gone));
        }
        let first_lease = leased && !places.by_spot.keys().any(|spot| matches!(spot.audience, Audience::Lease(_)));
        let slot = Arc::new(Slot::new(leased, T::RESTS));
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
                home::spawn(end(place.slot));
            }
        }
    }

    /// Ends leases that nobody came back for, as long as there are any.
    fn sweep(self: &Arc<Self>) {
        let pool = Arc::downgrade(self);
        home::spawn(async move {
            loop {
                tokio::time::sleep(LEASE_IDLE / 2).await;
                let Some(pool) = pool.upgrade() else { return };
                let (gone, left) = pool.places().stale();
                for slot in gone {
                    home::spawn(end(slot));
                }
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
        if let Some(runtime) = home::runtime() {
            for slot in gone {
                runtime.spawn(end(slot));
            }
        }
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        let all = std::mem::take(&mut self.places().by_spot);
        let all = all.into_values().flatten().map(|place| end(place.slot));
        futures_util::future::join_all(all).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
