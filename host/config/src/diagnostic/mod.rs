//! What is told to a person when something that they wrote is wrong: what, where in the file, what to do.
//!
//! A [`Problem`] is a cause, which is a case of some module's error enum, with marks in a [`Source`]. Problems are
//! gathered, so that one run shows all of them. Rendering is the same whether they go to a terminal, a file or the log.

mod render;
mod source;

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, LabeledSpan, Severity, SourceCode};

pub use render::Style;
pub use source::{Mark, Source};

/// One thing that is wrong, or deserves a warning.
#[derive(Debug)]
pub struct Problem {
    cause: Box<dyn Diagnostic + Send + Sync>,
    source: Option<Source>,
    marks: Vec<Mark>,
}

impl Problem {
    /// A problem that has no place in a file.
    pub fn new(cause: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { cause: Box::new(cause), source: None, marks: Vec::new() }
    }

    /// The same, with marks in a file; the first is the one that the reader is sent to.
    #[must_use]
    pub fn marked(mut self, source: &Source, marks: Vec<Mark>) -> Self {
        self.source = Some(source.clone());
        self.marks = marks;
        self
    }

    /// Whether it only warns.
    pub fn is_warning(&self) -> bool {
        self.cause.severity() == Some(Severity::Warning)
    }

    /// `file:line` of the first mark.
    pub fn location(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        let first = self.marks.first()?;
        Some(source.location(first.span.start))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        self.cause.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.cause.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().filter(|_| !self.marks.is_empty()).map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let first = self.marks.first()?.span.start;
        Some(Box::new(self.marks.iter().map(move |mark| {
            let label = Some(mark.label.clone()).filter(|label| !label.is_empty());
            if mark.span.start == first {
                LabeledSpan::new_primary_with_span(label, mark.span.clone())
            } else {
                LabeledSpan::new_with_span(label, mark.span.clone())
            }
        })))
    }
}

/// All that was found; never empty when it is an error.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any is more than a warning.
    pub fn are_fatal(&self) -> bool {
        self.0.iter().any(|problem| !problem.is_warning())
    }

    /// The text for a person, each problem with its part of the file.
    pub fn render(&self, style: Style) -> String {
        render::render(&self.0, style)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            if let Some(location) = problem.location() {
                write!(f, "{location}: ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl Error for Problems {}
