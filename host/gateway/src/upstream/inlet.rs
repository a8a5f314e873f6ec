//! What is heard on the way of one request, until somebody takes it: bounded in number and bytes. Notifications that find
//! no room are lost, since the answer matters more; room is left for what the server asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::mpsc;
use witgate_policy::Payload;

use super::exchange::Heard;
use super::{Ask, Limits};

/// Requests of a server in the course of one call that nobody took yet, and what takes them back.
const ASKS: usize = 32;

/// Where it comes in.
#[derive(Debug, Clone)]
pub(crate) struct Inlet {
    heard: mpsc::Sender<Heard>,
    queued: Arc<AtomicUsize>,
    max_bytes: usize,
}

/// Where it is taken out.
#[derive(Debug)]
pub(crate) struct Inbox {
    heard: mpsc::Receiver<Heard>,
    queued: Arc<AtomicUsize>,
    /// Looked at, and not taken.
    next: Option<Box<Heard>>,
}

/// Both ends.
pub(crate) fn inlet(limits: &Limits) -> (Inlet, Inbox) {
    let (sender, receiver) = mpsc::channel(limits.queue_notifications.max(1).saturating_add(ASKS));
    let queued = Arc::new(AtomicUsize::new(0));
    let inlet = Inlet { heard: sender, queued: queued.clone(), max_bytes: limits.message.bytes };
    (inlet, Inbox { heard: receiver, queued, next: None })
}

impl Inlet {
    /// A notification; `false` when it was lost.
    pub(crate) fn note(&self, method: String, params: Payload) -> bool {
        self.heard.capacity() > ASKS && self.push(Heard::Note { method, params })
    }

    /// A request; `false` when there is no room for it, or nobody to take it.
    pub(crate) fn ask(&self, ask: Ask, method: String, params: Payload) -> bool {
        self.push(Heard::Ask { ask, method, params })
    }

    /// A request is taken back.
    pub(crate) fn withdraw(&self, ask: Ask) -> bool {
        self.push(Heard::Withdrawn { ask })
    }

    fn push(&self, heard: Heard) -> bool {
        let bytes = heard.bytes();
        if self.queued.fetch_add(bytes, Relaxed).saturating_add(bytes) <= self.max_bytes
            && self.heard.try_send(heard).is_ok()
        {
            return true;
        }
        self.queued.fetch_sub(bytes, Relaxed);
        false
    }
}

impl Inbox {
    /// What comes next; `None` when nothing will. Cancel safe.
    pub(crate) async fn recv(&mut self) -> Option<Heard> {
        if self.next.is_some() {
            return self.try_recv();
        }
        let heard = self.heard.recv().await?;
        self.queued.fetch_sub(heard.bytes(), Relaxed);
        Some(heard)
    }

    /// What is there.
    pub(crate) fn try_recv(&mut self) -> Option<Heard> {
        let heard = self.next.take().map(|heard| *heard).or_else(|| self.heard.try_recv().ok())?;
        self.queued.fetch_sub(heard.bytes(), Relaxed);
        Some(heard)
    }

    /// Waits until something is there, or never will be.
    pub(crate) async fn ready(&mut self) {
        if self.next.is_none() {
            self.next = self.heard.recv().await.map(Box::new);
        }
    }
}
