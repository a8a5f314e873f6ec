//! Says who calls by an API key.

use serde::Deserialize;
use witgate_sdk::auth::{Authenticator, Challenge, Header, Peer, Verdict};
use witgate_sdk::{Call, Claim, Identity, Plugin, Refusal};

#[derive(Deserialize)]
struct Settings {
    /// The header that keys come in, in lower case.
    header: Option<String>,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    subject: String,
    key: String,
    #[serde(default)]
    scopes: Vec<String>,
}

struct ApiKeys {
    header: String,
    keys: Vec<Key>,
}

impl Plugin for ApiKeys {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.keys.is_empty() {
            return Err("setting `keys`: is empty".to_owned());
        }
        let header = settings.header.unwrap_or_else(|| "x-api-key".to_owned());
        Ok(Self { header, keys: settings.keys })
    }
}

impl Authenticator for ApiKeys {
    fn authenticate(&self, call: &Call, headers: &[Header], _: &Peer) -> Verdict {
        let mut presented = headers.iter().filter(|header| header.name == self.header);
        let Some(header) = presented.next() else { return Verdict::Abstain };
        if presented.next().is_some() {
            return Refusal::invalid("more than one key was presented").into();
        }
        // All keys are compared, each to its end, so that the time tells nothing of them.
        let known = self.keys.iter().filter(|key| same(key.key.as_bytes(), &header.value)).fold(None, |_, key| Some(key));
        match known {
            Some(key) => Verdict::Allow(Identity {
                subject: key.subject.clone(),
                issuer: "api-key".to_owned(),
                scopes: key.scopes.clone(),
                claims: vec![Claim { name: "tenant".to_owned(), value: call.tenant.clone() }],
            }),
            None => Verdict::Challenge(Challenge {
                scheme: "ApiKey".to_owned(),
                error: Some("invalid_token".to_owned()),
                description: Some("the key is not known".to_owned()),
                scope: None,
            }),
        }
    }
}

/// Whether two texts are the same, in a time that depends on their lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differ) == 0
}

witgate_sdk::export!(ApiKeys as auth);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_who_calls() {
        let plugin: ApiKeys = witgate_sdk::configure(r#"{"keys": [{"subject": "ci", "key": "k"}]}"#).expect("settings");
        let header = |value: &str| Header { name: "x-api-key".to_owned(), value: value.into() };
        let peer = Peer { address: "stdio".to_owned(), certificate: None };
        let ask = |headers: &[Header]| plugin.authenticate(&Call::default(), headers, &peer);
        assert!(matches!(ask(&[header("k")]), Verdict::Allow(identity) if identity.subject == "ci"));
        assert!(matches!(ask(&[header("kk")]), Verdict::Challenge(_)));
        assert!(matches!(ask(&[]), Verdict::Abstain));
    }
}
