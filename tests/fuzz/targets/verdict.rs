//! What a plugin answers: verdicts of every kind, and changes of a document.
//!
//! The input is an answer as `witgate_fuzz::answer` has it; or lines: a document on the first, on each further one a
//! pointer, and after a tab the value to set there. Without a tab, what is there is removed.

#![no_main]

use http::{HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use witgate_fuzz::answer::{self, Said};
use witgate_fuzz::{json_members, second_opinion};
use witgate_gateway::wire::{self, Ask, Denial, Incoming, RequestId};
use witgate_policy::answer as checked;
use witgate_policy::json::{Edit, EditError, Limits, Pointer};
use witgate_policy::{
    AuthVerdict, Challenge, Credential, Fault, Form, Identity, Payload, Refusal, Revision, RouteVerdict,
    SanitizeVerdict, ValidateVerdict,
};

/// Less than the parsers' own, so that every document that comes out can be looked at.
const LIMITS: Limits = Limits { bytes: 16 << 10, depth: 24 };

/// Edits in one verdict, about as many as the mutations of a short input make.
const EDITS: usize = 16;

/// Candidates that a router was told of.
const CANDIDATES: usize = 8;

/// What no text of an answer is longer than, whatever it is for.
const TEXT_BYTES: usize = 8 << 10;

fuzz_target!(|text: &str| match answer::parse(text) {
    Some(said) => said_is_checked(said),
    None => edited(text),
});

/// An answer passes as it was said, and holds nothing then that the places where it goes cannot bear; or it is a fault.
fn said_is_checked(said: Said) {
    let refused = match said {
        Said::Auth(said) => checked::auth(said.clone()).map(|passed| match (said, passed) {
            (AuthVerdict::Allow(said), AuthVerdict::Allow(passed)) => identity(&said, &passed),
            (AuthVerdict::Challenge(said), AuthVerdict::Challenge(passed)) => challenge(&said, &passed),
            (AuthVerdict::Deny(said), AuthVerdict::Deny(passed)) => refusal(&said, &passed),
            other => panic!("{other:?}"),
        }),
        Said::Credential(said) => checked::credential(said.clone()).map(|passed| match (said, passed) {
            (Ok(said), Ok(passed)) => credential(&said, &passed),
            (Err(said), Err(passed)) => refusal(&said, &passed),
            other => panic!("{other:?}"),
        }),
        Said::Validate(said) => checked::validate(said.clone(), usize::MAX).map(|passed| match (said, passed) {
            (ValidateVerdict::Edits(said), ValidateVerdict::Edits(passed)) => {
                edits(&said, &passed, checked::VALIDATE_EDITS);
            }
            (ValidateVerdict::Refuse(said), ValidateVerdict::Refuse(passed)) => refusal(&said, &passed),
            other => panic!("{other:?}"),
        }),
        Said::Route(said) => checked::route(said.clone(), CANDIDATES).map(|passed| match (said, passed) {
            (RouteVerdict::Order(said), RouteVerdict::Order(passed)) => {
                assert_eq!(said, passed);
                assert!(passed.len() <= CANDIDATES && passed.iter().all(|id| is_line(id)));
            }
            (RouteVerdict::Refuse(said), RouteVerdict::Refuse(passed)) => refusal(&said, &passed),
            other => panic!("{other:?}"),
        }),
        Said::Sanitize(said) => checked::sanitize(said.clone(), EDITS).map(|passed| match (said, passed) {
            (SanitizeVerdict::Edits(said), SanitizeVerdict::Edits(passed)) => edits(&said, &passed, EDITS),
            (SanitizeVerdict::Replace(said), SanitizeVerdict::Replace(passed)) => replacement(&said, passed),
            (SanitizeVerdict::Withhold(said), SanitizeVerdict::Withhold(passed)) => refusal(&said, &passed),
            other => panic!("{other:?}"),
        }),
    };
    if let Err(fault) = refused {
        told(&fault);
    }
}

/// A fault goes to the log, so it is short and of one line, whatever the plugin said.
fn told(fault: &Fault) {
    assert!(matches!(fault, Fault::BadVerdict(_)));
    let text = fault.to_string();
    assert!(text.len() <= 512 && is_line(&text), "{text:?}");
}

fn is_line(text: &str) -> bool {
    text.len() <= TEXT_BYTES && !text.chars().any(char::is_control)
}

fn identity(said: &Identity, passed: &Identity) {
    assert_eq!(said, passed);
    assert!(!passed.subject.is_empty() && is_line(&passed.subject) && is_line(&passed.issuer));
    assert!(passed.scopes.len() <= 256 && passed.scopes.iter().all(|scope| is_line(scope)));
    assert!(passed.claims.len() <= 256);
    for (at, claim) in passed.claims.iter().enumerate() {
        assert!(is_line(&claim.name) && claim.value.len() <= TEXT_BYTES);
        assert!(passed.claims[..at].iter().all(|other| other.name != claim.name), "{} twice", claim.name);
    }
}

/// What becomes `WWW-Authenticate` is one header, in which no parameter ends early.
fn challenge(said: &Challenge, passed: &Challenge) {
    assert_eq!(said, passed);
    assert!(HeaderName::from_bytes(passed.scheme.as_bytes()).is_ok(), "{:?} is no token", passed.scheme);
    for parameter in [&passed.error, &passed.description, &passed.scope].into_iter().flatten() {
        assert!(HeaderValue::from_str(parameter).is_ok() && !parameter.contains(['"', '\\']), "{parameter:?}");
    }
}

fn credential(said: &Credential, passed: &Credential) {
    assert_eq!((&said.headers, said.expires_in), (&passed.headers, passed.expires_in));
    assert!(passed.headers.len() <= 32);
    for header in &passed.headers {
        assert!(HeaderName::from_bytes(header.name.as_bytes()).is_ok(), "{:?}", header.name);
        assert!(HeaderValue::from_str(&header.value).is_ok() && is_line(&header.value.replace('\t', " ")));
    }
}

fn edits(said: &[Edit], passed: &[Edit], most: usize) {
    assert_eq!(said, passed);
    assert!(passed.len() <= most && passed.iter().all(|edit| edit.pointer.len() <= TEXT_BYTES));
}

fn replacement(said: &str, passed: String) {
    assert_eq!(said, passed);
    match checked::object("the replacement", passed, LIMITS) {
        Ok(payload) => {
            assert_eq!(payload.as_str(), said);
            let value = second_opinion(said).expect("a payload is JSON");
            assert!(value.is_object() && json_members(said) == json_members(&value.to_string()));
        }
        Err(fault) => told(&fault),
    }
}

/// A refusal reaches the client on one line, without what is for the operator.
fn refusal(said: &Refusal, passed: &Refusal) {
    assert_eq!(said, passed);
    assert!(is_line(&passed.message) && passed.note.as_deref().is_none_or(is_line));
    assert!(passed.findings.len() <= 64);
    assert!(passed.findings.iter().all(|finding| is_line(&finding.pointer) && is_line(&finding.message)));
    let mut passed = passed.clone();
    passed.note = Some("\u{1f511}for the operator".to_owned());
    let id = RequestId::Number(1);
    for revision in Revision::ALL {
        let ask = Ask { revision, method: "tools/call", form: Form::Request, resource_metadata: None };
        let denial = Denial::new(&passed, ask);
        let line = denial.encode(Some(&id));
        assert!(!String::from_utf8_lossy(&line).contains("\u{1f511}for"), "the note leaks");
        match wire::decode(line, Limits { bytes: usize::MAX, ..LIMITS }) {
            Ok(Incoming::Response { id: got, .. }) => assert_eq!(got, id),
            other => panic!("the refusal is {other:?}"),
        }
    }
}

fn edited(text: &str) {
    let mut lines = text.split('\n');
    let document = lines.next().unwrap_or_default();
    let Ok(payload) = Payload::parse(document.into(), LIMITS) else { return };
    let tree = second_opinion(document).expect("a payload is JSON");
    assert_eq!(json_members(document), json_members(&tree.to_string()), "a key came twice");
    let edits: Vec<Edit> = lines.take(EDITS).map(edit).collect();
    for edit in &edits {
        read(&payload, &tree, &edit.pointer);
    }
    changed(&payload, tree, &edits);
}

fn edit(line: &str) -> Edit {
    match line.split_once('\t') {
        Some((pointer, value)) => Edit::set(pointer, value),
        None => Edit::remove(line),
    }
}

/// What is read at a pointer is what a tree holds there.
fn read(payload: &Payload, tree: &Value, pointer: &str) {
    let got = payload.get(pointer);
    if Pointer::parse(pointer).is_none() {
        assert_eq!(got, None, "{pointer:?} is malformed");
        return;
    }
    let got = got.map(|text| second_opinion(text).expect("a part of a payload is JSON"));
    assert_eq!(got.as_ref(), tree.pointer(pointer), "{pointer:?}");
}

/// What edits make of the text is what they make of a tree; what they do not name keeps its bytes.
fn changed(payload: &Payload, tree: Value, edits: &[Edit]) {
    let want = edits.iter().try_fold(tree, |tree, edit| model(tree, edit));
    match payload.edit(edits, LIMITS) {
        Ok(got) => {
            let value = second_opinion(got.as_str()).expect("an edited payload is JSON");
            assert_eq!(Some(&value), want.as_ref(), "{} {edits:?}", payload.as_str());
            assert_eq!(json_members(got.as_str()), json_members(&value.to_string()), "a key came twice");
            assert!(got.len() <= LIMITS.bytes);
            kept(payload, &got, edits);
        }
        // The edited document is too long or too deep, which a tree does not mind.
        Err(EditError::Result(_)) => assert!(want.is_some()),
        // Values are held against the gate's own limits.
        Err(EditError::Value { .. }) => {
            let mut values = edits.iter().filter_map(|edit| edit.value.as_deref());
            assert!(values.any(|value| Payload::parse_str(value).is_err()), "{edits:?}");
        }
        Err(EditError::Pointer(pointer)) => assert_eq!(want, None, "{pointer:?} {} {edits:?}", payload.as_str()),
    }
}

/// One edit of a tree.
fn model(mut tree: Value, edit: &Edit) -> Option<Value> {
    let pointer = Pointer::parse(&edit.pointer)?;
    let new = match &edit.value {
        Some(text) => Some(second_opinion(text)?),
        None => None,
    };
    let Some((last, above)) = pointer.tokens().split_last() else { return new };
    let mut here = &mut tree;
    for token in above {
        here = match here {
            Value::Object(members) => members.get_mut(token)?,
            Value::Array(items) => items.get_mut(index(token)?)?,
            _ => return None,
        };
    }
    match (here, new) {
        (Value::Object(members), Some(new)) => drop(members.insert(last.clone(), new)),
        (Value::Object(members), None) => drop(members.shift_remove(last)?),
        (Value::Array(items), Some(new)) if last == "-" => items.push(new),
        (Value::Array(items), Some(new)) => *items.get_mut(index(last)?)? = new,
        (Value::Array(items), None) => {
            let at = index(last).filter(|at| *at < items.len())?;
            items.remove(at);
        }
        _ => return None,
    }
    Some(tree)
}

/// RFC 6901 section 4.
fn index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (token == "0" || !token.starts_with('0'))).then(|| token.parse().ok()).flatten()
}

fn kept(before: &Payload, after: &Payload, edits: &[Edit]) {
    let Ok(Value::Object(members)) = before.deserialize::<Value>() else { return };
    let named: Vec<_> = edits.iter().filter_map(|edit| Pointer::parse(&edit.pointer)).collect();
    for key in members.keys() {
        let is_named = named.iter().any(|pointer| pointer.tokens().first().is_none_or(|token| token == key));
        if !is_named {
            let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            assert_eq!(before.get(&pointer), after.get(&pointer), "{pointer}");
        }
    }
}
