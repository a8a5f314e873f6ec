use std::borrow::Cow;

use super::members::{Items, Members};
use super::pointer::{Pointer, index};
use super::strict::StrictError;

/// One change to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// RFC 6901; the last token may name a new member, or be `-` to append to an array.
    pub pointer: String,
    /// The new value as JSON text; `None` removes what is there.
    pub value: Option<String>,
}

impl Edit {
    /// Sets a value.
    pub fn set(pointer: impl Into<String>, value: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), value: Some(value.into()) }
    }

    /// Removes what is there.
    pub fn remove(pointer: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), value: None }
    }
}

/// Why an edit cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer is malformed, or its parent does not exist, or what is to be removed does not.
    #[error("nothing is at pointer {0:?} that could be changed")]
    Pointer(String),
    /// The value is not strict JSON.
    #[error("the value for {pointer:?} is not JSON: {cause}")]
    Value {
        /// Where it was to go.
        pointer: String,
        /// What is wrong with it.
        cause: StrictError,
    },
    /// The edited document is too long or too deep.
    #[error("the edited document {0}")]
    Result(StrictError),
}

/// An edit with its pointer parsed; `at` moves down the tokens.
#[derive(Clone, Copy)]
struct Change<'a> {
    tokens: &'a [String],
    value: Option<&'a str>,
    source: &'a str,
}

impl Change<'_> {
    fn lost(&self) -> EditError {
        EditError::Pointer(self.source.to_owned())
    }
}

/// Applies edits in order. Those that cannot disturb each other, the usual case, are applied in one pass.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut pointers = Vec::with_capacity(edits.len());
    for edit in edits {
        if let Some(value) = &edit.value {
            super::strict::check(value, super::Limits::default())
                .map_err(|cause| EditError::Value { pointer: edit.pointer.clone(), cause })?;
        }
        pointers.push(Pointer::parse(&edit.pointer).ok_or_else(|| EditError::Pointer(edit.pointer.clone()))?);
    }
    let changes: Vec<Change<'_>> = edits
        .iter()
        .zip(&pointers)
        .map(|(edit, pointer)| Change { tokens: pointer.tokens(), value: edit.value.as_deref(), source: &edit.pointer })
        .collect();
    let mut sorted = changes.clone();
    sorted.sort_by_key(|change| change.tokens);
    if independent(&sorted) {
        let mut out = String::with_capacity(text.len() + 64);
        rewrite(&mut out, text, &sorted)?;
        return Ok(out);
    }
    let mut text = Cow::Borrowed(text);
    for change in &changes {
        let mut out = String::with_capacity(text.len() + 64);
        rewrite(&mut out, &text, std::slice::from_ref(change))?;
        text = Cow::Owned(out);
    }
    Ok(text.into_owned())
}

/// Whether the order of these changes, sorted by their tokens, is without meaning: none lies within another, none is
/// made twice, and none could move an array's elements.
fn independent(sorted: &[Change<'_>]) -> bool {
    let moves = |change: &Change<'_>| {
        change.tokens.last().is_none_or(|last| last == "-" || (change.value.is_none() && index(last).is_some()))
    };
    !sorted.iter().any(moves) && sorted.windows(2).all(|pair| !pair[1].tokens.starts_with(pair[0].tokens))
}

/// Writes `text` with `changes` (sorted by token) into `out`.
fn rewrite(out: &mut String, text: &str, changes: &[Change<'_>]) -> Result<(), EditError> {
    let Some(first) = changes.first() else {
        out.push_str(text.trim_ascii());
        return Ok(());
    };
    if first.tokens.is_empty() {
        out.push_str(first.value.ok_or_else(|| first.lost())?);
        return Ok(());
    }
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => rewrite_object(out, text, changes),
        Some(b'[') => rewrite_array(out, text, changes),
        _ => Err(first.lost()),
    }
}

