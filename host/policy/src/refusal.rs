use std::sync::Arc;

use crate::fault::Fault;
use crate::trail::Stage;
use crate::verdict::Challenge;

/// Why a call ends without an upstream's answer. The gateway's table gives each a JSON-RPC code and an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No usable proof of who is calling.
    Unauthenticated,
    /// Proven, but with too small a scope (RFC 6750 section 3.1).
    InsufficientScope,
    /// Known, but not allowed.
    Forbidden,
    /// The message is at fault; `findings` say where.
    Invalid,
    /// The tool, prompt or resource does not exist.
    UnknownTarget,
    /// Nothing behind the gate has this method.
    UnknownMethod,
    /// HTTP headers that mirror the message disagree with it (MCP 2026-07-28, server validation).
    HeaderMismatch,
    /// A quota is used up.
    Exhausted,
    /// No upstream could answer, or something else that is needed is not there.
    Unavailable,
    /// The call's own deadline passed.
    Timeout,
    /// A plugin failed to decide.
    Fault,
}

impl Reason {
    /// One word for logs, metrics and clients.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InsufficientScope => "insufficient-scope",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::UnknownTarget => "unknown-target",
            Self::UnknownMethod => "unknown-method",
            Self::HeaderMismatch => "header-mismatch",
            Self::Exhausted => "exhausted",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Fault => "fault",
        }
    }
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// RFC 6901, from the root of what was judged.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A decision that ends a call: a plugin's denial, a plugin's fault, or the host's own no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class of reason.
    pub reason: Reason,
    /// For the client: what to do, and nothing that helps an attacker.
    pub message: String,
    /// For the operator's log only.
    pub note: Option<String>,
    /// When trying again makes sense, in milliseconds.
    pub retry_after_ms: Option<u32>,
    /// Where the message is at fault.
    pub findings: Vec<Finding>,
    /// What to bring instead.
    pub challenge: Option<Challenge>,
    /// The stage that refused.
    pub stage: Stage,
    /// The plugin that refused; `None` for the host itself.
    pub plugin: Option<Arc<str>>,
}

impl Refusal {
    /// The host's own refusal.
    pub fn new(stage: Stage, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            note: None,
            retry_after_ms: None,
            findings: Vec::new(),
            challenge: None,
            stage,
            plugin: None,
        }
    }

    /// The same, with a line for the operator.
    #[must_use]
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// A plugin's fault. The client learns that a policy failed, the operator which and how.
    pub fn from_fault(stage: Stage, plugin: &Arc<str>, fault: &Fault) -> Self {
        let mut refusal =
            Self::new(stage, Reason::Fault, "a policy of this gateway failed, so the message was refused")
                .noted(format!("plugin `{plugin}` {fault}"));
        refusal.plugin = Some(plugin.clone());
        refusal
    }

    /// Said by a plugin at a stage.
    pub(crate) fn by(mut self, stage: Stage, plugin: &Arc<str>) -> Self {
        self.stage = stage;
        self.plugin = Some(plugin.clone());
        self
    }
}
