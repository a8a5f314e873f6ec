//! JSON that the host holds, or a test.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Finding;
use crate::bindings::types::witgate::types::types::Document as Handle;

/// A message's payload. What is not asked for is not copied into the plugin.
#[derive(Debug)]
pub struct Document(Source);

#[derive(Debug)]
enum Source {
    Host(Handle),
    Text(String),
}

impl Document {
    /// A document of its own, as tests need: the same answers, with no host behind it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(Source::Text(text.into()))
    }

    /// The length of [`Document::text`] in bytes, without copying it.
    pub fn size(&self) -> usize {
        match &self.0 {
            Source::Host(handle) => handle.size() as usize,
            Source::Text(text) => text.len(),
        }
    }

    /// The whole JSON text.
    pub fn text(&self) -> String {
        match &self.0 {
            Source::Host(handle) => handle.text(),
            Source::Text(text) => text.clone(),
        }
    }

    /// The JSON text at an RFC 6901 pointer; `None` when nothing is there. A string comes with its quotes and escapes.
    pub fn raw(&self, pointer: &str) -> Option<String> {
        match &self.0 {
            Source::Host(handle) => handle.get(pointer),
            Source::Text(text) => serde_json::from_str::<Value>(text).ok()?.pointer(pointer).map(ToString::to_string),
        }
    }

    /// The value at a pointer, as a `T`; `Ok(None)` when nothing is there, and when it is something else a finding
    /// that says so, ready to refuse with. Ask for a [`serde_json::Value`] to take anything.
    pub fn get<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, Finding> {
        let Some(text) = self.raw(pointer) else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let cause = error.to_string();
            Finding::at(pointer, cause.split_once(" at line ").map_or(cause.as_str(), |(cause, _)| cause))
        })
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self::from_text(value.to_string())
    }
}

impl From<Handle> for Document {
    fn from(handle: Handle) -> Self {
        Self(Source::Host(handle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"name":"apply","arguments":{"days":3,"a/b":"é\n"}}"#;

    #[test]
    fn a_document_of_text_answers_as_the_hosts_does() {
        let document = Document::from_text(TEXT);
        assert_eq!(document.size(), TEXT.len());
        assert_eq!(document.text(), TEXT);
        assert_eq!(document.raw("/arguments/days").as_deref(), Some("3"));
        assert_eq!(document.raw("/arguments/a~1b").as_deref(), Some(r#""é\n""#));
        assert_eq!(document.raw("/arguments/none"), None);
        assert_eq!(document.raw("arguments"), None);
        assert_eq!(document.raw("").map(|text| text.len()), Some(TEXT.len()));
    }

    #[test]
    fn values_are_typed_and_a_wrong_type_is_a_finding() {
        let document = Document::from_text(TEXT);
        assert_eq!(document.get::<u32>("/arguments/days"), Ok(Some(3)));
        assert_eq!(document.get::<String>("/arguments/a~1b"), Ok(Some("é\n".to_owned())));
        assert_eq!(document.get::<u32>("/arguments/none"), Ok(None));
        let finding = document.get::<u32>("/name").expect_err("a string is no number");
        assert_eq!(finding, Finding::at("/name", r#"invalid type: string "apply", expected u32"#));
    }
}
