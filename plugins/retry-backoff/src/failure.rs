//! The failures that an operator can name.

use serde::de::{Deserialize, Deserializer, Error};
use witgate_sdk::retry::Failure;

/// A class of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    NotSent,
    CircuitOpen,
    NoReply,
    Timeout,
    ToolError,
    Http(u16),
    Rpc(i32),
}

impl Class {
    /// Those that pass by themselves more often than not.
    pub(crate) fn passing() -> Vec<Self> {
        let statuses = [429, 502, 503, 504].map(Self::Http);
        [Self::NotSent, Self::CircuitOpen, Self::NoReply, Self::Timeout].into_iter().chain(statuses).collect()
    }

    pub(crate) fn covers(self, failure: &Failure) -> bool {
        match failure {
            Failure::NotSent(_) => self == Self::NotSent,
            Failure::CircuitOpen => self == Self::CircuitOpen,
            Failure::NoReply(_) => self == Self::NoReply,
            Failure::Timeout => self == Self::Timeout,
            Failure::ToolError => self == Self::ToolError,
            Failure::HttpStatus(status) => self == Self::Http(*status),
            Failure::RpcError(error) => self == Self::Rpc(error.code),
        }
    }
}

/// Whether no upstream can have acted on the call.
pub(crate) fn certainly_not_received(failure: &Failure) -> bool {
    matches!(failure, Failure::NotSent(_) | Failure::CircuitOpen)
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let numbered = || match text.split_once(':')? {
            ("http", status) => status.parse().ok().filter(|status| (400..600).contains(status)).map(Self::Http),
            ("rpc", code) => code.parse().ok().map(Self::Rpc),
            _ => None,
        };
        let class = match text.as_str() {
            "not-sent" => Some(Self::NotSent),
            "circuit-open" => Some(Self::CircuitOpen),
            "no-reply" => Some(Self::NoReply),
            "timeout" => Some(Self::Timeout),
            "tool-error" => Some(Self::ToolError),
            _ => numbered(),
        };
        class.ok_or_else(|| {
            Error::custom(format_args!(
                "`{text}` is no failure: write `not-sent`, `circuit-open`, `no-reply`, `timeout`, `tool-error`, \
                 `http:STATUS` (400 to 599) or `rpc:CODE`"
            ))
        })
    }
}
