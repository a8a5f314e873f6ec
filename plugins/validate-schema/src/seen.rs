//! Which members and items of a value some keyword has judged: what `unevaluatedProperties` and `unevaluatedItems` ask.

use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) every_member: bool,
    pub(crate) members: BTreeSet<String>,
    pub(crate) every_item: bool,
    pub(crate) items: BTreeSet<usize>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.every_member |= other.every_member;
        self.every_item |= other.every_item;
        self.members.extend(other.members);
        self.items.extend(other.items);
    }

    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.every_member || self.members.contains(name)
    }

    pub(crate) fn has_item(&self, index: usize) -> bool {
        self.every_item || self.items.contains(&index)
    }
}
