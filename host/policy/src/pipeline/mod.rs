//! The chain of plugins of one tenant, and the rules around them.

mod admit;
mod credential;
mod items;
mod retry;
mod route;
mod sanitize;
mod validate;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;

use crate::fault::Fault;
use crate::hook::{
    Authenticator, CredentialProvider, Hook, InputValidator, Mode, OnFault, OutputSanitizer, RetryStrategy, Router,
};
use crate::json;
use crate::refusal::Refusal;
use crate::trail::{Stage, Step, Trail, Watch};

pub use retry::{Budget, Next};
pub use validate::ToolBook;

/// Bounds on what the pipeline does for one message.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How often validators may edit before the call is refused: each edit starts the round again.
    pub rounds: usize,
    /// Edits in one validator's verdict.
    pub validate_edits: usize,
    /// Edits in one sanitizer's verdict.
    pub sanitize_edits: usize,
    /// What an edited document may be at most.
    pub document: json::Limits,
    /// Attempts for one call, the first included.
    pub attempts: u32,
    /// Lets a strategy repeat calls that may have had an effect.
    pub unsafe_retries: bool,
}

impl Default for Bounds {
    /// Four rounds: two validators that correct each other once, and a round that finds nothing. The edits are the
    /// contract's numbers. Five attempts: more belong to the client.
    fn default() -> Self {
        Self {
            rounds: 4,
            validate_edits: 256,
            sanitize_edits: 4096,
            document: json::Limits::default(),
            attempts: 5,
            unsafe_retries: false,
        }
    }
}

/// The plugins of one tenant by kind, each list in the operator's order. Immutable: a change makes a new one.
#[derive(Debug, Default)]
pub struct Pipeline {
    /// Who is calling. When empty, everybody is [`Identity::anonymous`](crate::Identity::anonymous): the configuration
    /// makes sure that an operator has asked for that.
    pub auth: Vec<Hook<dyn Authenticator>>,
    /// What upstreams are shown.
    pub credential: Vec<Hook<dyn CredentialProvider>>,
    /// What goes in.
    pub validate: Vec<Hook<dyn InputValidator>>,
    /// Which upstream answers.
    pub route: Vec<Hook<dyn Router>>,
    /// What happens after a failed attempt.
    pub retry: Vec<Hook<dyn RetryStrategy>>,
    /// What comes out.
    pub sanitize: Vec<Hook<dyn OutputSanitizer>>,
    /// Bounds for one message.
    pub bounds: Bounds,
    /// What retries of the whole tenant may cost.
    pub budget: Budget,
}

/// Asks one plugin, records what it said, and applies its mode and its `on-fault`.
///
/// `Ok(None)`: as if the plugin were not there (a shadow's verdict, or a fault that is skipped). `word` names the
/// verdict in the record.
async fn ask<P: ?Sized, V>(
    stage: Stage,
    hook: &Hook<P>,
    trail: &Trail,
    answer: impl Future<Output = Result<V, Fault>>,
    word: impl FnOnce(&V) -> &'static str,
) -> Result<Option<V>, Refusal> {
    let watch = Watch::start();
    let answer = answer.await;
    let shadow = hook.mode == Mode::Shadow;
    trail.push(Step {
        stage,
        plugin: hook.name.clone(),
        digest: hook.digest.clone(),
        verdict: answer.as_ref().map_or("fault", word),
        fault: answer.as_ref().err().cloned(),
        took: watch.took(),
        times: 1,
        shadow,
    });
    match answer {
        _ if shadow => Ok(None),
        Ok(verdict) => Ok(Some(verdict)),
        Err(_) if hook.on_fault == OnFault::Skip && stage != Stage::Auth => Ok(None),
        Err(fault) => Err(Refusal::from_fault(stage, &hook.name, &fault)),
    }
}

/// A verdict that the contract does not allow, found by the host after the plugin answered. Follows `on-fault` like
/// any fault.
fn faulted<P: ?Sized>(stage: Stage, hook: &Hook<P>, trail: &Trail, fault: &Fault) -> Result<(), Refusal> {
    trail.push(Step {
        stage,
        plugin: hook.name.clone(),
        digest: hook.digest.clone(),
        verdict: "fault",
        fault: Some(fault.clone()),
        took: std::time::Duration::ZERO,
        times: 1,
        shadow: false,
    });
    if hook.on_fault == OnFault::Skip && stage != Stage::Auth {
        return Ok(());
    }
    Err(Refusal::from_fault(stage, &hook.name, fault))
}

/// A shorthand for the name of whoever decided.
fn name<P: ?Sized>(hook: &Hook<P>) -> &Arc<str> {
    &hook.name
}
