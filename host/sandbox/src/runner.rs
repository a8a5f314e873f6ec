//! Asks one plugin of one kind: a fresh instance or one that was kept, within its limits, and never one that failed.
//!
//! The rules: an instance is fresh for each call unless the operator opted into reuse; an instance belongs to one
//! loaded plugin and so to one tenant; an instance whose call did not end with an answer (a fault, a deadline, a caller
//! who went away) is dropped, never kept. Dropping the future at any point leaves nothing behind.

use std::num::NonZeroU32;
use std::sync::{Arc, Weak};

use tokio::time::{Instant, timeout_at};
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap};
use witgate_policy::{Fault, LimitKey};

use crate::account::Account;
use crate::component::Component;
use crate::engine::Weight;
use crate::error::LoadError;
use crate::export::{Exports, Guest};
use crate::fault::{classify, unmade};
use crate::guest_time;
use crate::health::Health;
use crate::host::{Host, Shared};
use crate::kept::{Kept, Live, Manner};
use crate::kind::Contract;
use crate::log::clean;
use crate::pace::Pace;
use crate::place::{self, Full, Idle, Place};
use crate::quarantine::{Caller, Quarantine};
use crate::recycle::{Image, Remembered};
use crate::sandbox::Sandbox;

/// Bytes of a `configure` error that are kept.
const MESSAGE_BYTES: usize = 1 << 10;

/// One plugin in one of its kinds.
pub(crate) struct Runner<C: Contract> {
    sandbox: Arc<Sandbox>,
    weight: Weight,
    pub(crate) shared: Arc<Shared>,
    exports: Exports<C>,
    /// What one instance counts as in the sandbox and in its tenant's share.
    places: u32,
    pace: Pace,
    quarantine: Quarantine,
    kept: Arc<Kept<C>>,
    /// What its instances are put back to, where they are recycled.
    remembered: Option<Remembered>,
}

impl<C: Contract> Runner<C> {
    /// Checks the exports, and makes one instance as a self test. `pure`: whether it was linked with nothing that waits
    /// or has an effect.
    pub(crate) async fn load(
        sandbox: &Arc<Sandbox>,
        component: &Component,
        shared: &Arc<Shared>,
        pre: InstancePre<Host>,
        pure: bool,
        reuse: Option<NonZeroU32>,
    ) -> Result<Self, LoadError> {
        let plugin = &shared.space.plugin;
        let exports = Exports::find(pre, component.inner.recyclable).map_err(|e| LoadError::Contract {
            plugin: plugin.clone(),
            kind: C::KIND,
            cause: format!("{e:#}"),
        })?;
        let weight = component.inner.weight;
        let pace = Pace::new(pure && weight == Weight::Light, &shared.bounds);
        let places = places(component);
        // What takes the room of several would take it once more for the instance that it is compared with.
        let usual = places == 1 && exports.are_recyclable();
        let recycled = reuse.is_none() && shared.meter.is_none() && pace.may_be_hasty() && usual;
        let kept = Arc::new(match reuse {
            Some(most) => Kept::reused(most.get() as usize),
            None if recycled => Kept::recycled(),
            None => Kept::none(),
        });
        if recycled || reuse.is_some() {
            let idle: Weak<dyn Idle> = Arc::downgrade(&kept) as Weak<dyn Idle>;
            sandbox.room.register(idle.clone());
            shared.share.instances.register(idle);
        }
        let runner = Self {
            sandbox: sandbox.clone(),
            weight,
            shared: shared.clone(),
            exports,
            places,
            pace,
            quarantine: Quarantine::new(&shared.space, C::KIND),
            kept,
            remembered: recycled.then(|| Remembered::new(&component.inner, &sandbox.bases)),
        };
        let deadline = Instant::now() + shared.bounds.wall_time;
        let live = runner.test(deadline).await.map_err(|unready| match unready {
            Unready::Settings(message) => LoadError::Settings { plugin: plugin.clone(), message },
            Unready::Fault(fault) => LoadError::SelfTest { plugin: plugin.clone(), fault },
        })?;
        if reuse.is_some() {
            runner.keep(live);
        }
        Ok(runner)
    }

