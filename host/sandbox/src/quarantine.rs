//! A plugin that fails again and again is not asked for a while, so that it cannot use up the machine by failing.
//!
//! The rule: 16 faults in a row, with no answer between them, lead to quarantine; after it one call tries whether the
//! plugin is well again, an answer ends it, and a fault makes the next one twice as long, up to 30 seconds. Runs are
//! counted twice: for each caller by itself, and for the plugin.
//!
//! - A caller's run closes the plugin to that caller only. So whoever crafts messages that make a plugin fail loses the
//!   plugin for themselves, and their neighbours keep it.
//! - The plugin's run closes it to everybody, but only when it comes from several callers, or from a hook that knows
//!   no caller: then it is the plugin that is ill. An answer to anybody ends that run.
//!
//! Who calls is what the hook knows: the identity, or before there is one the address without its port. The callers
//! that are remembered are those who had a fault since their last answer, and not more than 1,024 of them; the oldest
//! is forgotten first.

mod run;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use witgate_policy::store::Space;
use witgate_policy::{Fault, Identity, Stage};

use crate::health::{Condition, Health, LastFault};
use crate::log::clean;
use run::Run;

/// Callers whose faults make up a plugin's run. One may have bad luck, two may be one person; three agree.
const SEVERAL: usize = 3;
/// Callers that are remembered for one plugin: some 64 KiB.
const REMEMBERED: usize = 1 << 10;

/// Who a call is from, as far as its hook knows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// Who was admitted.
    Known(&'a Identity),
    /// Who is still to be found out: address and port.
    Address(&'a str),
    /// The hook is not told.
    Unknown,
}

impl Caller<'_> {
    fn name(self) -> String {
        match self {
            Self::Known(identity) => clean(&identity.subject, 256),
            Self::Address(address) => clean(&host(address), 256),
            Self::Unknown => String::new(),
        }
    }
}

/// An address without its port. A network of IPv6 is one caller, since one caller has all of its addresses.
fn host(address: &str) -> String {
    match address.parse::<SocketAddr>().map(|address| address.ip().to_canonical()) {
        Ok(IpAddr::V4(host)) => host.to_string(),
        Ok(IpAddr::V6(host)) => format!("{}/64", Ipv6Addr::from_bits(host.to_bits() & !0 << 64)),
        Err(_) => address.to_owned(),
    }
}

/// The state of one plugin in one kind.
#[derive(Debug)]
pub(crate) struct Quarantine {
    space: Space,
    kind: Stage,
    /// Secret, so that nobody can choose identities that meet in one key.
    keys: RandomState,
    calls: AtomicU64,
    /// Whether anybody had a fault since their last answer. While nobody had, the calls of all threads pass without the
    /// lock: there is nothing to look up, and an answer changes nothing.
    troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: Run,
    /// Who the plugin's run is from: several, when there are as many as that.
    from: Vec<u64>,
    callers: HashMap<u64, Run>,
    faults: u64,
    refused: u64,
    last: Option<(Instant, Fault)>,
}

/// A call that may be made. Dropped without a report, it says nothing about the plugin.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    quarantine: &'a Quarantine,
    caller: Caller<'a>,
    /// This call tries whether the plugin is well again: for everybody, for its caller.
    trial: bool,
    caller_trial: bool,
}

impl Quarantine {
    pub(crate) fn new(space: &Space, kind: Stage) -> Self {
        let (calls, troubled, state) = Default::default();
        Self { space: space.clone(), kind, keys: RandomState::new(), calls, troubled, state }
    }

