//! The body of a streamed answer: what is written on a tape, with signs of life while nothing comes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use witgate_policy::Revision;

use super::tape::Turn;
use crate::wire::encode;

/// How long a client waits before it comes back, in milliseconds: a moment, since the stream goes on without it.
const RETRY_MS: u64 = 1000;

/// Server-sent events of one stream.
pub(super) struct Events {
    turn: Turn,
    pieces: [Bytes; 3],
    /// The task to end when the client goes; none for one that survives it.
    task: Option<AbortHandle>,
    alive: Interval,
}

impl Events {
    pub(super) fn new(turn: Turn, keep_alive: Duration) -> Self {
        let period = keep_alive.max(Duration::from_millis(1));
        let mut alive = tokio::time::interval_at(Instant::now() + period, period);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { turn, pieces: <[Bytes; 3]>::default(), task: None, alive }
    }

    /// Begins with an event that a client can come back with, where its revision knows what that is: earlier clients
    /// take an event without data for a broken message.
    pub(super) fn primed(mut self, revision: Revision) -> Self {
        if revision >= Revision::V2025_11_25
            && let Some(id) = self.turn.tape().event_id(0)
        {
            self.pieces[0] = encode::priming(&id, RETRY_MS);
        }
        self
    }

    /// Ends a task with the stream.
    pub(super) fn ending(mut self, task: AbortHandle) -> Self {
        self.task = Some(task);
        self
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(piece) = self.pieces.iter_mut().find(|piece| !piece.is_empty()) {
                return Poll::Ready(Some(std::mem::take(piece)));
            }
            match self.turn.poll_next(cx) {
                Poll::Ready(Some((number, line))) => {
                    let id = self.turn.tape().event_id(number);
                    self.pieces = encode::event(line, id.as_deref()).pieces();
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    ready!(self.alive.poll_tick(cx));
                    return Poll::Ready(Some(Bytes::from_static(b": \n\n")));
                }
            }
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_piece(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
