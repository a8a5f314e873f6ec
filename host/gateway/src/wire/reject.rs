use http::StatusCode;
use serde_json::{Value, json};
use witgate_policy::Revision;

use super::code;
use super::decode::{DecodeError, Flaw};
use super::error::RpcError;
use super::headers::Mismatch;

/// Why a front turns a message away before any plugin is asked: it is no message, it is not meant for here, or it does
/// not say what it has to. One table gives each its JSON-RPC code and HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Not one acceptable JSON-RPC message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// More bytes than are taken.
    #[error("the message is longer than the {limit} bytes that are taken here")]
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// More than is kept of a message for longer than its answer takes: a handshake, a subscription.
    #[error("the `params` are longer than the {limit} bytes that are taken of a message that is kept")]
    TooLasting {
        /// What is allowed.
        limit: usize,
    },
    /// The body did not come in time.
    #[error("the body did not arrive within {seconds} seconds")]
    TooSlow {
        /// What is allowed.
        seconds: u64,
    },
    /// The connection broke within the body.
    #[error("the body could not be read to its end")]
    Broken,
    /// Large messages of others take the room that there is for them.
    #[error("there is no room for so large a message now; try again later")]
    Crowded,
    /// A `Host` that this gate is not known by: a sign of DNS rebinding.
    #[error("this gate does not answer to that `Host`; the operator can allow it")]
    Host,
    /// A web page of an origin that is not allowed.
    #[error("this `Origin` is not allowed here; the operator can allow it")]
    Origin,
    /// A body of another type.
    #[error("the `Content-Type` has to be application/json")]
    MediaType,
    /// A body that is compressed.
    #[error("bodies are taken as they are, without a `Content-Encoding`")]
    Coding,
    /// The client takes neither form of answer.
    #[error("the `Accept` header has to allow application/json and text/event-stream")]
    NotAcceptable,
    /// Only `POST` is taken, and of legacy clients `GET` to listen and `DELETE` to end a session.
    #[error("this method is not supported here; send messages with POST")]
    HttpMethod,
    /// A client that listens has to take events.
    #[error("the `Accept` header has to allow text/event-stream")]
    NoEvents,
    /// More standing streams than one session may have.
    #[error("{limit} streams of this session are open, which is as many as are allowed at once")]
    Streams {
        /// What is allowed.
        limit: usize,
    },
    /// A `Last-Event-ID` that no stream of the session can go on from.
    #[error("the stream of this `Last-Event-ID` is not there any more; what came after it is lost")]
    EventGone,
    /// A field of `_meta` that a modern request must have (2026-07-28, basic, `_meta`).
    #[error("`_meta` has to have `{field}`, which is {want}")]
    Meta {
        /// The field.
        field: &'static str,
        /// What it has to be.
        want: &'static str,
    },
    /// A member of a legacy client's `initialize` that is missing or of another type.
    #[error("`initialize` has to have `{field}`, which is {want}")]
    Handshake {
        /// The member.
        field: &'static str,
        /// What it has to be.
        want: &'static str,
    },
    /// A log level that RFC 5424 does not have.
    #[error("the log level in `_meta` is not one of debug, info, notice, warning, error, critical, alert, emergency")]
    LogLevel,
    /// A revision that is not spoken here.
    #[error("Unsupported protocol version")]
    Version {
        /// What was asked for.
        requested: String,
    },
    /// A mirrored header that does not agree with the message.
    #[error("Header mismatch: {0}")]
    Headers(#[from] Mismatch),
    /// A legacy message that belongs to no session.
    #[error(
        "this message needs a session: send `initialize` first, then its `Mcp-Session-Id` with every message; \
         or, from 2026-07-28 on, name the revision in header and `_meta`"
    )]
    NoSession,
    /// The same where there is no header to name it with.
    #[error("send `initialize` first, or the revision in every request's `_meta`")]
    NotInitialized,
    /// A handshake beside other messages.
    #[error("`initialize` must not be part of a batch")]
    InitializeInBatch,
    /// A session that does not exist, has expired, or is of another endpoint.
    #[error("this session does not exist any more; send `initialize` to begin another")]
    UnknownSession,
    /// A header that contradicts what the session agreed on.
    #[error("the `MCP-Protocol-Version` header does not say {agreed}, which this session agreed on")]
    SessionVersion {
        /// What was agreed.
        agreed: Revision,
    },
    /// Every place for a session is taken by one that is at work.
    #[error("no more sessions can begin now; try again later")]
    SessionsFull,
    /// An id that another request has which is not answered yet.
    #[error("a request with this id is still under way")]
    DuplicateId,
    /// More requests at once than one client may have.
    #[error("{limit} requests are under way, which is as many as are allowed at once")]
    Busy {
        /// What is allowed.
        limit: usize,
    },
    /// A response where no request was sent.
    #[error("clients of this revision send no responses")]
    Response,
    /// The endpoint was taken away by a change of configuration.
    #[error("there is no such endpoint any more")]
    Gone,
    /// The gate itself could not do its part.
    #[error("the gateway failed; its operator finds the cause in the log")]
    Internal,
}

