//! The words that all kinds share, there and back.

use std::time::Duration;

use witgate_policy::json::Edit;
use witgate_policy::{Call, Claim, Finding, Identity, Reason, Refusal, Stage};

use crate::bindings::wit;

pub(super) fn call(call: &Call) -> wit::Call {
    wit::Call {
        id: call.id().to_owned(),
        tenant: call.tenant().to_string(),
        method: call.method().to_owned(),
        target: call.target().map(str::to_owned),
        revision: call.revision().as_str().to_owned(),
        traceparent: call.traceparent().map(str::to_owned),
        unix_time_s: call.unix_time_s(),
        deadline_ms: millis(call.time_left()),
        chance: call.chance(),
    }
}

pub(super) fn identity(identity: &Identity) -> wit::Identity {
    wit::Identity {
        subject: identity.subject.clone(),
        issuer: identity.issuer.clone(),
        scopes: identity.scopes.clone(),
        claims: claims(&identity.claims),
    }
}

pub(super) fn claims(claims: &[Claim]) -> Vec<wit::Claim> {
    claims.iter().map(|claim| wit::Claim { name: claim.name.clone(), value: claim.value.clone() }).collect()
}

pub(super) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// The guest's words as the policy's. Nothing is looked at on the way: that is `witgate_policy::answer`'s.
pub(super) fn told_identity(identity: wit::Identity) -> Identity {
    let wit::Identity { subject, issuer, scopes, claims } = identity;
    let claims = claims.into_iter().map(|wit::Claim { name, value }| Claim { name, value }).collect();
    Identity { subject, issuer, scopes, claims }
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
