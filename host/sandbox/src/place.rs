//! Room for instances: the sandbox's, and within it each tenant's share. An instance has a place in both as long as it
//! lives.
//!
//! Instances that are kept for further calls have places too. When somebody else waits for one they give way, so that
//! idle instances hold up nobody.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Who keeps instances that nobody uses at the moment.
pub(crate) trait Idle: Send + Sync {
    /// Ends one of them; `false` when there is none.
    fn give_way(&self) -> bool;

    /// Ends those that nobody asked for and nobody used since a tick of the clock.
    fn rest(&self, before: u64);
}

/// So many places.
pub(crate) struct Room {
    places: Arc<Semaphore>,
    size: Mutex<u32>,
    /// How many wait for a place.
    waiting: AtomicU32,
    idle: Mutex<Vec<Weak<dyn Idle>>>,
}

/// The places of one instance.
#[derive(Debug)]
pub(crate) struct Place {
    _sandbox: OwnedSemaphorePermit,
    _share: OwnedSemaphorePermit,
}

/// No place was free until the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// In the tenant's share.
    Share(u32),
    /// In the sandbox.
    Sandbox(u32),
}

impl Room {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            places: Arc::new(Semaphore::new(size as usize)),
            size: Mutex::new(size),
            waiting: AtomicU32::new(0),
            idle: Mutex::default(),
        }
    }

    /// So many places from now on. What is in use above that goes on, and is not given again when it ends; what is idle
    /// ends. Needs a tokio runtime.
    pub(crate) fn resize(&self, to: u32) {
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_room(size.saturating_sub(to));
        resize(&self.places, *size, to);
        *size = to;
    }

    fn size(&self) -> u32 {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers whoever keeps instances here.
    pub(crate) fn register(&self, idle: Weak<dyn Idle>) {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|there| there.strong_count() > 0);
        all.push(idle);
    }

    /// Whether somebody waits, so that nobody may keep an idle instance.
    pub(crate) fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// How many places are free.
    pub(crate) fn free(&self) -> usize {
        self.places.available_permits()
    }

    async fn enter(&self, places: u32, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.places.clone().try_acquire_many_owned(places) {
            return Some(permit);
        }
        // Counted before the idle are asked: who becomes idle later sees it, who was before gives way.
        let _waiting = Waiting::new(&self.waiting);
        self.make_room(places);
        timeout_at(deadline, self.places.clone().acquire_many_owned(places)).await.ok()?.ok()
    }

    /// Ends recycled instances that nobody used since a tick of the clock.
    pub(crate) fn rest(&self, before: u64) {
        for keeper in self.keepers() {
            keeper.rest(before);
        }
    }

    fn keepers(&self) -> Vec<Arc<dyn Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// Ends idle instances until there are places, or no idle instances.
    fn make_room(&self, places: u32) {
        for keeper in self.keepers() {
            while self.free() < places as usize && keeper.give_way() {}
        }
    }
}

/// One who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A place for one more instance: in the share first, so that a tenant whose share is full waits for itself alone.
pub(crate) async fn enter(share: &Room, sandbox: &Room, places: u32, deadline: Instant) -> Result<Place, Full> {
    let in_share = share.enter(places, deadline).await.ok_or(Full::Share(share.size()))?;
    let in_sandbox = sandbox.enter(places, deadline).await.ok_or(Full::Sandbox(sandbox.size()))?;
    Ok(Place { _sandbox: in_sandbox, _share: in_share })
}

/// Adds permits, or takes them away: at once what nobody has, the others when they come back.
pub(crate) fn resize(semaphore: &Arc<Semaphore>, from: u32, to: u32) {
    semaphore.add_permits(to.saturating_sub(from) as usize);
    let surplus = from.saturating_sub(to);
    let taken = u32::try_from(semaphore.forget_permits(surplus as usize)).unwrap_or(surplus);
    let owed = surplus.saturating_sub(taken);
    if owed > 0 {
        let semaphore = semaphore.clone();
        tokio::spawn(async move {
            if let Ok(permits) = semaphore.acquire_many_owned(owed).await {
                permits.forget();
            }
        });
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").field("size", &self.size()).field("free", &self.free()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_share_is_told_apart_from_a_full_sandbox() {
        let (ours, theirs, sandbox) = (Room::new(1), Room::new(9), Room::new(2));
        let first = enter(&ours, &sandbox, 1, soon()).await.expect("a place");
        assert_eq!(enter(&ours, &sandbox, 1, soon()).await.expect_err("full"), Full::Share(1));
        let second = enter(&theirs, &sandbox, 1, soon()).await.expect("a neighbour's place");
        assert_eq!(enter(&theirs, &sandbox, 1, soon()).await.expect_err("full"), Full::Sandbox(2));
        drop((first, second));
        assert_eq!((ours.free(), theirs.free(), sandbox.free()), (1, 9, 2));
        assert!(enter(&theirs, &sandbox, 2, soon()).await.is_ok());
        assert_eq!(enter(&theirs, &sandbox, 3, soon()).await.expect_err("never"), Full::Sandbox(2));
        assert_eq!(theirs.free(), 9, "who does not get in leaves nothing behind");
    }

    struct Keeper(Mutex<Vec<Place>>);

    impl Idle for Keeper {
        fn give_way(&self) -> bool {
            self.0.lock().expect("no panic").pop().is_some()
        }

        fn rest(&self, _: u64) {}
    }

    #[tokio::test(start_paused = true)]
    async fn idle_instances_give_way_when_there_is_no_other_place() {
        let (share, sandbox) = (Room::new(9), Room::new(3));
        let mut kept = Vec::new();
        for _ in 0..2 {
            kept.push(enter(&share, &sandbox, 1, soon()).await.expect("a place"));
        }
        let keeper: Arc<dyn Idle> = Arc::new(Keeper(Mutex::new(kept)));
        sandbox.register(Arc::downgrade(&keeper));
        let third = enter(&share, &sandbox, 1, soon()).await.expect("was free");
        assert_eq!(sandbox.free(), 0);
        let fourth = enter(&share, &sandbox, 1, soon()).await.expect("one gives way");
        assert_eq!((share.free(), sandbox.free()), (6, 0), "one, and not the other");
        drop((third, fourth));
        assert!(!sandbox.is_crowded() && !share.is_crowded());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_seen_and_no_longer_when_they_give_up() {
        let (share, sandbox) = (Room::new(9), Room::new(1));
        let first = enter(&share, &sandbox, 1, soon()).await.expect("a place");
        let mut waits = Box::pin(enter(&share, &sandbox, 1, soon()));
        assert!(poll_once(&mut waits).is_pending());
        assert!(sandbox.is_crowded() && !share.is_crowded());
        drop(waits);
        assert!(!sandbox.is_crowded());
        assert_eq!(share.free(), 8);
        drop(first);
    }

    fn poll_once<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> std::task::Poll<T> {
        future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