impl Reject {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Decode(DecodeError { flaw: Flaw::Size { .. }, .. })
            | Self::TooLarge { .. }
            | Self::TooLasting { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Decode(_)
            | Self::Broken
            | Self::Meta { .. }
            | Self::Version { .. }
            | Self::Headers(_)
            | Self::NoSession
            | Self::NotInitialized
            | Self::SessionVersion { .. }
            | Self::EventGone
            | Self::InitializeInBatch
            | Self::Response => StatusCode::BAD_REQUEST,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::MediaType | Self::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Streams { .. } => StatusCode::CONFLICT,
            Self::NotAcceptable | Self::NoEvents => StatusCode::NOT_ACCEPTABLE,
            Self::HttpMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownSession | Self::Gone => StatusCode::NOT_FOUND,
            Self::SessionsFull | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            // The session goes on, so its client must not take this for its end; and a legacy client learns of a
            // request's fate from the message alone.
            Self::LogLevel | Self::Handshake { .. } | Self::DuplicateId | Self::Busy { .. } => StatusCode::OK,
        }
    }

    /// The JSON-RPC code.
    pub fn code(&self) -> i32 {
        match self {
            Self::Decode(error) => error.code(),
            Self::TooLarge { .. } | Self::TooLasting { .. } => code::TOO_LARGE,
            Self::Meta { .. } | Self::Handshake { .. } | Self::LogLevel => code::INVALID_PARAMS,
            Self::Version { .. } => code::UNSUPPORTED_VERSION,
            Self::Headers(_) => code::HEADER_MISMATCH,
            Self::Host | Self::Origin => code::FORBIDDEN,
            Self::UnknownSession => code::SESSION_NOT_FOUND,
            Self::SessionsFull | Self::Crowded | Self::Gone => code::UNAVAILABLE,
            Self::Busy { .. } | Self::Streams { .. } => code::EXHAUSTED,
            Self::Internal => code::FAULT,
            _ => code::INVALID_REQUEST,
        }
    }

    /// As a client gets it.
    pub fn error(&self) -> RpcError {
        RpcError { code: self.code(), message: self.to_string(), data: self.data() }
    }

    fn data(&self) -> Option<Value> {
        match self {
            Self::Version { requested } => {
                let supported: Vec<&str> = Revision::ALL.iter().rev().map(|revision| revision.as_str()).collect();
                let requested: String = requested.chars().take(64).collect();
                Some(json!({ "supported": supported, "requested": requested }))
            }
            Self::TooLarge { limit } | Self::TooLasting { limit } => Some(json!({ "limitBytes": limit })),
            _ => None,
        }
    }
}
