//! Regular expressions, each compiled once, when it is met.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use regex_lite::{Error, Regex};

/// What was compiled, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Patterns(RefCell<BTreeMap<String, Result<Rc<Regex>, Error>>>);

impl Patterns {
    /// An error for a pattern that is not understood.
    pub(crate) fn get(&self, text: &str) -> Result<Rc<Regex>, Error> {
        let known = self.0.borrow().get(text).cloned();
        known.unwrap_or_else(|| {
            let compiled = Regex::new(text).map(Rc::new);
            self.0.borrow_mut().insert(text.to_owned(), compiled.clone());
            compiled
        })
    }
}
