use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use witgate_policy::store::Space;

use super::failure::Refused;
use crate::bindings::files::wasi::filesystem::types::ErrorCode;

/// Of the files that the process may have open, plugins may have one in so many, and those of one tenant one in
/// [`TENANT_PART`]: the rest is for the gate's own connections.
const ALL_PART: u64 = 2;
const TENANT_PART: u64 = 8;
/// What the plugins of one tenant may have done on blocking threads at once. A disk that does not answer keeps these
/// threads, even when the calls are long over, and not those that others need: there are 512.
const WORKS: u64 = 32;
/// The limits on open files that make sense of these parts, whatever the system says.
const OPEN_FILES: std::ops::RangeInclusive<u64> = 128..=8_192;

/// What outlives a generation, of all plugins: what they wrote, and what they may have open.
#[derive(Debug)]
pub(crate) struct Store {
    open_files: u64,
    open: Arc<Semaphore>,
    tenants: Mutex<HashMap<Arc<str>, Tenant>>,
    used: Mutex<HashMap<(Space, PathBuf), Arc<Used>>>,
}

/// What the plugins of one tenant share.
#[derive(Debug, Clone)]
struct Tenant {
    open: Arc<Semaphore>,
    works: Arc<Semaphore>,
}

/// The bytes that a plugin added to a folder. The lock is held while a file's size changes.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<u64>);

impl Used {
    pub(super) fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much it is, unless that changes right now: for who must not wait.
    pub(super) fn glance(&self) -> Option<u64> {
        self.0.try_lock().ok().map(|used| *used)
    }
}

/// What a tenant's plugins may have open, and under way.
#[derive(Debug, Clone)]
pub(super) struct Openings {
    all: Arc<Semaphore>,
    tenant: Tenant,
}

/// Leave to do one thing on a blocking thread, until it is done.
#[derive(Debug)]
pub(super) struct Work {
    _tenant: OwnedSemaphorePermit,
}

/// Leave to have one file open, until it is dropped.
#[derive(Debug)]
pub(super) struct Opening {
    _all: OwnedSemaphorePermit,
    _tenant: OwnedSemaphorePermit,
}

impl Openings {
    /// One more, or `busy`.
    pub(super) fn one(&self) -> Result<Opening, Refused> {
        Ok(Opening { _tenant: take(&self.tenant.open)?, _all: take(&self.all)? })
    }

    /// One more thing, or `busy`.
    pub(super) fn work(&self) -> Result<Work, Refused> {
        Ok(Work { _tenant: take(&self.tenant.works)? })
    }
}

fn take(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refused> {
    of.clone().try_acquire_owned().map_err(|_| Refused(ErrorCode::Busy))
}

impl Default for Store {
    fn default() -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let open_files = limit.clamp(*OPEN_FILES.start(), *OPEN_FILES.end());
        Self { open_files, open: permits(open_files / ALL_PART), tenants: Mutex::default(), used: Mutex::default() }
    }
}

impl Store {
    /// What the plugins of a tenant may have open and under way, all of them together.
    pub(super) fn openings(&self, tenant: &Arc<str>) -> Openings {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let part = || Tenant { open: permits(self.open_files / TENANT_PART), works: permits(WORKS) };
        Openings { all: self.open.clone(), tenant: tenants.entry(tenant.clone()).or_insert_with(part).clone() }
    }

    /// What a plugin added to a folder so far.
    pub(super) fn used(&self, space: &Space, host: PathBuf) -> Arc<Used> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.entry((space.clone(), host)).or_default().clone()
    }
}

fn permits(number: u64) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_under_way_is_bounded_for_a_tenant() {
        let store = Store::default();
        let (acme, again, other) =
            (store.openings(&"acme".into()), store.openings(&"acme".into()), store.openings(&"other".into()));
        let mut works: Vec<_> = (0..WORKS).map(|_| acme.work().expect("one of so many")).collect();
        assert_eq!(again.work().err(), Some(Refused(ErrorCode::Busy)));
        assert!(other.work().is_ok(), "another tenant's threads are its own");
        works.pop();
        assert!(again.work().is_ok());
    }
}
