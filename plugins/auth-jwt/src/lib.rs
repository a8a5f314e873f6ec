#![doc = include_str!("../README.md")]

mod claims;
mod jwk;
mod strict;
mod token;

use serde::Deserialize;
use witgate_sdk::auth::{Authenticator, Challenge, Header, Peer, Verdict};
use witgate_sdk::{Call, Glob, Plugin};

use claims::Policy;
use jwk::{Algorithm, Keys};
use token::Token;

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    issuer: String,
    audience: OneOrMore,
    jwks: jwk::Set,
    #[serde(default = "Algorithm::all")]
    algorithms: Vec<Algorithm>,
    #[serde(default)]
    required_scopes: Vec<String>,
    types: Option<Vec<String>>,
    #[serde(default = "leeway_s")]
    leeway_s: u32,
    #[serde(default = "every")]
    claims: Vec<Glob>,
    #[serde(default)]
    other_issuer: OtherIssuer,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OtherIssuer {
    #[default]
    Challenge,
    Abstain,
}

fn leeway_s() -> u32 {
    30
}

fn every() -> Vec<Glob> {
    vec![Glob::new("*")]
}

const LEEWAY_MAX_S: u32 = 300;

/// Why a token is not good. The words go to the client and so say nothing of what would have been right.
#[derive(Debug, PartialEq, Eq)]
enum Bad {
    /// Challenge with `invalid_token`.
    Token(&'static str),
    /// Another issuer's, which may be another plugin's to judge.
    Issuer,
    /// Good, but it does not allow enough.
    Scope,
}

struct Jwt {
    keys: Keys,
    types: Option<Vec<String>>,
    policy: Policy,
    other_issuer: OtherIssuer,
}

impl Plugin for Jwt {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        let audiences = match settings.audience {
            OneOrMore::One(audience) => vec![audience],
            OneOrMore::More(audiences) => audiences,
        };
        if settings.issuer.is_empty() {
            return Err("setting `issuer`: the `iss` of the tokens, as https://idp.example.com/".to_owned());
        }
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err("setting `audience`: at least one, or tokens for others would be good here".to_owned());
        }
        if settings.leeway_s > LEEWAY_MAX_S {
            return Err(format!("setting `leeway-s`: {} is more than {LEEWAY_MAX_S}", settings.leeway_s));
        }
        let keys = Keys::resolve(&settings.jwks, &settings.algorithms)?;
        let policy = Policy {
            issuer: settings.issuer,
            audiences,
            required_scopes: settings.required_scopes,
            leeway_s: settings.leeway_s,
            visible: settings.claims,
        };
        Ok(Self { keys, types: settings.types, policy, other_issuer: settings.other_issuer })
    }
}

impl Authenticator for Jwt {
    fn authenticate(&self, call: &Call, headers: &[Header], _: &Peer) -> Verdict {
        let mut bearers = headers.iter().filter_map(token::bearer);
        let Some(presented) = bearers.next() else { return Verdict::Abstain };
        let judged = match bearers.next() {
            Some(_) => Err(Bad::Token("more than one token")),
            None => self.judge(presented, call.unix_time_s),
        };
        match (judged, self.other_issuer) {
            (Ok(identity), _) => Verdict::Allow(identity),
            (Err(Bad::Issuer), OtherIssuer::Abstain) => Verdict::Abstain,
            (Err(Bad::Issuer), OtherIssuer::Challenge) => challenge("invalid_token", "unknown issuer", None).into(),
            (Err(Bad::Token(description)), _) => challenge("invalid_token", description, None).into(),
            (Err(Bad::Scope), _) => {
                let scope = self.policy.required_scopes.join(" ");
                challenge("insufficient_scope", "the token does not allow enough", Some(scope)).into()
            }
        }
    }
}

impl Jwt {
    fn judge(&self, presented: &str, now_s: u32) -> Result<witgate_sdk::Identity, Bad> {
        let token = Token::parse(presented)?;
        if let OtherIssuer::Abstain = self.other_issuer
            && !self.policy.is_ours(&token.claims)
        {
            // Another's keys may be of a kind that is unknown here, so the signature is not looked at first.
            return Err(Bad::Issuer);
        }
        if let Some(types) = &self.types
            && !token.has_type(types)
        {
            return Err(Bad::Token("not the right type of token"));
        }
        self.keys.verify(&token)?;
        self.policy.admit(&token.claims, now_s)
    }
}

fn challenge(error: &str, description: &str, scope: Option<String>) -> Challenge {
    Challenge {
        scheme: "Bearer".to_owned(),
        error: Some(error.to_owned()),
        description: Some(description.to_owned()),
        scope,
    }
}

witgate_sdk::export!(Jwt as auth);

#[cfg(test)]
mod tests;
