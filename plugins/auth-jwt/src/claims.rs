//! What a token says, once its signature is known to be good.

use serde_json::{Map, Value};
use witgate_sdk::{Claim, Glob, Identity};

use crate::Bad;

/// What the operator asks of the claims.
pub(crate) struct Policy {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) required_scopes: Vec<String>,
    pub(crate) leeway_s: u32,
    /// The claims that go into the identity.
    pub(crate) visible: Vec<Glob>,
}

/// These have a place of their own in an identity, or have served their purpose.
const CONSUMED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "scope", "scp"];

impl Policy {
    pub(crate) fn is_ours(&self, claims: &Map<String, Value>) -> bool {
        claims.get("iss").and_then(Value::as_str) == Some(&self.issuer)
    }

    pub(crate) fn admit(&self, claims: &Map<String, Value>, now_s: u32) -> Result<Identity, Bad> {
        if !self.is_ours(claims) {
            return Err(Bad::Issuer);
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err(Bad::Token("the token is for another audience"));
        }
        let (now_s, leeway_s) = (f64::from(now_s), f64::from(self.leeway_s));
        match claims.get("exp").map(Value::as_f64) {
            Some(Some(expires_s)) if expires_s + leeway_s > now_s => {}
            Some(Some(_)) => return Err(Bad::Token("the token has expired")),
            _ => return Err(Bad::Token("the token does not say when it expires")),
        }
        match claims.get("nbf").map(Value::as_f64) {
            None => {}
            Some(Some(begins_s)) if begins_s <= now_s + leeway_s => {}
            Some(_) => return Err(Bad::Token("the token is not good yet")),
        }
        let Some(subject) = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty()) else {
            return Err(Bad::Token("the token does not say whose it is"));
        };
        let scopes = scopes(claims)?;
        if !self.required_scopes.iter().all(|required| scopes.contains(required)) {
            return Err(Bad::Scope);
        }
        let visible = |name: &str| !CONSUMED.contains(&name) && self.visible.iter().any(|glob| glob.matches(name));
        let claim = |(name, value): (&String, &Value)| Claim {
            name: name.clone(),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        Ok(Identity {
            subject: subject.to_owned(),
            issuer: self.issuer.clone(),
            scopes,
            claims: claims.iter().filter(|(name, _)| visible(name)).map(claim).collect(),
        })
    }

    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let ours = |value: &Value| value.as_str().is_some_and(|name| self.audiences.iter().any(|ours| ours == name));
        match audience {
            Some(Value::Array(names)) => names.iter().any(ours),
            Some(name) => ours(name),
            None => false,
        }
    }
}

/// Of `scope` (RFC 8693) and `scp` (as others write it), each once.
fn scopes(claims: &Map<String, Value>) -> Result<Vec<String>, Bad> {
    const MALFORMED: Bad = Bad::Token("the token's scopes are malformed");
    let mut scopes: Vec<String> = Vec::new();
    for name in ["scope", "scp"] {
        let held: Vec<&str> = match claims.get(name) {
            None => Vec::new(),
            Some(Value::String(text)) => text.split(' ').filter(|scope| !scope.is_empty()).collect(),
            Some(Value::Array(list)) => list.iter().map(Value::as_str).collect::<Option<_>>().ok_or(MALFORMED)?,
            Some(_) => return Err(MALFORMED),
        };
        for scope in held {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
    Ok(scopes)
}
