//! The servers behind the gate: one [`Upstream`] each, over a child's stdio, a server inside this process, or Streamable
//! HTTP; of either era.

use std::time::Duration;

use witgate_policy::{Failure, Payload};

use crate::wire::ClientFacts;

/// What a server says while it answers one request.
#[derive(Debug, Clone)]
pub enum Event {
    /// A notification that belongs to the request: progress (with the gate's own token), a log line.
    Notification {
        /// Its method.
        method: String,
        /// Its `params`, `{}` when it has none.
        params: Payload,
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
}

/// What is to be sent, beside the evidence that it may be.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The client that asks.
    pub client: &'a ClientFacts,
    /// The `params` with the server's own names; `_meta` as the client sent it (the upstream makes it right for the
    /// server's era, and puts its own progress token where there is one).
    pub params: Payload,
    /// The definition of the tool that is called, for `Mcp-Param-*` headers.
    pub tool: Option<&'a Payload>,
    /// What the server is shown, with secrets filled in.
    pub headers: &'a [(String, witgate_policy::secret::Secret)],
}

/// One server behind the gate.
pub struct Upstream {}
