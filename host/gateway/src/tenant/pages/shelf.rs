//! Where pages are kept: so many bytes for each tenant, and for all of them together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;
use witgate_policy::{Identity, Lookup, Payload};

/// Bytes that are kept for a tenant. Beyond them the older half goes.
const MOST_BYTES: usize = 16 << 20;
/// Bytes that are kept for all tenants. Beyond them nothing more is, but in the place of a tenant's own.
const ALL_BYTES: usize = 256 << 20;
/// No page takes more than this.
const PAGE_BYTES: usize = MOST_BYTES / 4;
/// What a page takes beside its text and its key: what is noted of it, and its place.
const EACH_BYTES: usize = 4 << 10;
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) upstream: Arc<str>,
    pub(super) what: Lookup,
    /// The parameters that may matter, and what is told of the client.
    pub(super) params: String,
    /// Whose it is; `None` for everybody's.
    pub(super) caller: Option<Arc<Identity>>,
}

pub(super) struct Page {
    pub(super) payload: Payload,
    pub(super) since: Instant,
    pub(super) until: Instant,
    pub(super) version: u64,
}

/// What one tenant keeps.
pub(super) struct Shelf {
    pub(super) pages: HashMap<Key, Page>,
    bytes: usize,
    /// How often something turned out to be wrong.
    pub(super) mistakes: u64,
    room: &'static Room,
}

/// What all tenants keep together.
pub(super) struct Room {
    most: usize,
    used: AtomicUsize,
    shelves: Mutex<Vec<Weak<Mutex<Shelf>>>>,
}

pub(super) static ROOM: Room = Room::new(ALL_BYTES);

impl Room {
    const fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0), shelves: Mutex::new(Vec::new()) }
    }

    pub(super) fn is_full(&self, bytes: usize) -> bool {
        self.used.load(Relaxed) + bytes > self.most
    }

    pub(super) fn register(&self, shelf: &Arc<Mutex<Shelf>>) {
        let mut shelves = lock(&self.shelves);
        shelves.retain(|shelf| shelf.strong_count() > 0);
        shelves.push(Arc::downgrade(shelf));
    }

    /// Without what is out of date, also of tenants that nobody asks. Those that are in use see to themselves.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        for shelf in lock(&self.shelves).iter().filter_map(Weak::upgrade) {
            if let Ok(mut shelf) = shelf.try_lock() {
                shelf.without(|_, page| page.until <= now);
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    pub(super) fn new(room: &'static Room) -> Self {
        Self { pages: HashMap::new(), bytes: 0, mistakes: 0, room }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some((key, page)) = self.pages.remove_entry(key) {
            self.less(weight(&key, &page));
        }
    }

    /// Keeps a page, unless it is too long, or there is no room that is this tenant's to give.
    pub(super) fn keep(&mut self, key: Key, page: Page) {
        let bytes = weight(&key, &page);
        if bytes > PAGE_BYTES {
            return;
        }
        self.remove(&key);
        if self.is_full(bytes) {
            let now = Instant::now();
            self.without(|_, page| page.until <= now);
        }
        while self.is_full(bytes) && bytes <= self.bytes {
            let mut ages: Vec<_> = self.pages.values().map(|page| page.since).collect();
            let middle = (ages.len() - 1) / 2;
            let middle = *ages.select_nth_unstable(middle).1;
            self.without(|_, page| page.since <= middle);
        }
        if !self.is_full(bytes) {
            self.bytes += bytes;
            self.room.used.fetch_add(bytes, Relaxed);
            self.pages.insert(key, page);
        }
    }

    fn is_full(&self, bytes: usize) -> bool {
        self.bytes + bytes > MOST_BYTES || self.room.is_full(bytes)
    }

    pub(super) fn without(&mut self, is_gone: impl Fn(&Key, &Page) -> bool) {
        let mut bytes = 0;
        self.pages.retain(|key, page| {
            let gone = is_gone(key, page);
            bytes += if gone { weight(key, page) } else { 0 };
            !gone
        });
        self.less(bytes);
    }

    fn less(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.room.used.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Relaxed);
    }
}

