use schemars::JsonSchema;
use serde::Deserialize;

/// How components are compiled: in a child process, since a small hostile one can keep a compiler busy for a minute and
/// take gigabytes. Read at the start only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Compiler")]
pub(crate) struct RawCompiler {
    /// The folder in which compiled components are kept, sealed with a key that only this host has; relative to the
    /// configuration's folder. `off` keeps none, so that each start compiles. Default `$XDG_CACHE_HOME/witgate`, or
    /// `~/.cache/witgate`.
    pub cache: Option<String>,
    /// Memory of the compiler for one component, in bytes. By default 512 MiB for a component of at
    /// most 1 MiB, three times what the largest takes; 3 GiB for others: Python's take a gigabyte and more.
    #[schemars(range(min = 67_108_864, max = 68_719_476_736_u64))]
    pub memory_bytes: Option<u64>,
    /// Processor time of the compiler for one component, all its threads together, in seconds. By default 10, and
    /// 120 for a component of more than 1 MiB: Python's take 8 to 14 s on each of several processors.
    #[schemars(range(min = 1, max = 3600))]
    pub cpu_time_s: Option<u32>,
    /// Time of the compiler for one component by the clock on the wall, in seconds. By default 60 and 300: several
    /// times the processor time, since a busy machine goes on serving first.
    #[schemars(range(min = 1, max = 3600))]
    pub wall_time_s: Option<u32>,
}

/// How plugins that were granted `network` reach it. Read at the start only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Egress")]
pub(crate) struct RawEgress {
    /// Name servers, as `127.0.0.1:53` or `[::1]:53`; without a port it is 53. Default: what the system uses.
    #[serde(default)]
    pub dns: Vec<String>,
    /// A file of certificates (PEM), relative to the configuration's folder, that are trusted as roots besides the public
    /// ones: for servers with certificates of a house of its own.
    pub ca_file: Option<String>,
}

/// Whether the gate gives up what it does not need of the file system.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Confine")]
pub(crate) enum RawConfine {
    /// At its start, where the kernel has Landlock (Linux 5.13 or newer). Servers that it starts are not confined, and a
    /// reload may name other files; but a folder that a plugin is granted by a reload needs a restart, unless it lies in
    /// one that was granted at the start.
    #[default]
    Auto,
    /// Never.
    Off,
}
