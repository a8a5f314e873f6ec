use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a plugin may use of the host. Only `logging` is given by default.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Grants")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key that an operator writes")]
pub(crate) struct RawGrants {
    /// Lines in the gate's log (`wasi:logging`). On by default: they are bounded and cleaned.
    #[schemars(extend("default" = true))]
    pub logging: Option<bool>,
    /// Atomic counters of its own (`witgate:counter`).
    #[serde(default)]
    pub counter: bool,
    /// Keys and values of its own (`wasi:keyvalue`).
    #[serde(default)]
    pub keyvalue: bool,
    /// Its settings as keys (`wasi:config`).
    #[serde(default)]
    pub config: bool,
    /// The time (`wasi:clocks`). Off by default: a plugin that measures can spy on its neighbours, and every call carries
    /// its time.
    #[serde(default)]
    pub clocks: bool,
    /// What the clocks round to, in milliseconds. 1 is coarse enough to hide what shares the processor's caches.
    #[schemars(range(min = 1, max = 60_000), extend("default" = 1))]
    pub clock_granularity_ms: Option<u32>,
    /// The system's entropy (`wasi:random`). Off by default: every call carries 32 random bits.
    #[serde(default)]
    pub random: bool,
    /// Folders (`wasi:filesystem`).
    #[serde(default)]
    pub files: Vec<RawFolder>,
    /// Origins that it may ask over HTTP (`wasi:http`). For plugins of the kinds auth, credential and validate only.
    #[serde(default)]
    pub network: Vec<RawReach>,
    /// Secrets by name, each with the origins (`https://api.example.com`, `https://*.example.com`) to which the host fills
    /// it in where the plugin writes `${secret:NAME}` in a header.
    #[serde(default)]
    pub secrets: IndexMap<String, Vec<String>>,
    /// Environment variables (`wasi:cli/environment`). None of the gate's own is ever there; `${VAR}` hands one on.
    #[serde(default)]
    pub environment: IndexMap<String, String>,
    /// Arguments (`wasi:cli/environment`), after the program's name.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What it can read from its standard input (`wasi:cli/stdin`).
    pub stdin: Option<String>,
}

/// A folder of the host in a plugin's eyes. Nothing leads out of it: neither `..` nor a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Folder")]
pub(crate) struct RawFolder {
    /// Where it is, relative to the configuration's folder.
    pub path: String,
    /// What the plugin calls it: an absolute path, as `/data`.
    #[serde(rename = "as")]
    pub guest: String,
    /// Whether the plugin may change what is in it.
    #[serde(default)]
    pub write: bool,
    /// What the plugin may add to it, in bytes, with `write`. 1 MiB by default: a small state of its own, which fills no
    /// disk.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("default" = 1_048_576))]
    pub quota_bytes: Option<u64>,
}

/// Origins that a plugin may ask over HTTP. Redirects are not followed for it: each is a request of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Reach")]
pub(crate) struct RawReach {
    /// Scheme, host and port, as `https://api.example.com`, `https://*.example.com:8443` (names below it, not itself) or
    /// `http://127.0.0.1:8080`.
    pub origin: String,
    /// Methods, in upper case. The default is what reading, and asking a token endpoint, need.
    #[schemars(extend("default" = ["GET", "HEAD", "POST"]))]
    pub methods: Option<Vec<String>>,
    /// Addresses outside of the public Internet that the origin's name may lead to, as `10.0.0.0/8`. Without them a name
    /// that leads to loopback, a private network or a cloud's metadata is refused. An address that is itself the origin's
    /// host need not be listed.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// One key of a plugin's grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Grant")]
pub(crate) enum RawGrant {
    Logging,
    Counter,
    Keyvalue,
    Config,
    Clocks,
    Random,
    Files,
    Network,
    Secrets,
    Environment,
    Arguments,
    Stdin,
}

impl RawGrants {
    /// Each grant with its key, and whether it is written here.
    pub(crate) fn written(&self) -> [(RawGrant, &'static str, bool); 12] {
        [
            (RawGrant::Logging, "logging", self.logging == Some(true)),
            (RawGrant::Counter, "counter", self.counter),
            (RawGrant::Keyvalue, "keyvalue", self.keyvalue),
            (RawGrant::Config, "config", self.config),
            (RawGrant::Clocks, "clocks", self.clocks),
            (RawGrant::Random, "random", self.random),
            (RawGrant::Files, "files", !self.files.is_empty()),
            (RawGrant::Network, "network", !self.network.is_empty()),
            (RawGrant::Secrets, "secrets", !self.secrets.is_empty()),
            (RawGrant::Environment, "environment", !self.environment.is_empty()),
            (RawGrant::Arguments, "arguments", !self.arguments.is_empty()),
            (RawGrant::Stdin, "stdin", self.stdin.is_some()),
        ]
    }
}
