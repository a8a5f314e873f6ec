//! Calls that wait for their modern client to come back with answers, while a legacy server waits for those: each is
//! looked after by a task of its own, which hears what the server says meanwhile, and lets go when the time is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use witgate_policy::json::Edit;
use witgate_policy::{Identity, Payload, Reason, Refusal, Routed, Stage};

use super::shape::edited;
use crate::home;
use crate::upstream::{Ask, Event, Exchange, Failed, Reply};

/// So long a client may take to come back: a person reads, decides and types. A server's own patience is often shorter.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);

/// Calls that one caller may have waiting: more than a person answers in the time.
const PER_CALLER: usize = 16;

/// Calls that one tenant may have waiting. Each holds a connection of its own to a server, and a child where that is a
/// process.
const PER_TENANT: usize = 256;

/// What waiting calls may take of memory, with what their servers asked: of one caller, and of one tenant. A few that
/// carry files may wait at once, and very many that carry none.
const BYTES_PER_CALLER: usize = 32 << 20;
const BYTES_PER_TENANT: usize = 128 << 20;

/// Questions that one call may have open, and their bytes beside the first. A server that asks on hears an error.
const QUESTIONS: usize = 16;
const QUESTION_BYTES: usize = 1 << 20;

/// Notifications that are kept for a client that is away, and their bytes: what a server says within seconds.
const NOTES: usize = 64;
const NOTE_BYTES: usize = 256 * 1024;

/// What a server asked in the course of a call and was not answered yet.
#[derive(Debug)]
pub(super) struct Question {
    /// What the client calls it, in every round.
    pub(super) key: String,
    pub(super) ask: Ask,
    pub(super) method: String,
    /// As the server sent them.
    pub(super) params: Payload,
}

/// By which progress token the client knows a call.
#[derive(Debug)]
pub(super) enum Token {
    /// By that of its first request, which progress has already.
    First,
    /// By that of its retry, if it has one.
    Retry(Option<String>),
}

/// One call's talk with its server.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) exchange: Exchange,
    pub(super) open: Vec<Question>,
    /// What it told while its client was away, as far as there was room for it.
    pub(super) notes: Vec<(String, Payload)>,
    pub(super) token: Token,
    /// How it ended meanwhile.
    pub(super) ended: Option<Result<Reply, Failed>>,
    /// How often its client was asked.
    pub(super) rounds: u32,
    /// How many questions it had.
    count: u32,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) routed: Routed,
    pub(super) dialog: Dialog,
}

impl Dialog {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange, open: Vec::new(), notes: Vec::new(), token: Token::First, ended: None, rounds: 0, count: 0 }
    }

    /// Notes what the server says.
    pub(super) fn hear(&mut self, event: Result<Event, Failed>) {
        match event {
            Ok(Event::Request { ask, method, params }) if self.has_room(&params) => {
                self.count += 1;
                self.open.push(Question { key: format!("request-{}", self.count), ask, method, params });
            }
            Ok(Event::Request { ask, .. }) => {
                self.exchange.answer(&ask, super::talk::error("too many requests are open at once"));
            }
            Ok(Event::Withdrawn { ask }) => self.open.retain(|question| question.ask != ask),
            Ok(Event::Notification { method, params }) => {
                let bytes: usize = self.notes.iter().map(|(_, params)| params.len()).sum();
                if self.notes.len() < NOTES && bytes + params.len() <= NOTE_BYTES {
                    self.notes.push((method, params));
                }
            }
            Ok(Event::Opened) => {}
            Ok(Event::Reply(reply)) => self.end(Ok(reply)),
            Err(failed) => self.end(Err(failed)),
        }
    }

    fn has_room(&self, params: &Payload) -> bool {
        self.open.is_empty() || (self.open.len() < QUESTIONS && self.asked_bytes() + params.len() <= QUESTION_BYTES)
    }

    fn asked_bytes(&self) -> usize {
        self.open.iter().map(|question| question.params.len()).sum()
    }

    /// A notification as its client takes it: progress under the token of the request that it waits with. `None` when
    /// that has none.
    pub(super) fn addressed(&self, (method, params): (String, Payload)) -> Option<(String, Payload)> {
        let params = match &self.token {
            Token::Retry(token) if method == "notifications/progress" => {
                edited(&params, &[Edit::set("/progressToken", token.as_ref()?)])
            }
            _ => params,
        };
        Some((method, params))
    }

    /// It waits for no answer any more.
    fn end(&mut self, ended: Result<Reply, Failed>) {
        self.open.clear();
        self.ended = Some(ended);
    }
}

