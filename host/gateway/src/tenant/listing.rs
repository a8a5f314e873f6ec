//! Lists: passed through from an only group, gathered and merged from several.

use std::collections::HashSet;
use std::fmt::Write;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use witgate_policy::json::Edit;
use witgate_policy::{Kind, Lookup, Payload, Reason, Refusal, Sanitized, Stage, Validated};

use super::Tenant;
use super::attempt::{Cargo, Way};
use super::catalog::{MOST_PAGES, fields, items};
use super::shape::edited;
use super::spec::Group;

/// Names the groups that are missing from a merged list.
const UNAVAILABLE: &str = "dev.witgate/unavailable";

impl Tenant {
    pub(super) async fn list(&self, validated: &Validated, what: Lookup, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        if let Some(group) = self.spec.sole() {
            let page = self.page(validated, group, way).await?;
            return Ok(renamed(page, group, what));
        }
        let gathered = join_all(self.spec.groups.iter().map(|group| self.pages(validated, group, what, way))).await;
        let mut missing = Vec::new();
        let mut parts = Vec::new();
        let mut last = None;
        for (group, pages) in self.spec.groups.iter().zip(gathered) {
            match pages {
                Ok(pages) => parts.extend(pages.into_iter().map(|page| renamed(page, group, what))),
                Err(refusal) => {
                    tracing::warn!(group = %group.name, method = what.method(), cause = %refusal.message,
                        note = refusal.note, "left out of a merged list");
                    missing.push(&*group.name);
                    last = Some(refusal);
                }
            }
        }
        match (Sanitized::merged(parts, |parts| merge(parts, what, &missing)), last) {
            (Some(merged), _) => Ok(merged),
            (None, Some(refusal)) => Err(refusal),
            (None, None) => Err(Refusal::new(Stage::Route, Reason::Unavailable, "there is no upstream here")),
        }
    }

    /// One page of a group.
    async fn page(&self, validated: &Validated, group: &Group, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let cargo = Cargo::reading(validated.call().params().clone());
        let answered = way.send(validated, group, &cargo).await?;
        way.sanitize(answered, true).await
    }

    /// All pages of a group, since a cursor of one means nothing to another.
    async fn pages(
        &self,
        validated: &Validated,
        group: &Group,
        what: Lookup,
        way: &Way<'_>,
    ) -> Result<Vec<Sanitized>, Refusal> {
        let mut pages: Vec<Sanitized> = Vec::new();
        let mut cursor = None;
        while pages.len() < MOST_PAGES {
            let lookup;
            let page_of = match cursor.as_deref() {
                None => validated,
                cursor => {
                    lookup = Validated::lookup(validated.admitted(), what, cursor);
                    &lookup
                }
            };
            let page = self.page(page_of, group, way).await?;
            if page.kind() == Kind::Error {
                if page.payload().get("/code") == Some("-32601") {
                    break;
                }
                let message = format!("the upstream group `{}` answered with an error", group.name);
                return Err(Refusal::new(Stage::Route, Reason::Unavailable, message).noted(page.payload().as_str()));
            }
            cursor = page.payload().read::<String>("/nextCursor");
            pages.push(page);
            if cursor.is_none() {
                break;
            }
        }
        Ok(pages)
    }
}

/// A page with the names that clients use. URIs stay as they are.
fn renamed(page: Sanitized, group: &Group, what: Lookup) -> Sanitized {
    if group.prefix.is_empty() || !matches!(what, Lookup::Tools | Lookup::Prompts) || page.kind() == Kind::Error {
        return page;
    }
    page.renamed(|payload| {
        let (list, name) = fields(what);
        let edits: Vec<Edit> = items(payload, what)
            .iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let outer = group.outer(&item.read::<String>(name)?);
                Some(Edit::set(format!("{list}/{at}{name}"), Payload::of(&outer).as_str()))
            })
            .collect();
        edited(payload, &edits)
    })
}

/// One page with all items. The same resource of two groups is listed once, as the first has it.
fn merge(parts: &[Sanitized], what: Lookup, missing: &[&str]) -> Payload {
    let (list, name) = fields(what);
    let mut seen = HashSet::new();
    let all: Vec<Payload> = parts
        .iter()
        .flat_map(|part| items(part.payload(), what))
        .filter(|item| item.read::<String>(name).is_none_or(|name| seen.insert(name)))
        .collect();
    let raw: Vec<&RawValue> = all.iter().filter_map(|item| serde_json::from_str(item.as_str()).ok()).collect();
    let mut merged = serde_json::Map::new();
    let mut text = format!("{{\"{}\":{}", &list[1..], Payload::of(&raw).as_str());
    let ttl = parts.iter().map(|part| part.payload().read::<u64>("/ttlMs").unwrap_or(0)).min().unwrap_or(0);
    let public = parts.iter().all(|part| part.payload().get("/cacheScope") == Some("\"public\""));
    if parts.iter().any(|part| part.payload().get("/ttlMs").is_some()) {
        merged.insert("ttlMs".into(), ttl.into());
        merged.insert("cacheScope".into(), if public { "public" } else { "private" }.into());
    }
    if !missing.is_empty() {
        merged.insert("_meta".into(), serde_json::json!({ UNAVAILABLE: missing }));
    }
    for (key, value) in merged {
        let _ = write!(text, ",{}:{value}", serde_json::Value::from(key));
    }
    text.push('}');
    Payload::parse(text.into(), witgate_policy::json::Limits { bytes: usize::MAX, depth: 127 })
        .unwrap_or_else(|_| Payload::empty())
}
