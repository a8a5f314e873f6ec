//! Calls that address something by name: they go where the name belongs.

use witgate_policy::json::Edit;
use witgate_policy::{Call, Lookup, Payload, Reason, Refusal, Revision, Sanitized, Stage, Validated};

use super::attempt::{Cargo, Way};
use super::catalog::Item;
use super::rounds::Errand;
use super::shape::edited;
use super::spec::Group;
use super::talk::may_ask;
use super::{Inbound, Tenant};
use crate::wire;

impl Tenant {
    pub(super) async fn named(
        &self,
        validated: &Validated,
        inbound: &Inbound,
        way: &Way<'_>,
    ) -> Result<Sanitized, Refusal> {
        let call = validated.call();
        let (group, own) = self.place(validated, way).await?;
        let mut tool = None;
        if call.method() == "tools/call" {
            tool = self.tool(validated, group, own.as_deref(), way).await;
            if let Err(refusal) = check_param_headers(inbound, tool.as_ref(), call) {
                // Its client may know a newer one.
                let name = own.as_deref().or(call.target()).unwrap_or_default().to_owned();
                let redefined = self.redefined(validated, group, name, tool.as_ref(), way).await;
                tool = Some(redefined.ok_or(refusal)?);
                check_param_headers(inbound, tool.as_ref(), call)?;
            }
        }
        let params = match (own, call.method()) {
            (None, _) => call.params().clone(),
            (Some(own), "completion/complete") => renamed(call.params(), "/ref/name", &own),
            (Some(own), _) => renamed(call.params(), "/name", &own),
        };
        let params = self.inner_tasks(validated.identity(), &plain(params, inbound));
        let cargo = if call.method() == "tools/call" {
            let (read_only, idempotent) =
                tool.as_ref().map_or((false, false), |tool| (tool.read_only, tool.idempotent));
            Cargo { params, tool: tool.as_ref(), idempotent, read_only }
        } else {
            Cargo::reading(params)
        };
        if may_ask(call.method()) {
            let errand = Errand { tenant: self, validated, asked: &inbound.params, group, way };
            return errand.run(cargo).await;
        }
        let answered = way.send(validated, group, &cargo).await?;
        way.sanitize(answered, false).await
    }

    /// The definition of the called tool: for the headers that its server wants, and for what may be retried. A server
    /// that does not list is no reason not to call it.
    async fn tool(&self, validated: &Validated, group: &Group, own: Option<&str>, way: &Way<'_>) -> Option<Item> {
        let call = validated.call();
        let shelf = self.shelf(validated.admitted(), group, Lookup::Tools, way).await.ok()?;
        shelf.get(own.or(call.target())?).cloned()
    }

    /// The group that a call's target belongs to, and, for names that carry a prefix, what its server calls it.
    async fn place(&self, validated: &Validated, way: &Way<'_>) -> Result<(&Group, Option<String>), Refusal> {
        let call = validated.call();
        let Some(target) = call.target() else {
            let pointer = match call.method() {
                "resources/read" => "/uri",
                "completion/complete" => "/ref",
                _ => "/name",
            };
            let mut refusal = Refusal::new(Stage::Route, Reason::Invalid, format!("`params{pointer}` is missing"));
            let message = "name what is meant, as a string".to_owned();
            refusal.findings.push(witgate_policy::Finding { pointer: pointer.to_owned(), message });
            return Err(refusal);
        };
        let is_uri = call.method() == "resources/read" || call.params().get("/ref/uri").is_some();
        if is_uri {
            return self.owner_of_uri(validated, target, way).await.map(|group| (group, None));
        }
        let (group, own) = self.resolve(target).ok_or_else(|| unknown(target))?;
        Ok((group, (own != target).then(|| own.to_owned())))
    }

    /// Resources keep their URIs, so that links in results stay good: a URI belongs to the group that lists it, else to
    /// the one whose template fits best, else to the only one.
    pub(super) async fn owner_of_uri(
        &self,
        validated: &Validated,
        uri: &str,
        way: &Way<'_>,
    ) -> Result<&Group, Refusal> {
        if let Some(group) = self.spec.sole() {
            return Ok(group);
        }
        for group in &self.spec.groups {
            if let Ok(shelf) = self.shelf(validated.admitted(), group, Lookup::Resources, way).await
                && shelf.get(uri).is_some()
            {
                return Ok(group);
            }
        }
        let mut best: Option<(usize, &Group)> = None;
        for group in &self.spec.groups {
            let Ok(shelf) = self.shelf(validated.admitted(), group, Lookup::Templates, way).await else { continue };
            let fit = shelf.names().filter_map(|template| template_fit(template, uri)).max();
            if let Some(fit) = fit.filter(|fit| best.is_none_or(|(best, _)| *fit > best)) {
                best = Some((fit, group));
            }
        }
        best.map(|(_, group)| group).ok_or_else(|| unknown(uri))
    }
}

fn unknown(target: &str) -> Refusal {
    Refusal::new(Stage::Route, Reason::UnknownTarget, format!("nothing here is called `{target}`"))
}

/// Only in 2025-11-25 do clients make tasks of their own accord, and a server of it must not make one for any other.
fn plain(params: Payload, inbound: &Inbound) -> Payload {
    if inbound.client.revision != Revision::V2025_11_25
        && inbound.method == "tools/call"
        && params.get("/task").is_some()
    {
        return edited(&params, &[Edit::remove("/task")]);
    }
    params
}

fn renamed(params: &Payload, pointer: &str, own: &str) -> Payload {
    edited(params, &[Edit::set(pointer, Payload::of(own).as_str())])
}

/// How well a URI template (RFC 6570) fits: the length of what both begin with, when the rest can be filled in.
fn template_fit(template: &str, uri: &str) -> Option<usize> {
    if template == uri {
        return Some(usize::MAX);
    }
    let (literal, rest) = template.split_once('{')?;
    let tail = rest.rsplit_once('}').map_or("", |(_, tail)| tail);
    let filled = uri.strip_prefix(literal)?.strip_suffix(tail)?;
    // A simple expression (no operator) expands to nothing with a reserved character in it.
    let simple = !rest.starts_with(['+', '#', '/', '?', '&', ';', '.']) && !rest.contains('{');
    (!simple || !filled.contains('/')).then_some(literal.len())
}

/// 2026-07-28, streamable HTTP, custom headers: what a client mirrors must agree with what it sends.
fn check_param_headers(inbound: &Inbound, tool: Option<&Item>, call: &Call) -> Result<(), Refusal> {
    let (Some(headers), Some(tool)) = (&inbound.param_headers, tool.and_then(Item::mirrored)) else { return Ok(()) };
    // A validator that made it another tool's call leaves the client's headers without a meaning.
    if inbound.params.string("/name").as_deref() != call.target() {
        return Ok(());
    }
    wire::check_params(headers, tool, &inbound.params)
        .map_err(|mismatch| Refusal::new(Stage::Validate, Reason::HeaderMismatch, mismatch.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_what_it_can_expand_to() {
        #[track_caller]
        fn check(template: &str, uri: &str, want: Option<usize>) {
            assert_eq!(template_fit(template, uri), want, "{template} {uri}");
        }
        check("file:///{name}", "file:///a.txt", Some(8));
        check("file:///{name}", "file:///a/b.txt", None);
        check("file:///{+path}", "file:///a/b.txt", Some(8));
        check("test://{id}/data", "test://7/data", Some(7));
        check("test://{id}/data", "test://7/info", None);
        check("test://fixed", "test://fixed", Some(usize::MAX));
        check("test://fixed", "test://other", None);
    }
}
