//! What the upstreams list, remembered: to find a tool's definition, a resource's owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use indexmap::IndexMap;
use tokio::time::Instant;
use witgate_policy::json::said;
use witgate_policy::{Admitted, Answer, Identity, Lookup, Payload, Reason, Refusal, Stage, ToolBook, Validated};

use super::Tenant;
use super::attempt::{Cargo, Way};
use super::spec::Group;
use crate::upstream::Reply;
use crate::wire::HEADER;

/// For so long a listing is believed, unless the upstream says earlier that it changed. Not every server says so.
const BELIEVED: Duration = Duration::from_mins(1);

/// Within so long nothing is listed anew on the word of a client.
const SETTLED: Duration = Duration::from_secs(1);

/// Pages of one listing; a server that pages on for ever ends here. A thousand tools come in ten pages usually.
pub(super) const MOST_PAGES: usize = 200;

/// So many shelves are kept; beyond it the oldest goes.
const MOST_SHELVES: usize = 1_000;

/// JSON-RPC "method not found": the server has no such feature, which is an empty list.
const METHOD_NOT_FOUND: &str = "-32601";

#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    group: Arc<str>,
    what: Lookup,
    /// Set where the upstream is shown who calls, so that it may list differently for each.
    caller: Option<(String, String)>,
}

/// One listing of one group.
pub(super) struct Shelf {
    at: Instant,
    versions: Vec<u64>,
    items: IndexMap<String, Item>,
}

/// What is listed, and of a tool what it says of its effect: each call of it asks.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) definition: Payload,
    pub(super) read_only: bool,
    /// A second call does no more than the first.
    pub(super) idempotent: bool,
    /// Whether it may want parameters in headers.
    mirrors: bool,
}

impl Item {
    /// The definition, where it is asked what is mirrored in headers.
    pub(super) fn mirrored(&self) -> Option<&Payload> {
        self.mirrors.then_some(&self.definition)
    }
}

impl From<Payload> for Item {
    fn from(definition: Payload) -> Self {
        let hint = |pointer| definition.get(pointer) == Some("true");
        let read_only = hint("/annotations/readOnlyHint");
        let idempotent = read_only || hint("/annotations/idempotentHint");
        let mirrors = memchr::memmem::find(definition.as_str().as_bytes(), HEADER.as_bytes()).is_some();
        Self { definition, read_only, idempotent, mirrors }
    }
}

impl Shelf {
    /// An item by its server's own name (tools, prompts), URI (resources) or URI template.
    pub(super) fn get(&self, own: &str) -> Option<&Item> {
        self.items.get(own)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(String::as_str)
    }

    fn good(&self, group: &Group) -> bool {
        self.at.elapsed() < BELIEVED && self.versions.iter().copied().eq(versions(group))
    }
}

fn versions(group: &Group) -> impl Iterator<Item = u64> {
    group.upstreams.iter().map(|upstream| upstream.list_version())
}

#[derive(Default)]
pub(super) struct Catalog {
    shelves: Mutex<HashMap<Key, Arc<Shelf>>>,
}

impl Catalog {
    fn find(&self, key: &Key) -> Option<Arc<Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Whether there was a listing that is not so young that another one would say the same.
    fn forget(&self, key: &Key) -> bool {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let old = shelves.get(key).is_some_and(|shelf| shelf.at.elapsed() >= SETTLED);
        old && shelves.remove(key).is_some()
    }

    fn keep(&self, key: Key, shelf: Arc<Shelf>) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.len() >= MOST_SHELVES && !shelves.contains_key(&key) {
            let oldest = shelves.iter().min_by_key(|(_, shelf)| shelf.at).map(|(key, _)| key.clone());
            oldest.map(|key| shelves.remove(&key));
        }
        shelves.insert(key, shelf);
    }
}

/// The members of a list result, and what an item is called.
pub(super) const fn fields(what: Lookup) -> (&'static str, &'static str) {
    match what {
        Lookup::Tools => ("/tools", "/name"),
        Lookup::Prompts => ("/prompts", "/name"),
        Lookup::Resources => ("/resources", "/uri"),
        Lookup::Templates => ("/resourceTemplates", "/uriTemplate"),
        Lookup::Tasks => ("/tasks", "/taskId"),
    }
}

/// The items of a list result, as they stand, and what stands there as the name of each.
pub(super) fn items(page: &Payload, what: Lookup) -> impl Iterator<Item = (&str, Option<&str>)> {
    let (list, name) = fields(what);
    page.items_with(list, &name[1..])
}

impl Tenant {
    fn key(&self, identity: &Identity, group: &Group, what: Lookup) -> Key {
        let personal = group.upstreams.iter().any(|upstream| self.spec.pipeline.has_credential(&upstream.spec().id));
        let caller = personal.then(|| (identity.issuer.clone(), identity.subject.clone()));
        Key { group: group.name.clone(), what, caller }
    }

