//! What calls are told apart by.

use serde::de::{Deserialize, Deserializer, Error};

use crate::{Call, Identity};

/// A fact of a call by which calls are told apart: to be counted, or to be kept on one upstream.
///
/// In settings: `"subject"`, `"issuer"`, `"tenant"`, `"target"`, `"method"`, or `"claim:NAME"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Who is calling.
    Subject,
    /// Who vouches for the caller.
    Issuer,
    /// The tenant that was addressed.
    Tenant,
    /// The tool, prompt or resource that was addressed.
    Target,
    /// The MCP method.
    Method,
    /// The caller's claim of this name.
    Claim(String),
}

impl Key {
    /// The fact; `None` when this call has none, as `tools/list` has no target.
    pub fn of<'a>(&self, call: &'a Call, caller: &'a Identity) -> Option<&'a str> {
        match self {
            Self::Subject => Some(&caller.subject),
            Self::Issuer => Some(&caller.issuer),
            Self::Tenant => Some(&call.tenant),
            Self::Target => call.target.as_deref(),
            Self::Method => Some(&call.method),
            Self::Claim(name) => caller.claim(name),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("claim:")) {
            ("subject", _) => Ok(Self::Subject),
            ("issuer", _) => Ok(Self::Issuer),
            ("tenant", _) => Ok(Self::Tenant),
            ("target", _) => Ok(Self::Target),
            ("method", _) => Ok(Self::Method),
            (_, Some(name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            _ => Err(Error::custom(format_args!(
                "`{text}` is no key: write `subject`, `issuer`, `tenant`, `target`, `method` or `claim:NAME`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Claim;

    #[track_caller]
    fn check(key: &str, expected: Option<&str>) {
        let call = Call { tenant: "acme".into(), method: "tools/call".into(), ..Call::default() };
        let claims = vec![Claim { name: "team".into(), value: "red".into() }];
        let caller = Identity { subject: "alice".into(), issuer: "idp".into(), claims, ..Identity::default() };
        let key: Key = serde_json::from_value(key.into()).expect("a key");
        assert_eq!(key.of(&call, &caller), expected);
    }

    #[test]
    fn facts_by_name() {
        check("subject", Some("alice"));
        check("issuer", Some("idp"));
        check("tenant", Some("acme"));
        check("method", Some("tools/call"));
        check("target", None);
        check("claim:team", Some("red"));
        check("claim:unit", None);
    }

    #[test]
    fn an_unknown_key_is_told_what_there_is() {
        for wrong in ["user", "claim:", "Subject"] {
            let error = serde_json::from_value::<Key>(wrong.into()).expect_err("no key").to_string();
            assert!(error.contains("`claim:NAME`"), "{error}");
        }
    }
}
