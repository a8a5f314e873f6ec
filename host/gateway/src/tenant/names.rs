//! What a name is to a client and to its server: `files__read` is `read` of the group whose prefix is `files`.

use std::collections::HashMap;

use super::Tenant;
use super::spec::{Group, Spec};

/// Between prefix and name. Prefixes hold no underscore, so the first occurrence is the border.
const SEPARATOR: &str = "__";

impl Group {
    /// What clients call `own`.
    pub(super) fn outer(&self, own: &str) -> String {
        if self.prefix.is_empty() { own.to_owned() } else { format!("{}{SEPARATOR}{own}", self.prefix) }
    }
}

/// Where the groups stand, by their prefixes; the first of those that have the same.
#[derive(Debug)]
pub(super) struct Prefixes(HashMap<String, usize>);

impl Prefixes {
    pub(super) fn of(groups: &[Group]) -> Self {
        Self(groups.iter().enumerate().rev().map(|(at, group)| (group.prefix.clone(), at)).collect())
    }
}

impl Tenant {
    /// Whose a tool's or prompt's name is, and what its server calls it. A prefix wins over the group without one.
    pub(super) fn resolve<'s, 'n>(&'s self, outer: &'n str) -> Option<(&'s Group, &'n str)> {
        let group = |prefix: &str| self.spec.groups.get(*self.prefixes.0.get(prefix)?);
        let prefixed = outer.split_once(SEPARATOR).filter(|(prefix, _)| !prefix.is_empty());
        let prefixed = prefixed.and_then(|(prefix, own)| Some((group(prefix)?, own)));
        prefixed.or_else(|| Some((group("")?, outer)))
    }
}

impl Spec {
    /// The only group, if there is but one.
    pub(super) fn sole(&self) -> Option<&Group> {
        match self.groups.as_slice() {
            [group] => Some(group),
            _ => None,
        }
    }
}
