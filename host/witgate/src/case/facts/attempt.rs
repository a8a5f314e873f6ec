use std::time::Duration;

use serde::{Deserialize, Serialize};
use witgate_policy::Failure;

use super::ms;

/// How an attempt failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum FailureWord {
    NotSent(String),
    NoReply(String),
    HttpStatus(u16),
    RpcError { code: i32, message: String },
    ToolError,
    Timeout,
    CircuitOpen,
}

/// A failed attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Attempt {
    number: u32,
    upstream: String,
    others: u32,
    elapsed_ms: u32,
    deadline_ms: u32,
    read_only: bool,
    idempotent: bool,
    failure: FailureWord,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
    chance: u32,
}

impl Default for Attempt {
    fn default() -> Self {
        Self {
            number: 1,
            upstream: "upstream".to_owned(),
            others: 0,
            elapsed_ms: 0,
            deadline_ms: 30_000,
            read_only: false,
            idempotent: false,
            failure: FailureWord::HttpStatus(503),
            retry_after_ms: None,
            chance: 0,
        }
    }
}

impl Attempt {
    pub(crate) fn of(attempt: &witgate_policy::Attempt) -> Self {
        let failure = match attempt.failure.clone() {
            Failure::NotSent(cause) => FailureWord::NotSent(cause),
            Failure::NoReply(cause) => FailureWord::NoReply(cause),
            Failure::HttpStatus(status) => FailureWord::HttpStatus(status),
            Failure::RpcError { code, message } => FailureWord::RpcError { code, message },
            Failure::ToolError => FailureWord::ToolError,
            Failure::Timeout => FailureWord::Timeout,
            Failure::CircuitOpen => FailureWord::CircuitOpen,
        };
        Self {
            number: attempt.number,
            upstream: attempt.upstream.to_string(),
            others: attempt.others,
            elapsed_ms: ms(attempt.elapsed),
            deadline_ms: ms(attempt.time_left),
            read_only: attempt.read_only,
            idempotent: attempt.idempotent,
            failure,
            retry_after_ms: attempt.retry_after.map(ms),
            chance: attempt.chance,
        }
    }

    pub(in crate::case) fn attempt(&self) -> witgate_policy::Attempt {
        let failure = match self.failure.clone() {
            FailureWord::NotSent(cause) => Failure::NotSent(cause),
            FailureWord::NoReply(cause) => Failure::NoReply(cause),
            FailureWord::HttpStatus(status) => Failure::HttpStatus(status),
            FailureWord::RpcError { code, message } => Failure::RpcError { code, message },
            FailureWord::ToolError => Failure::ToolError,
            FailureWord::Timeout => Failure::Timeout,
            FailureWord::CircuitOpen => Failure::CircuitOpen,
        };
        let duration = |ms: u32| Duration::from_millis(ms.into());
        witgate_policy::Attempt {
            number: self.number,
            upstream: self.upstream.as_str().into(),
            others: self.others,
            elapsed: duration(self.elapsed_ms),
            time_left: duration(self.deadline_ms),
            read_only: self.read_only,
            idempotent: self.idempotent,
            failure,
            retry_after: self.retry_after_ms.map(duration),
            chance: self.chance,
        }
    }
}
