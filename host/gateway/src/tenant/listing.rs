//! Lists: passed through from an only group, merged page by page from several.
//!
//! The first page is the first pages of all groups; each further one is the next pages of those that have more. So a
//! client that never asks for a second page misses nothing of a server that has but one.

use std::collections::HashSet;

use futures_util::future::join_all;
use indexmap::IndexMap;
use witgate_policy::json::{Edit, said};
use witgate_policy::{Kind, Lookup, Payload, Reason, Refusal, Sanitized, Stage, Validated};

use super::Tenant;
use super::attempt::{Cargo, Way};
use super::catalog::{fields, items};
use super::cursor::Cursor;
use super::shape::edited;
use super::spec::Group;

/// Names the groups that are missing from what was gathered.
pub(super) const UNAVAILABLE: &str = "dev.witgate/unavailable";

/// Members of a page that the gate makes itself.
const OWN: [&str; 5] = ["nextCursor", "ttlMs", "cacheScope", "resultType", "_meta"];

/// Members of `_meta` that speak of one server only.
const ONE_SERVER_S: [&str; 1] = ["io.modelcontextprotocol/serverInfo"];

impl Tenant {
    pub(super) async fn list(&self, validated: &Validated, what: Lookup, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        if let Some(group) = self.spec.sole() {
            let page = self.page(validated, group, None, way).await?;
            return Ok(renamed(page, group, what));
        }
        let last = self.open_cursor(validated, what)?;
        let wanted: Vec<(&Group, Option<&str>)> = match &last {
            None => self.spec.groups.iter().map(|group| (group, None)).collect(),
            // A group that a reload took away has nothing more.
            Some(cursor) => {
                let named = |group: &Group| cursor.more.get(&group.name).map(String::as_str);
                self.spec.groups.iter().filter_map(|group| Some((group, Some(named(group)?)))).collect()
            }
        };
        let pages = join_all(wanted.iter().map(|(group, cursor)| self.page(validated, group, *cursor, way))).await;
        let mut merge = Merge::new(what, last.as_ref().is_some_and(|cursor| cursor.private));
        let mut refused = None;
        for ((group, _), page) in wanted.iter().zip(pages) {
            if let Err(refusal) = merge.take(self, validated, group, page) {
                tracing::warn!(group = %group.name, method = what.method(), cause = %refusal.message,
                    note = refusal.note, "left out of a merged list");
                merge.missing.push(group.name.to_string());
                refused = Some(refusal);
            }
        }
        match refused {
            Some(refusal) if merge.parts.is_empty() => Err(refusal),
            _ => self.merged(validated, merge).await,
        }
    }

    /// One page of a group.
    async fn page(
        &self,
        validated: &Validated,
        group: &Group,
        cursor: Option<&str>,
        way: &Way<'_>,
    ) -> Result<Sanitized, Refusal> {
        let params = validated.call().params();
        let params = match cursor {
            None if params.get("/cursor") == Some("null") => edited(params, &[Edit::remove("/cursor")]),
            None => params.clone(),
            Some(own) => edited(params, &[Edit::set("/cursor", Payload::of(own).as_str())]),
        };
        let mut answered = way.send(validated, group, &Cargo::reading(params)).await?;
        if validated.call().method() == Lookup::Tasks.method() {
            answered = self.own_tasks(validated, way.client, answered);
        }
        way.sanitize(answered, true).await
    }

    async fn merged(&self, validated: &Validated, merge: Merge) -> Result<Sanitized, Refusal> {
        let next = self.close_cursor(validated, merge.what, &merge.cursor);
        let modern = validated.call().revision().is_modern();
        let page = merge.page(next.as_deref(), modern);
        match Sanitized::merged(merge.parts, |_| page.clone()) {
            Some(page) => Ok(page),
            // No server has the feature, or the groups that had more are gone since a reload.
            None => self.say(validated, Kind::Listing, page).await,
        }
    }
}

/// A merged page in the making.
struct Merge {
    what: Lookup,
    parts: Vec<Sanitized>,
    /// What the parts list.
    items: Vec<Payload>,
    missing: Vec<String>,
    cursor: Cursor,
    seen: HashSet<String>,
}

impl Merge {
    fn new(what: Lookup, private: bool) -> Self {
        let cursor = Cursor { private, ..Cursor::default() };
        Self { what, parts: Vec::new(), items: Vec::new(), missing: Vec::new(), cursor, seen: HashSet::new() }
    }

