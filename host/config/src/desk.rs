use std::path::{Path, PathBuf};

use super::document::{Document, Part};
use super::place::Place;
use super::{Cause, Surroundings};
use crate::diagnostic::{Problem, Problems};

/// Where the raw structs are checked: the file, what surrounds it, and what was found so far. The checks themselves
/// stand with the types that they make.
pub(super) struct Desk<'a> {
    pub(super) document: Document,
    pub(super) around: &'a Surroundings<'a>,
    folder: PathBuf,
    problems: Problems,
}

impl<'a> Desk<'a> {
    pub(super) fn new(document: Document, folder: &Path, around: &'a Surroundings<'a>) -> Self {
        Self { document, around, folder: folder.to_owned(), problems: Problems::default() }
    }

    /// One problem at one place.
    pub(super) fn report(&mut self, cause: impl Into<Cause>, place: &Place, part: Part) {
        self.report_at(cause, &[(place, part, "")]);
    }

    /// One problem at several places, with words for each.
    pub(super) fn report_at(&mut self, cause: impl Into<Cause>, places: &[(&Place, Part, &str)]) {
        let marks = self.document.marks(places);
        self.problems.push(Problem::new(cause.into()).marked(self.document.source(), marks));
    }

    /// The path as the configuration's folder sees it.
    pub(super) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    /// Whether something is wrong so far.
    pub(super) fn has_failed(&self) -> bool {
        self.problems.are_fatal()
    }

    pub(super) fn close(self) -> (Document, Problems) {
        (self.document, self.problems)
    }
}
