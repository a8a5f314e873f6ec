#![doc = include_str!("../README.md")]

mod keys;
mod presented;

use serde::Deserialize;
use witgate_sdk::auth::{Authenticator, Challenge, Header, Peer, Verdict};
use witgate_sdk::{Call, Plugin, Refusal};

use keys::Key;
use presented::{Place, Presented};

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    keys: Vec<keys::Setting>,
    #[serde(default = "Place::all")]
    headers: Vec<Place>,
    #[serde(default = "issuer")]
    issuer: String,
}

fn issuer() -> String {
    "api-key".to_owned()
}

struct ApiKey {
    keys: Vec<Key>,
    headers: Vec<Place>,
}

impl Plugin for ApiKey {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.keys.is_empty() {
            return Err("setting `keys`: at least one, or nobody could call".to_owned());
        }
        if settings.headers.is_empty() {
            return Err("setting `headers`: name `authorization`, `x-api-key` or both".to_owned());
        }
        let keys = keys::resolve(settings.keys, &settings.issuer)?;
        Ok(Self { keys, headers: settings.headers })
    }
}

impl Authenticator for ApiKey {
    fn authenticate(&self, call: &Call, headers: &[Header], _: &Peer) -> Verdict {
        match presented::read(&self.headers, headers) {
            Presented::Nothing => Verdict::Abstain,
            Presented::Several => Refusal::unauthenticated("present one API key, once").into(),
            Presented::One { key, could_be_jwt } => match keys::find(&self.keys, key, call.unix_time_s) {
                Some(identity) => Verdict::Allow(identity.clone()),
                None if could_be_jwt => Verdict::Abstain,
                None => wrong_key().into(),
            },
        }
    }
}

/// The same for an unknown key and one that has expired.
fn wrong_key() -> Challenge {
    Challenge {
        scheme: "Bearer".to_owned(),
        error: Some("invalid_token".to_owned()),
        description: Some("the API key is not valid".to_owned()),
        scope: None,
    }
}

witgate_sdk::export!(ApiKey as auth);

#[cfg(test)]
mod tests;
