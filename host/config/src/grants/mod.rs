//! What a plugin is granted, checked key by key.

mod files;
mod network;
mod process;
mod secrets;

use witgate_policy::{Grants, When};

use super::desk::Desk;
use super::place::Place;
use super::raw::RawGrants;
use super::secret::Secrets;
use super::tenant::Group;

pub(super) use files::real_folder;
pub(super) use network::{Networks, net};

/// What surrounds the plugin whose grants are checked.
pub(super) struct Around<'a> {
    pub(super) groups: &'a [Group],
    pub(super) secrets: &'a Secrets,
    pub(super) when: &'a When,
}

impl Desk<'_> {
    pub(super) fn grants(&mut self, raw: &RawGrants, place: &Place, around: &Around<'_>) -> Grants {
        let default = Grants::default();
        let network = self.reaches(&raw.network, &place.key("network"));
        Grants {
            logging: raw.logging.unwrap_or(default.logging),
            config: raw.config,
            clocks: raw.clocks,
            clock_granularity_ms: raw.clock_granularity_ms.unwrap_or(default.clock_granularity_ms),
            random: raw.random,
            counter: raw.counter,
            keyvalue: raw.keyvalue,
            environment: self.environment_of(raw, place),
            arguments: self.arguments_of(raw, place),
            stdin: self.stdin_of(raw, place),
            files: self.folders(&raw.files, &place.key("files")),
            secrets: self.granted_secrets(raw, place, around, &network),
            network,
        }
    }
}
