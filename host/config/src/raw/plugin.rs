use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{RawGrants, RawLimits};

/// A plugin: a WebAssembly component that exports one or more of Witgate's hooks. What kinds it has is seen from the
/// component itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Plugin")]
pub(crate) struct RawPlugin {
    /// Its name, unique in the tenant: lower-case letters, digits and `-`. It names the plugin in logs, and its counters
    /// and keys, which live on when the plugin is changed.
    pub name: String,
    /// Where the component is: `builtin:NAME` (see `witgate plugin list`), or a file relative to the configuration's
    /// folder.
    pub source: String,
    /// The settings of the plugin, handed to it as JSON. `${secret:NAME}` is left for the host to fill in.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Whether its verdicts count. Default `enforce`.
    #[serde(default)]
    pub mode: RawMode,
    /// What a call meets when the plugin fails to decide. Default `deny`; `skip` is not offered to plugins of kind auth.
    #[serde(default)]
    pub on_fault: RawFaultPolicy,
    /// The calls that it is asked about; all of them by default.
    #[serde(default)]
    pub when: RawWhen,
    /// What it may use of the host. It is refused at load when it imports more.
    #[serde(default)]
    pub grants: RawGrants,
    /// What one decision may cost.
    #[serde(default)]
    pub limits: RawLimits,
    /// Whether instances are kept for further calls.
    #[serde(default)]
    pub instances: RawInstances,
    /// The SHA-256 of the component in hex; any other is refused.
    pub sha256: Option<String>,
}

/// Whether a plugin's verdicts count.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Mode")]
pub(crate) enum RawMode {
    /// They count.
    #[default]
    Enforce,
    /// They are recorded and change nothing.
    Shadow,
}

/// What a plugin's fault means.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "FaultPolicy")]
pub(crate) enum RawFaultPolicy {
    /// The call is refused.
    #[default]
    Deny,
    /// The call goes on as if the plugin were not there.
    Skip,
}

/// The calls that a plugin is asked about. Lists of globs, in which `*` matches any run of characters; an empty list
/// does not restrict.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "When")]
pub(crate) struct RawWhen {
    /// MCP methods, as `tools/*`.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Tools, prompts and resources as clients name them, as `files__*`. Calls that address none do not match.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Names of upstreams; not for auth and validate, which are asked before one is chosen.
    #[serde(default)]
    pub upstreams: Vec<String>,
}

/// Whether instances are kept for further calls. By default each call gets a fresh one, so that nothing can leak from
/// call to call.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Instances")]
pub(crate) struct RawInstances {
    /// Keeps so many instances for further calls, never for another tenant's: for languages that start slowly.
    #[schemars(range(min = 1, max = 1000))]
    pub reuse: Option<u32>,
}