    async fn test(&self, deadline: Instant) -> Result<Live<C>, Unready> {
        let mut place = self.place(deadline).await?;
        if self.pace.is_hasty(0) {
            self.sandbox.ticker.touch();
            place = match self.fresh_at_once(place) {
                Ok(live) => return Ok(live),
                Err(Hasty::Unready(unready)) => return Err(unready),
                Err(Hasty::Slow(place)) => place,
            };
            self.pace.was_slow();
        }
        self.limited(0, deadline, self.fresh(place)).await
    }

    /// How many instances wait for a call.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.kept.waiting()
    }

    /// How the plugin has been doing.
    pub(crate) fn health(&self) -> Health {
        self.quarantine.health()
    }

    /// Asks once for a caller, about documents of so many bytes. `question` puts it, for as often as it is asked anew;
    /// `read` checks and converts what was answered, and an answer that it refuses is a fault of the instance as much as
    /// a trap.
    pub(crate) async fn ask<'a, V>(
        &self,
        caller: Caller<'_>,
        document_bytes: usize,
        question: impl Fn(&mut Host) -> wasmtime::Result<C::Told<'a>> + Send + Sync,
        read: impl FnOnce(C::Said) -> Result<V, Fault> + Send,
    ) -> Result<V, Fault> {
        let admission = self.quarantine.admit(caller)?;
        let answer = match self.answer(document_bytes, question).await {
            Ok((live, said)) => read(said).inspect(|_| self.keep(live)),
            Err(fault) => Err(fault),
        };
        admission.report(answer.as_ref().err());
        answer
    }

    async fn answer<'a>(
        &self,
        document_bytes: usize,
        question: impl Fn(&mut Host) -> wasmtime::Result<C::Told<'a>> + Send + Sync,
    ) -> Result<(Live<C>, C::Said), Fault> {
        let deadline = Instant::now() + self.shared.bounds.wall_time;
        let mut start = match self.kept.take() {
            Some(live) => Start::Kept(live),
            None => Start::Fresh(self.place(deadline).await?),
        };
        if start.may_be_hasty() && self.pace.is_hasty(document_bytes) {
            start = match self.at_once(start, &question) {
                Ok(answered) => return Ok(answered),
                Err(Hasty::Unready(unready)) => return Err(unready.into_fault()),
                Err(Hasty::Slow(place)) => Start::Fresh(place),
            };
            self.pace.was_slow();
        }
        // Kept apart, since few calls need the room that it takes.
        let run = Box::pin(self.in_turns(start, question));
        self.limited(document_bytes, deadline, run).await
    }

    /// The whole call without leaving this thread.
    fn at_once<'a>(
        &self,
        start: Start<C>,
        question: impl Fn(&mut Host) -> wasmtime::Result<C::Told<'a>>,
    ) -> Result<(Live<C>, C::Said), Hasty> {
        self.sandbox.ticker.touch();
        let mut live = match start {
            Start::Kept(live) => live,
            Start::Fresh(place) => self.fresh_at_once(place)?,
        };
        match begin(&mut live, Manner::AtOnce, question)
            .and_then(|told| live.guest.decide().call(&mut live.store, told))
        {
            Ok(said) => Ok(end(live, said)?),
            Err(e) => Err(hasty(&e, live.place, live.store, classify)),
        }
    }

    async fn in_turns<'a>(
        &self,
        start: Start<C>,
        question: impl Fn(&mut Host) -> wasmtime::Result<C::Told<'a>>,
    ) -> Result<(Live<C>, C::Said), Fault> {
        let mut live = match start {
            Start::Kept(live) => live,
            Start::Fresh(place) => self.fresh(place).await.map_err(Unready::into_fault)?,
        };
        let said = match begin(&mut live, Manner::InTurns, question) {
            Ok(told) => live.guest.decide().call_async(&mut live.store, told).await,
            Err(e) => Err(e),
        };
        match said {
            Ok(said) => end(live, said),
            Err(e) => Err(classify(&e, &live.store.data().account)),
        }
    }

    /// An instance whose call ended with an answer may have another: as it is, where the operator said so, and else as if
    /// nothing had been asked of it.
    fn keep(&self, mut live: Live<C>) {
        if let Some(remembered) = &self.remembered
            && !remembered.image().is_some_and(|image| self.recycle(&mut live, image))
        {
            return;
        }
        let crowded = || self.sandbox.room.is_crowded() || self.shared.share.instances.is_crowded();
        self.kept.put(live, self.sandbox.ticker.now(), crowded);
    }

    /// Puts an instance back to where it began. `false` when that cannot be, or it would wait in vain.
    fn recycle(&self, live: &mut Live<C>, image: &Image) -> bool {
        if live.manner != Manner::AtOnce || !live.store.data().is_tidy() || !self.kept.has_room(live) {
            return false;
        }
        if live.ticket.is_none() {
            live.ticket = self.sandbox.tickets.take(&self.shared.share.tickets);
        }
        live.ticket.is_some() && live.again(image)
    }

    /// A place for one more instance.
    async fn place(&self, deadline: Instant) -> Result<Place, Fault> {
        let (share, sandbox) = (&self.shared.share.instances, &self.sandbox.room);
        place::enter(share, sandbox, self.places, deadline).await.map_err(|full| {
            let wall_time = self.shared.bounds.wall_time;
            Fault::Unavailable(match full {
                Full::Share(size) => format!(
                    "no instance was free within {wall_time:?}: the plugins of the tenant use all {size} of its share; \
                     raise `instances` in the tenant's quota"
                ),
                Full::Sandbox(size) => {
                    format!("no instance was free within {wall_time:?}: all {size} of the sandbox are in use")
                }
            })
        })
    }

    /// Within the limits on time.
    async fn limited<T, E: From<Fault>>(
        &self,
        document_bytes: usize,
        deadline: Instant,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let bounds = &self.shared.bounds;
        let guest_time = bounds.guest_time_for(document_bytes);
        let run = guest_time::limited(guest_time, &self.sandbox.ticker, run);
        match timeout_at(deadline, run).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(guest_time::Exceeded)) => {
                Err(Fault::Deadline { key: LimitKey::GuestTime, limit: guest_time }.into())
            }
            Err(_) => Err(Fault::Deadline { key: LimitKey::WallTime, limit: bounds.wall_time }.into()),
        }
    }

    /// A store for one instance.
    fn store(&self, manner: Manner) -> Store<Host> {
        let bounds = &self.shared.bounds;
        let mut store = Store::new(self.sandbox.engine(self.weight), Host::new(&self.shared));
        store.limiter(|host| &mut host.account);
        store.set_hostcall_fuel(bounds.bytes_out);
        store.set_max_component_handles(bounds.handles);
        manner.set(&mut store);
        store
    }

    /// Makes an instance and configures it.
    async fn fresh(&self, place: Place) -> Result<Live<C>, Unready> {
        let manner = Manner::InTurns;
        let mut store = self.store(manner);
        let guest = self.exports.make_async(&mut store).await;
        let guest = guest.map_err(|e| Unready::Fault(unmade(&e, &store.data().account)))?;
        let configured = match store.data_mut().settings() {
            Ok(settings) => guest.configure().call_async(&mut store, (settings,)).await,
            Err(e) => Err(e),
        };
        match configured {
            Ok((Ok(()),)) => Ok(Live { guest, store, manner, calls: 0, place, ticket: None }),
            Ok((Err(message),)) => Err(Unready::Settings(clean(&message, MESSAGE_BYTES))),
            Err(e) => Err(Unready::Fault(classify(&e, &store.data().account))),
        }
    }

    fn fresh_at_once(&self, place: Place) -> Result<Live<C>, Hasty> {
        let (guest, store, place) = self.made_at_once(place)?;
        let mut live = Self::configured_at_once(place, guest, store)?;
        let Some(remembered) = &self.remembered else { return Ok(live) };
        match remembered.ready(&live.guest, &mut live.store) {
            Ok(()) => Ok(live),
            Err(e) => Err(hasty(&e, live.place, live.store, unmade)),
        }
    }

    fn made_at_once(&self, place: Place) -> Result<(Guest<C>, Store<Host>, Place), Hasty> {
        let mut store = self.store(Manner::AtOnce);
        match self.exports.make(&mut store) {
            Ok(guest) => Ok((guest, store, place)),
            Err(e) => Err(hasty(&e, place, store, unmade)),
        }
    }

    /// The place comes first, as with [`hasty`].
    fn configured_at_once(place: Place, guest: Guest<C>, mut store: Store<Host>) -> Result<Live<C>, Hasty> {
        let manner = Manner::AtOnce;
        let settings = store.data_mut().settings();
        match settings.and_then(|settings| guest.configure().call(&mut store, (settings,))) {
            Ok((Ok(()),)) => Ok(Live { guest, store, manner, calls: 0, place, ticket: None }),
            Ok((Err(message),)) => Err(Hasty::Unready(Unready::Settings(clean(&message, MESSAGE_BYTES)))),
            Err(e) => Err(hasty(&e, place, store, classify)),
        }
    }
}

