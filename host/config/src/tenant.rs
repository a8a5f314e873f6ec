use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use witgate_gateway::upstream::Spec;

use super::ceiling::Quota;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::plugin::Plugin;
use super::raw::{RawFile, RawTenant};
use super::secret::Secrets;
use super::server::Server;
use super::{Cause, name};

/// The tenant whose keys may stand at the top level.
const DEFAULT: &str = "default";

/// An endpoint with its upstreams and plugins.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is written; the whole file for the tenant at the top level.
    pub place: Place,
    /// The path of its endpoint.
    pub path: String,
    /// Whether everybody is let in.
    pub anonymous: bool,
    /// The headers that auth plugins may see, in lower case.
    pub auth_headers: Vec<String>,
    /// The URL of its protected resource metadata.
    pub resource_metadata: Option<String>,
    /// How long a call may take at most.
    pub deadline: Duration,
    /// Its upstreams by the names that they serve; at least one.
    pub groups: Vec<Group>,
    /// What its plugins may use at once or keep.
    pub quota: Quota,
    /// Its plugins in the order of the file.
    pub plugins: Vec<Plugin>,
}

/// Upstreams that serve the same names.
#[derive(Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// What clients see before `__`.
    pub prefix: String,
    /// At least one.
    pub upstreams: Vec<Spec>,
}

