//! What a plugin may answer. One function for each kind takes a verdict as the plugin said it and gives it back as one
//! that the pipeline may act on, or the fault that it is. A retry decision has none: the pipeline clamps a further
//! attempt, and a fallback is an [`object`] before anybody sees it.
//!
//! A plugin's words are a stranger's: they travel on in headers, in errors for clients and in the operator's log, and
//! the sizes and characters are those that these places bear. The answer as a whole is bounded by the plugin's
//! `bytes-out` before it is even read.
//!
//! Here is checked what can be seen in the answer alone; what needs to be known of the message (whether an edit
//! applies, whether an order names candidates) is the pipeline's. Nothing here knows who runs plugins, and how.

mod text;

#[cfg(test)]
mod tests;

use bytestring::ByteString;

use crate::fault::{Fault, LimitKey};
use crate::identity::{Claim, Identity};
use crate::json::{self, Edit, Payload};
use crate::refusal::{Finding, Refusal};
use crate::verdict::{AuthVerdict, Challenge, Credential, Header, RouteVerdict, SanitizeVerdict, ValidateVerdict};

/// Edits in one verdict of a validator: the contract's number, which no limit of an operator raises.
pub const VALIDATE_EDITS: usize = 256;
/// Edits in one verdict of a sanitizer, likewise.
pub const SANITIZE_EDITS: usize = 4096;

/// What an auth plugin said.
pub fn auth(verdict: AuthVerdict) -> Result<AuthVerdict, Fault> {
    Ok(match verdict {
        AuthVerdict::Allow(said) => AuthVerdict::Allow(identity(said)?),
        AuthVerdict::Challenge(said) => AuthVerdict::Challenge(challenge(said)?),
        AuthVerdict::Deny(said) => AuthVerdict::Deny(refusal(said)?),
        AuthVerdict::Abstain => AuthVerdict::Abstain,
    })
}

/// What a credential plugin said.
pub fn credential(verdict: Result<Credential, Refusal>) -> Result<Result<Credential, Refusal>, Fault> {
    let said = match verdict {
        Ok(said) => said,
        Err(said) => return Ok(Err(refusal(said)?)),
    };
    text::count("the headers", said.headers.len(), text::HEADERS)?;
    let header = |header: Header| -> Result<Header, Fault> {
        Ok(Header {
            name: text::token("a header's name", header.name)?,
            value: text::field_value("a header's value", header.value)?,
            plugin: header.plugin,
        })
    };
    let headers = said.headers.into_iter().map(header).collect::<Result<_, _>>()?;
    Ok(Ok(Credential { headers, expires_in: said.expires_in }))
}

/// What a validator said, which may make so many edits.
pub fn validate(verdict: ValidateVerdict, most_edits: usize) -> Result<ValidateVerdict, Fault> {
    Ok(match verdict {
        ValidateVerdict::Accept => ValidateVerdict::Accept,
        ValidateVerdict::Edits(said) => ValidateVerdict::Edits(edits(said, VALIDATE_EDITS, most_edits)?),
        ValidateVerdict::Refuse(said) => ValidateVerdict::Refuse(refusal(said)?),
    })
}

/// What a router said that was told of so many candidates.
pub fn route(verdict: RouteVerdict, candidates: usize) -> Result<RouteVerdict, Fault> {
    Ok(match verdict {
        RouteVerdict::Order(ids) => {
            text::count("the ids of the order", ids.len(), candidates)?;
            let line = |id| text::line("an id", id, text::NAME_BYTES);
            RouteVerdict::Order(ids.into_iter().map(line).collect::<Result<_, _>>()?)
        }
        RouteVerdict::Refuse(said) => RouteVerdict::Refuse(refusal(said)?),
        RouteVerdict::Abstain => RouteVerdict::Abstain,
    })
}

