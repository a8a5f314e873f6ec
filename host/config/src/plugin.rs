use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use witgate_policy::{Grants, Limits, Mode, OnFault, When};

use super::ceiling::Ceiling;
use super::desk::Desk;
use super::document::Part;
use super::grants::Around;
use super::limits::{Most, limits};
use super::place::Place;
use super::raw::{RawFaultPolicy, RawMode, RawPlugin};
use super::secret::Secrets;
use super::tenant::Group;
use super::{Cause, name};
use crate::builtin;

/// One plugin in its place.
#[derive(Debug)]
pub struct Plugin {
    /// Its name, unique in its tenant.
    pub name: Arc<str>,
    /// Where it is written.
    pub place: Place,
    /// Where its component is.
    pub source: PluginSource,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// Whether its verdicts count.
    pub mode: Mode,
    /// What its fault means.
    pub on_fault: OnFault,
    /// The calls that it is asked about.
    pub when: When,
    /// What it may use of the host.
    pub grants: Grants,
    /// What one decision may cost.
    pub limits: Limits,
    /// What those of them may be that are not set.
    pub most: Most,
    /// How many instances are kept; `None` for a fresh one for each call.
    pub reuse: Option<NonZeroU32>,
    /// The digest that the component must have, in lower-case hex.
    pub sha256: Option<String>,
}

/// Where a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSource {
    /// Inside the program.
    Builtin(&'static builtin::Builtin),
    /// A file.
    File(PathBuf),
}

impl Desk<'_> {
    pub(super) fn plugins(
        &mut self,
        raw: Vec<RawPlugin>,
        tenant: &Arc<str>,
        place: &Place,
        groups: &[Group],
        secrets: &Secrets,
        ceiling: &Ceiling,
    ) -> Vec<Plugin> {
        let mut plugins: Vec<Plugin> = Vec::with_capacity(raw.len());
        for (at, raw) in raw.into_iter().enumerate() {
            let place = place.key("plugin").index(at);
            if let Some(first) = plugins.iter().find(|other| *other.name == *raw.name) {
                let cause = Cause::DuplicatePlugin { tenant: tenant.to_string(), name: raw.name.clone() };
                let (first, second) = (first.place.key("name"), place.key("name"));
                self.report_at(cause, &[(&second, Part::Value, "again here"), (&first, Part::Value, "first here")]);
            }
            plugins.extend(self.plugin(raw, place, groups, secrets, ceiling));
        }
        plugins
    }

    /// `None` when it has no usable source, which was reported.
    fn plugin(
        &mut self,
        raw: RawPlugin,
        place: Place,
        groups: &[Group],
        secrets: &Secrets,
        ceiling: &Ceiling,
    ) -> Option<Plugin> {
        let name = name::name(&raw.name, "a plugin").unwrap_or_else(|cause| {
            self.report(cause, &place.key("name"), Part::Value);
            raw.name.as_str().into()
        });
        let when = self.when(&raw, &place, groups);
        let sha256 = raw.sha256.as_ref().map(|digest| digest.to_ascii_lowercase());
        if let Some(digest) = sha256.as_deref().filter(|digest| !is_digest(digest)) {
            self.report(Cause::BadDigest { text: digest.to_owned() }, &place.key("sha256"), Part::Value);
        }
        let around = Around { groups, secrets, when: &when };
        let mut grants = self.grants(&raw.grants, &place.key("grants"), &around);
        self.cap(ceiling, &raw, &place, &mut grants);
        let source =
            self.source(&raw.source).map_err(|cause| self.report(cause, &place.key("source"), Part::Value)).ok()?;
        Some(Plugin {
            name,
            place,
            source,
            settings: raw.settings,
            mode: match raw.mode {
                RawMode::Enforce => Mode::Enforce,
                RawMode::Shadow => Mode::Shadow,
            },
            on_fault: match raw.on_fault {
                RawFaultPolicy::Deny => OnFault::Deny,
                RawFaultPolicy::Skip => OnFault::Skip,
            },
            when,
            grants,
            limits: limits(&raw.limits, &ceiling.limits),
            most: Most::from(&ceiling.limits),
            reuse: raw.instances.reuse.and_then(NonZeroU32::new),
            sha256,
        })
    }

    fn source(&self, text: &str) -> Result<PluginSource, Cause> {
        if let Some(name) = text.strip_prefix("builtin:") {
            let found = builtin::named(name).ok_or_else(|| Cause::unknown_builtin(name))?;
            return Ok(PluginSource::Builtin(found));
        }
        if text.is_empty() || text.contains("://") || text.contains('\0') {
            return Err(Cause::BadSource { text: text.to_owned() });
        }
        let path = self.path(text);
        let missing = |cause: String| Cause::NoPluginFile { path: path.display().to_string(), cause };
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(PluginSource::File(path)),
            Ok(_) => Err(missing("it is not a file".to_owned())),
            Err(cause) => Err(missing(cause.to_string())),
        }
    }

    fn when(&mut self, raw: &RawPlugin, place: &Place, groups: &[Group]) -> When {
        let place = place.key("when");
        let when = &raw.when;
        for (key, globs) in [("methods", &when.methods), ("targets", &when.targets), ("upstreams", &when.upstreams)] {
            for (at, glob) in globs.iter().enumerate() {
                let one = std::slice::from_ref(glob);
                let place = place.key(key).index(at);
                match When::new(&[], &[], one) {
                    Err(cause) => self.report(cause, &place, Part::Value),
                    Ok(one) if key == "upstreams" => self.upstream_glob(glob, &one, &place, groups),
                    Ok(_) => {}
                }
            }
        }
        When::new(&when.methods, &when.targets, &when.upstreams).unwrap_or_default()
    }

    fn upstream_glob(&mut self, glob: &str, when: &When, place: &Place, groups: &[Group]) {
        let names = || groups.iter().flat_map(|group| &group.upstreams).map(|upstream| &*upstream.id);
        if !names().any(|name| when.holds("", None, Some(name))) {
            let known = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            self.report(Cause::NoSuchUpstream { glob: glob.to_owned(), known }, place, Part::Value);
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
