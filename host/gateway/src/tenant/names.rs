//! What a name is to a client and to its server: `files__read` is `read` of the group whose prefix is `files`.

use super::spec::{Group, Spec};

/// Between prefix and name. Prefixes hold no underscore, so the first occurrence is the border.
const SEPARATOR: &str = "__";

impl Group {
    /// What clients call `own`.
    pub(super) fn outer(&self, own: &str) -> String {
        if self.prefix.is_empty() { own.to_owned() } else { format!("{}{SEPARATOR}{own}", self.prefix) }
    }
}

impl Spec {
    /// Whose a tool's or prompt's name is, and what its server calls it. A prefix wins over the group without one.
    pub(super) fn resolve<'s, 'n>(&'s self, outer: &'n str) -> Option<(&'s Group, &'n str)> {
        let prefixed = outer.split_once(SEPARATOR).and_then(|(prefix, own)| {
            let group = self.groups.iter().find(|group| !prefix.is_empty() && group.prefix == prefix)?;
            Some((group, own))
        });
        prefixed.or_else(|| self.groups.iter().find(|group| group.prefix.is_empty()).map(|group| (group, outer)))
    }

    /// The only group, if there is but one.
    pub(super) fn sole(&self) -> Option<&Group> {
        match self.groups.as_slice() {
            [group] => Some(group),
            _ => None,
        }
    }
}
