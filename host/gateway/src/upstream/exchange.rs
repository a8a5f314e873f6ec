//! One request under way, whatever carries it: its deadline, its bookkeeping, and its end.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use tokio::time::Instant;
use witgate_policy::{Failure, Payload, Routed};

use super::envelope::Outcome;
use super::gauge::Ticket;
use super::pipe::{Pipe, Wait};
use super::{Ask, Event, Failed, Reply, http, meta};
use crate::wire::ClientFacts;

/// What a connection hears for one request.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A notification.
    Note { method: String, params: Payload },
    /// The answer.
    End(Outcome),
}

/// Who listens to a request's notifications.
pub(crate) struct Listener {
    /// The client's progress token, as it wrote it.
    pub(crate) token: Option<String>,
    /// The log lines that it wants.
    pub(crate) wish: meta::LogWish,
    /// On whose behalf, hashed with a key of this process: log lines of one caller never reach another.
    pub(crate) caller: u64,
    /// The gate's own request: log lines are not for it.
    pub(crate) internal: bool,
}

impl Listener {
    /// The client of a call.
    pub(crate) fn of(routed: &Routed, client: &ClientFacts, params: &Payload) -> Self {
        Self {
            token: meta::token(params).map(str::to_owned),
            wish: meta::LogWish::of(client),
            caller: CALLERS.hash_one((routed.call().tenant(), routed.identity())),
            internal: false,
        }
    }

    /// The gate itself.
    pub(crate) fn internal() -> Self {
        Self { token: None, wish: meta::LogWish::None, caller: 0, internal: true }
    }
}

static CALLERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What carries a request. Dropped before the end, it cancels the request.
pub(crate) enum Carrier {
    /// A shared connection. It lives as long as somebody waits on it; the wait comes first, so that its cancellation
    /// is written before the connection ends.
    Pipe(Wait, #[expect(dead_code, reason = "held, not used")] Arc<Pipe>),
    /// A response of its own.
    Http(Box<http::Answer>),
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
        let heard = tokio::time::timeout_at(self.deadline, async {
            match carrier {
                Carrier::Pipe(wait, _) => wait.next().await,
                Carrier::Http(answer) => answer.next().await,
            }
        })
        .await
        .unwrap_or_else(|_| Err(Failure::Timeout.into()));
        let event = match heard {
            Ok(Heard::Note { method, params }) => return Ok(Event::Notification { method, params }),
            Ok(Heard::End(Outcome::Result(result))) => Ok(Event::Reply(Reply::Result(result))),
            Ok(Heard::End(Outcome::Error(error))) => Ok(Event::Reply(Reply::Error(error))),
            Ok(Heard::End(Outcome::Neither)) => {
                Err(Failed::no_reply("the server answered with neither a `result` nor an `error` that is an object"))
            }
            Err(failed) => Err(failed),
        };
        self.carrier = None;
        match &event {
            Ok(_) => self.ticket.answered(),
            Err(failed) => self.ticket.failed(&failed.failure),
        }
        event
    }
}

impl Exchange {
    /// Answers what the server asked in the course of the request.
    pub fn answer(&self, ask: &Ask, answer: Reply) {
        let _ = (ask, answer);
    }

    /// Sends a notification of the client's about its work on a request of the server.
    pub fn notify(&self, method: &str, params: &Payload) {
        let _ = (method, params);
    }

    /// Another deadline: the call of a client that was asked goes on with its next message.
    pub fn extend(&mut self, deadline: std::time::Instant) {
        self.deadline = deadline.into();
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("over", &self.carrier.is_none()).finish_non_exhaustive()
    }
}
