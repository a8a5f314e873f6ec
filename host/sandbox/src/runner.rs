//! Asks one plugin of one kind: a fresh instance or one that was kept, within its limits, and never one that failed.
//!
//! The rules: an instance is fresh for each call unless the operator opted into reuse; an instance belongs to one
//! loaded plugin and so to one tenant; an instance whose call did not end with an answer (a fault, a deadline, a caller
//! who went away) is dropped, never kept. Dropping the future at any point leaves nothing behind.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use witgate_policy::Fault;

use crate::engine::Weight;
use crate::error::LoadError;
use crate::fault::classify;
use crate::guest_time;
use crate::health::Health;
use crate::host::{Host, Shared};
use crate::kind::Contract;
use crate::log::clean;
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
    quarantine: Quarantine,
    kept: Kept<C>,
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
    _slot: OwnedSemaphorePermit,
}

impl<C: Contract> Runner<C> {
    /// Checks the exports, and makes one instance as a self test.
    pub(crate) async fn load(
        sandbox: &Arc<Sandbox>,
        weight: Weight,
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
            weight,
            shared: shared.clone(),
            pre,
            quarantine: Quarantine::new(&shared.space, C::KIND),
            kept: Kept { most, idle: Mutex::default() },
        };
        let slot = sandbox.slot(shared.bounds.wall_time).await.map_err(Unready::Fault);
        let live = match slot {
            Ok(slot) => runner.limited(0, runner.fresh(slot)).await,
            Err(unready) => Err(unready),
        };
        let live = live.map_err(|unready| match unready {
            Unready::Settings(message) => LoadError::Settings { plugin: plugin.clone(), message },
            Unready::Fault(fault) => LoadError::SelfTest { plugin: plugin.clone(), fault },
        })?;
        runner.kept.put(live);
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
        let start = match self.kept.take() {
            Some(live) => Start::Kept(live),
            None => Start::Fresh(self.sandbox.slot(self.shared.bounds.wall_time).await?),
        };
        let run = async {
            let mut live = match start {
                Start::Kept(live) => live,
                Start::Fresh(slot) => self.fresh(slot).await.map_err(Unready::into_fault)?,
            };
            live.calls += 1;
            live.store.data_mut().begin();
            match question(&live.guest, &mut live.store).await {
                Ok(answer) => Ok((live, read(answer)?)),
                Err(e) => Err(classify(&e, &live.store.data().account)),
            }
        };
        let (live, verdict) = self.limited(document_bytes, run).await?;
        self.kept.put(live);
        Ok(verdict)
    }

    /// Within the limits on time.
    async fn limited<T, E: From<Fault>>(
        &self,
        document_bytes: usize,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let bounds = &self.shared.bounds;
        let guest_time = bounds.guest_time_for(document_bytes);
        let run = guest_time::limited(guest_time, &self.sandbox.ticker, run);
        match tokio::time::timeout(bounds.wall_time, run).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(guest_time::Exceeded)) => Err(Fault::Deadline { limit: guest_time, clock: "guest time" }.into()),
            Err(_) => Err(Fault::Deadline { limit: bounds.wall_time, clock: "wall-clock time" }.into()),
        }
    }

    /// Makes an instance and configures it.
    async fn fresh(&self, slot: OwnedSemaphorePermit) -> Result<Live<C>, Unready> {
        let bounds = &self.shared.bounds;
        let mut store = Store::new(self.sandbox.engine(self.weight), Host::new(&self.shared));
        store.limiter(|host| &mut host.account);
        store.set_hostcall_fuel(bounds.bytes_out);
        store.set_max_component_handles(bounds.handles);
        // At every tick the guest yields, so that its time is looked at and its neighbours get their turn.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let guest = C::instantiate(&self.pre, &mut store).await;
        let guest = guest.map_err(|e| Unready::Fault(classify(&e, &store.data().account)))?;
        match guest.configure(&mut store, &self.shared.settings).await {
            Ok(Ok(())) => Ok(Live { guest, store, calls: 0, _slot: slot }),
            Ok(Err(message)) => Err(Unready::Settings(clean(&message, MESSAGE_BYTES))),
            Err(e) => Err(Unready::Fault(classify(&e, &store.data().account))),
        }
    }
}

/// Where an instance comes from.
enum Start<C> {
    Kept(Live<C>),
    Fresh(OwnedSemaphorePermit),
}

impl<C> Kept<C> {
    fn take(&self) -> Option<Live<C>> {
        if self.most == 0 {
            return None;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps an instance whose call ended with an answer; what there is no room for is dropped outside the lock.
    fn put(&self, live: Live<C>) {
        if self.most == 0 || live.calls >= CALLS_PER_INSTANCE {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most {
            idle.push(live);
        }
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