pub(super) fn weight(key: &Key, page: &Page) -> usize {
    page.payload.len() + key.params.len() + key.caller.as_deref().map_or(0, size) + EACH_BYTES
}

pub(super) fn size(identity: &Identity) -> usize {
    let Identity { subject, issuer, scopes, claims } = identity;
    let scopes = scopes.iter().map(String::len).sum::<usize>();
    let claims = claims.iter().map(|claim| claim.name.len() + claim.value.len()).sum::<usize>();
    subject.len() + issuer.len() + scopes + claims
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page(bytes: usize, since: Instant, lives: Duration) -> Page {
        Page { payload: Payload::of(&"x".repeat(bytes - 2)), since, until: since + lives, version: 1 }
    }

    fn key(number: usize) -> Key {
        Key { upstream: "a".into(), what: Lookup::Tools, params: format!("{number:04}"), caller: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_goes_first_and_then_what_is_older() {
        let hour = Duration::from_hours(1);
        let mut shelf = Shelf::new(Box::leak(Box::new(Room::new(ALL_BYTES))));
        let bytes = PAGE_BYTES - EACH_BYTES - 4;
        for number in 0..4 {
            let lives = if number == 1 { Duration::from_mins(1) } else { hour };
            shelf.keep(key(number), page(bytes, Instant::now(), lives));
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        let there =
            |shelf: &Shelf| (0..10).filter(|number| shelf.pages.contains_key(&key(*number))).collect::<Vec<_>>();
        assert_eq!((there(&shelf), shelf.bytes), (vec![0, 1, 2, 3], MOST_BYTES));
        shelf.keep(key(7), page(bytes, Instant::now(), hour));
        assert_eq!(there(&shelf), [0, 2, 3, 7], "the second's time was over");
        tokio::time::advance(Duration::from_secs(20)).await;
        shelf.keep(key(8), page(bytes, Instant::now(), hour));
        assert_eq!(there(&shelf), [3, 7, 8]);
        shelf.keep(key(9), page(bytes + 1, Instant::now(), hour));
        assert_eq!(there(&shelf), [3, 7, 8], "too long");
        shelf.keep(key(8), page(10, Instant::now(), hour));
        assert_eq!(shelf.bytes, 2 * PAGE_BYTES + 10 + 4 + EACH_BYTES);
        shelf.without(|key, _| key.params != "0008");
        assert_eq!((there(&shelf), shelf.bytes), (vec![8], 10 + 4 + EACH_BYTES));
    }

    #[tokio::test(start_paused = true)]
    async fn all_tenants_together_have_a_limit() {
        let room: &'static Room = Box::leak(Box::new(Room::new(MOST_BYTES)));
        let shelves: Vec<_> = (0..3).map(|_| Arc::new(Mutex::new(Shelf::new(room)))).collect();
        for shelf in &shelves {
            room.register(shelf);
        }
        let bytes = PAGE_BYTES - EACH_BYTES - 4;
        let keep = |shelf: usize, number, minutes| {
            lock(&shelves[shelf]).keep(key(number), page(bytes, Instant::now(), Duration::from_mins(minutes)));
            tokio::time::advance(Duration::from_secs(1))
        };
        let counts = || shelves.iter().map(|shelf| lock(shelf).pages.len()).collect::<Vec<_>>();
        for (shelf, number, minutes) in [(0, 0, 1), (0, 1, 60), (1, 0, 60), (1, 1, 60), (2, 0, 60)] {
            keep(shelf, number, minutes).await;
        }
        assert_eq!(counts(), [2, 2, 0], "nobody makes room for another");
        keep(1, 2, 60).await;
        assert!(counts() == [2, 2, 0] && lock(&shelves[1]).pages.contains_key(&key(2)), "but for itself");
        tokio::time::advance(Duration::from_mins(1)).await;
        room.sweep();
        keep(2, 0, 60).await;
        assert_eq!((counts(), room.used.load(Relaxed)), (vec![1, 2, 1], MOST_BYTES));
        drop(shelves);
        assert_eq!(room.used.load(Relaxed), 0);
    }
}
