//! JSON as text that was checked once: read by pointer, changed by splicing, never turned into a tree.

mod block;
mod compose;
mod edit;
mod members;
#[cfg(test)]
mod oracle;
mod outline;
mod pointer;
mod scan;
mod strict;

use std::borrow::Cow;
use std::sync::Arc;

use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use edit::{Edit, EditError};
pub use members::Items;
pub use pointer::Pointer;
pub use scan::said;
pub use strict::{Limits, StrictError};

use members::{Each, Members};
use outline::Outline;

/// JSON text that is known to be strict: valid UTF-8, no duplicate keys, bounded in size and depth. A clone shares the
/// bytes.
#[derive(Clone)]
pub struct Payload {
    text: ByteString,
    /// What was noted when the text was checked that this is, or is a part of; and which part.
    outline: Option<(Arc<Outline>, outline::Place)>,
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Payload {}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Payload").field(&self.text).finish()
    }
}

impl Payload {
    /// Checks text that a stranger sent.
    pub fn parse(text: ByteString, limits: Limits) -> Result<Self, StrictError> {
        let outline = strict::check(&text, limits)?;
        Ok(Self { text, outline: Some((Arc::new(outline), None)) })
    }

    /// What needs no outline.
    fn plain(text: ByteString) -> Self {
        Self { text, outline: None }
    }

    /// Checks text with the default limits.
    pub fn parse_str(text: &str) -> Result<Self, StrictError> {
        Self::parse(ByteString::from(text), Limits::default())
    }

    /// A part of this text that a [`RawValue`] borrowed from it describes; shares the bytes.
    ///
    /// # Panics
    ///
    /// When `part` was not borrowed from this payload.
    #[must_use]
    pub fn part(&self, part: &RawValue) -> Self {
        self.slice(part.get())
    }

    /// A part of this text, as [`get`](Self::get) and [`members`](Self::members) give it; shares the bytes.
    ///
    /// # Panics
    ///
    /// When `text` was not borrowed from this payload.
    #[must_use]
    pub fn slice(&self, text: &str) -> Self {
        let outline = self.noted(text).map(|(outline, place)| (outline.clone(), place));
        Self { text: self.text.slice_ref(text), outline }
    }

    /// The same text in memory of its own: who keeps a part for long must not keep the whole that it came in.
    #[must_use]
    pub fn detached(&self) -> Self {
        let outline = self.outline.as_ref().map(|(outline, place)| (Arc::new(outline.part(*place)), None));
        Self { text: ByteString::from(self.as_str().to_owned()), outline }
    }