/// The next call of an instance: what the guest is told.
fn begin<C: Contract, T>(
    live: &mut Live<C>,
    manner: Manner,
    question: impl Fn(&mut Host) -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    live.calls += 1;
    live.turn(manner);
    let host = live.store.data_mut();
    host.begin();
    question(host)
}

/// The guest has answered: whether it kept to its limits where it could not be stopped at once.
fn end<C, T>(mut live: Live<C>, said: T) -> Result<(Live<C>, T), Fault> {
    live.store.data_mut().end();
    match live.store.data().account.overdrawn() {
        Some(overdrawn) => Err(overdrawn.into()),
        None => Ok((live, said)),
    }
}

/// A component with more memories or tables than one of a compiled language has takes the room of several.
fn places(component: &Component) -> u32 {
    let (memories, tables) = component.inner.weight.parts();
    let needed = component.inner.code.resources_required();
    needed.map_or(1, |it| it.num_memories.div_ceil(memories).max(it.num_tables.div_ceil(tables)).max(1))
}

/// Where an instance comes from.
enum Start<C> {
    Kept(Live<C>),
    Fresh(Place),
}

impl<C> Start<C> {
    fn may_be_hasty(&self) -> bool {
        match self {
            Self::Kept(live) => live.manner == Manner::AtOnce,
            Self::Fresh(_) => true,
        }
    }
}

/// How a call that was tried at once did not end with an answer.
enum Hasty {
    Unready(Unready),
    /// It was stopped by the clock; here is its place.
    Slow(Place),
}

impl From<Fault> for Hasty {
    fn from(fault: Fault) -> Self {
        Self::Unready(Unready::Fault(fault))
    }
}

/// What an error of a call that was tried at once means. Its instance ends here, and its place is given back after that:
/// what comes later is dropped first.
fn hasty(
    error: &wasmtime::Error,
    place: Place,
    store: Store<Host>,
    fault: fn(&wasmtime::Error, &Account) -> Fault,
) -> Hasty {
    match error.downcast_ref::<Trap>() {
        // Nothing else makes this trap than a deadline of the clock.
        Some(Trap::Interrupt) => {
            drop(store);
            Hasty::Slow(place)
        }
        _ => fault(error, &store.data().account).into(),
    }
}

/// Why an instance is not ready.
enum Unready {
    Fault(Fault),
    Settings(String),
}

impl Unready {
    /// At load the settings were accepted, so refusing them now is not a matter of the settings.
    fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Settings(message) => {
                Fault::BadVerdict(format!("`configure` refuses what it accepted when it was loaded: {message}"))
            }
        }
    }
}

impl From<Fault> for Unready {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
