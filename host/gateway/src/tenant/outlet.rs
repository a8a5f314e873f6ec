//! The way to a client while its request runs, or while it listens: what is said to it.
//!
//! Notifications are lost when the client does not keep up; what it is asked is not. An [`Ask`](Said::Ask) has an id of
//! the gate's own, unique for its client; the client's answer finds its way back through [`Asks`].

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use witgate_policy::Sanitized;

use super::asks::Asks;

/// What waits for a slow reader before notifications are lost.
const WAITING: usize = 64;

/// The same in bytes; a longer one may wait alone.
const WAITING_BYTES: usize = 1 << 20;

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
    line: Speaking,
    pub(super) asks: Option<Arc<Asks>>,
    stop: Option<watch::Receiver<bool>>,
}

/// The other end of an [`Outlet`].
#[derive(Debug)]
pub struct Heard(Arc<Line>);

/// What both ends have in common. Most requests are answered without a word before, so that it takes no memory for words
/// until there is one.
#[derive(Debug, Default)]
struct Line {
    waiting: Mutex<Waiting>,
    /// Something waits to be heard.
    spoken: Notify,
    /// There may be room.
    room: Notify,
    told: AtomicBool,
    speakers: AtomicUsize,
}

/// A line for those who may say something.
#[derive(Debug)]
struct Speaking(Arc<Line>);

impl Speaking {
    fn on(line: &Arc<Line>) -> Self {
        line.speakers.fetch_add(1, Ordering::Relaxed);
        Self(line.clone())
    }
}

impl Clone for Speaking {
    fn clone(&self) -> Self {
        Self::on(&self.0)
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        if self.0.speakers.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Whoever waits learns that nothing will be said any more.
            self.0.spoken.notify_one();
        }
    }
}

impl Deref for Speaking {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.0
    }
}

#[derive(Debug, Default)]
struct Waiting {
    said: VecDeque<Said>,
    bytes: usize,
    closed: bool,
}

impl Line {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back with what there was no room for.
    fn push(&self, said: Said) -> Result<(), Unsaid> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Unsaid::Closed);
        }
        if waiting.said.len() >= WAITING {
            return Err(Unsaid::Full(Box::new(said)));
        }
        waiting.bytes += said.bytes();
        waiting.said.push_back(said);
        let has_room = waiting.said.len() < WAITING;
        drop(waiting);
        self.spoken.notify_one();
        if has_room {
            // One is told of room at a time, and tells the next.
            self.room.notify_one();
        }
        Ok(())
    }

    fn pop(&self) -> Option<Said> {
        let mut waiting = self.waiting();
        let said = waiting.said.pop_front()?;
        waiting.bytes -= said.bytes();
        drop(waiting);
        self.room.notify_one();
        Some(said)
    }
}

/// Why something was not said.
enum Unsaid {
    Closed,
    Full(Box<Said>),
}

impl Heard {
    /// What is said next; `None` when nothing will be. Cancel safe.
    pub async fn recv(&mut self) -> Option<Said> {
        loop {
            // Looked at first: what was said before the end is there.
            let over = self.0.speakers.load(Ordering::Acquire) == 0;
            if let Some(said) = self.0.pop() {
                return Some(said);
            }
            if over {
                return None;
            }
            self.0.spoken.notified().await;
        }
    }

    /// What was said already.
    pub fn try_recv(&mut self) -> Option<Said> {
        self.0.pop()
    }

    /// Listens no more.
    pub fn close(&mut self) {
        self.0.waiting().closed = true;
        self.0.room.notify_one();
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.close();
        self.0.waiting().said.clear();
    }
}

impl Outlet {
    /// A way, and its other end. `asks`: where a client's answers come in; `None` for one that cannot be asked (modern
    /// clients, and those that take no stream).
    pub fn new(asks: Option<Arc<Asks>>) -> (Self, Heard) {
        let line = Arc::<Line>::default();
        (Self { line: Speaking::on(&line), asks, stop: None }, Heard(line))
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
        self.line.told.load(Ordering::Relaxed)
    }

    /// Says that it was begun; whether it was already, maybe by the same tenant of an earlier generation.
    pub fn begin(&self) -> bool {
        self.line.told.swap(true, Ordering::Relaxed)
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.line.waiting().closed
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
        let waiting = self.line.waiting().bytes;
        let crowded = waiting > 0 && waiting + note.payload().len() > WAITING_BYTES;
        let told = !crowded && self.try_say(Said::Note(note));
        self.line.told.fetch_or(told, Ordering::Relaxed);
        told
    }

    /// Says a notification that must not be lost, and waits for a slow reader.
    pub async fn say(&self, note: Sanitized) {
        let said = self.wait_to_say(Said::Note(note)).await;
        self.line.told.fetch_or(said, Ordering::Relaxed);
    }

    pub(super) async fn wait_to_say(&self, mut said: Said) -> bool {
        loop {
            match self.line.push(said) {
                Ok(()) => return true,
                Err(Unsaid::Closed) => {
                    // Others may wait, too.
                    self.line.room.notify_one();
                    return false;
                }
                Err(Unsaid::Full(back)) => said = *back,
            }
            self.line.room.notified().await;
        }
    }

    pub(super) fn try_say(&self, said: Said) -> bool {
        self.line.push(said).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use witgate_policy::{Call, Draft, Form, Kind, Message, Payload, Peer, Pipeline, Presented, Revision};

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
        let message = Message { kind: Kind::Notification, method: "n".into(), upstream: None, payload };
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

    #[tokio::test]
    async fn who_must_not_be_lost_waits_for_room_and_for_no_reader_that_is_gone() {
        let (outlet, mut heard) = Outlet::new(None);
        for _ in 0..WAITING {
            assert!(outlet.tell(note(12).await));
        }
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let outlet = outlet.clone();
                tokio::spawn(async move { outlet.wait_to_say(Said::Note(note(12).await)).await })
            })
            .collect();
        // All of them wait before there is room for two.
        tokio::task::yield_now().await;
        for _ in 0..2 {
            assert!(heard.recv().await.is_some());
        }
        tokio::task::yield_now().await;
        drop(heard);
        let mut said = 0;
        for waiting in waiting {
            said += usize::from(waiting.await.expect("no panic"));
        }
        assert_eq!(said, 2);
    }
}
