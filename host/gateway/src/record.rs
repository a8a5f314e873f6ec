//! One record for each message: who called what, which plugin decided what, how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use witgate_policy::{Payload, Refusal, Step};

/// Takes the records, to log or count them. Must not block.
pub trait Recorder: Send + Sync {
    /// Whether it keeps the records of messages that went `well`, or of the others; what it does not keep is not made.
    fn keeps(&self, well: bool) -> bool {
        let _ = well;
        true
    }

    /// One message has ended.
    fn record(&self, record: &Record);

    /// One message was turned away by a front, before its tenant saw it.
    fn turned_away(&self, turned_away: &TurnedAway);
}

/// A message that a front turned away: it is none, it is not meant for here, or it does not say what it has to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnedAway {
    /// The tenant, where the message named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Arc<str>>,
    /// Where it came from: address and port, or `stdio`.
    pub peer: String,
    /// The MCP method, where it could be read; `GET` and `DELETE` for what has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, prompt or resource, as the client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The JSON-RPC code that it was answered with.
    pub code: i32,
    /// The HTTP status; none over stdio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What is wrong with it.
    pub cause: String,
}

/// How much of a target is recorded of a message that nobody has judged.
const TARGET_CHARS: usize = 256;

/// The tool, prompt or resource that params name.
pub(crate) fn target(params: &Payload) -> Option<String> {
    let named: Option<String> = params.read("/name").or_else(|| params.read("/uri"));
    named.map(|name| name.chars().take(TARGET_CHARS).collect())
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
    /// Who called; absent when nobody was admitted, or not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The upstreams that the message was sent to, in order; the last gave the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Arc<str>>,
    /// `ok`, `input-required` (the client is to come back with answers), `error` (an upstream's), `cancelled`, or the
    /// refusal's reason.
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
    /// How long it took, in microseconds, all times together.
    pub micros: u64,
    /// How often it said this, where it is more than once: what many parts of one message say again is counted.
    #[serde(skip_serializing_if = "is_once")]
    pub times: u32,
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
            times: step.times,
            shadow: step.shadow,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_once(times: &u32) -> bool {
    *times == 1
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Keeps nothing.
#[cfg(test)]
pub(crate) struct Nobody;

#[cfg(test)]
impl Recorder for Nobody {
    fn record(&self, _: &Record) {}
    fn turned_away(&self, _: &TurnedAway) {}
}