    /// Whether a group before this one is known to list the same resource: it is that group's then.
    pub(super) fn is_listed_before(&self, identity: &Identity, group: &Group, what: Lookup, uri: &str) -> bool {
        if !matches!(what, Lookup::Resources | Lookup::Templates) {
            return false;
        }
        let before = self.spec.groups.iter().take_while(|before| before.name != group.name);
        before.into_iter().any(|before| {
            let shelf = self.catalog.find(&self.key(identity, before, what)).filter(|shelf| shelf.good(before));
            shelf.is_some_and(|shelf| shelf.get(uri).is_some())
        })
    }

    /// What a group lists, asked for when it is not known or not believed any more.
    pub(super) async fn shelf(
        &self,
        admitted: &Admitted,
        group: &Group,
        what: Lookup,
        way: &Way<'_>,
    ) -> Result<Arc<Shelf>, Refusal> {
        let key = self.key(admitted.identity(), group, what);
        if let Some(shelf) = self.catalog.find(&key).filter(|shelf| shelf.good(group)) {
            return Ok(shelf);
        }
        self.listed(key, admitted, group, way).await
    }

    /// What a group lists now. Boxed, so that a call that need not ask takes no memory for it.
    fn listed<'a>(
        &'a self,
        key: Key,
        admitted: &'a Admitted,
        group: &'a Group,
        way: &'a Way<'_>,
    ) -> BoxFuture<'a, Result<Arc<Shelf>, Refusal>> {
        Box::pin(async move {
            let what = key.what;
            let quiet = Way::new(self, way.client, None, super::journal::Visits::default());
            let mut listed = IndexMap::new();
            let mut cursor = None;
            // Taken before asking, so that a change while the pages come makes the shelf stale.
            let before: Vec<_> = versions(group).collect();
            for _ in 0..MOST_PAGES {
                let validated = Validated::lookup(admitted, what, cursor.as_deref());
                let cargo = Cargo::reading(validated.call().params().clone());
                let page = match quiet.send(&validated, group, &cargo).await?.reply {
                    // Kept for long, and not with the buffer that it came in.
                    Reply::Result(page) => page.detached(),
                    Reply::Error(error) if error.get("/code") == Some(METHOD_NOT_FOUND) => break,
                    Reply::Error(error) => {
                        let message = format!("the upstream group `{}` does not say what it has", group.name);
                        return Err(Refusal::new(Stage::Route, Reason::Unavailable, message).noted(error.as_str()));
                    }
                };
                listed.extend(
                    items(&page, what)
                        .filter_map(|(item, name)| Some((said(name?)?.into_owned(), page.slice(item).into()))),
                );
                cursor = page.read::<String>("/nextCursor");
                if cursor.is_none() {
                    break;
                }
            }
            // The first answer may have been the first contact, which counts as a change.
            let versions = if before.iter().all(|version| *version == 0) { versions(group).collect() } else { before };
            let shelf = Arc::new(Shelf { at: Instant::now(), versions, items: listed });
            self.catalog.keep(key, shelf.clone());
            Ok(shelf)
        })
    }

    /// The definition of a tool, by its server's own name, when headers made after the `known` one are wrong: as it is
    /// listed now. `None` when it is the same, or was listed just now.
    pub(super) fn redefined<'a>(
        &'a self,
        validated: &'a Validated,
        group: &'a Group,
        own: String,
        known: Option<&'a Item>,
        way: &'a Way<'_>,
    ) -> BoxFuture<'a, Option<Item>> {
        Box::pin(async move {
            if !self.catalog.forget(&self.key(validated.identity(), group, Lookup::Tools)) {
                return None;
            }
            // Other clients may have been told of it as it was.
            self.pages.forget(group);
            let shelf = self.shelf(validated.admitted(), group, Lookup::Tools, way).await.ok()?;
            shelf.get(&own).filter(|now| known.is_none_or(|known| known.definition != now.definition)).cloned()
        })
    }
}

/// The tools' definitions, for validators.
pub(super) struct Book<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) way: &'a Way<'a>,
}

impl ToolBook for Book<'_> {
    fn tool<'a>(&'a self, admitted: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal> {
        Box::pin(async move {
            let Some(outer) = admitted.call().target() else { return Ok(None) };
            let unknown = || {
                let message = format!("there is no tool called `{outer}`");
                Refusal::new(Stage::Validate, Reason::UnknownTarget, message)
            };
            let (group, own) = self.tenant.resolve(outer).ok_or_else(unknown)?;
            let shelf = self.tenant.shelf(admitted, group, Lookup::Tools, self.way).await?;
            shelf.get(own).map(|item| Some(item.definition.clone())).ok_or_else(unknown)
        })
    }
}
