//! Who waits for what on one connection: the gate's ids, and behind each a request with its own token and its own client.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{mpsc, oneshot};
use witgate_policy::Payload;

use crate::upstream::envelope::Outcome;
use crate::upstream::exchange::{Heard, Listener};
use crate::upstream::{Failed, Limits, meta};

/// A request without an answer.
struct Waiting {
    listener: Listener,
    /// Whether the server may have seen it.
    sent: bool,
    notes: mpsc::Sender<Heard>,
    /// Bytes of the notifications that wait.
    queued: Arc<AtomicUsize>,
    end: oneshot::Sender<Result<Outcome, Failed>>,
}

/// The other ends of a [`Waiting`].
pub(super) struct Ears {
    pub(super) id: u64,
    pub(super) notes: mpsc::Receiver<Heard>,
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) end: oneshot::Receiver<Result<Outcome, Failed>>,
}

/// The requests of one connection that wait.
pub(super) struct Table {
    waiting: HashMap<u64, Waiting>,
    next: u64,
    closed: Option<Arc<str>>,
    limits: Limits,
    /// Answers that nobody waits for (any more).
    pub(super) strays: u64,
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self { waiting: HashMap::new(), next: 1, closed: None, limits, strays: 0 }
    }

    /// Why the connection is closed, if it is.
    pub(super) fn closed(&self) -> Option<&Arc<str>> {
        self.closed.as_ref()
    }

    /// Gives a request its id.
    pub(super) fn enter(&mut self, listener: Listener) -> Result<Ears, Failed> {
        if let Some(why) = &self.closed {
            return Err(Failed::not_sent(&**why));
        }
        if self.waiting.len() >= self.limits.in_flight {
            return Err(Failed::not_sent(format!("{} requests already wait for this server", self.waiting.len())));
        }
        let id = self.next;
        self.next += 1;
        let (notes_in, notes) = mpsc::channel(self.limits.queue_notifications.max(1));
        let (end_in, end) = oneshot::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let waiting = Waiting { listener, sent: false, notes: notes_in, queued: queued.clone(), end: end_in };
        self.waiting.insert(id, waiting);
        Ok(Ears { id, notes, queued, end })
    }

    /// The request is being written. `false`: nobody waits for it any more, so that it need not be.
    pub(super) fn sending(&mut self, id: u64) -> bool {
        self.waiting.get_mut(&id).map(|waiting| waiting.sent = true).is_some()
    }

    /// Nobody waits any more. Says whether the server has to be told.
    pub(super) fn leave(&mut self, id: u64) -> bool {
        self.waiting.remove(&id).is_some_and(|waiting| waiting.sent && self.closed.is_none())
    }

    /// An answer has come.
    pub(super) fn answer(&mut self, id: Option<u64>, outcome: Outcome) {
        match id.and_then(|id| self.waiting.remove(&id)) {
            // Whoever does not listen any more has lost it.
            Some(waiting) => drop(waiting.end.send(Ok(outcome))),
            None => self.strays += 1,
        }
    }

    /// A notification has come. Says whether it found whom it belongs to.
    pub(super) fn notify(&mut self, method: String, params: Payload) -> bool {
        let id = match method.as_str() {
            "notifications/progress" => params.read::<u64>("/progressToken"),
            "notifications/message" => self.logs_for(),
            _ => params.read::<u64>("/_meta/io.modelcontextprotocol~1subscriptionId"),
        };
        let Some(waiting) = id.and_then(|id| self.waiting.get(&id)) else { return false };
        let params = match (method.as_str(), &waiting.listener.token) {
            ("notifications/progress", None) => return false,
            ("notifications/progress", Some(token)) => meta::restore(&params, token, self.limits.message).ok(),
            ("notifications/message", _) => waiting.listener.wish.wants(&params).then_some(params),
            _ => Some(params),
        };
        params.is_some_and(|params| waiting.push(method, params, self.limits.message.bytes))
    }

    /// Whose log line it must be: the only request's; the latest one's when all are of one caller; else nobody can say.
    fn logs_for(&self) -> Option<u64> {
        let mut requests = self.waiting.iter().filter(|(_, waiting)| waiting.sent && !waiting.listener.internal);
        let (first, waiting) = requests.next()?;
        requests.try_fold(*first, |latest, (id, other)| {
            (other.listener.caller == waiting.listener.caller).then_some(latest.max(*id))
        })
    }

    /// The connection is gone: who waits is told why, and those whose request was never written that it was not.
    pub(super) fn close(&mut self, why: &Arc<str>) {
        if self.closed.is_none() {
            self.closed = Some(why.clone());
        }
        for (_, waiting) in self.waiting.drain() {
            let failed = if waiting.sent { Failed::no_reply(&**why) } else { Failed::not_sent(&**why) };
            let _ = waiting.end.send(Err(failed));
        }
    }
}

impl Waiting {
    /// Lost when the client does not keep up: its answer matters more.
    fn push(&self, method: String, params: Payload, max_bytes: usize) -> bool {
        let bytes = params.len();
        if self.queued.fetch_add(bytes, Relaxed).saturating_add(bytes) > max_bytes {
            self.queued.fetch_sub(bytes, Relaxed);
            return false;
        }
        let kept = self.notes.try_send(Heard::Note { method, params }).is_ok();
        if !kept {
            self.queued.fetch_sub(bytes, Relaxed);
        }
        kept
    }
}