fn rewrite_object(out: &mut String, text: &str, changes: &[Change<'_>]) -> Result<(), EditError> {
    let mut groups = group(changes);
    let mut comma = Separator::new('{');
    for (key, value) in Members::of(text) {
        let found = groups.iter().position(|group| group[0].tokens[0] == key);
        let Some(mine) = found.map(|at| groups.remove(at)) else {
            comma.write(out);
            write_key(out, &key);
            out.push_str(value);
            continue;
        };
        if let [Change { tokens: [_], value: None, .. }] = mine {
            continue;
        }
        comma.write(out);
        write_key(out, &key);
        rewrite(out, value, &descend(mine))?;
    }
    for group in groups {
        let [Change { tokens: [key], value: Some(value), .. }] = group else { return Err(group[0].lost()) };
        comma.write(out);
        write_key(out, key);
        out.push_str(value);
    }
    comma.close(out, '}');
    Ok(())
}

fn rewrite_array(out: &mut String, text: &str, changes: &[Change<'_>]) -> Result<(), EditError> {
    let items: Vec<&str> = Items::of(text).collect();
    let mut groups: Vec<Option<&[Change<'_>]>> = vec![None; items.len()];
    let mut appended = None;
    for group in group(changes) {
        let token = &group[0].tokens[0];
        let slot = index(token).and_then(|at| groups.get_mut(at));
        match (slot, group) {
            (Some(slot), group) => *slot = Some(group),
            (None, [Change { tokens: [_], value: Some(value), .. }]) if token == "-" => appended = Some(*value),
            (None, group) => return Err(group[0].lost()),
        }
    }
    let mut comma = Separator::new('[');
    for (item, group) in items.iter().zip(groups) {
        if let Some([Change { tokens: [_], value: None, .. }]) = group {
            continue;
        }
        comma.write(out);
        match group {
            Some(group) => rewrite(out, item, &descend(group))?,
            None => out.push_str(item),
        }
    }
    if let Some(value) = appended {
        comma.write(out);
        out.push_str(value);
    }
    comma.close(out, ']');
    Ok(())
}

/// Runs of changes that share their first token.
fn group<'c, 'a>(changes: &'c [Change<'a>]) -> Vec<&'c [Change<'a>]> {
    changes.chunk_by(|a, b| a.tokens[0] == b.tokens[0]).collect()
}

fn descend<'a>(changes: &[Change<'a>]) -> Vec<Change<'a>> {
    changes.iter().map(|change| Change { tokens: &change.tokens[1..], ..*change }).collect()
}

fn write_key(out: &mut String, key: &str) {
    if key.bytes().any(|byte| matches!(byte, b'"' | b'\\' | ..0x20)) {
        out.push_str(&serde_json::Value::from(key).to_string());
    } else {
        out.push('"');
        out.push_str(key);
        out.push('"');
    }
    out.push(':');
}

/// Writes the opening bracket first and commas from then on.
struct Separator {
    next: char,
}

impl Separator {
    fn new(open: char) -> Self {
        Self { next: open }
    }

    fn write(&mut self, out: &mut String) {
        out.push(self.next);
        self.next = ',';
    }

