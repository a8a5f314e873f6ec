//! The words that all kinds share, there and back.

use std::time::Duration;

use wasmtime::component::{ComponentType, Lower};
use witgate_policy::json::Edit;
use witgate_policy::{Finding, Reason, Refusal, Stage};

use crate::bindings::wit;

/// `call`, lent: what a guest is told is copied into its memory, and nowhere else. That the records here are those of
/// the contract is checked when a component is loaded.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Call<'a> {
    id: &'a str,
    tenant: &'a str,
    method: &'a str,
    target: Option<&'a str>,
    revision: &'a str,
    traceparent: Option<&'a str>,
    #[component(name = "unix-time-s")]
    unix_time_s: u32,
    #[component(name = "deadline-ms")]
    deadline_ms: u32,
    chance: u32,
}

/// `identity`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Identity<'a> {
    subject: &'a str,
    issuer: &'a str,
    scopes: &'a [String],
    claims: Vec<Claim<'a>>,
}

/// `claim`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Claim<'a> {
    name: &'a str,
    value: &'a str,
}

pub(super) fn call(call: &witgate_policy::Call) -> Call<'_> {
    Call {
        id: call.id(),
        tenant: call.tenant(),
        method: call.method(),
        target: call.target(),
        revision: call.revision().as_str(),
        traceparent: call.traceparent(),
        unix_time_s: call.unix_time_s(),
        deadline_ms: millis(call.time_left()),
        chance: call.chance(),
    }
}

pub(super) fn identity(identity: &witgate_policy::Identity) -> Identity<'_> {
    Identity {
        subject: &identity.subject,
        issuer: &identity.issuer,
        scopes: &identity.scopes,
        claims: claims(&identity.claims),
    }
}

pub(super) fn claims(claims: &[witgate_policy::Claim]) -> Vec<Claim<'_>> {
    claims.iter().map(|claim| Claim { name: &claim.name, value: &claim.value }).collect()
}

pub(super) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// The guest's words as the policy's. Nothing is looked at on the way: that is `witgate_policy::answer`'s.
pub(super) fn told_identity(identity: wit::Identity) -> witgate_policy::Identity {
    let wit::Identity { subject, issuer, scopes, claims } = identity;
    let claims = claims.into_iter().map(|wit::Claim { name, value }| witgate_policy::Claim { name, value }).collect();
    witgate_policy::Identity { subject, issuer, scopes, claims }
}

/// A refusal of a plugin at this stage.
pub(super) fn refusal(refusal: wit::Refusal, stage: Stage) -> Refusal {
    let wit::Refusal { code, message, note, retry_after_ms, findings } = refusal;
    let reason = match code {
        wit::RefusalCode::Unauthenticated => Reason::Unauthenticated,
        wit::RefusalCode::Forbidden => Reason::Forbidden,
        wit::RefusalCode::Invalid => Reason::Invalid,
        wit::RefusalCode::Exhausted => Reason::Exhausted,
        wit::RefusalCode::Unavailable => Reason::Unavailable,
    };
    let finding = |wit::Finding { pointer, message }| Finding { pointer, message };
    let findings = findings.into_iter().map(finding).collect();
    Refusal { note, retry_after_ms, findings, ..Refusal::new(stage, reason, message) }
}

pub(super) fn edits(edits: Vec<wit::Edit>) -> Vec<Edit> {
    edits.into_iter().map(|wit::Edit { pointer, value }| Edit { pointer, value }).collect()
}
