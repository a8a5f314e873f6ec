//! Two sources of tokens: `fixture.json` was signed by another implementation (Python's `cryptography`, whose private
//! keys were thrown away), for the algorithms; a key of this test signs the tokens in which something is wrong.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use witgate_sdk::configure;

const ISSUER: &str = "https://idp.example.com/";
const AUDIENCE: &str = "https://gate.example.com/mcp";
const NOW_S: u32 = 1_800_000_000;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixture.json")).expect("JSON")
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn ed25519(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(signer().verifying_key())})
}

fn settings(keys: &[Value], more: &Value) -> String {
    let mut settings = json!({"issuer": ISSUER, "audience": AUDIENCE, "jwks": {"keys": keys}});
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    settings.to_string()
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW_S + 60})
}

fn sign_text(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = signer().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sign(header: &Value, claims: &Value) -> String {
    sign_text(&header.to_string(), &claims.to_string())
}

fn header(value: &str) -> Header {
    Header { name: "authorization".to_owned(), value: value.as_bytes().to_vec() }
}

fn ask(settings: &str, headers: &[Header]) -> Verdict {
    let plugin: Jwt = configure(settings).expect("settings");
    let peer = Peer { address: "stdio".to_owned(), certificate: None };
    plugin.authenticate(&Call { unix_time_s: NOW_S, ..Call::default() }, headers, &peer)
}

/// `ok`, `abstain`, or what the challenge says.
fn outcome(verdict: Verdict) -> String {
    match verdict {
        Verdict::Allow(_) => "ok".to_owned(),
        Verdict::Abstain => "abstain".to_owned(),
        Verdict::Challenge(challenge) => challenge.description.unwrap_or_default(),
        Verdict::Deny(refusal) => panic!("{refusal:?}"),
    }
}

#[track_caller]
fn check(settings: &str, token: &str, expected: &str) {
    assert_eq!(outcome(ask(settings, &[header(&format!("Bearer {token}"))])), expected);
}

/// A token whose claims differ from good ones as `changes` says; `null` takes a claim away.
#[track_caller]
fn check_claims(changes: &Value, more: &Value, expected: &str) {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("claims") {
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    check(&settings(&[ed25519("k")], more), &sign(&json!({"alg": "EdDSA"}), &claims), expected);
}

#[track_caller]
fn check_header(token_header: &Value, keys: &[Value], expected: &str) {
    check(&settings(keys, &json!({})), &sign(token_header, &claims()), expected);
}

#[test]
fn every_algorithm_verifies_what_another_implementation_signed() {
    let fixture = fixture();
    let keys: Vec<_> = fixture["keys"].as_object().expect("keys").values().cloned().collect();
    let tokens = fixture["tokens"].as_object().expect("tokens");
    assert_eq!(tokens.len(), 6);
    for (algorithm, token) in tokens {
        let token = token.as_str().expect("a token");
        check(&settings(&keys, &json!({})), token, "ok");
        check(&settings(&keys, &json!({"algorithms": [algorithm]})), token, "ok");
        let others: Vec<_> = tokens.keys().filter(|other| *other != algorithm).collect();
        check(&settings(&keys, &json!({"algorithms": others})), token, "the token's algorithm is not accepted");
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        bytes[9] ^= 1;
        let bent = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
        check(&settings(&keys, &json!({})), &bent, "the token's signature is wrong");
    }
}

#[test]
fn one_changed_character_anywhere_is_noticed() {
    let settings = settings(&[ed25519("k")], &json!({}));
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &claims());
    for at in 0..token.len() {
        let mut bent = token.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).expect("ASCII");
        assert_ne!(outcome(ask(&settings, &[header(&format!("Bearer {bent}"))])), "ok", "at {at}");
    }
}

#[test]
fn no_algorithm_but_the_keys_own() {
    let rsa = fixture()["keys"]["rsa"].clone();
    let keys = [ed25519("k"), rsa];
    for algorithm in ["none", "None", "", "HS256", "HS512", "eddsa", "ES512"] {
        check_header(&json!({"alg": algorithm}), &keys, "the token's algorithm is not accepted");
    }
    check_header(&json!({"alg": "RS256", "kid": "k"}), &keys, "the token's key is unknown");
    check_header(&json!({"alg": "ES256"}), &keys, "the token's key is unknown");
    check_header(&json!({"alg": "RS256"}), &keys, "the token's signature is wrong");
    check_header(&json!({}), &keys, "malformed token");
    check_header(&json!({"alg": ["EdDSA"]}), &keys, "malformed token");
    let pinned = json!({"kty": "RSA", "alg": "PS256", "n": fixture()["keys"]["rsa"]["n"], "e": "AQAB"});
    let token = fixture()["tokens"]["RS256"].as_str().expect("a token").replace('\n', "");
    check(&settings(&[pinned], &json!({})), &token, "the token's key is unknown");
}

#[test]
fn an_unsigned_token_is_refused() {
    let token = sign(&json!({"alg": "none"}), &claims());
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    check(&settings(&[ed25519("k")], &json!({})), &format!("{signed}."), "the token's algorithm is not accepted");
    let token = sign(&json!({"alg": "EdDSA"}), &claims());
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    check(&settings(&[ed25519("k")], &json!({})), &format!("{signed}."), "the token's signature is wrong");
}

