use std::sync::Arc;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use witgate_policy::{Payload, Revision};

/// A JSON-RPC id: a string or an integer, never null (MCP, basic protocol, requests).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// An integer.
    Number(i64),
    /// A string.
    Text(String),
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// One message that a client sent, decoded strictly.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// Awaits an answer.
    Request {
        /// The client's id.
        id: RequestId,
        /// The method.
        method: ByteString,
        /// `{}` when there are none.
        params: Payload,
    },
    /// Awaits none.
    Notification {
        /// The method.
        method: ByteString,
        /// `{}` when there are none.
        params: Payload,
    },
    /// Answers a request that the gate sent to the client.
    Response {
        /// The gate's id.
        id: RequestId,
        /// The whole message, with its `result` or `error`.
        message: Payload,
    },
}

/// What is known of the client beside its message: from `_meta` (modern), or from its `initialize` (legacy).
///
/// They decide on which connection its messages reach a legacy server, where capabilities belong to a connection: a
/// client that declares nothing a server could ask for shares one with its like; a legacy client that declares more has one of its
/// session's own; a modern one, which has no session, has one to itself while its call runs.
#[derive(Debug, Clone)]
pub struct ClientFacts {
    /// The revision that the client speaks.
    pub revision: Revision,
    /// `clientInfo`, as the client sent it.
    pub info: Option<Payload>,
    /// `capabilities`, as the client sent them; `{}` when it sent none.
    pub capabilities: Payload,
    /// The least severe log level that the client wants.
    pub log_level: Option<String>,
    /// The session of a legacy client, by a name that is unique in the process.
    pub session: Option<Arc<str>>,
}
