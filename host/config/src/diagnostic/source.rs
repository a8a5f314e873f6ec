use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, SourceCode, SourceSpan, SpanContents};

/// The text of a file, with its name as the reader knows it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source(Arc<miette::NamedSource<String>>, Arc<str>);

/// A place in a source and what is to be said there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// In bytes.
    pub span: Range<usize>,
    /// A few words; may be empty.
    pub label: String,
}

impl Mark {
    /// A mark with its words.
    pub fn new(span: Range<usize>, label: impl Into<String>) -> Self {
        Self { span, label: label.into() }
    }
}

impl Source {
    /// A text and its name.
    pub fn new(name: &str, text: &str) -> Self {
        Self(Arc::new(miette::NamedSource::new(name, text.to_owned())), name.into())
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.1
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.inner()
    }

    /// `name:line` of a byte, counted from 1.
    pub fn location(&self, byte: usize) -> String {
        let before = self.text().as_bytes().iter().take(byte);
        format!("{}:{}", self.1, 1 + before.filter(|byte| **byte == b'\n').count())
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        self.0.read_span(span, lines_before, lines_after)
    }
}
