use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

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

/// What a plugin may use of the host. Only `logging` is given by default.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Grants")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key that an operator writes")]
pub(crate) struct RawGrants {
    /// Lines in the gate's log. Default true.
    pub logging: Option<bool>,
    /// Atomic counters of its own.
    #[serde(default)]
    pub counter: bool,
    /// Keys and values of its own.
    #[serde(default)]
    pub keyvalue: bool,
    /// Its settings as keys.
    #[serde(default)]
    pub config: bool,
    /// Time.
    #[serde(default)]
    pub clocks: bool,
    /// What the clocks round to, in milliseconds. Default 1.
    #[schemars(range(min = 1, max = 60_000))]
    pub clock_granularity_ms: Option<u32>,
    /// The system's entropy.
    #[serde(default)]
    pub random: bool,
    /// Secrets by name, each with the origins (`https://api.example.com`, `https://*.example.com`) to which the host fills
    /// it in where the plugin writes `${secret:NAME}` in a header.
    #[serde(default)]
    pub secrets: IndexMap<String, Vec<String>>,
}

/// What one decision of a plugin may cost. The defaults are safe for strangers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub(crate) struct RawLimits {
    /// Memory of one instance, in bytes. Default 16 MiB; 128 MiB for a component of more than 1 MiB, which has a
    /// language's runtime inside.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub memory_bytes: Option<u64>,
    /// Processor time of one call, in milliseconds. Default 10; 250 for a component of more than 1 MiB.
    #[schemars(range(min = 1, max = 600_000))]
    pub guest_time_ms: Option<u32>,
    /// What is added to the processor time for each MiB (or part of it) of documents that the call is about, in
    /// milliseconds. Default 200.
    #[schemars(range(min = 0, max = 600_000))]
    pub guest_time_ms_per_mib: Option<u32>,
    /// Time of one call by the clock on the wall, waiting for the host included, in milliseconds. Default 5000.
    #[schemars(range(min = 1, max = 600_000))]
    pub wall_time_ms: Option<u32>,
    /// What the host hands over in one call, in bytes. Default 16 MiB.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub bytes_in: Option<u32>,
    /// What the plugin hands to the host at once, in bytes. Default 8 MiB.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub bytes_out: Option<u32>,
    /// Lines in the log for one call. Default 32.
    #[schemars(range(min = 0, max = 100_000))]
    pub log_lines: Option<u32>,
    /// Bytes in the log for one call. Default 8 KiB.
    #[schemars(range(min = 0, max = 16_777_216))]
    pub log_bytes: Option<u32>,
    /// Calls of the host in one call. Default 20000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub host_calls: Option<u32>,
    /// Resources of the host that are held at once. Default 256.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub handles: Option<u32>,
    /// Elements of function tables. Default 20000; 100000 for a component of more than 1 MiB.
    #[schemars(range(min = 1, max = 100_000))]
    pub table_elements: Option<u32>,
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
