//! A server on one pair of byte streams, for all of one audience: a child's standard streams, an in-process server's
//! duplex, or what the transport of 2024-11-05 makes of HTTP.
//!
//! Three tasks serve a connection: one writes, one reads, one watches over both and over the child. None of them holds
//! the [`Pipe`], so dropping its last holder ends the connection; and a server that does not read stops only the queue
//! in front of it.

mod connect;
mod events;
mod line;
mod process;
mod stderr;
mod supervise;
mod table;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use witgate_policy::Payload;

use super::board::Board;
use super::connection::Connection;
use super::envelope::{self, Message, Outcome};
use super::exchange::{Heard, Listener, Own};
use super::facts::ServerFacts;
use super::gauge::Gauge;
use super::lazy::Alive;
use super::{Failed, Spec};
use table::{Ears, Table};

pub(crate) use connect::connect;
pub(crate) use line::answered;
pub(crate) use process::{Process, Streams};

/// Cancellations and answers to a server that wait to be written; further ones are lost, as the protocol allows.
const URGENT_MESSAGES: usize = 256;

/// One line on its way to the server, and the room that it takes in the queue until it is written.
struct Line {
    text: String,
    /// The request's id; a notification has none.
    id: Option<u64>,
    #[expect(dead_code, reason = "held, not used")]
    room: Option<OwnedSemaphorePermit>,
}

/// A connection.
pub(crate) struct Pipe {
    shared: Arc<Shared>,
    outbox: mpsc::Sender<Line>,
    room: Arc<Semaphore>,
    ended: watch::Receiver<bool>,
    facts: ServerFacts,
}

/// What the connection's tasks and those who wait have in common.
pub(super) struct Shared {
    spec: Arc<Spec>,
    gauge: Arc<Gauge>,
    table: Mutex<Table>,
    board: Arc<Board>,
    closing: watch::Sender<bool>,
    proved: AtomicBool,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one line of the server's.
    fn hear(&self, line: bytes::Bytes) -> Result<(), envelope::EnvelopeError> {
        for message in envelope::decode(line, self.spec.limits.message)? {
            match message {
                Message::Response { id, outcome } => {
                    if let Some(id) = id {
                        self.board.answered(id);
                    }
                    self.table().answer(id, outcome);
                }
                Message::Request { id, method, params } => self.board.ask(&id, &method, &params, None),
                Message::Notification { method, params } => self.hear_note(&method, &params),
            }
        }
        Ok(())
    }

    /// A request is being written. `false`: nobody waits for it any more, so that it need not be.
    fn sending(&self, id: u64) -> bool {
        let mut table = self.table();
        let Some(sending) = table.sending(id) else { return false };
        if !sending.internal {
            self.board.enter(id, sending.inlet);
        }
        true
    }

    /// A request has an answer that is none.
    fn fail(&self, id: u64, failed: Failed) {
        self.board.answered(id);
        self.table().fail(id, failed);
    }

    fn hear_note(&self, method: &str, params: &Payload) {
        if method.ends_with("/list_changed") {
            self.gauge.lists_changed();
        }
        let for_request = self.table().notify(method, params);
        if !for_request && !self.board.note(method, params) {
            tracing::debug!(upstream = %self.spec.id, method, "a notification that belongs to nobody");
        }
    }

    /// Ends the connection for all who wait.
    fn close(&self, why: &Arc<str>) {
        let first = self.table().close(why);
        self.closing.send_replace(true);
        if first {
            self.board.close();
        }
    }
}

impl Pipe {
    /// Sends a request, whose `params` may need its id. When dropped while it waits for its turn, nothing is sent.
    pub(crate) async fn ask(
        &self,
        method: &str,
        listener: Listener,
        params: impl FnOnce(u64) -> Result<Payload, Failed>,
    ) -> Result<Wait, Failed> {
        let ears = self.shared.table().enter(listener)?;
        let wait = Wait { shared: self.shared.clone(), ears, end: None, quiet: false };
        let params = params(wait.ears.id)?;
        self.post(envelope::request(wait.ears.id, method, &params), Some(wait.ears.id)).await?;
        Ok(wait)
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, method: &str, params: &Payload) -> Result<(), Failed> {
        self.post(envelope::notification(method, params), None).await
    }

    async fn post(&self, text: String, id: Option<u64>) -> Result<(), Failed> {
        let gone = || {
            let table = self.shared.table();
            Failed::not_sent(table.closed().map_or("the connection was closed", |why| &**why))
        };
        let bytes = text.len().min(self.shared.spec.limits.queue_bytes);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| gone())?;
        self.outbox.send(Line { text, id, room: Some(room) }).await.map_err(|_| gone())
    }

    /// Ends the connection, and waits until the child is reaped.
    pub(crate) async fn close(&self) {
        self.shared.closing.send_replace(true);
        // An error says that the supervisor is gone, and with it the child.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Alive for Pipe {
    fn alive(&self) -> bool {
        !*self.shared.closing.borrow() && self.shared.table().closed().is_none()
    }

    fn proved(&self) -> bool {
        self.shared.proved.load(Relaxed)
    }
}

impl Connection for Pipe {
    const RESTS: bool = true;

    fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    fn end(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.close().await })
    }

    fn request(self: Arc<Self>, method: &'static str, params: Payload) -> BoxFuture<'static, Result<Own, Failed>> {
        Box::pin(async move { self.ask(method, Listener::internal(), |_| Ok(params)).await.map(Own::Pipe) })
    }

    fn note(&self, method: &str, params: &Payload) {
        self.shared.board.note(method, params);
    }

    fn lapse(&self) {
        self.shared.board.lapse();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.closing.send_replace(true);
    }
}

/// One request that waits for its answer. Dropped before it, it is cancelled.
pub(crate) struct Wait {
    shared: Arc<Shared>,
    ears: Ears,
    end: Option<Result<Outcome, Failed>>,
    /// Leaves without a word: a handshake is not cancelled.
    quiet: bool,
}

impl Wait {
    /// The gate's id.
    pub(crate) fn id(&self) -> u64 {
        self.ears.id
    }

    /// Of a message.
    fn limits(&self) -> witgate_policy::json::Limits {
        self.shared.spec.limits.message
    }

    /// Where the connection's requests are answered.
    pub(crate) fn board(&self) -> &Board {
        &self.shared.board
    }

    /// The next notification, or the answer; the answer comes last. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Heard, Failed> {
        if self.end.is_none() {
            tokio::select! {
                biased;
                Some(note) = self.ears.notes.recv() => return Ok(note),
                end = &mut self.ears.end => {
                    self.end = Some(end.unwrap_or_else(|_| Err(Failed::no_reply("the connection was closed"))));
                }
            }
        }
        // What came before the answer may have come after the look at the notifications.
        if let Some(note) = self.ears.notes.try_recv() {
            return Ok(note);
        }
        let ended = || Err(Failed::no_reply("the exchange has ended"));
        let end = self.end.replace(ended()).unwrap_or_else(ended)?;
        if !self.quiet {
            self.shared.proved.store(true, Relaxed);
        }
        Ok(Heard::End(end))
    }

    /// The answer alone.
    async fn outcome(&mut self) -> Result<Outcome, Failed> {
        loop {
            if let Heard::End(outcome) = self.next().await? {
                return Ok(outcome);
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let id = self.ears.id;
        self.shared.board.leave(id);
        if self.shared.table().leave(id) && !self.quiet {
            let params = Payload::of(&json!({ "requestId": id, "reason": "the client gave up" }));
            let line = envelope::notification("notifications/cancelled", &params);
            self.shared.board.say(line);
        }
    }
}
