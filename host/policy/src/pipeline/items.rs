//! A page of a listing, taken apart into its items and put together again.

use crate::json::Payload;

/// Beyond so many items a page is judged as a whole only: each item costs a plugin's call.
const MOST_ITEMS: usize = 4096;

/// Each item is shown with the rest of its page; so many bytes of rests are written at most.
const MOST_BYTES: usize = 64 << 20;

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
        let empty = payload.with_list(&list[1..], &[]);
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
        rest.is_object().then(|| rest.with_list(&self.list[1..], items))
    }
}

fn items(payload: &Payload, list: &str) -> Vec<Payload> {
    let Some(list) = payload.get(list).map(|list| payload.slice(list)) else { return Vec::new() };
    list.items().map(|item| list.slice(item)).collect()
}
