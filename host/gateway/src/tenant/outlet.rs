//! The way to a client while its request runs, or while it listens: what is said to it, and what it is asked.
//!
//! Notifications are lost when the client does not keep up; what it is asked is not. An [`Ask`](Said::Ask) has an id of
//! the gate's own, unique for its client; the client's answer finds its way back through [`Asks`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use witgate_policy::json::Edit;
use witgate_policy::{Payload, Sanitized};

use super::shape::edited;
use crate::upstream::Reply;
use crate::wire::RequestId;

/// What waits for a slow reader before notifications are lost.
const WAITING: usize = 64;

/// What a notification may be at most, in bytes, to wait behind others.
const WAITING_BYTES: usize = 64 << 10;

/// Questions that one client may have open: more than a person answers.
const OPEN: usize = 64;

/// Progress that a client reports on one question and nobody took yet.
const PROGRESS: usize = 16;

/// Where a request names its progress token.
const TOKEN: &str = "/_meta/progressToken";

/// What is said to a client.
#[derive(Debug)]
pub enum Said {
    /// The server has begun to stream its answer; there may be nothing to say for long.
    Opened,
    /// A notification.
    Note(Sanitized),
    /// A request of a server (its kind is [`Kind::ServerRequest`](witgate_policy::Kind)), under the gate's id.
    Ask {
        /// The id that the client's answer names; its progress token too.
        id: i64,
        /// The request.
        request: Sanitized,
    },
    /// The answer to that question is not wanted any more: `notifications/cancelled`.
    Withdrawn {
        /// The question's.
        id: i64,
    },
}

/// The way to one client.
#[derive(Debug, Clone)]
pub struct Outlet {
    said: mpsc::Sender<Said>,
    asks: Option<Arc<Asks>>,
    told: Arc<AtomicBool>,
    stop: Option<watch::Receiver<bool>>,
}

impl Outlet {
    /// A way, and its other end. `asks`: where a client's answers come in; `None` for one that cannot be asked (modern
    /// clients, and those that take no stream).
    pub fn new(asks: Option<Arc<Asks>>) -> (Self, mpsc::Receiver<Said>) {
        let (said, heard) = mpsc::channel(WAITING);
        (Self { said, asks, told: Arc::default(), stop: None }, heard)
    }

    /// The same, for what lasts until the gate stops.
    #[must_use]
    pub fn until(self, stop: watch::Receiver<bool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Waits until the gate stops: then what lasts says its last word.
    pub async fn stopped(&self) {
        let Some(mut stop) = self.stop.clone() else { return std::future::pending().await };
        // Whose sender is gone has stopped.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Whether a notification was said already, maybe by the same tenant of an earlier generation.
    pub fn has_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.said.is_closed()
    }

    /// Whether the client can be asked.
    pub fn can_ask(&self) -> bool {
        self.asks.is_some() && !self.is_closed()
    }

    /// The server streams from now on. Once is enough.
    pub fn open(&self) {
        let _ = self.said.try_send(Said::Opened);
    }

    /// Says a notification; `false` when it was lost.
    pub fn tell(&self, note: Sanitized) -> bool {
        let idle = self.said.capacity() == self.said.max_capacity();
        let told = (idle || note.payload().len() <= WAITING_BYTES) && self.said.try_send(Said::Note(note)).is_ok();
        self.told.fetch_or(told, Ordering::Relaxed);
        told
    }

    /// Says a notification that must not be lost, and waits for a slow reader.
    pub async fn say(&self, note: Sanitized) {
        let said = self.said.send(Said::Note(note)).await.is_ok();
        self.told.fetch_or(said, Ordering::Relaxed);
    }

    /// Asks the client, with the gate's id in place of the server's progress token. `None` when it cannot be asked, or
    /// has too many questions open. Dropping what comes back withdraws the question.
    pub async fn ask(&self, request: Sanitized) -> Option<Asking> {
        let asks = self.asks.clone()?;
        let method = request.method().to_owned();
        let (id, heard) = asks.enter(method)?;
        let token = request.payload().get(TOKEN).map(str::to_owned);
        let request = match &token {
            Some(_) => request.renamed(|params| edited(params, &[Edit::set(TOKEN, id.to_string())])),
            None => request,
        };
        let asking = Asking { id, token, heard, outlet: self.clone(), asks, answered: false };
        self.said.send(Said::Ask { id, request }).await.ok()?;
        Some(asking)
    }
}

/// What a client says of a question.
#[derive(Debug, Clone)]
pub enum Told {
    /// `notifications/progress`, with the server's own token.
    Progress(Payload),
    /// Its answer, which validators have accepted. Nothing comes after it.
    Answer(Reply),
}

/// A question under way; withdrawn when dropped before its answer.
#[derive(Debug)]
pub struct Asking {
    id: i64,
    token: Option<String>,
    heard: mpsc::Receiver<Told>,
    outlet: Outlet,
    asks: Arc<Asks>,
    answered: bool,
}

impl Asking {
    /// What the client says next; `None` when it never will. Cancel safe.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            let told = self.heard.recv().await;
            self.answered |= matches!(told, None | Some(Told::Answer(_)));
            match (told, &self.token) {
                (Some(Told::Progress(params)), Some(token)) => {
                    return Some(Told::Progress(edited(&params, &[Edit::set("/progressToken", token)])));
                }
                // The server did not ask for any.
                (Some(Told::Progress(_)), None) => {}
                (told, _) => return told,
            }
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.answered && self.asks.state().open.remove(&self.id).is_some() {
            let _ = self.outlet.said.try_send(Said::Withdrawn { id: self.id });
        }
    }
}

/// The open questions of one legacy client.
#[derive(Debug, Default)]
pub struct Asks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<i64, Open>,
    last: i64,
}

#[derive(Debug)]
struct Open {
    method: String,
    told: mpsc::Sender<Told>,
}

/// A question that its client has answered; whoever holds this delivers the answer.
#[derive(Debug)]
pub struct Answered {
    method: String,
    told: mpsc::Sender<Told>,
}

impl Answered {
    /// The method of the question.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Gives the answer to whoever asked.
    pub fn deliver(self, answer: Reply) {
        // There is always room: progress leaves one place free.
        let _ = self.told.try_send(Told::Answer(answer));
    }
}

impl Asks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, method: String) -> Option<(i64, mpsc::Receiver<Told>)> {
        let mut state = self.state();
        if state.open.len() >= OPEN {
            return None;
        }
        state.last += 1;
        let id = state.last;
        let (told, heard) = mpsc::channel(PROGRESS + 1);
        state.open.insert(id, Open { method, told });
        Some((id, heard))
    }

    /// The method of the open question that an answer names.
    pub fn asked(&self, id: &RequestId) -> Option<String> {
        let RequestId::Number(id) = id else { return None };
        self.state().open.get(id).map(|open| open.method.clone())
    }

    /// Takes out the question that an answer names; `None` when there is no such question any more.
    pub fn take(&self, id: &RequestId) -> Option<Answered> {
        let RequestId::Number(id) = id else { return None };
        self.state().open.remove(id).map(|Open { method, told }| Answered { method, told })
    }

    /// Passes on the progress that a client reports on a question. Lost when nobody keeps up.
    pub fn progress(&self, params: &Payload) {
        let Some(id) = params.read::<i64>("/progressToken") else { return };
        if let Some(open) = self.state().open.get(&id)
            && open.told.capacity() > 1
        {
            let _ = open.told.try_send(Told::Progress(params.clone()));
        }
    }

    /// Whether a question is open.
    pub fn is_idle(&self) -> bool {
        self.state().open.is_empty()
    }
}