/// What a sanitizer said, which may make so many edits. A replacement is an [`object`] before
/// anybody sees it.
pub fn sanitize(verdict: SanitizeVerdict, most_edits: usize) -> Result<SanitizeVerdict, Fault> {
    Ok(match verdict {
        SanitizeVerdict::Pass => SanitizeVerdict::Pass,
        SanitizeVerdict::Edits(said) => SanitizeVerdict::Edits(edits(said, SANITIZE_EDITS, most_edits)?),
        SanitizeVerdict::Replace(said) => SanitizeVerdict::Replace(said),
        SanitizeVerdict::Withhold(said) => SanitizeVerdict::Withhold(refusal(said)?),
    })
}

/// JSON text that a plugin made to stand for a message: strict, within the limits of every document, and an object.
pub fn object(what: &str, said: String, limits: json::Limits) -> Result<Payload, Fault> {
    let payload = Payload::parse(ByteString::from(said), limits).map_err(|e| text::bad(what, e))?;
    if payload.is_object() { Ok(payload) } else { Err(text::bad(what, "is not an object")) }
}

/// An identity has a subject, and each claim once.
fn identity(said: Identity) -> Result<Identity, Fault> {
    let Identity { subject, issuer, scopes, claims } = said;
    if subject.is_empty() {
        return Err(text::bad("the subject", "is empty"));
    }
    text::count("the scopes", scopes.len(), text::FACTS)?;
    text::count("the claims", claims.len(), text::FACTS)?;
    let mut checked: Vec<Claim> = Vec::with_capacity(claims.len());
    for Claim { name, value } in claims {
        if checked.iter().any(|claim| claim.name == name) {
            return Err(text::bad("a claim", "comes twice"));
        }
        let name = text::line("a claim's name", name, text::NAME_BYTES)?;
        checked.push(Claim { name, value: text::bounded("a claim's value", value, text::CLAIM_BYTES)? });
    }
    let scope = |scope| text::line("a scope", scope, text::NAME_BYTES);
    Ok(Identity {
        subject: text::line("the subject", subject, text::NAME_BYTES)?,
        issuer: text::line("the issuer", issuer, text::NAME_BYTES)?,
        scopes: scopes.into_iter().map(scope).collect::<Result<_, _>>()?,
        claims: checked,
    })
}

/// A challenge becomes a header, so nothing in it may end a parameter or a line.
fn challenge(said: Challenge) -> Result<Challenge, Fault> {
    let parameter = |what, said: Option<String>| said.map(|said| text::parameter(what, said)).transpose();
    Ok(Challenge {
        scheme: text::token("the challenge's scheme", said.scheme)?,
        error: parameter("the challenge's error", said.error)?,
        description: parameter("the challenge's description", said.description)?,
        scope: parameter("the challenge's scope", said.scope)?,
    })
}

/// A refusal of a plugin; the pipeline adds the plugin's name.
fn refusal(mut said: Refusal) -> Result<Refusal, Fault> {
    text::count("the findings", said.findings.len(), text::FINDINGS)?;
    let finding = |finding: Finding| -> Result<Finding, Fault> {
        Ok(Finding {
            pointer: text::line("a finding's pointer", finding.pointer, text::POINTER_BYTES)?,
            message: text::line("a finding's message", finding.message, text::MESSAGE_BYTES)?,
        })
    };
    said.message = text::line("the message", said.message, text::MESSAGE_BYTES)?;
    said.note = said.note.map(|note| text::line("the note", note, text::NOTE_BYTES)).transpose()?;
    said.findings = said.findings.into_iter().map(finding).collect::<Result<_, _>>()?;
    Ok(said)
}

/// At most as many edits as the contract allows, and the operator.
fn edits(said: Vec<Edit>, contract: usize, limit: usize) -> Result<Vec<Edit>, Fault> {
    text::count("the edits", said.len(), contract)?;
    if said.len() > limit {
        return Err(Fault::Limit { key: LimitKey::Edits, limit: limit as u64 });
    }
    let edit = |edit: Edit| -> Result<Edit, Fault> {
        let pointer = text::bounded("an edit's pointer", edit.pointer, text::POINTER_BYTES)?;
        Ok(Edit { pointer, value: edit.value })
    };
    said.into_iter().map(edit).collect()
}
