//! The answer to what was posted: JSON when it is the first thing that comes, events when something is said before it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Response, StatusCode};
use witgate_policy::Revision;

use super::events::Events;
use super::guard::Wants;
use super::reply::{self, Body};
use super::session::Session;
use super::tape::Tape;
use crate::front::crew::Crew;
use crate::front::job::{self, Ended};
use crate::tenant::{Heard, Said};
use crate::wire::encode::{self, Line};
use crate::wire::{Reject, RequestId};

/// How what was posted has ended.
#[expect(clippy::large_enum_variant, reason = "nearly every one is the large variant")]
pub(super) enum Answers {
    /// One request.
    One(Option<RequestId>, Ended),
    /// All of a batch.
    Batch(Vec<(Option<RequestId>, Ended)>),
}

/// What was posted, running while it is polled.
pub(super) type Working = Pin<Box<dyn Future<Output = Answers> + Send>>;

/// What was posted, and its answer awaited here. While nothing but the answer is to be sent it runs within its
/// connection; hyper drops it when the client goes.
pub(super) struct Pending<'a> {
    pub(super) revision: Revision,
    pub(super) wants: Wants,
    pub(super) keep_alive: std::time::Duration,
    pub(super) running: Running<'a>,
    pub(super) said: Heard,
}

impl Pending<'_> {
    /// Waits for what comes first.
    pub(super) async fn respond(mut self) -> Response<Body> {
        if !self.wants.events {
            self.said.close();
            let answers = poll_fn(|cx| self.running.poll_ended(cx)).await;
            return respond_at_once(self.revision, self.wants, &answers);
        }
        // What is said is said by what runs here, so that nobody else has to wake this.
        let first = poll_fn(|cx| match self.running.poll_ended(cx) {
            Poll::Ready(answers) => Poll::Ready(Err(answers)),
            Poll::Pending => self.said.try_recv().map_or(Poll::Pending, |said| Poll::Ready(Ok(said))),
        })
        .await;
        match first {
            Ok(said) => self.stream(&said),
            Err(answers) => match self.said.try_recv() {
                // Said in the same breath as the answers, and before them.
                Some(said) => {
                    self.running.working = Some(Box::pin(std::future::ready(answers)));
                    self.stream(&said)
                }
                None => respond_at_once(self.revision, self.wants, &answers),
            },
        }
    }

    /// From here on the request runs in a task of its own, so that a client that reads slowly holds up nothing but
    /// itself.
    fn stream(self, first: &Said) -> Response<Body> {
        let Self { keep_alive, revision, mut running, said, .. } = self;
        let tape = running.session.as_ref().map_or_else(Tape::fleeting, |session| session.streams.request());
        let events = Events::new(tape.read(), keep_alive).primed(revision);
        tape.say(first);
        let task = running.working.take().map(|working| running.crew.spawn(record(tape, said, working)));
        let events = match task {
            Some(task) if running.session.is_none() => events.ending(task),
            _ => events,
        };
        reply::stream(events)
    }
}

/// Writes what is said, and the answers after that.
async fn record(tape: Arc<Tape>, mut heard: Heard, mut working: Working) {
    // A stop may end this task; then the stream ends, too.
    let tape = End(tape);
    let answers = loop {
        tokio::select! {
            biased;
            Some(said) = heard.recv() => tape.0.say(&said),
            answers = &mut working => break answers,
        }
    };
    let cancelled = match &answers {
        Answers::One(_, ended) => matches!(ended, Ended::Cancelled),
        Answers::Batch(all) => all.iter().all(|(_, ended)| matches!(ended, Ended::Cancelled)),
    };
    // Nothing follows a cancellation.
    while !cancelled && let Some(said) = heard.try_recv() {
        tape.0.say(&said);
    }
    tape.0.end(lines(&answers));
}

struct End(Arc<Tape>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end(Vec::new());
    }
}

fn lines(answers: &Answers) -> Vec<Line> {
    match answers {
        Answers::One(id, ended) => job::last_message(id.as_ref(), ended).into_iter().collect(),
        Answers::Batch(all) => all.iter().filter_map(|(id, ended)| job::last_message(id.as_ref(), ended)).collect(),
    }
}

/// A response that has all that is to be said.
pub(super) fn respond_at_once(revision: Revision, wants: Wants, answers: &Answers) -> Response<Body> {
    if let Answers::One(id, ended) = answers {
        return single(id.as_ref(), revision, wants, ended);
    }
    let lines = lines(answers);
    match lines.is_empty() {
        true => nothing(wants),
        false if wants.json => reply::json(StatusCode::OK, encode::batch(lines)),
        false => reply::events(lines),
    }
}

/// A response with one message.
pub(super) fn single(id: Option<&RequestId>, revision: Revision, wants: Wants, ended: &Ended) -> Response<Body> {
    match (ended, id) {
        (Ended::Answered { answer: Err(denial), .. }, id) => reply::denial(id, denial),
        (Ended::Answered { answer: Ok(answer), .. }, Some(id)) => {
            let message = encode::answer(id, answer);
            if wants.json {
                reply::json(reply::status(answer, revision), message)
            } else {
                reply::events(vec![message])
            }
        }
        (Ended::Rejected(reject), id) => reply::reject(id, reject),
        (Ended::Answered { .. }, None) | (Ended::Cancelled, _) => nothing(wants),
    }
}

/// No answer may follow a cancellation. A stream without events is what a client gets whose stream was cut off, and all
/// SDKs live with that; 202 is for clients that take no streams.
fn nothing(wants: Wants) -> Response<Body> {
    if wants.events { reply::events(Vec::new()) } else { reply::empty(StatusCode::ACCEPTED) }
}

/// What runs while it is awaited. When it is dropped before its end, a modern client's is cancelled; that of a legacy
/// one, which has a session, goes on by itself, because there a disconnect is not a cancellation.
pub(super) struct Running<'a> {
    working: Option<Working>,
    session: Option<Arc<Session>>,
    crew: &'a Crew,
}

impl<'a> Running<'a> {
    pub(super) fn new(working: Working, session: Option<Arc<Session>>, crew: &'a Crew) -> Self {
        Self { working: Some(working), session, crew }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Answers> {
        let Some(working) = &mut self.working else {
            return Poll::Ready(Answers::One(None, Ended::Rejected(Reject::Internal)));
        };
        let answers = ready!(working.as_mut().poll(cx));
        self.working = None;
        Poll::Ready(answers)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(working) = self.working.take()
            && self.session.is_some()
        {
            self.crew.spawn(async move { drop(working.await) });
        }
    }
}
