//! Where a `$ref` leads, if it stays within the schema.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use crate::json::Node;

/// Where those lead that were met. Each is looked for once, and names are gathered once: a schema may have thousands.
#[derive(Debug, Default)]
pub(crate) struct References {
    met: RefCell<BTreeMap<String, Option<u32>>>,
    names: OnceCell<BTreeMap<String, u32>>,
}

impl References {
    /// The schema that a reference names. `None` for any that leads elsewhere: nothing is ever fetched.
    pub(crate) fn resolve<'s>(&self, root: Node<'s>, reference: &str) -> Option<Node<'s>> {
        let met = self.met.borrow().get(reference).copied();
        let place = met.unwrap_or_else(|| {
            let place = self.find(root, reference).map(Node::place);
            self.met.borrow_mut().insert(reference.to_owned(), place);
            place
        });
        place.map(|place| root.beside(place))
    }

    fn find<'s>(&self, root: Node<'s>, reference: &str) -> Option<Node<'s>> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if !base.is_empty() {
            let id = root.get("$id").and_then(Node::as_text).map(|id| id.trim_end_matches('#'));
            if Some(base) != id {
                return None;
            }
        }
        let fragment = percent_decoded(fragment)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return root.at_pointer(&fragment);
        }
        let names = self.names.get_or_init(|| names(root));
        names.get(&fragment).map(|place| root.beside(*place))
    }
}

/// What schemas call themselves; of two that say the same the first is meant.
fn names(root: Node<'_>) -> BTreeMap<String, u32> {
    let mut names = BTreeMap::new();
    for node in root.with_all_within().filter(|node| node.is_map()) {
        let said = |key: &str| node.get(key).and_then(Node::as_text);
        let by_id = said("$id").and_then(|id| id.strip_prefix('#'));
        for name in [said("$anchor"), said("$dynamicAnchor"), by_id].into_iter().flatten() {
            names.entry(name.to_owned()).or_insert_with(|| node.place());
        }
    }
    names
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte == b'%' {
            let (code, tail) = tail.split_at_checked(2)?;
            out.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
            rest = tail;
        } else {
            out.push(*byte);
        }
    }
    String::from_utf8(out).ok()
}
