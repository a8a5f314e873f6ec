//! The body of a streamed answer: notifications, then the answer, with signs of life while nothing comes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::front::job::{self, Ended};
use crate::tenant::Said;
use crate::wire::{RequestId, encode};

/// Server-sent events of one request.
pub(super) struct Events {
    id: RequestId,
    first: VecDeque<Said>,
    notes: mpsc::Receiver<Said>,
    ended: Stage,
    /// The task to end when the client goes; none for one that survives it.
    task: Option<AbortHandle>,
    alive: Interval,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one in each stream, and it is no more than a few hundred bytes"
)]
enum Stage {
    Running(oneshot::Receiver<Ended>),
    Ended(Ended),
    Done,
}

impl Events {
    pub(super) fn new(
        id: RequestId,
        first: VecDeque<Said>,
        notes: mpsc::Receiver<Said>,
        ended: oneshot::Receiver<Ended>,
        task: Option<AbortHandle>,
        keep_alive: Duration,
    ) -> Self {
        let period = keep_alive.max(Duration::from_millis(1));
        let mut alive = tokio::time::interval_at(Instant::now() + period, period);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { id, first, notes, ended: Stage::Running(ended), task, alive }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while let Some(said) = self.first.pop_front() {
            if let Some(message) = job::message(&said) {
                return Poll::Ready(Some(encode::event(&message)));
            }
        }
        if let Stage::Running(ended) = &mut self.ended
            && let Poll::Ready(outcome) = Pin::new(ended).poll(cx)
        {
            // The sender is dropped without a word when a stop ended the task.
            self.ended = Stage::Ended(outcome.unwrap_or(Ended::Cancelled));
        }
        if matches!(self.ended, Stage::Running(_)) {
            while let Poll::Ready(Some(said)) = self.notes.poll_recv(cx) {
                if let Some(message) = job::message(&said) {
                    return Poll::Ready(Some(encode::event(&message)));
                }
            }
            ready!(self.alive.poll_tick(cx));
            return Poll::Ready(Some(Bytes::from_static(b": \n\n")));
        }
        // What was said before the answer comes before it.
        while let Ok(said) = self.notes.try_recv() {
            if let Some(message) = job::message(&said) {
                return Poll::Ready(Some(encode::event(&message)));
            }
        }
        match std::mem::replace(&mut self.ended, Stage::Done) {
            Stage::Ended(ended) => Poll::Ready(job::last_message(&self.id, &ended).map(|last| encode::event(&last))),
            Stage::Running(_) | Stage::Done => Poll::Ready(None),
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_event(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
