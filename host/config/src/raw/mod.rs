//! The configuration file as it is written. The doc comments here are the JSON schema and the reference; the bounds are
//! checked from the schema (see [`super::shape`]), so they are written once.

mod ceiling;
mod grants;
mod limits;
mod plugin;
mod process;
mod upstream;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use ceiling::{RawCeiling, RawQuota};
pub(super) use grants::{RawFolder, RawGrant, RawGrants, RawReach};
pub(super) use limits::RawLimits;
pub(super) use plugin::{RawFaultPolicy, RawMode, RawPlugin};
pub(super) use process::{RawCompiler, RawConfine, RawEgress};
pub(super) use upstream::{RawBuiltin, RawTransport, RawUpstream, RawUpstreamLimits, RawUpstreamTimeouts};

/// The configuration of a Witgate gate: `witgate.toml`.
///
/// In every string `${VAR}` stands for an environment variable, `${VAR:-default}` has a default for one that is not set,
/// and `$${` is a plain `${`. The keys of one tenant may stand at the top level: they are the tenant `default`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Witgate configuration")]
pub(super) struct RawFile {
    /// Where clients reach the gate: address and port, as `127.0.0.1:8931` (the default) or `[::]:8931`. Port 0 takes a
    /// free one.
    pub listen: Option<String>,
    /// The HTTP server.
    #[serde(default)]
    pub server: RawServer,
    /// What the gate says of itself and of each message.
    #[serde(default)]
    pub log: RawLog,
    /// How components are compiled.
    #[serde(default)]
    pub compiler: RawCompiler,
    /// How plugins reach the network.
    #[serde(default)]
    pub egress: RawEgress,
    /// Secrets by name, for credential plugins: they write `${secret:NAME}` where the host fills it in.
    #[serde(default)]
    pub secret: IndexMap<String, RawSecret>,
    /// More tenants by name. Each is an endpoint of its own, with its own upstreams and plugins.
    #[serde(default)]
    pub tenant: IndexMap<String, RawTenant>,
    #[serde(flatten)]
    pub default: RawTenant,
}

/// The HTTP server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Server")]
pub(super) struct RawServer {
    /// The names that clients may address (`gate.example`, `gate.example:8931`; `*` allows any), against DNS rebinding.
    /// Default: the loopback names when the gate listens on loopback, otherwise any.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// The origins (`https://chat.example`; `*` allows any) of web pages that may send messages. Default: pages of this
    /// machine. Requests without an `Origin` do not come from a web page and are served.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// What the body of a request may be at most, in bytes. Default 16 MiB.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub body_bytes: Option<u64>,
    /// Connections at once; further ones wait. Default 4096.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: Option<u64>,
    /// Sessions of clients that speak 2025-11-25 or older; of the caller that has most of them, the one that was idle for
    /// longest makes place. Default 10000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub sessions: Option<u64>,
    /// How long a session may be idle before it ends, in seconds. Default 86400.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub session_idle_s: Option<u64>,
    /// How long messages may go on once the gate was told to stop, in seconds. Default 30.
    #[schemars(range(min = 0, max = 3600))]
    pub drain_s: Option<u64>,
    /// Whether the gate, after its start, gives up all of the file system but what the configuration names and what the
    /// system needs (`/etc`, `/usr`, libraries).
    /// Default `auto`.
    #[serde(default)]
    pub confine: RawConfine,
}

/// The log, on standard error.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Log")]
pub(super) struct RawLog {
    /// How lines are written. Default `auto`.
    #[serde(default)]
    pub format: RawLogFormat,
    /// The least severe events that are written: `error`, `warn`, `info` (the default, without that
    /// of libraries), `debug`, `trace`, or directives
    /// as `info,witgate_sandbox=debug`. Lines of messages do not depend on it.
    pub level: Option<String>,
    /// Which messages have a line of their own. Default `all`.
    #[serde(default)]
    pub messages: RawLogMessages,
}

/// Which messages have a line of their own in the log.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "LogMessages")]
pub(super) enum RawLogMessages {
    /// Each.
    #[default]
    All,
    /// Those that were refused, cancelled, or answered with an error.
    Failed,
    /// None. What the front turns away has a line all the same.
    Off,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "LogFormat")]
pub(super) enum RawLogFormat {
    /// `pretty` on a terminal, `json` otherwise.
    #[default]
    Auto,
    /// For a person.
    Pretty,
    /// One JSON object for each line.
    Json,
}

/// A secret: where its text comes from. Exactly one of the keys. Read when the configuration is loaded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub(super) struct RawSecret {
    /// An environment variable.
    pub env: Option<String>,
    /// A file, relative to the configuration's folder; line ends at its end are not part of the secret.
    pub file: Option<String>,
    /// A program with its arguments, as `["pass", "show", "search"]`: what it writes to its standard output, without line
    /// ends at the end. It runs without a shell, in the gate's environment and folder, at the start and at each reload. A
    /// program with a `/` in its name is relative to the configuration's folder.
    pub command: Option<Vec<String>>,
    /// How long the command may take, in milliseconds. The default is enough to ask a vault on the network.
    #[schemars(range(min = 1, max = 600_000), extend("default" = 10_000))]
    pub timeout_ms: Option<u32>,
}

/// A tenant: an endpoint with its upstreams and plugins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Tenant")]
pub(super) struct RawTenant {
    /// The path of the endpoint. Default `/mcp` for the tenant `default`, `/NAME/mcp` for others.
    pub path: Option<String>,
    /// Lets everybody in. Without it the tenant needs a plugin of kind auth.
    pub anonymous: Option<bool>,
    /// The request headers that auth plugins may see. Default `["authorization", "x-api-key"]`.
    pub auth_headers: Option<Vec<String>>,
    /// The URL of this endpoint's protected resource metadata (RFC 9728); clients are told it with a challenge.
    pub resource_metadata: Option<String>,
    /// How long a call may take at most, retries included, in milliseconds. Default 60000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub deadline_ms: Option<u64>,
    /// The most that its plugins may be granted.
    pub ceiling: Option<RawCeiling>,
    /// What its plugins may use at once or keep.
    pub quota: Option<RawQuota>,
    /// The MCP servers behind this endpoint, by name.
    #[serde(default)]
    pub upstream: IndexMap<String, RawUpstream>,
    /// The plugins, in the order in which those of one kind are asked.
    #[serde(default)]
    pub plugin: Vec<RawPlugin>,
}

impl RawTenant {
    /// Whether anything of a tenant is written at the top level.
    pub(super) fn is_written(&self) -> bool {
        self.path.is_some()
            || self.anonymous.is_some()
            || self.auth_headers.is_some()
            || self.resource_metadata.is_some()
            || self.deadline_ms.is_some()
            || self.ceiling.is_some()
            || self.quota.is_some()
            || !self.upstream.is_empty()
            || !self.plugin.is_empty()
    }
}
