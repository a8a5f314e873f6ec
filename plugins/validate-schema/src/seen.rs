//! Which members and items of a value some keyword has judged: what `unevaluatedProperties` and `unevaluatedItems` ask.

use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// All of them.
    pub(crate) everything: bool,
    /// By their places.
    parts: BTreeSet<u32>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        self.parts.extend(other.parts);
    }

    pub(crate) fn note(&mut self, place: u32) {
        self.parts.insert(place);
    }

    pub(crate) fn has(&self, place: u32) -> bool {
        self.everything || self.parts.contains(&place)
    }
}
