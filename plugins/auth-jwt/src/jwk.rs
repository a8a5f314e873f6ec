//! The issuer's keys, and what may be verified with which.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss};
use serde::Deserialize;

use crate::Bad;
use crate::token::Token;

/// A JWK set as the issuer publishes it. What is unknown is ignored, as RFC 7517 says.
#[derive(Deserialize)]
pub(crate) struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// The private part of any kind of key but a symmetric one.
    d: Option<serde::de::IgnoredAny>,
}

/// A signature algorithm of RFC 7518 or RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "RS384")]
    Rs384,
    #[serde(rename = "RS512")]
    Rs512,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Es256, Self::EdDsa]
    }

    /// `Ed25519` is what RFC 9864 calls `EdDSA` with that curve.
    fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

enum Material {
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

struct Key {
    id: Option<String>,
    /// Where the set says so, the one algorithm for which the key is.
    algorithm: Option<Algorithm>,
    material: Material,
}

/// The keys that verify, and the algorithms that count.
pub(crate) struct Keys {
    keys: Vec<Key>,
    algorithms: Vec<Algorithm>,
}

/// Smaller keys are within reach of an attacker, larger ones cost every call too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;

impl Keys {
    /// An error names the setting.
    pub(crate) fn resolve(set: &Set, algorithms: &[Algorithm]) -> Result<Self, String> {
        let mut keys: Vec<Key> = Vec::new();
        for (position, jwk) in set.keys.iter().enumerate() {
            let key = jwk.resolve().map_err(|cause| format!("setting `jwks.keys[{position}]`: {cause}"))?;
            let Some(key) = key else { continue };
            if key.id.is_some() && keys.iter().any(|known| known.id == key.id) {
                return Err(format!("setting `jwks.keys[{position}].kid`: another key has the same"));
            }
            keys.push(key);
        }
        let keys = Self { keys, algorithms: algorithms.to_vec() };
        if !algorithms.iter().any(|algorithm| keys.keys.iter().any(|key| key.fits(*algorithm))) {
            return Err("setting `jwks`: no key in it is for signatures of any of `algorithms`".to_owned());
        }
        Ok(keys)
    }

    pub(crate) fn verify(&self, token: &Token) -> Result<(), Bad> {
        let algorithm = Algorithm::parse(&token.algorithm).filter(|algorithm| self.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(Bad::Token("the token's algorithm is not accepted"))?;
        let named = |key: &&Key| token.key_id.is_none() || key.id == token.key_id;
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm)).filter(named);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) if key.material.verifies(algorithm, token.signed, &token.signature) => Ok(()),
            (Some(_), None) => Err(Bad::Token("the token's signature is wrong")),
            (None, _) => Err(Bad::Token("the token's key is unknown")),
            (Some(_), Some(_)) => Err(Bad::Token("the token does not say which key signed it")),
        }
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        let by_type = match self.material {
            Material::Rsa(_) => {
                matches!(algorithm, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256)
            }
            Material::P256(_) => algorithm == Algorithm::Es256,
            Material::Ed25519(_) => algorithm == Algorithm::EdDsa,
        };
        by_type && self.algorithm.is_none_or(|only| only == algorithm)
    }
}

impl Material {
    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::Rs256) => {
                pkcs1(&pkcs1v15::VerifyingKey::<Sha256>::new(key.clone()), signed, signature)
            }
            (Self::Rsa(key), Algorithm::Rs384) => {
                pkcs1(&pkcs1v15::VerifyingKey::<Sha384>::new(key.clone()), signed, signature)
            }
            (Self::Rsa(key), Algorithm::Rs512) => {
                pkcs1(&pkcs1v15::VerifyingKey::<Sha512>::new(key.clone()), signed, signature)
            }
            (Self::Rsa(key), Algorithm::Ps256) => pss::Signature::try_from(signature).is_ok_and(|signature| {
                pss::VerifyingKey::<Sha256>::new(key.clone()).verify(signed, &signature).is_ok()
            }),
            (Self::P256(key), Algorithm::Es256) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(signed, &signature).is_ok()),
            (Self::Ed25519(key), Algorithm::EdDsa) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok()),
            _ => false,
        }
    }
}

fn pkcs1(key: &impl Verifier<pkcs1v15::Signature>, signed: &[u8], signature: &[u8]) -> bool {
    pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
}

impl Jwk {
    /// `None` for a key that is not for signatures, or of a kind that is not known here.
    fn resolve(&self) -> Result<Option<Key>, String> {
        if self.kty == "oct" || self.d.is_some() {
            return Err("holds a secret key: settings take the issuer's public keys only".to_owned());
        }
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs || !verifies {
            return Ok(None);
        }
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::Rsa(self.rsa()?),
            ("EC", Some("P-256")) => Material::P256(self.p256()?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(self.ed25519()?),
            _ => return Ok(None),
        };
        let algorithm = self.alg.as_deref().map(Algorithm::parse);
        Ok(match algorithm {
            Some(None) => None,
            known => Some(Key { id: self.kid.clone(), algorithm: known.flatten(), material }),
        })
    }

    fn rsa(&self) -> Result<RsaPublicKey, String> {
        let (n, e) = (
            BigUint::from_bytes_be(&decode("n", self.n.as_ref())?),
            BigUint::from_bytes_be(&decode("e", self.e.as_ref())?),
        );
        if !RSA_BITS.contains(&n.bits()) {
            return Err(format!("an RSA key has {} to {} bits, not {}", RSA_BITS.start(), RSA_BITS.end(), n.bits()));
        }
        RsaPublicKey::new(n, e).map_err(|error| format!("is no RSA key: {error}"))
    }

    fn p256(&self) -> Result<p256::ecdsa::VerifyingKey, String> {
        let (x, y) = (field("x", self.x.as_ref())?, field("y", self.y.as_ref())?);
        let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        p256::ecdsa::VerifyingKey::from_encoded_point(&point)
            .map_err(|_| "`x` and `y` are no point of P-256".to_owned())
    }

    fn ed25519(&self) -> Result<ed25519_dalek::VerifyingKey, String> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&field("x", self.x.as_ref())?);
        // Anything would verify with a key of small order.
        key.ok().filter(|key| !key.is_weak()).ok_or_else(|| "`x` is no point of Ed25519 that can sign".to_owned())
    }
}

fn decode(name: &str, text: Option<&String>) -> Result<Vec<u8>, String> {
    text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or_else(|| format!("`{name}` has to be there, in base64url without padding"))
}

fn field(name: &str, text: Option<&String>) -> Result<[u8; 32], String> {
    decode(name, text)?.try_into().map_err(|_| format!("`{name}` has to be 32 bytes"))
}