    /// Adds a group's page: its items under clients' names, and where it goes on.
    fn take(
        &mut self,
        tenant: &Tenant,
        validated: &Validated,
        group: &Group,
        page: Result<Sanitized, Refusal>,
    ) -> Result<(), Refusal> {
        let page = page?;
        if page.kind() == Kind::Error {
            // A server without the feature has an empty list.
            if page.payload().get("/code") == Some("-32601") {
                return Ok(());
            }
            let message = format!("the upstream group `{}` answered with an error", group.name);
            return Err(Refusal::new(Stage::Route, Reason::Unavailable, message).noted(page.payload().as_str()));
        }
        if let Some(own) = page.payload().read::<String>("/nextCursor") {
            self.cursor.more.insert(group.name.clone(), own);
        }
        self.cursor.private |= page.payload().get("/cacheScope") != Some("\"public\"");
        let what = self.what;
        let seen = &mut self.seen;
        let unseen = |uri: &str| !tenant.is_listed_before(validated.identity(), group, what, uri);
        let is_new = |name: &str| unseen(name) && seen.insert(name.to_owned());
        self.items.extend(outer_items(page.payload(), group, what, is_new));
        self.parts.push(page);
        Ok(())
    }

    /// One page of all items, with what else the pages say as far as they agree.
    fn page(&self, next: Option<&str>, modern: bool) -> Payload {
        let (list, _) = fields(self.what);
        let list = &list[1..];
        let mut page = Payload::empty();
        for (name, value) in agreed(&self.parts, "", |key| key == list || OWN.contains(&key)) {
            page = page.with(&name, &value);
        }
        let mut meta = Payload::empty();
        for (name, value) in agreed(&self.parts, "/_meta", |key| ONE_SERVER_S.contains(&key)) {
            meta = meta.with(&name, &value);
        }
        if !self.missing.is_empty() {
            meta = meta.with(UNAVAILABLE, &Payload::of(&self.missing));
        }
        if meta != Payload::empty() {
            page = page.with("_meta", &meta);
        }
        if let Some(next) = next {
            page = page.with("nextCursor", &Payload::of(next));
        }
        if modern {
            page = page.with("resultType", &Payload::of("complete"));
        }
        if self.parts.iter().any(|part| part.payload().get("/ttlMs").is_some()) {
            let times = self.parts.iter().map(|part| part.payload().read::<u64>("/ttlMs").unwrap_or(0));
            // A list with a part missing is to be asked for again.
            let ttl = if self.missing.is_empty() { times.min().unwrap_or(0) } else { 0 };
            let scope = if self.cursor.private { "private" } else { "public" };
            page = page.with("ttlMs", &Payload::of(&ttl)).with("cacheScope", &Payload::of(scope));
        }
        page.with_list(list, &self.items)
    }
}

/// A page with the names that clients use. URIs stay as they are.
fn renamed(page: Sanitized, group: &Group, what: Lookup) -> Sanitized {
    if group.prefix.is_empty() || !matches!(what, Lookup::Tools | Lookup::Prompts) || page.kind() == Kind::Error {
        return page;
    }
    let (list, _) = fields(what);
    page.renamed(|payload| match payload.get(list) {
        Some(items) if items.starts_with('[') => {
            payload.with_list(&list[1..], &outer_items(payload, group, what, |_| true))
        }
        _ => payload.clone(),
    })
}

/// The items of a page under the names that clients use, but for those whose name `is_new` denies; what has no name stays
/// as it is.
fn outer_items(page: &Payload, group: &Group, what: Lookup, mut is_new: impl FnMut(&str) -> bool) -> Vec<Payload> {
    let is_prefixed = !group.prefix.is_empty() && matches!(what, Lookup::Tools | Lookup::Prompts);
    let outer = |(item, name): (&str, Option<&str>)| {
        let Some((name, own)) = name.and_then(|name| Some((name, said(name)?))) else { return Some(page.slice(item)) };
        if !is_prefixed {
            return is_new(&own).then(|| page.slice(item));
        }
        let outer = group.outer(&own);
        is_new(&outer).then(|| page.slice(item).exchanged(name, &Payload::of(&outer)))
    };
    items(page, what).filter_map(outer).collect()
}

/// The members of an object in each page that no two pages give different values.
fn agreed(parts: &[Sanitized], pointer: &str, is_own: impl Fn(&str) -> bool) -> IndexMap<String, Payload> {
    let mut all: IndexMap<String, Option<Payload>> = IndexMap::new();
    for part in parts {
        let Some(object) = part.payload().get(pointer).map(|object| part.payload().slice(object)) else { continue };
        for (key, value) in object.members().filter(|(key, _)| !is_own(key)) {
            let value = object.slice(value);
            all.entry(key.into_owned())
                .and_modify(|known| *known = known.take().filter(|known| *known == value))
                .or_insert(Some(value));
        }
    }
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}
