//! Who waits for what on one connection: the gate's ids, and behind each a request with its own token and its own client.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;
use witgate_policy::Payload;

use crate::upstream::envelope::Outcome;
use crate::upstream::exchange::Listener;
use crate::upstream::inlet::{Inbox, Inlet, inlet};
use crate::upstream::{Failed, Limits, meta};

/// A request without an answer.
struct Waiting {
    listener: Listener,
    /// Whether the server may have seen it.
    sent: bool,
    notes: Inlet,
    end: oneshot::Sender<Result<Outcome, Failed>>,
}

/// The other ends of a [`Waiting`].
pub(super) struct Ears {
    pub(super) id: u64,
    pub(super) notes: Inbox,
    pub(super) end: oneshot::Receiver<Result<Outcome, Failed>>,
}

/// A request that is being written.
pub(super) struct Sending<'a> {
    pub(super) inlet: &'a Inlet,
    pub(super) internal: bool,
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
        let (notes_in, notes) = inlet(&self.limits);
        let (end_in, end) = oneshot::channel();
        self.waiting.insert(id, Waiting { listener, sent: false, notes: notes_in, end: end_in });
        Ok(Ears { id, notes, end })
    }

    /// The request is being written. `None`: nobody waits for it any more, so that it need not be.
    pub(super) fn sending(&mut self, id: u64) -> Option<Sending<'_>> {
        let waiting = self.waiting.get_mut(&id)?;
        waiting.sent = true;
        Some(Sending { inlet: &waiting.notes, internal: waiting.listener.internal })
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

    /// An answer has come that is none.
    pub(super) fn fail(&mut self, id: u64, failed: Failed) {
        match self.waiting.remove(&id) {
            Some(waiting) => drop(waiting.end.send(Err(failed))),
            None => self.strays += 1,
        }
    }

    /// A notification has come. Says whether it found whom it belongs to.
    pub(super) fn notify(&mut self, method: &str, params: &Payload) -> bool {
        let id = match method {
            "notifications/progress" => params.read::<u64>("/progressToken"),
            "notifications/message" => self.logs_for(),
            _ => params.read::<u64>("/_meta/io.modelcontextprotocol~1subscriptionId"),
        };
        let Some(waiting) = id.and_then(|id| self.waiting.get(&id)) else { return false };
        let params = match (method, &waiting.listener.token) {
            ("notifications/progress", None) => return true,
            ("notifications/progress", Some(token)) => meta::restore(params, token, self.limits.message).ok(),
            ("notifications/message", _) => waiting.listener.wish.wants(params).then(|| params.clone()),
            _ => Some(params.clone()),
        };
        if let Some(params) = params {
            waiting.notes.note(method.to_owned(), params);
        }
        true
    }

    /// Whose log line it must be: the only request's; the latest one's when all are of one caller; else nobody can say.
    fn logs_for(&self) -> Option<u64> {
        let mut requests = self.waiting.iter().filter(|(_, waiting)| waiting.sent && !waiting.listener.internal);
        let (first, waiting) = requests.next()?;
        requests.try_fold(*first, |latest, (id, other)| {
            (other.listener.caller == waiting.listener.caller).then_some(latest.max(*id))
        })
    }

    /// The connection is gone: who waits is told why, and those whose request was never written that it was not. Says
    /// whether it was there until now.
    pub(super) fn close(&mut self, why: &Arc<str>) -> bool {
        let first = self.closed.is_none();
        if first {
            self.closed = Some(why.clone());
        }
        for (_, waiting) in self.waiting.drain() {
            let failed = if waiting.sent { Failed::no_reply(&**why) } else { Failed::not_sent(&**why) };
            let _ = waiting.end.send(Err(failed));
        }
        first
    }
}
