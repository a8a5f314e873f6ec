//! A page of a listing, taken apart into its items and put together again.

use serde_json::value::RawValue;

use crate::json::{Edit, Limits, Payload};

/// Beyond so many items a page is judged as a whole only: each item costs a plugin's call.
const MOST_ITEMS: usize = 4096;

/// Each item is shown with the rest of its page; so many bytes of rests are written at most.
const MOST_BYTES: usize = 64 << 20;

/// The gate's own edits of what was checked already.
const ROOMY: Limits = Limits { bytes: usize::MAX, depth: 127 };

/// A page with at least one item.
pub(super) struct Page {
    list: &'static str,
    empty: Payload,
    items: Vec<Payload>,
}

impl Page {
    /// `None` for what is no page, has no items, or too many.
    pub(super) fn of(method: &str, payload: &Payload) -> Option<Self> {
        let list = match method {
            "tools/list" => "/tools",
            "prompts/list" => "/prompts",
            "resources/list" => "/resources",
            "resources/templates/list" => "/resourceTemplates",
            "tasks/list" => "/tasks",
            _ => return None,
        };
        let items = items(payload, list);
        let empty = payload.edit(&[Edit::set(list, "[]")], ROOMY).ok()?;
        let bounded = items.len() <= MOST_ITEMS && items.len().saturating_mul(empty.len()) <= MOST_BYTES;
        (bounded && !items.is_empty()).then_some(Self { list, empty, items })
    }

    pub(super) fn items(&self) -> &[Payload] {
        &self.items
    }

    /// All but the items.
    pub(super) fn without_items(&self) -> Payload {
        self.empty.clone()
    }

    /// The page as if it had this item only.
    pub(super) fn only(&self, item: &Payload) -> Payload {
        self.with(&self.empty, std::slice::from_ref(item)).unwrap_or_else(|| self.empty.clone())
    }

    /// The items of a page that a sanitizer changed.
    pub(super) fn items_of(&self, changed: &Payload) -> Vec<Payload> {
        items(changed, self.list)
    }

    /// A page of this rest and these items. `None` when there is no place for a list in it any more.
    pub(super) fn with(&self, rest: &Payload, items: &[Payload]) -> Option<Payload> {
        let texts: Vec<&str> = items.iter().map(Payload::as_str).collect();
        rest.edit(&[Edit::set(self.list, format!("[{}]", texts.join(",")))], ROOMY).ok()
    }
}

fn items(payload: &Payload, list: &str) -> Vec<Payload> {
    let raw: Vec<&RawValue> = payload.get(list).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    raw.into_iter().map(|raw| payload.part(raw)).collect()
}
