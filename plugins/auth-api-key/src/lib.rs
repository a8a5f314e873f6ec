//! `auth-api-key`: callers known by a key, of which the settings hold only a hash.
//!
//! | setting | type | default | |
//! |---|---|---|---|
//! | `keys` | list, 1 or more | required | the keys that are good |
//! | `keys[].id` | string | required | names the key; becomes the claim `key` |
//! | `keys[].sha256` | 64 hex digits | one of … | SHA-256 of the key, for keys that a machine drew |
//! | `keys[].hash` | `sha256:SALT:HASH`, both hex | … these two | SHA-256 of salt and key, the salt 8 to 64 bytes |
//! | `keys[].subject` | string | the id | who calls with it |
//! | `keys[].scopes` | list of strings | `[]` | what the caller may do |
//! | `keys[].claims` | map | `{}` | further facts; what is not a string becomes JSON text |
//! | `keys[].expires` | Unix seconds or RFC 3339 | never | from then on the key is a wrong key |
//! | `headers` | `authorization`, `x-api-key` | both | where a key may stand: as `Bearer KEY`, or alone |
//! | `issuer` | string | `"api-key"` | the identity's issuer |
//!
//! A key is a long random text, as `openssl rand -hex 32` makes; `printf %s "$KEY" | sha256sum` gives its hash. A fast
//! hash does not protect a password that a person chose, salted or not.
//!
//! ```json
//! {"keys": [{"id": "ci", "sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
//!            "scopes": ["leave:read"], "expires": "2027-01-01T00:00:00Z"}]}
//! ```
//!
//! What is presented decides:
//! - nothing, or another scheme than `Bearer`: abstains, so that the next plugin may know the caller;
//! - a good key: that identity;
//! - a Bearer value that is no key of ours but has the form of a JWT (three base64url parts, the first a JSON object):
//!   abstains, so that `auth-jwt` may follow. Behind this plugin alone the gate challenges it all the same;
//! - any other key: a challenge, `invalid_token`;
//! - two or more keys: refused, since whoever looks at the other one would see another caller.
//!
//! Every key of the settings is compared with what was presented, in constant time and to the end.

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