impl Desk<'_> {
    pub(super) fn tenants(&mut self, raw: RawFile, server: &Server, secrets: &Secrets) -> Vec<Tenant> {
        let mut all = Vec::new();
        if raw.default.is_written() {
            if raw.tenant.contains_key(DEFAULT) {
                self.report(Cause::DefaultTwice, &Place::root().key("tenant").key(DEFAULT), Part::Key);
            }
            all.push(self.tenant(DEFAULT, Place::root(), raw.default, secrets));
        }
        for (name, raw) in raw.tenant {
            if name == DEFAULT && !all.is_empty() {
                continue;
            }
            let place = Place::root().key("tenant").key(&name);
            all.push(self.tenant(&name, place, raw, secrets));
        }
        if all.is_empty() {
            self.report(Cause::NothingToServe, &Place::root(), Part::Key);
        }
        self.paths(&all);
        for tenant in all.iter().filter(|tenant| tenant.anonymous && !server.listen.ip().is_loopback()) {
            let cause = Cause::OpenToAll { tenant: tenant.name.to_string(), listen: server.listen.to_string() };
            self.report(cause, &tenant.place.key("anonymous"), Part::Value);
        }
        all
    }

    fn paths(&mut self, tenants: &[Tenant]) {
        for (at, tenant) in tenants.iter().enumerate() {
            if let Some(first) = tenants[..at].iter().find(|other| other.path == tenant.path) {
                let cause = Cause::DuplicatePath {
                    path: tenant.path.clone(),
                    first: first.name.to_string(),
                    second: tenant.name.to_string(),
                };
                let (first, second) = (first.place.key("path"), tenant.place.key("path"));
                self.report_at(cause, &[(&second, Part::Value, "again here"), (&first, Part::Value, "first here")]);
            }
        }
    }

    fn tenant(&mut self, name: &str, place: Place, raw: RawTenant, secrets: &Secrets) -> Tenant {
        let name = name::name(name, "a tenant").unwrap_or_else(|cause| {
            self.report(cause, &place, Part::Key);
            name.into()
        });
        let default_path = if *name == *DEFAULT { "/mcp".to_owned() } else { format!("/{name}/mcp") };
        let path = raw.path.map_or(Ok(default_path.clone()), |path| name::path(&path)).unwrap_or_else(|cause| {
            self.report(cause, &place.key("path"), Part::Value);
            default_path
        });
        let resource_metadata = raw.resource_metadata.and_then(|url| {
            name::url(&url, "protected resource metadata")
                .map_err(|cause| self.report(cause, &place.key("resource-metadata"), Part::Value))
                .ok()
        });
        let auth_headers = self.auth_headers(raw.auth_headers, &place);
        let groups = self.groups(raw.upstream, &name, &place);
        let ceiling = self.ceiling(raw.ceiling, &place);
        let plugins = self.plugins(raw.plugin, &name, &place, &groups, secrets, &ceiling);
        Tenant {
            anonymous: raw.anonymous.unwrap_or(false),
            deadline: Duration::from_millis(raw.deadline_ms.unwrap_or(60_000)),
            name,
            place,
            path,
            auth_headers,
            resource_metadata,
            groups,
            quota: raw.quota.as_ref().map(Quota::from).unwrap_or_default(),
            plugins,
        }
    }

    fn auth_headers(&mut self, raw: Option<Vec<String>>, place: &Place) -> Vec<String> {
        let raw = raw.unwrap_or_else(|| vec!["authorization".to_owned(), "x-api-key".to_owned()]);
        let mut headers = Vec::with_capacity(raw.len());
        for (at, header) in raw.iter().enumerate() {
            match name::header(header) {
                Ok(header) => headers.push(header),
                Err(cause) => self.report(cause, &place.key("auth-headers").index(at), Part::Value),
            }
        }
        headers
    }

    fn groups(
        &mut self,
        raw: IndexMap<String, super::raw::RawUpstream>,
        tenant: &Arc<str>,
        place: &Place,
    ) -> Vec<Group> {
        if raw.is_empty() {
            let table = if *place == Place::root() { String::new() } else { format!("{place}.") };
            self.report(Cause::NoUpstream { tenant: tenant.to_string(), table }, place, Part::Key);
        }
        let mut groups: IndexMap<Arc<str>, Vec<(Spec, Option<String>)>> = IndexMap::new();
        for (name, raw) in raw {
            let place = place.key("upstream").key(&name);
            let prefix = raw.prefix.clone();
            let upstream = self.upstream(&name, &place, raw);
            groups.entry(upstream.group.clone()).or_default().push((upstream, prefix));
        }
        let several = groups.len() > 1;
        let mut checked: Vec<Group> = Vec::with_capacity(groups.len());
        for (name, members) in groups {
            let place = |upstream: &Spec| place.key("upstream").key(&upstream.id).key("prefix");
            let prefix = self.prefix(&name, &members, &place, several);
            if let Some(first) = checked.iter().find(|other| other.prefix == prefix) {
                let cause = Cause::PrefixTaken {
                    prefix: prefix.clone(),
                    first: first.name.to_string(),
                    second: name.to_string(),
                };
                let (second, first) = (place(&members[0].0), place(&first.upstreams[0]));
                self.report_at(cause, &[(&second, Part::Value, "again here"), (&first, Part::Value, "first here")]);
            }
            let upstreams = members.into_iter().map(|(upstream, _)| upstream).collect();
            checked.push(Group { name, prefix, upstreams });
        }
        checked
    }

    /// The prefix that the upstreams of a group agree on.
    fn prefix(
        &mut self,
        group: &str,
        members: &[(Spec, Option<String>)],
        place: &impl Fn(&Spec) -> Place,
        several: bool,
    ) -> String {
        let mut written = members.iter().filter_map(|(upstream, prefix)| Some((upstream, prefix.as_ref()?)));
        let Some((first, prefix)) = written.next() else {
            return if several { group.to_owned() } else { String::new() };
        };
        if let Some((second, other)) = written.find(|(_, other)| *other != prefix) {
            let cause =
                Cause::PrefixDisagrees { group: group.to_owned(), first: prefix.clone(), second: other.clone() };
            let (first, second) = (place(first), place(second));
            self.report_at(cause, &[(&second, Part::Value, "this"), (&first, Part::Value, "and this")]);
        }
        name::prefix(prefix).unwrap_or_else(|cause| {
            self.report(cause, &place(first), Part::Value);
            group.to_owned()
        })
    }
}
