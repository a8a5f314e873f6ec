//! One record for each message: who called what, which plugin decided what, how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use witgate_policy::{Refusal, Step};

/// Takes the records, to log or count them. Must not block.
pub trait Recorder: Send + Sync {
    /// One message has ended.
    fn record(&self, record: &Record);
}

/// One message, ended.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The gate's own id of the message.
    pub call: Arc<str>,
    /// The generation that served it.
    pub generation: u64,
    /// The tenant.
    pub tenant: Arc<str>,
    /// The MCP method.
    pub method: String,
    /// The tool, prompt or resource, as the client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The client's revision.
    pub revision: &'static str,
    /// Who called; absent when nobody was admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The upstreams that the message was sent to, in order; the last gave the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Arc<str>>,
    /// `ok`, `error` (an upstream's), `cancelled`, or the refusal's reason.
    pub outcome: &'static str,
    /// Who refused and why, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalRecord>,
    /// Each plugin that was asked, in order.
    pub plugins: Vec<StepRecord>,
    /// From decoding to the end, in microseconds.
    pub micros: u64,
}

/// A refusal, as the operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct RefusalRecord {
    /// The stage.
    pub stage: &'static str,
    /// The plugin; absent for the host itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Arc<str>>,
    /// What the client was told.
    pub message: String,
    /// What only the operator is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<&Refusal> for RefusalRecord {
    fn from(refusal: &Refusal) -> Self {
        Self {
            stage: refusal.stage.as_str(),
            plugin: refusal.plugin.clone(),
            message: refusal.message.clone(),
            note: refusal.note.clone(),
        }
    }
}

/// One plugin's part.
#[derive(Debug, Clone, Serialize)]
pub struct StepRecord {
    /// The hook.
    pub stage: &'static str,
    /// The plugin's name in the configuration.
    pub plugin: Arc<str>,
    /// SHA-256 of its component.
    pub digest: Arc<str>,
    /// The verdict's word, or `fault`.
    pub verdict: &'static str,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Whether the verdict was only recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
}

impl From<&Step> for StepRecord {
    fn from(step: &Step) -> Self {
        Self {
            stage: step.stage.as_str(),
            plugin: step.plugin.clone(),
            digest: step.digest.clone(),
            verdict: step.verdict,
            fault: step.fault.as_ref().map(|fault| format!("{}: {fault}", fault.label())),
            micros: micros(step.took),
            shadow: step.shadow,
        }
    }
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