    fn close(self, out: &mut String, close: char) {
        if self.next != ',' {
            out.push(self.next);
        }
        out.push(close);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(text: &str, edits: &[(&str, Option<&str>)], want: Result<&str, &str>) {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(pointer, value)| Edit { pointer: (*pointer).into(), value: value.map(Into::into) })
            .collect();
        match (apply(text, &edits), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{got}"),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn edits_change_what_they_name_and_nothing_else() {
        let text = r#"{"a": [1.0, "x\u00e9",3], "b":{"c":1e2}}"#;
        check(text, &[("/b/c", Some("true"))], Ok(r#"{"a":[1.0, "x\u00e9",3],"b":{"c":true}}"#));
        check(text, &[("/b/d", Some("{}"))], Ok(r#"{"a":[1.0, "x\u00e9",3],"b":{"c":1e2,"d":{}}}"#));
        check(text, &[("/b", None), ("/a/1", Some("0"))], Ok(r#"{"a":[1.0,0,3]}"#));
        check(text, &[("/a/0", None), ("/a/0", None), ("/a/-", Some("9"))], Ok(r#"{"a":[3,9],"b":{"c":1e2}}"#));
        check(text, &[("", Some("[]"))], Ok("[]"));
        check(text, &[("/a", Some("{}")), ("/a/x", Some("1"))], Ok(r#"{"a":{"x":1},"b":{"c":1e2}}"#));
        check(text, &[("/b/c", None)], Ok(r#"{"a":[1.0, "x\u00e9",3],"b":{}}"#));
        check("[1]", &[("/0", None)], Ok("[]"));
    }

    #[test]
    fn an_edit_that_has_no_place_is_an_error() {
        let text = r#"{"a":[1],"b":2}"#;
        check(text, &[("/x/y", Some("1"))], Err("\"/x/y\""));
        check(text, &[("/x", None)], Err("\"/x\""));
        check(text, &[("/a/1", Some("1"))], Err("\"/a/1\""));
        check(text, &[("/b/c", Some("1"))], Err("\"/b/c\""));
        check(text, &[("b", Some("1"))], Err("\"b\""));
        check(text, &[("", None)], Err("\"\""));
        check(text, &[("/b", Some("{\"k\":1,\"k\":2}"))], Err("duplicate key"));
        check(text, &[("/b", Some("1 2"))], Err("trailing"));
    }

    /// Small trees with keys that collide often.
    pub(in crate::json) fn tree() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[ab01]", inner, 0..4).prop_map(|m| m.into_iter().collect::<Value>()),
            ]
        })
    }

    /// What one edit does to a tree.
    fn model(value: &mut Value, pointer: &str, new: Option<&Value>) -> Option<()> {
        let Some((parent, token)) = pointer.rsplit_once('/') else {
            *value = new?.clone();
            return Some(());
        };
        match value.pointer_mut(parent)? {
            Value::Object(map) => match new {
                Some(new) => drop(map.insert(token.into(), new.clone())),
                None => drop(map.remove(token)?),
            },
            Value::Array(items) => match (index(token), new) {
                (None, Some(new)) if token == "-" => items.push(new.clone()),
                (Some(at), Some(new)) => *items.get_mut(at)? = new.clone(),
                (Some(at), None) if at < items.len() => drop(items.remove(at)),
                _ => return None,
            },
            _ => return None,
        }
        Some(())
    }

    proptest! {
        #[test]
        fn edits_do_to_text_what_they_do_to_a_tree(
            value in tree(),
            edits in prop::collection::vec(("(/[ab01-]){0,3}", prop::option::of(tree())), 0..4),
        ) {
            let mut want = Some(value.clone());
            for (pointer, new) in &edits {
                want = want.and_then(|mut tree| model(&mut tree, pointer, new.as_ref()).map(|()| tree));
            }
            let edits: Vec<Edit> = edits
                .into_iter()
                .map(|(pointer, value)| Edit { pointer, value: value.map(|v| v.to_string()) })
                .collect();
            let got = apply(&value.to_string(), &edits).ok();
            let got = got.map(|text| serde_json::from_str::<Value>(&text).expect("an edit leaves JSON"));
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn many_independent_edits_take_one_pass() {
        let text = json!((0..500).map(|i| json!({ "k": i })).collect::<Vec<_>>()).to_string();
        let edits: Vec<Edit> = (0..500).map(|i| Edit::set(format!("/{i}/k"), "0")).collect();
        let got: Value = serde_json::from_str(&apply(&text, &edits).expect("edits")).expect("JSON");
        assert!(got.as_array().is_some_and(|items| items.iter().all(|item| item["k"] == 0)));
    }
}