    /// What the gate itself says.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        // Only maps with keys that are no strings, and `Serialize` implementations that fail, have no JSON text;
        // the gate writes neither.
        Self::plain(ByteString::from(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())))
    }

    /// `{}`.
    pub fn empty() -> Self {
        Self::plain(ByteString::from_static("{}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Never: JSON text has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The value at a pointer as the JSON text that stands there; `None` when nothing does or the pointer is malformed.
    pub fn get(&self, pointer: &str) -> Option<&str> {
        match &self.outline {
            Some((outline, from)) => outline.find(*from, self.as_str(), pointer),
            None => pointer::find(self.as_str(), pointer),
        }
    }

    /// What the string at a pointer says; `None` when there is none.
    pub fn string(&self, pointer: &str) -> Option<Cow<'_, str>> {
        said(self.get(pointer)?)
    }

    /// The same, sharing the bytes of this text where it can.
    pub fn shared_string(&self, pointer: &str) -> Option<ByteString> {
        Some(match self.string(pointer)? {
            Cow::Borrowed(text) => self.text.slice_ref(text),
            Cow::Owned(text) => text.into(),
        })
    }

    /// The members of an object, read once from front to back: names, and values as the text that stands there.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.members_of(self.as_str())
    }

    /// Those members of the object at a pointer, all found at once.
    pub fn pick<const N: usize>(&self, pointer: &str, names: [&str; N]) -> [Option<&str>; N] {
        let mut found = [None; N];
        if let Some(object) = self.get(pointer) {
            for (name, value) in self.members_of(object) {
                if let Some(at) = names.iter().position(|wanted| *wanted == name) {
                    found[at] = Some(value);
                }
            }
        }
        found
    }

    /// The members of an object that stands in this text.
    fn members_of<'a>(&'a self, object: &'a str) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        match self.noted(object).and_then(|(outline, place)| outline.list(place, object)) {
            Some(noted) => Each::Noted(noted.map(|(name, value)| (name.said(), value))),
            None => Each::Read(Members::of(object)),
        }
    }

    /// What was noted of a part of this text.
    fn noted(&self, part: &str) -> Option<(&Arc<Outline>, outline::Place)> {
        let (outline, from) = self.outline.as_ref()?;
        if part.len() == self.text.len() {
            return Some((outline, *from));
        }
        let start = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        Some((outline, Some(outline.place(*from, start..start + part.len())?)))
    }

    /// The items of an array, likewise.
    pub fn items(&self) -> Items<'_> {
        Items::of(self.as_str())
    }

    /// The items of the array at a pointer, and of each that is an object the value of one member, all read once.
    pub fn items_with(&self, pointer: &str, name: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
        members::items_with(self.get(pointer).unwrap_or("[]"), name)
    }

    /// The value at a pointer, when it is of that type.
    pub fn read<T: DeserializeOwned>(&self, pointer: &str) -> Option<T> {
        serde_json::from_str(self.get(pointer)?).ok()
    }

    /// The whole as a type of the caller's.
    pub fn deserialize<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// The text with changes, applied in order. The values that are not changed keep their bytes.
    pub fn edit(&self, edits: &[Edit], limits: Limits) -> Result<Self, EditError> {
        if edits.is_empty() {
            return Ok(self.clone());
        }
        let text = edit::apply(self.as_str(), edits)?;
        Self::parse(ByteString::from(text), limits).map_err(EditError::Result)
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.text.trim_ascii_start().starts_with('{')
    }

    /// The bytes, shared.
    pub fn bytes(&self) -> &ByteString {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// What stands in a payload, asked for in each way, with and without an outline.
    pub(super) fn same(noted: &Payload, levels: usize) -> Result<(), TestCaseError> {
        if levels > 0 {
            same(&noted.detached(), 0)?;
        }
        let read = Payload::plain(noted.text.clone());
        let members: Vec<_> = read.members().collect();
        prop_assert_eq!(&noted.members().collect::<Vec<_>>(), &members);
        for (name, value) in members {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            prop_assert_eq!(noted.get(&pointer), Some(value));
            if levels > 0 {
                same(&noted.slice(value), levels - 1)?;
            }
        }
        for pointer in ["", "/", "/a", "/a/b", "/0", "/a/0/b", "/a~0b/~1", "/~2", "a"] {
            prop_assert_eq!(noted.get(pointer), read.get(pointer), "{} in {}", pointer, noted.as_str());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn an_outline_says_what_the_text_says(text in oracle::text()) {
            let Ok(payload) = Payload::parse_str(&text) else { return Ok(()) };
            same(&payload, 5)?;
        }
    }

    #[test]
    fn what_is_not_noted_is_read() {
        for count in [0, 31, 32, 33, 200] {
            let many: serde_json::Map<_, _> = (0..count).map(|n| (format!("k{n}"), Value::from(n))).collect();
            let value =
                serde_json::json!({ "a": many, "deep": { "b": { "c": { "d": many } } }, "z": [many], "last": 1 });
            let payload = Payload::parse_str(&value.to_string()).expect("JSON");
            same(&payload, 5).expect("the same");
            assert_eq!(payload.get("/last"), Some("1"));
            assert_eq!(payload.get("/a/k199").is_some(), count == 200);
            assert_eq!(payload.get("/deep/b/c/d/k32").is_some(), count > 32);
            assert_eq!(payload.get("/z/0/k30").is_some(), count > 30);
        }
    }
}
