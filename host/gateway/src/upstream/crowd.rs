//! Who listens to what servers say outside of calls, apart from whether they are connected: a crowd for all who share a
//! connection, and one for each client that has its own.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use witgate_policy::Payload;

use super::audience::Spot;
use super::board::Board;
use super::{Ask, Standing};

/// What waits for one slow listener; with more it is told that it missed something.
const WAITING: usize = 64;
/// Bytes of that together.
const WAITING_BYTES: usize = 1 << 20;

/// The crowds of one upstream, as long as somebody is in them.
#[derive(Default)]
pub(crate) struct Crowds(Mutex<HashMap<Spot, Weak<Crowd>>>);

/// Those who listen to one audience's connections.
pub(crate) struct Crowd {
    crowds: Weak<Crowds>,
    spot: Spot,
    ears: Mutex<Vec<Seat>>,
}

struct Seat {
    ear: Weak<Ear>,
    /// Has a connection of its own where the server is a legacy one, and shares this one else.
    modern_only: bool,
}

/// One listener.
#[derive(Default)]
pub(crate) struct Ear {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Standing>,
    bytes: usize,
    lapsed: bool,
    /// What it was asked, and where the answer goes.
    open: HashMap<String, Weak<Board>>,
}

impl Crowds {
    /// The crowd of an audience.
    pub(crate) fn of(self: &Arc<Self>, spot: &Spot) -> Arc<Crowd> {
        let mut crowds = lock(&self.0);
        if let Some(crowd) = crowds.get(spot).and_then(Weak::upgrade) {
            return crowd;
        }
        let crowd = Arc::new(Crowd { crowds: Arc::downgrade(self), spot: spot.clone(), ears: Mutex::default() });
        crowds.insert(spot.clone(), Arc::downgrade(&crowd));
        crowd
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let Some(crowds) = self.crowds.upgrade() else { return };
        let mut crowds = lock(&crowds.0);
        // Another may have taken its place already.
        if crowds.get(&self.spot).is_some_and(|crowd| crowd.strong_count() == 0) {
            crowds.remove(&self.spot);
        }
    }
}

impl Crowd {
    /// Takes in a listener.
    pub(crate) fn enter(&self, ear: &Arc<Ear>, modern_only: bool) {
        lock(&self.ears).push(Seat { ear: Arc::downgrade(ear), modern_only });
    }

    /// Lets out a listener.
    pub(crate) fn leave(&self, ear: &Arc<Ear>) {
        lock(&self.ears).retain(|seat| !std::ptr::eq(seat.ear.as_ptr(), Arc::as_ptr(ear)));
    }

    /// Whether somebody listens.
    pub(crate) fn listens(&self, modern: bool) -> bool {
        lock(&self.ears).iter().any(|seat| modern || !seat.modern_only)
    }

    /// Tells all a notification.
    pub(crate) fn tell(&self, modern: bool, method: &str, params: &Payload) {
        for ear in self.ears(modern) {
            ear.push(Standing::Notification { method: method.to_owned(), params: params.clone() }, params.len());
        }
    }

    /// Tells all that they may have missed something.
    pub(crate) fn lapse(&self, modern: bool) {
        self.ears(modern).iter().for_each(|ear| ear.lapse());
    }

    /// Asks the one who came last, if there is one who can take it.
    pub(crate) fn ask(&self, board: &Arc<Board>, ask: &Ask, method: &str, params: &Payload) -> Option<Weak<Ear>> {
        let ear = self.ears(false).pop()?;
        ear.ask(board, ask, method, params).then(|| Arc::downgrade(&ear))
    }

    fn ears(&self, modern: bool) -> Vec<Arc<Ear>> {
        let seats = lock(&self.ears);
        seats.iter().filter(|seat| modern || !seat.modern_only).filter_map(|seat| seat.ear.upgrade()).collect()
    }
}

impl Ear {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What comes next. Cancel safe.
    pub(crate) async fn next(&self) -> Standing {
        loop {
            let news = self.news.notified();
            if let Some(standing) = self.state().pop() {
                return standing;
            }
            news.await;
        }
    }

    fn push(&self, standing: Standing, bytes: usize) {
        let mut state = self.state();
        if state.queue.len() >= WAITING || state.bytes + bytes > WAITING_BYTES {
            state.overflow();
        } else {
            state.bytes += bytes;
            state.queue.push_back(standing);
        }
        drop(state);
        self.news.notify_one();
    }

    fn lapse(&self) {
        self.state().lapsed = true;
        self.news.notify_one();
    }

    fn ask(&self, board: &Arc<Board>, ask: &Ask, method: &str, params: &Payload) -> bool {
        let mut state = self.state();
        if state.queue.len() >= WAITING || state.bytes + params.len() > WAITING_BYTES {
            return false;
        }
        state.bytes += params.len();
        state.open.insert(ask.0.as_str().to_owned(), Arc::downgrade(board));
        state.queue.push_back(Standing::Request {
            ask: ask.clone(),
            method: method.to_owned(),
            params: params.clone(),
        });
        drop(state);
        self.news.notify_one();
        true
    }

    /// A request is taken back.
    pub(crate) fn withdraw(&self, ask: &Ask) {
        let mut state = self.state();
        if state.open.remove(ask.0.as_str()).is_some() {
            // Bounded by the requests that were open.
            state.queue.push_back(Standing::Withdrawn { ask: ask.clone() });
        }
        drop(state);
        self.news.notify_one();
    }

    /// Where a request came from that is answered now.
    pub(crate) fn close(&self, ask: &Ask) -> Option<Arc<Board>> {
        self.state().open.remove(ask.0.as_str())?.upgrade()
    }

    /// Where the requests came from that are still open.
    pub(crate) fn boards(&self) -> Vec<Arc<Board>> {
        self.state().open.values().filter_map(Weak::upgrade).collect()
    }
}

impl State {
    fn pop(&mut self) -> Option<Standing> {
        if std::mem::take(&mut self.lapsed) {
            return Some(Standing::Lapsed);
        }
        let standing = self.queue.pop_front()?;
        if let Standing::Notification { params, .. } | Standing::Request { params, .. } = &standing {
            self.bytes -= params.len();
        }
        Some(standing)
    }

    /// Notifications are lost, and nothing else is.
    fn overflow(&mut self) {
        self.lapsed = true;
        let bytes = &mut self.bytes;
        self.queue.retain(|standing| match standing {
            Standing::Notification { params, .. } => {
                *bytes -= params.len();
                false
            }
            _ => true,
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
