//! The words that all kinds share, there and back.

use std::time::Duration;

use witgate_policy::json::Edit;
use witgate_policy::{Call, Claim, Fault, Finding, Identity, Reason, Refusal, Stage};

use super::check;
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

/// An identity, with a subject, and each claim once.
pub(super) fn checked_identity(identity: wit::Identity) -> Result<Identity, Fault> {
    let wit::Identity { subject, issuer, scopes, claims } = identity;
    if subject.is_empty() {
        return Err(check::bad("the subject", "is empty"));
    }
    check::count("the scopes", scopes.len(), check::FACTS)?;
    check::count("the claims", claims.len(), check::FACTS)?;
    let mut checked: Vec<Claim> = Vec::with_capacity(claims.len());
    for wit::Claim { name, value } in claims {
        if checked.iter().any(|claim| claim.name == name) {
            return Err(check::bad("a claim", "comes twice"));
        }
        let name = check::line("a claim's name", name, check::NAME_BYTES)?;
        checked.push(Claim { name, value: check::bounded("a claim's value", value, check::CLAIM_BYTES)? });
    }
    Ok(Identity {
        subject: check::line("the subject", subject, check::NAME_BYTES)?,
        issuer: check::line("the issuer", issuer, check::NAME_BYTES)?,
        scopes: scopes
            .into_iter()
            .map(|scope| check::line("a scope", scope, check::NAME_BYTES))
            .collect::<Result<_, _>>()?,
        claims: checked,
    })
}

/// A refusal of a plugin at this stage; the pipeline adds the plugin's name.
pub(super) fn refusal(refusal: wit::Refusal, stage: Stage) -> Result<Refusal, Fault> {
    let wit::Refusal { code, message, note, retry_after_ms, findings } = refusal;
    let reason = match code {
        wit::RefusalCode::Unauthenticated => Reason::Unauthenticated,
        wit::RefusalCode::Forbidden => Reason::Forbidden,
        wit::RefusalCode::Invalid => Reason::Invalid,
        wit::RefusalCode::Exhausted => Reason::Exhausted,
        wit::RefusalCode::Unavailable => Reason::Unavailable,
    };
    check::count("the findings", findings.len(), check::FINDINGS)?;
    let finding = |finding: wit::Finding| -> Result<Finding, Fault> {
        Ok(Finding {
            pointer: check::line("a finding's pointer", finding.pointer, check::POINTER_BYTES)?,
            message: check::line("a finding's message", finding.message, check::MESSAGE_BYTES)?,
        })
    };
    let mut checked = Refusal::new(stage, reason, check::line("the message", message, check::MESSAGE_BYTES)?);
    checked.note = note.map(|note| check::line("the note", note, check::NOTE_BYTES)).transpose()?;
    checked.retry_after_ms = retry_after_ms;
    checked.findings = findings.into_iter().map(finding).collect::<Result<_, _>>()?;
    Ok(checked)
}

/// At most `limit` edits.
pub(super) fn edits(edits: Vec<wit::Edit>, limit: usize) -> Result<Vec<Edit>, Fault> {
    check::count("the edits", edits.len(), limit)?;
    let edit = |edit: wit::Edit| -> Result<Edit, Fault> {
        Ok(Edit {
            pointer: check::bounded("an edit's pointer", edit.pointer, check::POINTER_BYTES)?,
            value: edit.value,
        })
    };
    edits.into_iter().map(edit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest_identity() -> wit::Identity {
        let claim = |name: &str| wit::Claim { name: name.into(), value: "{}".into() };
        wit::Identity {
            subject: "s".into(),
            issuer: "i".into(),
            scopes: vec!["a".into()],
            claims: vec![claim("x"), claim("y")],
        }
    }

    #[test]
    fn an_identity_is_looked_at() {
        #[track_caller]
        fn check(spoil: impl FnOnce(&mut wit::Identity), refused: Option<&str>) {
            let mut identity = guest_identity();
            spoil(&mut identity);
            let got = checked_identity(identity).err().map(|fault| fault.to_string());
            let want = refused.map(|what| format!("answered outside the contract: {what}"));
            assert_eq!(got, want);
        }
        check(|_| (), None);
        check(|identity| identity.subject.clear(), Some("the subject is empty"));
        check(|identity| identity.subject = "a\nb".into(), Some("the subject holds control characters"));
        check(|identity| identity.scopes = vec![String::new(); 257], Some("the scopes are 257, 256 are allowed"));
        check(|identity| identity.claims[1].name = "x".into(), Some("a claim comes twice"));
        check(
            |identity| identity.claims[0].value = "x".repeat(8193),
            Some("a claim's value is 8193 bytes long, 8192 are allowed"),
        );
    }

    #[test]
    fn a_refusal_is_looked_at() {
        let guest = |message: &str, findings: usize| wit::Refusal {
            code: wit::RefusalCode::Invalid,
            message: message.into(),
            note: Some("n".into()),
            retry_after_ms: Some(5),
            findings: vec![wit::Finding { pointer: "/a".into(), message: "m".into() }; findings],
        };
        let got = refusal(guest("no", 1), Stage::Validate).expect("fits");
        assert_eq!((got.reason, got.stage, got.findings.len()), (Reason::Invalid, Stage::Validate, 1));
        assert!(refusal(guest("no", 65), Stage::Validate).is_err());
        assert!(refusal(guest("no\u{7}", 0), Stage::Validate).is_err());
        assert!(refusal(guest(&"x".repeat(1025), 0), Stage::Validate).is_err());
    }
}
