//! The servers behind the gate: one [`Upstream`] each, over a child's stdio, a server inside this process, or Streamable
//! HTTP; of either era.
//!
//! Invariants:
//!
//! - only a [`Routed`](witgate_policy::Routed) can be sent, and only to the upstream that it was routed to;
//! - ids and progress tokens on the wire are the gate's own; a client's token is put back into what it receives, and no
//!   server sees two requests with one id;
//! - what a server sends is parsed strictly and bounded; what is no message fails the request that it answers, and no
//!   other on the same connection; a server that goes on so loses its connection;
//! - everything that waits has a deadline, every queue a bound, and every child an owner who reaps it.

mod ask;
mod audience;
mod board;
mod bridge;
mod connection;
mod crowd;
mod envelope;
mod exchange;
mod facts;
#[doc(hidden)]
pub mod fuzzing;
mod gauge;
mod handshake;
mod http;
mod inlet;
mod lazy;
mod level;
mod meta;
mod pipe;
mod place;
mod pool;
mod server;
mod spawn;
mod spec;
mod topics;
mod watch;

use std::time::Duration;

use witgate_policy::{Failure, Payload};

use crate::wire::ClientFacts;

pub use ask::Ask;
pub(crate) use ask::is_declared;
pub use exchange::Exchange;
pub use facts::ServerFacts;
pub use server::Upstream;
pub use spawn::{Directly, Spawner, Start, Started};
pub use spec::{Builtin, Http, InProcess, Limits, Spec, Stdio, Timeouts, Transport};
pub use topics::Subscription;
pub use watch::{Standing, Watch};

/// What a server says while it answers one request.
#[derive(Debug, Clone)]
pub enum Event {
    /// A notification that belongs to the request: progress (with the client's own token), a log line.
    Notification {
        /// Its method.
        method: String,
        /// Its `params`, `{}` when it has none.
        params: Payload,
    },
    /// The server has begun to stream; nothing may come for long.
    Opened,
    /// It asks something of the client. Only a connection of the client's own brings these (see [`ClientFacts`]).
    Request {
        /// To answer by.
        ask: Ask,
        /// Its method.
        method: String,
        /// Its `params`.
        params: Payload,
    },
    /// It takes a request back.
    Withdrawn {
        /// Which.
        ask: Ask,
    },
    /// The answer. Nothing comes after it.
    Reply(Reply),
}

/// A server's answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The `result`.
    Result(Payload),
    /// The `error` object.
    Error(Payload),
}

/// A failed attempt.
#[derive(Debug, Clone)]
pub struct Failed {
    /// How it failed.
    pub failure: Failure,
    /// The server's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The JSON-RPC error object of an HTTP error's body.
    pub error: Option<Payload>,
    /// What the client may be told of it, where that is more than that it failed.
    pub told: Option<String>,
}

impl Failed {
    /// Nothing reached the server.
    pub(crate) fn not_sent(why: impl Into<String>) -> Self {
        Failure::NotSent(why.into()).into()
    }

    /// The server sent a message that is longer than it may be.
    pub(crate) fn too_long(max_bytes: usize) -> Self {
        let why = format!("the server sent a message of more than {max_bytes} bytes");
        let told = format!("the answer is longer than the {max_bytes} bytes that the limit `message-bytes` allows");
        Self { told: Some(told), ..Self::no_reply(why) }
    }

    /// The server sent something that the gate cannot take for its answer. What exactly is for the log: the server's own
    /// text is not passed on uncleaned.
    pub(crate) fn unreadable(cause: &envelope::EnvelopeError) -> Self {
        Self { told: Some(cause.told().to_owned()), ..Self::no_reply(cause.to_string()) }
    }

    /// The server may have received the call; its answer will not come.
    pub(crate) fn no_reply(why: impl Into<String>) -> Self {
        Failure::NoReply(why.into()).into()
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None, error: None, told: None }
    }
}

/// What is to be sent, beside the evidence that it may be.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The client that asks.
    pub client: &'a ClientFacts,
    /// The `params` with the server's own names; `_meta` as the client sent it (the upstream makes it right for the
    /// server's era, and puts its own progress token where there is one).
    pub params: Payload,
    /// The definition of the tool that is called, where it may want `Mcp-Param-*` headers.
    pub tool: Option<&'a Payload>,
    /// What the server is shown, with secrets filled in.
    pub headers: &'a [(String, witgate_policy::secret::Secret)],
}
