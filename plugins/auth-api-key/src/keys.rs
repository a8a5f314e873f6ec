//! The keys that are good, and the search among them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use witgate_sdk::{Claim, Identity, time};

/// One key as the operator writes it; the crate's documentation says what each field means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    id: String,
    sha256: Option<String>,
    hash: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    claims: BTreeMap<String, Value>,
    expires: Option<Expiry>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected Unix seconds or an RFC 3339 date-time")]
enum Expiry {
    Unix(i64),
    Text(String),
}

/// One key, ready to be compared.
pub(crate) struct Key {
    salt: Vec<u8>,
    hash: [u8; 32],
    expires_at_s: i64,
    identity: Identity,
}

/// The claim that names the key.
const KEY_CLAIM: &str = "key";

/// An error names the setting.
pub(crate) fn resolve(settings: Vec<Setting>, issuer: &str) -> Result<Vec<Key>, String> {
    let mut ids = BTreeSet::new();
    let mut keys = Vec::with_capacity(settings.len());
    for (position, setting) in settings.into_iter().enumerate() {
        if setting.id.is_empty() || !ids.insert(setting.id.clone()) {
            return Err(format!("setting `keys[{position}].id`: has to be there, and to be no other key's"));
        }
        keys.push(setting.resolve(issuer).map_err(|cause| format!("setting `keys[{position}]{cause}"))?);
    }
    Ok(keys)
}

/// The identity of whom this key belongs to. Compares with every key, whichever fits.
pub(crate) fn find<'a>(keys: &'a [Key], presented: &[u8], now_s: u32) -> Option<&'a Identity> {
    let mut found = Choice::from(0);
    let mut position = 0_u64;
    for (candidate, key) in (0_u64..).zip(keys) {
        let hash = Sha256::new().chain_update(&key.salt).chain_update(presented).finalize();
        let fits = hash.as_slice().ct_eq(&key.hash) & Choice::from(u8::from(key.expires_at_s > i64::from(now_s)));
        position.conditional_assign(&candidate, fits);
        found |= fits;
    }
    bool::from(found)
        .then(|| usize::try_from(position).ok().and_then(|at| keys.get(at)))
        .flatten()
        .map(|key| &key.identity)
}

impl Setting {
    /// An error begins with the rest of the setting's path.
    fn resolve(self, issuer: &str) -> Result<Key, String> {
        let (salt, hash) = match (&self.sha256, &self.hash) {
            (Some(hash), None) => (Vec::new(), sha256(hash).ok_or(".sha256`: 64 hex digits")?),
            (None, Some(hash)) => {
                salted(hash).ok_or(".hash`: `sha256:SALT:HASH`, with a salt of 8 to 64 bytes, in hex")?
            }
            _ => return Err("`: write either `sha256` or `hash`".to_owned()),
        };
        let expires_at_s = match self.expires {
            None => i64::MAX,
            Some(Expiry::Unix(seconds)) => seconds,
            Some(Expiry::Text(text)) => time::unix_time_s(&text).ok_or_else(|| {
                format!(".expires`: `{}` is no RFC 3339 date-time, as 2027-01-01T00:00:00Z", text.escape_debug())
            })?,
        };
        if self.claims.contains_key(KEY_CLAIM) {
            return Err(format!(".claims.{KEY_CLAIM}`: is the key's id, and no setting"));
        }
        let claim = |(name, value)| match value {
            Value::String(value) => Claim { name, value },
            other => Claim { name, value: other.to_string() },
        };
        let mut claims: Vec<_> = self.claims.into_iter().map(claim).collect();
        claims.push(Claim { name: KEY_CLAIM.to_owned(), value: self.id.clone() });
        let subject = self.subject.unwrap_or(self.id);
        let identity = Identity { subject, issuer: issuer.to_owned(), scopes: self.scopes, claims };
        Ok(Key { salt, hash, expires_at_s, identity })
    }
}

fn salted(text: &str) -> Option<(Vec<u8>, [u8; 32])> {
    let (salt, hash) = text.strip_prefix("sha256:")?.split_once(':')?;
    let salt = hex(salt)?;
    (8..=64).contains(&salt.len()).then_some((salt, sha256(hash)?))
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    hex(text)?.try_into().ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
