use proptest::prelude::*;

use super::*;
use crate::refusal::Reason;
use crate::trail::Stage;

/// The words of a fault after those that all share.
#[track_caller]
fn check<T: std::fmt::Debug>(got: Result<T, Fault>, refused: Option<&str>) {
    let want = refused.map(|what| format!("answered outside the contract: {what}"));
    assert_eq!(got.err().map(|fault| fault.to_string()), want);
}

fn said_identity() -> Identity {
    let claim = |name: &str| Claim { name: name.into(), value: "{}".into() };
    let claims = vec![claim("x"), claim("y")];
    Identity { subject: "s".into(), issuer: "i".into(), scopes: vec!["a".into()], claims }
}

#[test]
fn an_identity_is_looked_at() {
    #[track_caller]
    fn case(spoil: impl FnOnce(&mut Identity), refused: Option<&str>) {
        let mut identity = said_identity();
        spoil(&mut identity);
        check(auth(AuthVerdict::Allow(identity)), refused);
    }
    case(|_| (), None);
    case(|identity| identity.subject.clear(), Some("the subject is empty"));
    case(|identity| identity.subject = "a\nb".into(), Some("the subject holds control characters"));
    case(|identity| identity.issuer = "a\u{9b}".into(), Some("the issuer holds control characters"));
    case(|identity| identity.scopes = vec![String::new(); 257], Some("the scopes are 257, 256 are allowed"));
    case(|identity| identity.claims[1].name = "x".into(), Some("a claim comes twice"));
    case(
        |identity| identity.claims[0].value = "x".repeat(8193),
        Some("a claim's value is 8193 bytes long, 8192 are allowed"),
    );
}

#[test]
fn a_challenge_is_looked_at() {
    #[track_caller]
    fn case(scheme: &str, scope: &str, refused: Option<&str>) {
        let challenge = Challenge { scheme: scheme.into(), error: None, description: None, scope: Some(scope.into()) };
        check(auth(AuthVerdict::Challenge(challenge)), refused);
    }
    case("Bearer", "a b", None);
    case("Be arer", "a", Some("the challenge's scheme is not a token of RFC 9110"));
    case("Bearer", "a\", b=\"", Some("the challenge's scope holds characters that RFC 6750 does not allow"));
}

#[test]
fn a_refusal_is_looked_at_whoever_says_it() {
    #[track_caller]
    fn case(spoil: impl FnOnce(&mut Refusal), refused: Option<&str>) {
        let mut refusal = Refusal::new(Stage::Validate, Reason::Invalid, "no").noted("n");
        refusal.findings = vec![Finding { pointer: "/a".into(), message: "m".into() }];
        spoil(&mut refusal);
        check(auth(AuthVerdict::Deny(refusal.clone())), refused);
        check(credential(Err(refusal.clone())), refused);
        check(validate(ValidateVerdict::Refuse(refusal.clone()), 1), refused);
        check(route(RouteVerdict::Refuse(refusal.clone()), 1), refused);
        check(sanitize(SanitizeVerdict::Withhold(refusal), 1), refused);
    }
    case(|_| (), None);
    case(|refusal| refusal.message = "no\u{7}".into(), Some("the message holds control characters"));
    case(|refusal| refusal.message = "x".repeat(1025), Some("the message is 1025 bytes long, 1024 are allowed"));
    case(|refusal| refusal.note = Some("\r\n".into()), Some("the note holds control characters"));
    case(
        |refusal| refusal.findings = vec![refusal.findings[0].clone(); 65],
        Some("the findings are 65, 64 are allowed"),
    );
    case(|refusal| refusal.findings[0].pointer = "/\0".into(), Some("a finding's pointer holds control characters"));
}

#[test]
fn headers_are_looked_at_and_keep_their_plugin() {
    #[track_caller]
    fn case(name: &str, value: &str, count: usize, refused: Option<&str>) {
        let header = Header { name: name.into(), value: value.into(), plugin: "p".into() };
        check(credential(Ok(Credential { headers: vec![header; count], expires_in: None })), refused);
    }
    case("authorization", "Bearer ${secret:KEY}", 32, None);
    case("a", "b", 33, Some("the headers are 33, 32 are allowed"));
    case("a b", "b", 1, Some("a header's name is not a token of RFC 9110"));
    case("a", "b\r\nc: d", 1, Some("a header's value is not a field value of RFC 9110"));
}

#[test]
fn an_order_is_no_longer_than_it_can_be() {
    let order = |ids: &[&str]| RouteVerdict::Order(ids.iter().map(ToString::to_string).collect());
    check(route(order(&["a", "b"]), 2), None);
    check(route(order(&["a", "b"]), 1), Some("the ids of the order are 2, 1 are allowed"));
    check(route(order(&["a\n"]), 1), Some("an id holds control characters"));
}

#[test]
fn edits_are_as_many_as_the_limit_and_the_contract_allow() {
    #[track_caller]
    fn case(count: usize, limit: usize, validator: Option<&str>, sanitizer: Option<&str>) {
        let edits = vec![Edit::remove("/a"); count];
        check(validate(ValidateVerdict::Edits(edits.clone()), limit), validator);
        check(sanitize(SanitizeVerdict::Edits(edits), limit), sanitizer);
    }
    case(256, 9999, None, None);
    case(257, 9999, Some("the edits are 257, 256 are allowed"), None);
    for verdict in [
        validate(ValidateVerdict::Edits(vec![Edit::remove("/a"); 3]), 2).err(),
        sanitize(SanitizeVerdict::Edits(vec![Edit::remove("/a"); 3]), 2).err(),
    ] {
        assert_eq!(verdict, Some(Fault::Limit { key: LimitKey::Edits, limit: 2 }));
    }
    case(4097, 9999, Some("the edits are 4097, 256 are allowed"), Some("the edits are 4097, 4096 are allowed"));
    let long = Edit::remove("/".repeat(4097));
    check(
        sanitize(SanitizeVerdict::Edits(vec![long]), 1),
        Some("an edit's pointer is 4097 bytes long, 4096 are allowed"),
    );
}

#[test]
fn what_stands_for_a_message_is_an_object() {
    let object = |said: &str| object("the fallback", said.into(), json::Limits::default());
    check(object(r#"{"a":1}"#), None);
    check(object("[]"), Some("the fallback is not an object"));
    assert!(object(r#"{"a":1,"a":2}"#).is_err() && object("").is_err());
}

proptest! {
    /// Whatever is let through has one line wherever it travels in one.
    #[test]
    fn what_passes_fits_a_line(subject in ".{0,40}", scope in ".{0,40}", message in ".{0,40}", value in ".{0,40}") {
        let mut identity = said_identity();
        (identity.subject, identity.scopes[0]) = (subject, scope);
        if let Ok(AuthVerdict::Allow(identity)) = auth(AuthVerdict::Allow(identity)) {
            prop_assert!(!identity.subject.is_empty());
            let line = identity.subject + &identity.scopes[0];
            prop_assert!(!line.contains(char::is_control));
        }
        let refusal = Refusal::new(Stage::Auth, Reason::Forbidden, message);
        if let Ok(AuthVerdict::Deny(refusal)) = auth(AuthVerdict::Deny(refusal)) {
            prop_assert!(!refusal.message.contains(char::is_control));
        }
        let header = Header { name: "a".into(), value, plugin: "p".into() };
        if let Ok(Ok(shown)) = credential(Ok(Credential { headers: vec![header], expires_in: None })) {
            prop_assert!(shown.headers[0].value.is_ascii() && !shown.headers[0].value.contains(['\r', '\n', '\0']));
        }
    }
}
