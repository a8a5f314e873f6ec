//! What a plugin answers: changes of a document, by pointer.
//!
//! The input is lines: a document on the first; on each further one a pointer, and after a tab the value to set there.
//! Without a tab, what is there is removed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use witgate_fuzz::{json_members, second_opinion};
use witgate_policy::Payload;
use witgate_policy::json::{Edit, EditError, Limits, Pointer};

/// Less than the parsers' own, so that every document that comes out can be looked at.
const LIMITS: Limits = Limits { bytes: 16 << 10, depth: 24 };

/// Edits in one verdict, about as many as the mutations of a short input make.
const EDITS: usize = 16;

fuzz_target!(|text: &str| {
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
});

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