/// All that wait, in the whole process.
#[derive(Debug, Default)]
pub(super) struct Holding(Mutex<HashMap<u64, Place>>);

/// One that waits, as all but its keeper see it.
#[derive(Debug)]
struct Place {
    tenant: Arc<str>,
    caller: (String, String),
    /// What it took when its client left.
    bytes: usize,
    /// Asks the keeper to hand it over.
    take: oneshot::Sender<oneshot::Sender<Held>>,
}

fn caller(identity: &Identity) -> (String, String) {
    (identity.issuer.clone(), identity.subject.clone())
}

/// Whether one more may wait beside those of the same tenant, each with whether it is of the same caller, and its bytes.
fn has_room(waiting: impl Iterator<Item = (bool, usize)>, bytes: usize) -> bool {
    let (mut all, mut own) = ((1, bytes), (1, bytes));
    for (is_own, bytes) in waiting {
        all = (all.0 + 1, all.1 + bytes);
        if is_own {
            own = (own.0 + 1, own.1 + bytes);
        }
    }
    // One alone is as large as a message may be.
    let fits = |(count, bytes): (usize, usize), most: usize| count == 1 || bytes <= most;
    all.0 <= PER_TENANT && own.0 <= PER_CALLER && fits(all, BYTES_PER_TENANT) && fits(own, BYTES_PER_CALLER)
}

impl Holding {
    fn places(&self) -> MutexGuard<'_, HashMap<u64, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call wait for its client, which names it by the number that comes back.
    pub(super) fn hold(self: &Arc<Self>, mut held: Held) -> Result<u64, Refusal> {
        let (take, taken) = oneshot::channel();
        let (tenant, caller) = (held.routed.call().tenant().clone(), caller(held.routed.identity()));
        let mut places = self.places();
        let bytes = held.routed.call().params().len() + held.dialog.asked_bytes();
        let beside = places.values().filter(|place| place.tenant == tenant);
        if !has_room(beside.map(|place| (place.caller == caller, place.bytes)), bytes) {
            let message = "too many calls wait for an answer of their client; answer one, or wait until it lapses";
            return Err(Refusal::new(Stage::Route, Reason::Exhausted, message));
        }
        // A number that was given before the process began must not lead to another's call.
        let mut number = fastrand::u64(..);
        while places.contains_key(&number) {
            number = fastrand::u64(..);
        }
        places.insert(number, Place { tenant, caller, bytes, take });
        held.dialog.exchange.extend((Instant::now() + PATIENCE).into_std());
        home::spawn(keep(Kept { holding: Arc::downgrade(self), number }, held, taken));
        Ok(number)
    }

    /// Takes a call back; `None` when it does not wait any more.
    pub(super) async fn take(&self, number: u64) -> Option<Held> {
        let place = self.places().remove(&number)?;
        let (send, held) = oneshot::channel();
        place.take.send(send).ok()?;
        held.await.ok()
    }
}

/// Gives its place up when it ends.
struct Kept {
    holding: Weak<Holding>,
    number: u64,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(holding) = self.holding.upgrade() {
            holding.places().remove(&self.number);
        }
    }
}

/// Looks after a call. Once its time is over it is dropped, which cancels it at the server.
async fn keep(_kept: Kept, mut held: Held, mut taken: oneshot::Receiver<oneshot::Sender<Held>>) {
    let late = tokio::time::sleep(PATIENCE);
    tokio::pin!(late);
    loop {
        tokio::select! {
            biased;
            () = &mut late => return,
            taken = &mut taken => {
                if let Ok(back) = taken {
                    // Whoever asked may be gone, and the call goes with it.
                    let _ = back.send(held);
                }
                return;
            }
            event = held.dialog.exchange.next(), if held.dialog.ended.is_none() => held.dialog.hear(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        #[track_caller]
        fn check(waiting: &[(bool, usize)], bytes: usize, want: bool) {
            assert_eq!(has_room(waiting.iter().copied(), bytes), want, "{} {bytes}", waiting.len());
        }
        let half = BYTES_PER_CALLER / 2;
        check(&[], 0, true);
        check(&[], BYTES_PER_TENANT + 1, true);
        check(&[(true, 0); PER_CALLER - 1], 0, true);
        check(&[(true, 0); PER_CALLER], 0, false);
        check(&[(false, 0); PER_TENANT - 1], 0, true);
        check(&[(false, 0); PER_TENANT], 0, false);
        check(&[(true, half)], half, true);
        check(&[(true, half), (true, 1)], half, false);
        check(&[(false, BYTES_PER_TENANT - half)], half, true);
        check(&[(false, BYTES_PER_TENANT - half)], half + 1, false);
    }
}
