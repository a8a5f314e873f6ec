//! What plugins are told beside the call, and what they may answer: the contract of `wit/` in Rust, one closed enum for
//! each kind.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use crate::identity::{Claim, Identity};
use crate::json::{Edit, Payload};
use crate::refusal::Refusal;

/// What a client has to bring instead of what it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The authentication scheme.
    pub scheme: String,
    /// RFC 6750 section 3.1.
    pub error: Option<String>,
    /// For a developer who reads the response.
    pub description: Option<String>,
    /// The scopes that would do.
    pub scope: Option<String>,
}

/// What an auth plugin decides.
#[derive(Debug, Clone)]
pub enum AuthVerdict {
    /// This is who calls.
    Allow(Identity),
    /// The caller has to authenticate, or to do so differently.
    Challenge(Challenge),
    /// The caller is refused.
    Deny(Refusal),
    /// Nothing that the plugin understands was presented.
    Abstain,
}

/// What is known of an upstream that is to be shown a credential.
#[derive(Debug, Clone)]
pub struct UpstreamFacts {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// Scheme, host and port.
    pub origin: String,
    /// The operator's labels.
    pub labels: Arc<[Claim]>,
}

/// Why a credential is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is nothing yet.
    First,
    /// What there is expires soon.
    Expiring,
    /// The upstream refused what it was shown.
    Rejected,
}

/// The circumstances of a credential.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// The tenant.
    pub tenant: Arc<str>,
    /// Why now.
    pub why: Why,
    /// Seconds since the Unix epoch.
    pub unix_time_s: u32,
    /// What is left for the call that waits.
    pub time_left: Duration,
}

/// One header for an upstream; its value may name secrets as `${secret:NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// A field name of RFC 9110.
    pub name: String,
    /// The value, secrets not filled in.
    pub value: String,
    /// The plugin that set it; whose granted secrets it may name.
    pub plugin: Arc<str>,
}

/// What an upstream is shown.
#[derive(Debug, Clone, Default)]
pub struct Credential {
    /// Headers to add.
    pub headers: Vec<Header>,
    /// For how long they hold.
    pub expires_in: Option<Duration>,
}

/// What a validator decides.
#[derive(Debug, Clone)]
pub enum ValidateVerdict {
    /// May go in.
    Accept,
    /// Would do with changes.
    Edits(Vec<Edit>),
    /// Must not go in.
    Refuse(Refusal),
}

/// The state of an upstream's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Calls go through.
    Closed,
    /// One trial call at a time goes through.
    HalfOpen,
    /// Nothing goes through.
    Open,
}

/// An upstream that could answer.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// The operator's labels.
    pub labels: Arc<[Claim]>,
    /// Whether the last thing known of it is good.
    pub healthy: bool,
    /// Its circuit breaker.
    pub circuit: Circuit,
    /// Calls that it has not answered yet.
    pub in_flight: u32,
    /// A moving average of the time to its answers.
    pub latency: Option<Duration>,
}

/// What a router decides.
#[derive(Debug, Clone)]
pub enum RouteVerdict {
    /// Candidates by id, best first.
    Order(Vec<String>),
    /// No upstream may answer.
    Refuse(Refusal),
    /// No opinion.
    Abstain,
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing reached the upstream.
    NotSent(String),
    /// The upstream may have received the call; the connection broke before its answer.
    NoReply(String),
    /// The upstream answered with this HTTP status.
    HttpStatus(u16),
    /// The upstream answered with a JSON-RPC error.
    RpcError {
        /// The error's code.
        code: i32,
        /// The error's message, unsanitized.
        message: String,
    },
    /// The tool answered with `isError`.
    ToolError,
    /// No answer in time.
    Timeout,
    /// The upstream's circuit was open.
    CircuitOpen,
}

impl std::fmt::Display for Failure {
    /// For the operator.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSent(cause) | Self::NoReply(cause) => f.write_str(cause),
            Self::HttpStatus(status) => write!(f, "HTTP status {status}"),
            Self::RpcError { code, message } => write!(f, "error {code}: {message}"),
            Self::ToolError => f.write_str("the tool failed"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::CircuitOpen => f.write_str("it has failed too often and is left alone for a moment"),
        }
    }
}

impl Failure {
    /// Whether the call may have reached the upstream, and so may have had an effect.
    pub const fn may_have_arrived(&self) -> bool {
        !matches!(self, Self::NotSent(_) | Self::CircuitOpen)
    }

    /// One word for logs and metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not-sent",
            Self::NoReply(_) => "no-reply",
            Self::HttpStatus(_) => "http-status",
            Self::RpcError { .. } => "rpc-error",
            Self::ToolError => "tool-error",
            Self::Timeout => "timeout",
            Self::CircuitOpen => "circuit-open",
        }
    }
}

/// What is known of the attempts so far.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How many were made, this one included.
    pub number: u32,
    /// The upstream that failed.
    pub upstream: Arc<str>,
    /// How many others of the route were not tried.
    pub others: u32,
    /// Since the first began.
    pub elapsed: Duration,
    /// Until the deadline.
    pub time_left: Duration,
    /// The call only reads.
    pub read_only: bool,
    /// A second call does no more than the first.
    pub idempotent: bool,
    /// How it failed.
    pub failure: Failure,
    /// The upstream's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// 32 random bits, fresh for each attempt.
    pub chance: u32,
}

/// Where the next attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To the same upstream.
    Same,
    /// To the next of the route.
    Other,
}

/// A further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// How long to wait before it.
    pub delay: Duration,
    /// Where it goes.
    pub destination: Destination,
}

/// What a retry strategy decides.
#[derive(Debug, Clone)]
pub enum RetryDecision {
    /// The client gets the failure.
    GiveUp,
    /// Try once more.
    Again(Again),
    /// The client gets this result, JSON text.
    Fallback(String),
}

/// What kind of message comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The `result` of a request.
    Result,
    /// The `error` object of a request.
    Error,
    /// The `params` of a notification.
    Notification,
    /// The `params` of a server's request to the client.
    ServerRequest,
    /// The `result` of a list method or of discovery.
    Listing,
    /// A `result` that asks the client for input.
    InputRequired,
}

/// A message on its way to a client, judged by nobody yet.
#[derive(Debug, Clone)]
pub struct Message {
    /// What `payload` is.
    pub kind: Kind,
    /// The message's own method.
    pub method: ByteString,
    /// The upstream it comes from; `None` for the gate itself.
    pub upstream: Option<Arc<str>>,
    /// The `result`, `error` or `params`.
    pub payload: Payload,
}

/// What a sanitizer decides.
#[derive(Debug, Clone)]
pub enum SanitizeVerdict {
    /// As it is.
    Pass,
    /// With changes.
    Edits(Vec<Edit>),
    /// This JSON text instead.
    Replace(String),
    /// Not at all.
    Withhold(Refusal),
}
