use schemars::JsonSchema;
use serde::Deserialize;

use super::{RawGrant, RawLimits};

/// The most that plugins of a tenant may be granted. What is not written is not bounded here; an empty list leaves
/// nothing. A plugin's grant or limit above it is refused; a default above it is lowered to it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Ceiling")]
pub(crate) struct RawCeiling {
    /// The grants that plugins may have at all, by their keys.
    pub grants: Option<Vec<RawGrant>>,
    /// The origins that plugins may be granted, as `https://*.example.com`. A plugin's pattern must lie within one of them.
    pub network: Option<Vec<String>>,
    /// The addresses outside of the public Internet that plugins may be granted, as `10.1.0.0/16`. An address that is the
    /// host of a plugin's origin must be among them too, unless `network` above names it.
    pub addresses: Option<Vec<String>>,
    /// Folders, relative to the configuration's folder: those that plugins may be granted are these and what is below them.
    pub files: Option<Vec<String>>,
    /// The secrets that plugins may be granted, by name or glob, as `acme-*`.
    pub secrets: Option<Vec<String>>,
    /// The largest value of each limit. The bounds are those of a plugin's limits; nothing is bounded by default.
    #[serde(default)]
    pub limits: RawLimits,
}

/// What a tenant's plugins may use at once or keep. Changes count from the next reload on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Quota")]
pub(crate) struct RawQuota {
    /// Instances of all its plugins that live at once; a call that needs one more waits for it within its wall time. The
    /// default is a quarter of the sandbox's 1,000.
    #[schemars(range(min = 1, max = 1_000), extend("default" = 250))]
    pub instances: Option<u32>,
    /// HTTP requests of all its plugins that are under way at once. The default is what two busy plugins have.
    #[schemars(range(min = 1, max = 65_536), extend("default" = 32))]
    pub connections: Option<u32>,
    /// Counters of each of its plugins that have not expired. The default is a window for each of as many callers, some
    /// 20 MiB at worst.
    #[schemars(range(min = 1, max = 16_777_216), extend("default" = 65_536))]
    pub counters: Option<u32>,
    /// Keys with values of each of its plugins. The default is a session for each of as many callers.
    #[schemars(range(min = 1, max = 16_777_216), extend("default" = 4_096))]
    pub keys: Option<u32>,
    /// Bytes of the keys and values of each of its plugins, together. The default is 1 KiB for each key.
    #[schemars(range(min = 1, max = 1_073_741_824), extend("default" = 4_194_304))]
    pub bytes: Option<u32>,
}
