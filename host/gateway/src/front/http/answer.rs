//! The answer to a request: JSON when it is the first thing that comes, events when a notification is.

use std::collections::VecDeque;

use http::{Response, StatusCode};
use tokio::sync::{mpsc, oneshot};
use witgate_policy::Revision;

use super::events::Events;
use super::guard::Wants;
use super::reply::{self, Body};
use crate::front::crew::Crew;
use crate::front::job::{self, Ended, Work};
use crate::tenant::Said;
use crate::wire::{RequestId, encode};

/// A request whose answer is awaited here. While nothing but the answer is to be sent it runs within its connection;
/// hyper drops it when the client goes.
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) revision: Revision,
    pub(super) wants: Wants,
    pub(super) keep_alive: std::time::Duration,
    pub(super) running: Running,
    pub(super) notes: mpsc::Receiver<Said>,
}

impl Pending {
    /// Waits for what comes first.
    pub(super) async fn respond(mut self) -> Response<Body> {
        if !self.wants.events {
            self.notes.close();
            let ended = self.running.ended().await;
            return single(&self.id, self.revision, self.wants, &ended);
        }
        let first = tokio::select! {
            biased;
            Some(note) = self.notes.recv() => Ok(note),
            ended = self.running.ended() => Err(ended),
        };
        match first {
            Ok(note) => self.stream(note),
            Err(ended) => {
                // Said in the same breath as the answer, and before it.
                let said: Vec<_> = std::iter::from_fn(|| self.notes.try_recv().ok()).collect();
                if said.is_empty() {
                    single(&self.id, self.revision, self.wants, &ended)
                } else {
                    self.told(&said, &ended)
                }
            }
        }
    }

    fn told(&self, said: &[Said], ended: &Ended) -> Response<Body> {
        let mut all = Vec::new();
        for message in said.iter().filter_map(job::message) {
            all.extend_from_slice(&encode::event(&message));
        }
        if let Some(last) = job::last_message(&self.id, ended) {
            all.extend_from_slice(&encode::event(&last));
        }
        reply::events(all.into())
    }

    /// From here on the request runs in a task of its own, so that a client that reads slowly holds up nothing but
    /// itself: notifications beyond the buffer are lost.
    fn stream(self, note: Said) -> Response<Body> {
        let Self { id, keep_alive, mut running, notes, .. } = self;
        let (send, ended) = oneshot::channel();
        let task = running.work.take().map(|work| {
            running.crew.spawn(async move {
                // The client may be gone.
                let _ = send.send(work.await);
            })
        });
        let task = task.filter(|_| !running.survives);
        reply::stream(Events::new(id, VecDeque::from([note]), notes, ended, task, keep_alive))
    }
}

/// A response with one message.
pub(super) fn single(id: &RequestId, revision: Revision, wants: Wants, ended: &Ended) -> Response<Body> {
    match ended {
        Ended::Answered { answer: Err(denial), .. } => reply::denial(Some(id), denial),
        Ended::Answered { answer: Ok(answer), .. } => {
            let message = encode::answer(id, answer);
            if wants.json {
                reply::json(reply::status(answer, revision), message)
            } else {
                reply::events(encode::event(&message))
            }
        }
        // No answer may follow a cancellation. A stream without events is what a client gets whose stream was cut off,
        // and all SDKs live with that; 202 is for clients that take no streams.
        Ended::Cancelled if wants.events => reply::events(bytes::Bytes::new()),
        Ended::Cancelled => reply::empty(StatusCode::ACCEPTED),
    }
}

/// A request that runs while it is awaited. When it is dropped before its end, a modern one is cancelled; a legacy one
/// goes on by itself, because there a disconnect is not a cancellation.
pub(super) struct Running {
    work: Option<Work>,
    survives: bool,
    crew: Crew,
}

impl Running {
    pub(super) fn new(work: Work, survives: bool, crew: Crew) -> Self {
        Self { work: Some(work), survives, crew }
    }

    pub(super) async fn ended(&mut self) -> Ended {
        let Some(work) = &mut self.work else { return Ended::Cancelled };
        let ended = work.await;
        self.work = None;
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && self.survives
        {
            self.crew.spawn(async move { drop(work.await) });
        }
    }
}
