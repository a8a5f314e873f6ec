//! Asks one plugin of one kind: a fresh instance or one that was kept, within its limits, and never one that failed.
//!
//! The rules: an instance is fresh for each call unless the operator opted into reuse; an instance belongs to one
//! loaded plugin and so to one tenant; an instance whose call did not end with an answer (a fault, a deadline, a caller
//! who went away) is dropped, never kept. Dropping the future at any point leaves nothing behind.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::{Instant, timeout_at};
use wasmtime::Store;
use wasmtime::component::InstancePre;
use witgate_policy::{Fault, LimitKey};

use crate::component::Component;
use crate::engine::{TABLES_PER_INSTANCE, Weight};
use crate::error::LoadError;
use crate::fault::{classify, unmade};
use crate::guest_time;
use crate::health::Health;
use crate::host::{Host, Shared};
use crate::kind::Contract;
use crate::log::clean;
use crate::place::{self, Full, Idle, Place};
use crate::quarantine::{Caller, Quarantine};
use crate::sandbox::Sandbox;

/// Calls that a kept instance serves before it is replaced, so that what a guest leaks does not grow for ever.
const CALLS_PER_INSTANCE: u32 = 10_000;
/// Bytes of a `configure` error that are kept.
const MESSAGE_BYTES: usize = 1 << 10;

/// What a decision is to the runner: a call of one exported function.
pub(crate) type Asked<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// One plugin in one of its kinds.
pub(crate) struct Runner<C: Contract> {
    sandbox: Arc<Sandbox>,
    weight: Weight,
    pub(crate) shared: Arc<Shared>,
    pre: C::Pre,
    /// What one instance counts as in the sandbox and in its tenant's share.
    places: u32,
    quarantine: Quarantine,
    kept: Arc<Kept<C>>,
}

/// The instances that wait for their next call, and how many may.
struct Kept<C> {
    most: usize,
    idle: Mutex<Vec<Live<C>>>,
}

/// An instance that was configured.
struct Live<C> {
    guest: C,
    store: Store<Host>,
    calls: u32,
    _place: Place,
}

impl<C: Contract> Runner<C> {
    /// Checks the exports, and makes one instance as a self test.
    pub(crate) async fn load(
        sandbox: &Arc<Sandbox>,
        component: &Component,
        shared: &Arc<Shared>,
        pre: InstancePre<Host>,
        reuse: Option<NonZeroU32>,
    ) -> Result<Self, LoadError> {
        let plugin = &shared.space.plugin;
        let pre = C::prepare(pre).map_err(|e| LoadError::Contract {
            plugin: plugin.clone(),
            kind: C::KIND,
            cause: format!("{e:#}"),
        })?;
        let most = reuse.map_or(0, |most| most.get() as usize);
        let runner = Self {
            sandbox: sandbox.clone(),
            weight: component.inner.weight,
            shared: shared.clone(),
            pre,
            places: places(component),
            quarantine: Quarantine::new(&shared.space, C::KIND),
            kept: Arc::new(Kept { most, idle: Mutex::default() }),
        };
        if most > 0 {
            let idle: Weak<dyn Idle> = Arc::downgrade(&runner.kept) as Weak<dyn Idle>;
            sandbox.room.register(idle.clone());
            shared.share.instances.register(idle);
        }
        let deadline = Instant::now() + shared.bounds.wall_time;
        let live = match runner.place(deadline).await {
            Ok(place) => runner.limited(0, deadline, runner.fresh(place)).await,
            Err(fault) => Err(Unready::Fault(fault)),
        };
        let live = live.map_err(|unready| match unready {
            Unready::Settings(message) => LoadError::Settings { plugin: plugin.clone(), message },
            Unready::Fault(fault) => LoadError::SelfTest { plugin: plugin.clone(), fault },
        })?;
        runner.keep(live);
        Ok(runner)
    }

    /// How the plugin has been doing.
    pub(crate) fn health(&self) -> Health {
        self.quarantine.health()
    }

