//! The way to a client while its request runs, or while it listens: what is said to it, and what it is asked.
//!
//! Notifications are lost when the client does not keep up; what it is asked is not. An [`Ask`](Said::Ask) has an id of
//! the gate's own, unique for its client; the client's answer finds its way back through [`Asks`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use witgate_policy::json::Edit;
use witgate_policy::{Payload, Sanitized};

use super::shape::edited;
use crate::upstream::Reply;
use crate::wire::RequestId;

/// What waits for a slow reader before notifications are lost.
const WAITING: usize = 64;

/// The same in bytes; a longer one may wait alone.
const WAITING_BYTES: usize = 1 << 20;

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

impl Said {
    fn bytes(&self) -> usize {
        match self {
            Self::Note(said) | Self::Ask { request: said, .. } => said.payload().len(),
            Self::Opened | Self::Withdrawn { .. } => 0,
        }
    }
}

/// The way to one client.
#[derive(Debug, Clone)]
pub struct Outlet {
    // Boxed, since the channel has its places from the beginning, and most streams say little.
    said: mpsc::Sender<Box<Said>>,
    waiting: Arc<AtomicUsize>,
    asks: Option<Arc<Asks>>,
    told: Arc<AtomicBool>,
    stop: Option<watch::Receiver<bool>>,
}

/// The other end of an [`Outlet`].
#[derive(Debug)]
pub struct Heard {
    said: mpsc::Receiver<Box<Said>>,
    waiting: Arc<AtomicUsize>,
}

impl Heard {
    /// What is said next; `None` when nothing will be. Cancel safe.
    pub async fn recv(&mut self) -> Option<Said> {
        let said = self.said.recv().await?;
        Some(self.taken(*said))
    }

    /// What was said already.
    pub fn try_recv(&mut self) -> Option<Said> {
        let said = self.said.try_recv().ok()?;
        Some(self.taken(*said))
    }

    /// Listens no more.
    pub fn close(&mut self) {
        self.said.close();
    }

    fn taken(&self, said: Said) -> Said {
        self.waiting.fetch_sub(said.bytes(), Ordering::Relaxed);
        said
    }
}

impl Outlet {
    /// A way, and its other end. `asks`: where a client's answers come in; `None` for one that cannot be asked (modern
    /// clients, and those that take no stream).
    pub fn new(asks: Option<Arc<Asks>>) -> (Self, Heard) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let heard = Heard { said: receiver, waiting: waiting.clone() };
        (Self { said: sender, waiting, asks, told: Arc::default(), stop: None }, heard)
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

    /// Whether it was begun, or a notification was said already, maybe by the same tenant of an earlier generation.
    pub fn has_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }

    /// Says that it was begun; whether it was already, maybe by the same tenant of an earlier generation.
    pub fn begin(&self) -> bool {
        self.told.swap(true, Ordering::Relaxed)
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
        self.try_say(Said::Opened);
    }

    /// Says a notification; `false` when it was lost.
    pub fn tell(&self, note: Sanitized) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let crowded = waiting > 0 && waiting + note.payload().len() > WAITING_BYTES;
        let told = !crowded && self.try_say(Said::Note(note));
        self.told.fetch_or(told, Ordering::Relaxed);
        told
    }

    /// Says a notification that must not be lost, and waits for a slow reader.
    pub async fn say(&self, note: Sanitized) {
        let said = self.wait_to_say(Said::Note(note)).await;
        self.told.fetch_or(said, Ordering::Relaxed);
    }

    async fn wait_to_say(&self, said: Said) -> bool {
        let Ok(place) = self.said.reserve().await else { return false };
        self.waiting.fetch_add(said.bytes(), Ordering::Relaxed);
        place.send(Box::new(said));
        true
    }

    fn try_say(&self, said: Said) -> bool {
        let Ok(place) = self.said.try_reserve() else { return false };
        self.waiting.fetch_add(said.bytes(), Ordering::Relaxed);
        place.send(Box::new(said));
        true
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
        self.wait_to_say(Said::Ask { id, request }).await.then_some(asking)
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
            self.outlet.try_say(Said::Withdrawn { id: self.id });
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use witgate_policy::{Call, Draft, Form, Kind, Message, Peer, Pipeline, Presented, Revision};

    use super::*;

    async fn note(bytes: usize) -> Sanitized {
        let pipeline = Pipeline::default();
        let call = Call::new(Draft {
            id: "c".into(),
            tenant: "t".into(),
            form: Form::Request,
            method: "tools/call".into(),
            params: Payload::empty(),
            revision: Revision::V2025_11_25,
            traceparent: None,
            unix_time_s: 0,
            deadline: Instant::now() + Duration::from_mins(1),
            chance: 0,
        });
        let presented = Presented { headers: Vec::new(), peer: Peer { address: "stdio".into(), certificate: None } };
        let admitted = pipeline.admit(call, &presented).await.expect("anybody");
        let payload = Payload::of(&serde_json::json!({ "data": "x".repeat(bytes - 11) }));
        let message = Message { kind: Kind::Notification, method: "n".to_owned(), upstream: None, payload };
        pipeline.sanitize((&admitted).into(), message).await.expect("no sanitizer")
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_number_and_in_bytes() {
        let (outlet, mut heard) = Outlet::new(None);
        let told = async |bytes| outlet.tell(note(bytes).await);
        assert!(told(2 * WAITING_BYTES).await, "alone it may be long");
        assert!(!told(12).await, "nothing fits beside it");
        assert!(heard.recv().await.is_some());
        for _ in 0..2 {
            assert!(told(WAITING_BYTES / 2).await);
        }
        assert!(!told(12).await);
        outlet.say(note(12).await).await;
        outlet.open();
        for _ in 0..4 {
            assert!(heard.try_recv().is_some());
        }
        for _ in 0..WAITING {
            assert!(told(12).await, "there is room again");
        }
        assert!(!told(12).await);
        heard.close();
        assert!(heard.recv().await.is_some(), "what was said is still there");
        assert!(outlet.is_closed() && !told(12).await);
    }
}
