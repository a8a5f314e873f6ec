//! What a tenant's plugins may have at most, and use at once.

use std::net::IpAddr;
use std::path::PathBuf;

use witgate_policy::folder::within;
use witgate_policy::origin::OriginPattern;
use witgate_policy::{Grants, When};

use super::cause::GrantCause;
use super::desk::Desk;
use super::document::Part;
use super::grants::{Networks, real_folder};
use super::place::Place;
use super::raw::{RawCeiling, RawGrant, RawLimits, RawPlugin, RawQuota};

/// What a tenant's plugins may be granted at most. What is `None` is not bounded.
#[derive(Debug, Default)]
pub(super) struct Ceiling {
    place: Place,
    grants: Option<Vec<RawGrant>>,
    network: Option<Vec<OriginPattern>>,
    addresses: Option<Networks>,
    files: Option<Vec<PathBuf>>,
    secrets: Option<Vec<When>>,
    pub(super) limits: RawLimits,
}

/// What a tenant's plugins may use at once or keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Instances of all its plugins that live at once.
    pub instances: u32,
    /// HTTP requests of all its plugins at once.
    pub connections: u32,
    /// Counters of each plugin.
    pub counters: u32,
    /// Keys of each plugin.
    pub keys: u32,
    /// Bytes of the keys and values of each plugin.
    pub bytes: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { instances: 250, connections: 32, counters: 65_536, keys: 4_096, bytes: 4 << 20 }
    }
}

impl From<&RawQuota> for Quota {
    fn from(raw: &RawQuota) -> Self {
        let default = Self::default();
        Self {
            instances: raw.instances.unwrap_or(default.instances),
            connections: raw.connections.unwrap_or(default.connections),
            counters: raw.counters.unwrap_or(default.counters),
            keys: raw.keys.unwrap_or(default.keys),
            bytes: raw.bytes.unwrap_or(default.bytes),
        }
    }
}