    /// Whether the plugin may be asked now.
    pub(crate) fn admit<'a>(&'a self, caller: Caller<'a>) -> Result<Admission<'a>, Fault> {
        let mut admission = Admission { quarantine: self, caller, trial: false, caller_trial: false };
        if !self.troubled.load(Ordering::Acquire) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            return Ok(admission);
        }
        let mut state = self.state();
        let now = Instant::now();
        // Their own quarantine comes first: who is in one makes no trial for the others.
        let key = if state.callers.is_empty() { None } else { self.key(caller) };
        let own = key.and_then(|key| state.callers.get(&key));
        if let Some(left) = own.and_then(|run| run.closed(now)) {
            return Err(state.refuse(left, "for this caller"));
        }
        if let Some(left) = state.all.closed(now) {
            return Err(state.refuse(left, "for every caller"));
        }
        admission.caller_trial = key.and_then(|key| state.callers.get_mut(&key)).is_some_and(Run::try_again);
        admission.trial = state.all.try_again();
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(admission)
    }

    /// How the plugin does.
    pub(crate) fn health(&self) -> Health {
        let state = self.state();
        let now = Instant::now();
        let closed = state.callers.values().filter(|run| run.is_closed()).count();
        let condition = match state.all.quarantined(now) {
            Some((since, left)) => Condition::Quarantined { since, left },
            None if closed > 0 => Condition::Partly { callers: u32::try_from(closed).unwrap_or(u32::MAX) },
            None => Condition::Well,
        };
        let last = state.last.as_ref();
        let last_fault = last.map(|(at, fault)| LastFault {
            label: fault.label(),
            text: fault.to_string(),
            ago: now.saturating_duration_since(*at),
        });
        let calls = self.calls.load(Ordering::Relaxed);
        let State { faults, refused, .. } = *state;
        Health { kind: self.kind, condition, faults_in_a_row: state.all.faults(), calls, faults, refused, last_fault }
    }

    fn key(&self, caller: Caller<'_>) -> Option<u64> {
        match caller {
            Caller::Known(identity) => Some(self.keys.hash_one((&identity.issuer, &identity.subject))),
            Caller::Address(address) => Some(self.keys.hash_one(host(address))),
            Caller::Unknown => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, caller: Caller<'_>) {
        if !self.troubled.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state();
        if !state.callers.is_empty()
            && let Some(key) = self.key(caller)
        {
            state.callers.remove(&key);
        }
        let was = std::mem::take(&mut state.all);
        state.from.clear();
        self.troubled.store(!state.callers.is_empty(), Ordering::Release);
        drop(state);
        if was.is_closed() {
            let (tenant, plugin, stage, faults) =
                (&*self.space.tenant, &*self.space.plugin, self.kind.as_str(), was.faults());
            tracing::info!(tenant, plugin, stage, faults, "the plugin answers again and leaves quarantine");
        }
    }

    fn failed(&self, admission: &Admission<'_>, fault: &Fault) {
        let now = Instant::now();
        let mut state = self.state();
        state.faults += 1;
        self.troubled.store(true, Ordering::Release);
        state.last = Some((now, fault.clone()));
        let key = self.key(admission.caller);
        let own = key.and_then(|key| state.caller(key, now).fault(admission.caller_trial, true, now));
        let several = state.suspect(key);
        let all = state.all.fault(admission.trial, several, now);
        let faults = state.all.faults();
        drop(state);
        let (tenant, plugin, stage) = (&*self.space.tenant, &*self.space.plugin, self.kind.as_str());
        if let Some(length) = all {
            let why = "the plugin is in quarantine: it failed again and again";
            tracing::warn!(tenant, plugin, stage, faults, ?length, label = fault.label(), "{why}; it {fault}");
        } else if let Some(length) = own {
            let caller = admission.caller.name();
            let why = "the plugin is in quarantine for one caller, whose messages made it fail again and again";
            tracing::warn!(tenant, plugin, stage, caller, ?length, label = fault.label(), "{why}; it {fault}");
        }
    }
}

impl State {
    fn refuse(&mut self, left: std::time::Duration, whom: &str) -> Fault {
        self.refused += 1;
        let last = self.last.as_ref().map(|(_, fault)| fault.to_string()).unwrap_or_default();
        Fault::Unavailable(format!("in quarantine {whom} for {left:.1?} after faults in a row, the last: it {last}"))
    }

    /// A caller's run; room is made for it if need be.
    fn caller(&mut self, key: u64, now: Instant) -> &mut Run {
        if self.callers.len() >= REMEMBERED && !self.callers.contains_key(&key) {
            let oldest = self.callers.iter().min_by_key(|(_, run)| run.last()).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.callers.remove(&oldest));
        }
        self.callers.entry(key).or_insert_with(|| Run::begun(now))
    }

    /// Adds whoever caused a fault to those whom the plugin's run is from, and says whether they are several.
    fn suspect(&mut self, key: Option<u64>) -> bool {
        match key {
            None => self.from.resize(SEVERAL, 0),
            Some(key) if self.from.len() < SEVERAL && !self.from.contains(&key) => self.from.push(key),
            Some(_) => {}
        }
        self.from.len() >= SEVERAL
    }
}

impl Admission<'_> {
    /// How the call ended.
    pub(crate) fn report(self, fault: Option<&Fault>) {
        match fault {
            None => self.quarantine.answered(self.caller),
            // What was not asked has not failed.
            Some(Fault::Unavailable(_)) => {}
            Some(fault) => self.quarantine.failed(&self, fault),
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.trial && !self.caller_trial {
            return;
        }
        let mut state = self.quarantine.state();
        if self.trial {
            state.all.end_trial();
        }
        if self.caller_trial
            && let Some(run) = self.quarantine.key(self.caller).and_then(|key| state.callers.get_mut(&key))
        {
            run.end_trial();
        }
    }
}

#[cfg(test)]
mod tests;