#[test]
fn the_key_is_named_or_the_only_one() {
    let other = json!({"kty": "OKP", "crv": "Ed25519", "kid": "other", "x": fixture()["keys"]["ed"]["x"]});
    let both = [other.clone(), ed25519("k")];
    check_header(&json!({"alg": "EdDSA", "kid": "k"}), &both, "ok");
    check_header(&json!({"alg": "EdDSA", "kid": "other"}), &both, "the token's signature is wrong");
    check_header(&json!({"alg": "EdDSA", "kid": "third"}), &both, "the token's key is unknown");
    check_header(&json!({"alg": "EdDSA"}), &both, "the token does not say which key signed it");
    check_header(&json!({"alg": "EdDSA"}), &[ed25519("k")], "ok");
    check_header(&json!({"alg": "Ed25519"}), &[ed25519("k")], "ok");
    check_header(&json!({"alg": "EdDSA", "kid": "k", "jwk": ed25519("k")}), &[other], "the token's key is unknown");
}

#[test]
fn keys_for_other_uses_are_not_considered() {
    let with = |name: &str, value: Value| {
        let mut key = ed25519("k");
        key[name] = value;
        [key, fixture()["keys"]["ec"].clone()]
    };
    for (name, value, expected) in [
        ("use", json!("sig"), "ok"),
        ("use", json!("enc"), "the token's key is unknown"),
        ("key_ops", json!(["verify"]), "ok"),
        ("key_ops", json!(["sign"]), "the token's key is unknown"),
        ("alg", json!("EdDSA"), "ok"),
        ("alg", json!("ES256"), "the token's key is unknown"),
        ("alg", json!("XY999"), "the token's key is unknown"),
        ("crv", json!("Ed448"), "the token's key is unknown"),
        ("kty", json!("AKP"), "the token's key is unknown"),
    ] {
        check_header(&json!({"alg": "EdDSA", "kid": "k"}), &with(name, value), expected);
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let settings = settings(&[ed25519("k")], &json!({}));
    let critical = "the token has a critical extension that is not understood";
    for crit in [json!(["b64"]), json!([]), json!(null)] {
        check(&settings, &sign(&json!({"alg": "EdDSA", "crit": crit}), &claims()), critical);
    }
    let good = r#"{"alg":"EdDSA"}"#;
    check(&settings, &sign_text(r#"{"alg":"none","alg":"EdDSA"}"#, &claims().to_string()), "malformed token");
    check(&settings, &sign_text(good, r#"{"sub":"alice","sub":"root"}"#), "malformed token");
    check(&settings, &sign_text(good, "[]"), "malformed token");
    check(&settings, &format!("{}=", sign_text(good, &claims().to_string())), "malformed token");
    check(&settings, &sign(&json!({"alg": "EdDSA", "x": "x".repeat(9_000)}), &claims()), "the token is too long");
    check(&settings, "..", "malformed token");
}

#[test]
fn claims_have_to_be_there_and_right() {
    let none = json!({});
    check_claims(&none, &none, "ok");
    check_claims(&json!({"iss": "https://idp.example.com"}), &none, "unknown issuer");
    check_claims(&json!({"iss": null}), &none, "unknown issuer");
    check_claims(&json!({"iss": [ISSUER]}), &none, "unknown issuer");
    check_claims(&json!({"iss": "https://else.example.com/"}), &json!({"other-issuer": "abstain"}), "abstain");
    for audience in [json!(null), json!("https://gate.example.com"), json!([]), json!([1]), json!({})] {
        check_claims(&json!({"aud": audience}), &none, "the token is for another audience");
    }
    check_claims(&json!({"aud": ["x", AUDIENCE]}), &none, "ok");
    check_claims(&json!({"aud": "b"}), &json!({"audience": ["a", "b"]}), "ok");
    check_claims(&json!({"sub": null}), &none, "the token does not say whose it is");
    check_claims(&json!({"sub": ""}), &none, "the token does not say whose it is");
}

#[test]
fn time_counts_with_a_leeway() {
    let none = json!({});
    check_claims(&json!({"exp": NOW_S - 29}), &none, "ok");
    check_claims(&json!({"exp": NOW_S - 30}), &none, "the token has expired");
    check_claims(&json!({"exp": NOW_S}), &json!({"leeway-s": 0}), "the token has expired");
    check_claims(&json!({"exp": f64::from(NOW_S) + 0.5}), &json!({"leeway-s": 0}), "ok");
    check_claims(&json!({"exp": null}), &none, "the token does not say when it expires");
    check_claims(&json!({"exp": "4102444800"}), &none, "the token does not say when it expires");
    check_claims(&json!({"nbf": NOW_S + 30}), &none, "ok");
    check_claims(&json!({"nbf": NOW_S + 31}), &none, "the token is not good yet");
    check_claims(&json!({"nbf": "soon"}), &none, "the token is not good yet");
}

#[test]
fn scopes_are_of_both_claims_and_may_be_required() {
    let required = json!({"required-scopes": ["a", "b"]});
    check_claims(&json!({"scope": "b a"}), &required, "ok");
    check_claims(&json!({"scope": "a", "scp": ["b", "c"]}), &required, "ok");
    check_claims(&json!({"scp": "a b"}), &required, "ok");
    check_claims(&json!({"scope": 7}), &required, "the token's scopes are malformed");
    check_claims(&json!({"scp": [7]}), &required, "the token's scopes are malformed");
    let token = sign(&json!({"alg": "EdDSA"}), &claims());
    let verdict = ask(&settings(&[ed25519("k")], &required), &[header(&format!("Bearer {token}"))]);
    let Verdict::Challenge(challenge) = verdict else { panic!("{verdict:?}") };
    assert_eq!(challenge.error.as_deref(), Some("insufficient_scope"));
    assert_eq!(challenge.scope.as_deref(), Some("a b"));
}

#[test]
fn the_type_may_be_required() {
    let more = json!({"types": ["at+jwt"]});
    let settings = settings(&[ed25519("k")], &more);
    for (kind, expected) in [
        (json!("at+jwt"), "ok"),
        (json!("application/AT+JWT"), "ok"),
        (json!("JWT"), "not the right type of token"),
        (json!(1), "malformed token"),
    ] {
        check(&settings, &sign(&json!({"alg": "EdDSA", "typ": kind}), &claims()), expected);
    }
    check(&settings, &sign(&json!({"alg": "EdDSA"}), &claims()), "not the right type of token");
}

#[test]
fn what_is_no_jwt_is_left_to_others() {
    let settings = settings(&[ed25519("k")], &json!({}));
    for headers in
        [&[][..], &[header("Basic YTpi")], &[header("Bearer opaque")], &[header("Bearer")], &[header("a.b.c")]]
    {
        assert_eq!(outcome(ask(&settings, headers)), "abstain", "{headers:?}");
    }
    let good = header(&format!("Bearer {}", sign(&json!({"alg": "EdDSA"}), &claims())));
    assert_eq!(outcome(ask(&settings, &[header("Bearer opaque"), good.clone()])), "ok");
    assert_eq!(outcome(ask(&settings, &[good.clone(), good])), "more than one token");
}

#[test]
fn the_identity_is_as_the_token_says() {
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW_S + 60, "iat": NOW_S,
        "scope": "a b a", "email": "alice@example.com", "groups": ["x", "y"], "secret": 1});
    let settings = settings(&[ed25519("k")], &json!({"claims": ["e*", "groups", "sub"]}));
    let verdict = ask(&settings, &[header(&format!("bearer {}", sign(&json!({"alg": "EdDSA"}), &claims)))]);
    let Verdict::Allow(identity) = verdict else { panic!("{verdict:?}") };
    assert_eq!((identity.subject.as_str(), identity.issuer.as_str()), ("alice", ISSUER));
    assert_eq!(identity.scopes, ["a", "b"]);
    assert_eq!(identity.claim("email"), Some("alice@example.com"));
    assert_eq!(identity.claim("groups"), Some(r#"["x","y"]"#));
    assert_eq!(identity.claims.len(), 2);
}

#[test]
fn wrong_settings_are_named() {
    let none = json!({});
    let key = |name: &str, value: Value| {
        let mut key = ed25519("k");
        key[name] = value;
        settings(&[key], &json!({}))
    };
    let small = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB"});
    for (settings, expected) in [
        ("{}".to_owned(), "missing field `issuer`"),
        (settings(&[], &none), "setting `jwks`: no key in it is for signatures"),
        (settings(&[ed25519("k")], &json!({"algorithms": ["RS256"]})), "setting `jwks`: no key in it"),
        (
            settings(&[ed25519("k")], &json!({"algorithms": ["none"]})),
            "setting `algorithms[0]`: unknown variant `none`",
        ),
        (settings(&[ed25519("k"), ed25519("k")], &none), "setting `jwks.keys[1].kid`: another key has the same"),
        (settings(&[json!({"kty": "oct", "k": "AA"})], &none), "setting `jwks.keys[0]`: holds a secret key"),
        (key("d", json!("AA")), "setting `jwks.keys[0]`: holds a secret key"),
        (key("x", json!("AA")), "setting `jwks.keys[0]`: `x` has to be 32 bytes"),
        (key("x", json!("A=")), "setting `jwks.keys[0]`: `x` has to be there"),
        (key("x", json!(URL_SAFE_NO_PAD.encode([0; 32]))), "`x` is no point of Ed25519 that can sign"),
        (settings(&[small], &none), "an RSA key has 2048 to 4096 bits, not 1024"),
        (settings(&[ed25519("k")], &json!({"leeway-s": 301})), "setting `leeway-s`: 301 is more than 300"),
        (settings(&[ed25519("k")], &json!({"audience": []})), "setting `audience`: at least one"),
        (settings(&[ed25519("k")], &json!({"issuer": ""})), "setting `issuer`"),
        (settings(&[ed25519("k")], &json!({"aud": "x"})), "setting `aud`: unknown field `aud`"),
    ] {
        let error = configure::<Jwt>(&settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