    /// Asks once for a caller, about documents of so many bytes. `question` calls the export; `read` checks and converts what it answered, and an answer that it
    /// refuses is a fault of the instance as much as a trap.
    pub(crate) async fn ask<T, V>(
        &self,
        caller: Caller<'_>,
        document_bytes: usize,
        question: impl for<'a> FnOnce(&'a C, &'a mut Store<Host>) -> Asked<'a, T> + Send,
        read: impl FnOnce(T) -> Result<V, Fault> + Send,
    ) -> Result<V, Fault> {
        let admission = self.quarantine.admit(caller)?;
        let answer = self.answer(document_bytes, question, read).await;
        admission.report(answer.as_ref().err());
        answer
    }

    async fn answer<T, V>(
        &self,
        document_bytes: usize,
        question: impl for<'a> FnOnce(&'a C, &'a mut Store<Host>) -> Asked<'a, T> + Send,
        read: impl FnOnce(T) -> Result<V, Fault> + Send,
    ) -> Result<V, Fault> {
        let deadline = Instant::now() + self.shared.bounds.wall_time;
        let start = match self.kept.take() {
            Some(live) => Start::Kept(live),
            None => Start::Fresh(self.place(deadline).await?),
        };
        let run = async {
            let mut live = match start {
                Start::Kept(live) => live,
                Start::Fresh(place) => self.fresh(place).await.map_err(Unready::into_fault)?,
            };
            live.calls += 1;
            live.store.data_mut().begin();
            match question(&live.guest, &mut live.store).await {
                Ok(answer) => {
                    live.store.data_mut().end();
                    match live.store.data().account.overdrawn() {
                        Some(overdrawn) => Err(overdrawn.into()),
                        None => Ok((live, read(answer)?)),
                    }
                }
                Err(e) => Err(classify(&e, &live.store.data().account)),
            }
        };
        let (live, verdict) = self.limited(document_bytes, deadline, run).await?;
        self.keep(live);
        Ok(verdict)
    }

    /// An instance whose call ended with an answer may have another, unless it keeps what is not its own.
    fn keep(&self, live: Live<C>) {
        if live.store.data().is_littered() {
            return;
        }
        self.kept.put(live, || self.sandbox.room.is_crowded() || self.shared.share.instances.is_crowded());
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

    /// Makes an instance and configures it.
    async fn fresh(&self, place: Place) -> Result<Live<C>, Unready> {
        let bounds = &self.shared.bounds;
        let mut store = Store::new(self.sandbox.engine(self.weight), Host::new(&self.shared));
        store.limiter(|host| &mut host.account);
        store.set_hostcall_fuel(bounds.bytes_out);
        store.set_max_component_handles(bounds.handles);
        // At every tick the guest yields, so that its time is looked at and its neighbours get their turn.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let guest = C::instantiate(&self.pre, &mut store).await;
        let guest = guest.map_err(|e| Unready::Fault(unmade(&e, &store.data().account)))?;
        match guest.configure(&mut store, &self.shared.settings).await {
            Ok(Ok(())) => Ok(Live { guest, store, calls: 0, _place: place }),
            Ok(Err(message)) => Err(Unready::Settings(clean(&message, MESSAGE_BYTES))),
            Err(e) => Err(Unready::Fault(classify(&e, &store.data().account))),
        }
    }
}

/// A component with more memories or tables than one of a compiled language has takes the room of several.
fn places(component: &Component) -> u32 {
    let needed = component.inner.code.resources_required();
    match component.inner.weight {
        Weight::Light => needed.map_or(1, |it| it.num_memories.max(it.num_tables.div_ceil(TABLES_PER_INSTANCE)).max(1)),
        Weight::Heavy => 1,
    }
}

/// Where an instance comes from.
enum Start<C> {
    Kept(Live<C>),
    Fresh(Place),
}

impl<C> Kept<C> {
    fn take(&self) -> Option<Live<C>> {
        if self.most == 0 {
            return None;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps an instance whose call ended with an answer, unless somebody waits for its place; what is not kept is
    /// dropped outside the lock.
    fn put(&self, live: Live<C>, crowded: impl FnOnce() -> bool) {
        if self.most == 0 || live.calls >= CALLS_PER_INSTANCE {
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
