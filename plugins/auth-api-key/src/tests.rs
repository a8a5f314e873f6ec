use super::*;
use witgate_sdk::{RefusalCode, configure};

/// Alice has a plain hash, of `alice-key`; Bob a salted one, of `bob-key`. The hashes come in `plugin`.
const SETTINGS: &str = r#"{"keys":[
    {"id":"alice","sha256":"HASH"},
    {"id":"ci","hash":"sha256:0011223344556677:HASH","subject":"bob","scopes":["read","write"],
     "claims":{"team":"red","level":3}}
]}"#;

fn hash(salt: &[u8], key: &str) -> String {
    use sha2::{Digest, Sha256};
    format!("{:x}", Sha256::new().chain_update(salt).chain_update(key).finalize())
}

fn plugin() -> ApiKey {
    let salt = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
    let mut settings: serde_json::Value = serde_json::from_str(SETTINGS).expect("JSON");
    settings["keys"][0]["sha256"] = hash(&[], "alice-key").into();
    settings["keys"][1]["hash"] = format!("sha256:0011223344556677:{}", hash(&salt, "bob-key")).into();
    configure(&settings.to_string()).expect("settings")
}

fn header(text: &str) -> Header {
    let (name, value) = text.split_once(": ").expect("a header");
    Header { name: name.to_owned(), value: value.as_bytes().to_vec() }
}

fn ask(plugin: &ApiKey, headers: &[&str], now_s: u32) -> Verdict {
    let headers: Vec<_> = headers.iter().map(|text| header(text)).collect();
    let peer = Peer { address: "203.0.113.9:51111".to_owned(), certificate: None };
    plugin.authenticate(&Call { unix_time_s: now_s, ..Call::default() }, &headers, &peer)
}

/// What comes of these headers: a subject, `challenge`, `deny` or `abstain`.
#[track_caller]
fn check(headers: &[&str], expected: &str) {
    let verdict = match ask(&plugin(), headers, 1_800_000_000) {
        Verdict::Allow(identity) => identity.subject,
        Verdict::Challenge(challenge) => {
            assert_eq!(challenge.error.as_deref(), Some("invalid_token"));
            "challenge".to_owned()
        }
        Verdict::Deny(refusal) => {
            assert_eq!(refusal.code, RefusalCode::Unauthenticated);
            "deny".to_owned()
        }
        Verdict::Abstain => "abstain".to_owned(),
    };
    assert_eq!(verdict, expected, "{headers:?}");
}

#[test]
fn good_keys_are_known_in_either_header() {
    check(&["authorization: Bearer alice-key"], "alice");
    check(&["authorization: bearer  bob-key "], "bob");
    check(&["x-api-key: alice-key"], "alice");
    check(&["x-api-key: bob-key"], "bob");
}

#[test]
fn wrong_keys_are_challenged() {
    check(&["authorization: Bearer alice-kez"], "challenge");
    check(&["authorization: Bearer "], "challenge");
    check(&["x-api-key: "], "challenge");
    check(&["x-api-key: ALICE-KEY"], "challenge");
    check(&["x-api-key: eyJh.eyJh.c2ln"], "challenge");
    check(&["authorization: Bearer a.b.c"], "challenge");
    check(&["authorization: Bearer eyJh.eyJh.c2ln.x"], "challenge");
}

#[test]
fn what_is_for_others_is_left_to_them() {
    check(&[], "abstain");
    check(&["authorization: Basic YTpi"], "abstain");
    check(&["authorization: Bearerx alice-key"], "abstain");
    check(&["cookie: alice-key"], "abstain");
    check(&["authorization: Bearer eyJh.eyJh.c2ln"], "abstain");
    check(&["authorization: Bearer eyJh.eyJh.c2ln", "x-api-key: bob-key"], "bob");
}

#[test]
fn two_keys_are_one_too_many() {
    check(&["x-api-key: alice-key", "x-api-key: alice-key"], "deny");
    check(&["x-api-key: alice-key", "authorization: Bearer bob-key"], "deny");
    check(&["authorization: Bearer eyJh.eyJh.c2ln", "authorization: Bearer eyJh.eyJh.c2ln"], "deny");
}

#[test]
fn the_identity_is_as_the_settings_say() {
    let Verdict::Allow(bob) = ask(&plugin(), &["x-api-key: bob-key"], 0) else { panic!("bob's key is good") };
    assert_eq!((bob.subject.as_str(), bob.issuer.as_str()), ("bob", "api-key"));
    assert!(bob.has_scope("read") && bob.has_scope("write"));
    assert_eq!([bob.claim("team"), bob.claim("level"), bob.claim("key")], [Some("red"), Some("3"), Some("ci")]);
}

#[test]
fn a_key_expires() {
    for expires in ["1800000000", r#""2027-01-15T08:00:00Z""#] {
        let settings = format!(r#"{{"keys":[{{"id":"c","sha256":"{}","expires":{expires}}}]}}"#, hash(&[], "c-key"));
        let plugin: ApiKey = configure(&settings).expect("settings");
        assert!(matches!(ask(&plugin, &["x-api-key: c-key"], 1_799_999_999), Verdict::Allow(_)), "{expires}");
        assert!(matches!(ask(&plugin, &["x-api-key: c-key"], 1_800_000_000), Verdict::Challenge(_)), "{expires}");
    }
}

#[test]
fn headers_can_be_turned_off() {
    let settings = format!(r#"{{"keys":[{{"id":"a","sha256":"{}"}}],"headers":["x-api-key"]}}"#, hash(&[], "k"));
    let plugin: ApiKey = configure(&settings).expect("settings");
    assert_eq!(ask(&plugin, &["authorization: Bearer k"], 0), Verdict::Abstain);
    assert!(matches!(ask(&plugin, &["x-api-key: k"], 0), Verdict::Allow(_)));
}

#[test]
fn wrong_settings_are_named() {
    let key = |fields: &str| format!(r#"{{"keys":[{{"id":"a",{fields}}}]}}"#);
    let good = format!(r#""sha256":"{}""#, hash(&[], "k"));
    for (settings, expected) in [
        ("{}".to_owned(), "missing field `keys`"),
        (r#"{"keys":[]}"#.to_owned(), "setting `keys`: at least one"),
        (key(r#""sha256":"abc""#), "setting `keys[0].sha256`: 64 hex digits"),
        (key(r#""sha256":"é""#), "setting `keys[0].sha256`: 64 hex digits"),
        (key(r#""hash":"sha256:00:11""#), "setting `keys[0].hash`: `sha256:SALT:HASH`"),
        (key(r#""scopes":[]"#), "setting `keys[0]`: write either `sha256` or `hash`"),
        (key(&format!(r#"{good},"hash":"sha256:00:11""#)), "write either `sha256` or `hash`"),
        (key(&format!(r#"{good},"expires":"tomorrow""#)), "setting `keys[0].expires`: `tomorrow` is no RFC 3339"),
        (key(&format!(r#"{good},"expires":true"#)), "expected Unix seconds or an RFC 3339 date-time"),
        (key(&format!(r#"{good},"claims":{{"key":"x"}}"#)), "setting `keys[0].claims.key`: is the key's id"),
        (key(&format!(r#"{good},"key":"x""#)), "setting `keys[0].key`: unknown field"),
        (format!(r#"{{"keys":[{{"id":"a",{good}}},{{"id":"a",{good}}}]}}"#), "setting `keys[1].id`"),
        (format!(r#"{{"keys":[{{"id":"a",{good}}}],"headers":[]}}"#), "setting `headers`"),
    ] {
        let error = configure::<ApiKey>(&settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
