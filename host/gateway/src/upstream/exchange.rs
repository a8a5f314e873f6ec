//! One request under way, whatever carries it: its deadline, its bookkeeping, and its end.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use tokio::time::Instant;
use witgate_policy::{Failure, Payload, Routed};

use super::envelope::Outcome;
use super::gauge::Ticket;
use super::level::LogWish;
use super::pipe::{Pipe, Wait};
use super::place::Busy;
use super::{Ask, Event, Failed, Reply, envelope, http, meta};
use crate::late::{Late, within};
use crate::wire::ClientFacts;

/// What a connection hears for one request.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The server has begun to stream.
    Opened,
    /// A notification.
    Note { method: String, params: Payload },
    /// A request to the client.
    Ask { ask: Ask, method: String, params: Payload },
    /// It takes one back.
    Withdrawn { ask: Ask },
    /// The answer.
    End(Outcome),
}

impl Heard {
    /// What it takes in a queue.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Note { params, .. } | Self::Ask { params, .. } => params.len(),
            Self::Opened | Self::Withdrawn { .. } | Self::End(_) => 0,
        }
    }
}

/// Who listens to a request's notifications.
pub(crate) struct Listener {
    /// The client's progress token, as it wrote it.
    pub(crate) token: Option<String>,
    /// The log lines that it wants.
    pub(crate) wish: LogWish,
    /// On whose behalf, hashed with a key of this process: log lines of one caller never reach another.
    pub(crate) caller: u64,
    /// The gate's own request: log lines are not for it.
    pub(crate) internal: bool,
}

impl Listener {
    /// The client of a call.
    pub(crate) fn of(caller: u64, client: &ClientFacts, params: &Payload) -> Self {
        Self { token: meta::token(params).map(str::to_owned), wish: LogWish::of(client), caller, internal: false }
    }

    /// The gate itself.
    pub(crate) fn internal() -> Self {
        Self { token: None, wish: LogWish::None, caller: 0, internal: true }
    }
}

static CALLERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// On whose behalf a call is made.
pub(crate) fn caller(routed: &Routed) -> u64 {
    CALLERS.hash_one((routed.call().tenant(), routed.identity()))
}

/// A request of the gate's own. Dropped before the end, it cancels the request.
pub(crate) enum Own {
    Pipe(Wait),
    Http(Box<http::Answer>),
}

impl Own {
    /// What comes next.
    pub(crate) async fn next(&mut self) -> Result<Heard, Failed> {
        match self {
            Self::Pipe(wait) => wait.next().await,
            Self::Http(answer) => answer.next().await,
        }
    }
}

/// What carries a request. Dropped before the end, it cancels the request.
pub(crate) enum Carrier {
    /// A stream of lines. It lives as long as somebody waits on it; the wait comes first, so that its cancellation is
    /// written before the connection ends.
    Pipe(Wait, #[expect(dead_code, reason = "held, not used")] Arc<Pipe>, Busy<Pipe>),
    /// A response of its own.
    Http(Box<http::Answer>, Busy<http::Session>),
}

impl Carrier {
    async fn next(&mut self) -> Result<Heard, Failed> {
        match self {
            Self::Pipe(wait, ..) => wait.next().await,
            Self::Http(answer, _) => answer.next().await,
        }
    }

    /// Answers what the server asked.
    fn answer(&self, ask: &Ask, answer: Reply) {
        match self {
            Self::Pipe(wait, ..) => wait.board().answer(Some(wait.id()), ask, answer),
            Self::Http(http, _) => http.answer(ask, answer),
        }
    }

    fn say(&self, line: String) {
        match self {
            Self::Pipe(wait, ..) => wait.board().say(line),
            Self::Http(answer, _) => answer.say(line),
        }
    }

    /// The request ends without its answer: what the server still says of it must reach no other.
    fn spend(&self) {
        match self {
            Self::Pipe(_, _, busy) => busy.spend(),
            Self::Http(_, busy) => busy.spend(),
        }
    }
}

/// One request under way. Dropped before its reply, it cancels the request at the server.
pub struct Exchange {
    carrier: Option<Carrier>,
    ticket: Ticket,
    deadline: Instant,
}

impl Exchange {
    pub(crate) fn new(carrier: Carrier, ticket: Ticket, deadline: Instant) -> Self {
        Self { carrier: Some(carrier), ticket, deadline }
    }

    /// What comes next; after the [`Reply`] or a failure, nothing does. When the call's deadline passes it fails with
    /// [`Failure::Timeout`], and the request is cancelled. Cancel safe.
    pub async fn next(&mut self) -> Result<Event, Failed> {
        let Some(carrier) = &mut self.carrier else {
            return Err(Failed::no_reply("the exchange has ended"));
        };
        let deadline = self.deadline;
        let heard = within(|| deadline, carrier.next()).await;
        let heard = heard.unwrap_or_else(|Late| Err(Failure::Timeout.into()));
        let event = match heard {
            Ok(Heard::Opened) => return Ok(Event::Opened),
            Ok(Heard::Note { method, params }) => return Ok(Event::Notification { method, params }),
            Ok(Heard::Ask { ask, method, params }) => return Ok(Event::Request { ask, method, params }),
            Ok(Heard::Withdrawn { ask }) => return Ok(Event::Withdrawn { ask }),
            Ok(Heard::End(Outcome::Result(result))) => Ok(Event::Reply(Reply::Result(result))),
            Ok(Heard::End(Outcome::Error(error))) => Ok(Event::Reply(Reply::Error(error))),
            Ok(Heard::End(Outcome::Neither)) => {
                Err(Failed::no_reply("the server answered with neither a `result` nor an `error` that is an object"))
            }
            Err(failed) => Err(failed),
        };
        match &event {
            Ok(_) => self.ticket.answered(),
            Err(failed) => {
                carrier.spend();
                self.ticket.failed(&failed.failure);
            }
        }
        self.carrier = None;
        event
    }

    /// Answers what the server asked in the course of the request.
    pub fn answer(&self, ask: &Ask, answer: Reply) {
        if let Some(carrier) = &self.carrier {
            carrier.answer(ask, answer);
        }
    }

    /// Sends a notification of the client's about its work on a request of the server. It may be lost.
    pub fn notify(&self, method: &str, params: &Payload) {
        if let Some(carrier) = &self.carrier {
            carrier.say(envelope::notification(method, params));
        }
    }

    /// Another deadline: the call of a client that was asked goes on with its next message.
    pub fn extend(&mut self, deadline: std::time::Instant) {
        self.deadline = deadline.into();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(carrier) = &self.carrier {
            carrier.spend();
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("over", &self.carrier.is_none()).finish_non_exhaustive()
    }
}
