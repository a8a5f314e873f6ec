use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;
use witgate_sandbox::Component;

use crate::case::Case;

/// What waits for one listener; more is lost.
const WAITING: usize = 64;

/// What a plugin was asked once, and answered. Not cleaned yet.
pub(crate) struct Recorded {
    pub(crate) case: Case,
    pub(crate) verdict: Value,
    /// Who answered.
    pub(crate) component: Component,
}

/// Whose questions somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) plugin: String,
    /// Of one tenant; of all that have a plugin of this name by default.
    pub(crate) tenant: Option<String>,
}

impl Wanted {
    /// Whether this is one of those meant.
    pub(crate) fn is(&self, tenant: &str, plugin: &str) -> bool {
        self.plugin == plugin && self.tenant.as_deref().is_none_or(|wanted| wanted == tenant)
    }
}

struct Listener {
    wanted: Wanted,
    sender: mpsc::Sender<Recorded>,
}

/// Where questions go that somebody listens to. One for a process; it outlives generations.
#[derive(Default)]
pub(crate) struct Tape {
    on: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
}

impl Tape {
    /// Listens until what comes back is dropped.
    pub(crate) fn listen(&self, wanted: Wanted) -> mpsc::Receiver<Recorded> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Listener { wanted, sender });
        self.on.store(true, Relaxed);
        receiver
    }

    /// Whether somebody may listen.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Gives what a plugin of a tenant was asked to those who want it, and have room for it. It is only made when there
    /// is one.
    pub(super) fn offer(&self, plugin: &str, tenant: &str, recorded: impl Fn() -> Recorded) {
        let places: Vec<_> = {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| !listener.sender.is_closed());
            self.on.store(!listeners.is_empty(), Relaxed);
            let wants = listeners.iter().filter(|listener| listener.wanted.is(tenant, plugin));
            wants.filter_map(|listener| listener.sender.clone().try_reserve_owned().ok()).collect()
        };
        for place in places {
            place.send(recorded());
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("on", &self.is_on()).finish_non_exhaustive()
    }
}
