//! JSON as text that was checked once: read by pointer, changed by splicing, never turned into a tree.

mod edit;
mod pointer;
mod strict;

use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use edit::{Edit, EditError};
pub use pointer::Pointer;
pub use strict::{Limits, StrictError};

/// JSON text that is known to be strict: valid UTF-8, no duplicate keys, bounded in size and depth. A clone shares the
/// bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(ByteString);

impl Payload {
    /// Checks text that a stranger sent.
    pub fn parse(text: ByteString, limits: Limits) -> Result<Self, StrictError> {
        strict::check(&text, limits)?;
        Ok(Self(text))
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
        Self(self.0.slice_ref(part.get()))
    }

    /// The same text in memory of its own: who keeps a part for long must not keep the whole that it came in.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(ByteString::from(self.as_str().to_owned()))
    }

    /// What the gate itself says.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        // Only maps with keys that are no strings, and `Serialize` implementations that fail, have no JSON text;
        // the gate writes neither.
        Self(ByteString::from(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())))
    }

    /// `{}`.
    pub fn empty() -> Self {
        Self(ByteString::from_static("{}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: JSON text has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a pointer as the JSON text that stands there; `None` when nothing does or the pointer is malformed.
    pub fn get(&self, pointer: &str) -> Option<&str> {
        let pointer = Pointer::parse(pointer)?;
        pointer.find(self.as_str())
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
        self.0.trim_ascii_start().starts_with('{')
    }

    /// The bytes, shared.
    pub fn bytes(&self) -> &ByteString {
        &self.0
    }
}