impl Desk<'_> {
    pub(super) fn ceiling(&mut self, raw: Option<RawCeiling>, tenant: &Place) -> Ceiling {
        let Some(raw) = raw else { return Ceiling::default() };
        let place = tenant.key("ceiling");
        let network = raw.network.map(|written| {
            let at = place.key("network");
            let parsed = written.iter().enumerate().filter_map(|(index, text)| self.origin(text, &at.index(index)));
            parsed.collect()
        });
        let addresses = raw.addresses.map(|written| self.networks(&written, &place.key("addresses")));
        let files = raw.files.map(|written| self.ceiling_folders(&written, &place.key("files")));
        let secrets = raw.secrets.map(|written| self.ceiling_names(&written, &place.key("secrets")));
        Ceiling { grants: raw.grants, network, addresses, files, secrets, limits: raw.limits, place }
    }

    fn ceiling_folders(&mut self, written: &[String], place: &Place) -> Vec<PathBuf> {
        let mut folders = Vec::with_capacity(written.len());
        for (at, text) in written.iter().enumerate() {
            let path = self.path(text);
            match real_folder(&path) {
                Ok(folder) => folders.push(folder),
                Err(why) => {
                    let cause = GrantCause::NoFolder { path: path.display().to_string(), why };
                    self.report(cause, &place.index(at), Part::Value);
                }
            }
        }
        folders
    }

    fn ceiling_names(&mut self, written: &[String], place: &Place) -> Vec<When> {
        let mut globs = Vec::with_capacity(written.len());
        for (at, glob) in written.iter().enumerate() {
            match When::new(&[], std::slice::from_ref(glob), &[]) {
                Ok(glob) => globs.push(glob),
                Err(cause) => self.report(cause, &place.index(at), Part::Value),
            }
        }
        globs
    }

    /// Refuses what is written above the ceiling; takes away what is there by default and above it.
    pub(super) fn cap(&mut self, ceiling: &Ceiling, raw: &RawPlugin, plugin: &Place, grants: &mut Grants) {
        self.cap_words(ceiling, raw, plugin, grants);
        self.cap_network(ceiling, raw, plugin);
        self.cap_files(ceiling, raw, plugin);
        self.cap_secrets(ceiling, raw, plugin);
        let most = ceiling.limits.written();
        for (key, value) in raw.limits.written() {
            if let Some((_, most)) = most.iter().find(|(other, most)| *other == key && value > *most) {
                let cause = GrantCause::LimitAboveCeiling { plugin: raw.name.clone(), key, value, most: *most };
                let (limit, bound) = (plugin.key("limits").key(key), ceiling.place.key("limits").key(key));
                self.report_at(cause, &[(&limit, Part::Value, "this"), (&bound, Part::Value, "its ceiling")]);
            }
        }
    }

    fn cap_words(&mut self, ceiling: &Ceiling, raw: &RawPlugin, plugin: &Place, grants: &mut Grants) {
        let Some(allowed) = &ceiling.grants else { return };
        grants.logging &= allowed.contains(&RawGrant::Logging);
        for (grant, key, is_written) in raw.grants.written() {
            if is_written && !allowed.contains(&grant) {
                let what = format!("`{key}`");
                self.above(ceiling, "grants", what, raw, &plugin.key("grants").key(key), Part::Key);
            }
        }
    }

    fn cap_network(&mut self, ceiling: &Ceiling, raw: &RawPlugin, plugin: &Place) {
        for (at, reach) in raw.grants.network.iter().enumerate() {
            let place = plugin.key("grants").key("network").index(at);
            // What does not parse was reported where it was checked.
            let Ok(origin) = reach.origin.parse::<OriginPattern>() else { continue };
            let is_covered = |patterns: &[OriginPattern]| patterns.iter().any(|pattern| pattern.covers(&origin));
            if ceiling.network.as_deref().is_some_and(|patterns| !is_covered(patterns)) {
                self.above(ceiling, "network", format!("`{origin}`"), raw, &place.key("origin"), Part::Value);
            }
            let Some(allowed) = &ceiling.addresses else { continue };
            let is_named = ceiling.network.as_deref().is_some_and(is_covered);
            if let Some(address) = origin.address().filter(|address| !is_named && !holds(allowed, *address)) {
                let what = format!("the address {address}");
                self.above(ceiling, "addresses", what, raw, &place.key("origin"), Part::Value);
            }
            for (index, text) in reach.addresses.iter().enumerate() {
                let Ok(network) = super::grants::net(text) else { continue };
                if !allowed.iter().any(|allowed| allowed.contains(&network)) {
                    let place = place.key("addresses").index(index);
                    self.above(ceiling, "addresses", format!("`{network}`"), raw, &place, Part::Value);
                }
            }
        }
    }

    fn cap_files(&mut self, ceiling: &Ceiling, raw: &RawPlugin, plugin: &Place) {
        let Some(allowed) = &ceiling.files else { return };
        for (at, folder) in raw.grants.files.iter().enumerate() {
            let Ok(real) = real_folder(&self.path(&folder.path)) else { continue };
            if !allowed.iter().any(|allowed| within(&real, allowed)) {
                let place = plugin.key("grants").key("files").index(at).key("path");
                self.above(ceiling, "files", format!("the folder `{}`", folder.path), raw, &place, Part::Value);
            }
        }
    }

    fn cap_secrets(&mut self, ceiling: &Ceiling, raw: &RawPlugin, plugin: &Place) {
        let Some(allowed) = &ceiling.secrets else { return };
        for name in raw.grants.secrets.keys() {
            if !allowed.iter().any(|glob| glob.holds("", Some(name), None)) {
                let place = plugin.key("grants").key("secrets").key(name);
                self.above(ceiling, "secrets", format!("the secret `{name}`"), raw, &place, Part::Key);
            }
        }
    }

    fn above(
        &mut self,
        ceiling: &Ceiling,
        key: &'static str,
        what: String,
        raw: &RawPlugin,
        place: &Place,
        part: Part,
    ) {
        let bound = ceiling.place.key(key);
        let cause = GrantCause::AboveCeiling { plugin: raw.name.clone(), what, ceiling: bound.to_string() };
        self.report_at(cause, &[(place, part, "this"), (&bound, Part::Value, "its ceiling")]);
    }
}

fn holds(networks: &Networks, address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}
