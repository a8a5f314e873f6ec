//! What a plugin is told, as a case writes it. The defaults are those of an ordinary call.

mod attempt;
mod candidate;
mod message;
mod presented;
mod upstream;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use witgate_policy::{Call, Claim, Draft, Form, Identity, Payload, Revision};

pub(crate) use attempt::Attempt;
pub(crate) use candidate::Candidate;
pub(crate) use message::MessageFacts;
pub(super) use presented::presented;
pub(crate) use presented::{Header, PeerFacts};
pub(crate) use upstream::{Moment, Upstream};

/// The head of a call, and its `params`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CallFacts {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Box<RawValue>>,
    pub(crate) revision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    pub(crate) unix_time_s: u32,
    pub(crate) deadline_ms: u32,
    pub(crate) chance: u32,
}

impl Default for CallFacts {
    fn default() -> Self {
        Self {
            id: "call-1".to_owned(),
            tenant: "default".to_owned(),
            method: "tools/call".to_owned(),
            params: None,
            revision: Revision::V2026_07_28.as_str().to_owned(),
            traceparent: None,
            unix_time_s: 1_800_000_000,
            deadline_ms: 30_000,
            chance: 0,
        }
    }
}

impl CallFacts {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            id: call.id().to_owned(),
            tenant: call.tenant().to_string(),
            method: call.method().to_owned(),
            params: raw(call.params()),
            revision: call.revision().as_str().to_owned(),
            traceparent: call.traceparent().map(str::to_owned),
            unix_time_s: call.unix_time_s(),
            deadline_ms: ms(call.time_left()),
            chance: call.chance(),
        }
    }

    /// What the call addresses, if it can be one.
    pub(crate) fn target(&self) -> Option<String> {
        self.call().ok()?.target().map(str::to_owned)
    }

    /// The call; the error names what cannot be.
    pub(super) fn call(&self) -> Result<Call, String> {
        let revision = Revision::parse(&self.revision).ok_or_else(|| {
            let known: Vec<_> = Revision::ALL.map(Revision::as_str).to_vec();
            format!("`call.revision`: the gate does not know `{}`; it knows {}", self.revision, known.join(", "))
        })?;
        Ok(Call::new(Draft {
            id: self.id.as_str().into(),
            tenant: self.tenant.as_str().into(),
            form: if self.method.starts_with("notifications/") { Form::Notification } else { Form::Request },
            method: self.method.as_str().into(),
            params: self.params.as_deref().map_or_else(|| Ok(Payload::empty()), |raw| payload("call.params", raw))?,
            revision,
            traceparent: self.traceparent.clone(),
            unix_time_s: self.unix_time_s,
            deadline: Instant::now() + Duration::from_millis(self.deadline_ms.into()),
            chance: self.chance,
        }))
    }
}

/// A member's JSON as a document; the bytes stay what they are.
pub(super) fn payload(name: &str, raw: &RawValue) -> Result<Payload, String> {
    Payload::parse_str(raw.get()).map_err(|cause| format!("`{name}`: {cause}"))
}

/// A document as a member.
pub(crate) fn raw(payload: &Payload) -> Option<Box<RawValue>> {
    RawValue::from_string(payload.as_str().to_owned()).ok()
}

pub(crate) fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// One named fact.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    name: String,
    value: String,
}

fn claims(facts: &[Fact]) -> Vec<Claim> {
    facts.iter().map(|fact| Claim { name: fact.name.clone(), value: fact.value.clone() }).collect()
}

fn facts(claims: &[Claim]) -> Vec<Fact> {
    claims.iter().map(|claim| Fact { name: claim.name.clone(), value: claim.value.clone() }).collect()
}

/// Who calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Caller {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) claims: Vec<Fact>,
}

impl Default for Caller {
    fn default() -> Self {
        Self::of(&Identity::anonymous())
    }
}

impl Caller {
    pub(crate) fn of(identity: &Identity) -> Self {
        Self {
            subject: identity.subject.clone(),
            issuer: identity.issuer.clone(),
            scopes: identity.scopes.clone(),
            claims: facts(&identity.claims),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            subject: self.subject.clone(),
            issuer: self.issuer.clone(),
            scopes: self.scopes.clone(),
            claims: claims(&self.claims),
        }
    }
}
