use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// An MCP server behind the gate: a child process (`command`), a server on the network (`url`), or one inside the gate
/// (`builtin`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Upstream")]
pub(crate) struct RawUpstream {
    /// A program that speaks MCP on its standard streams: a path, or a name that `PATH` leads to. It sees `PATH`,
    /// `HOME` and a few more of the gate's environment, and what `env` says; nothing else.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// Its environment variables.
    pub env: Option<IndexMap<String, String>>,
    /// Its working directory, relative to the configuration's folder; the gate's own by default.
    pub cwd: Option<String>,
    /// An MCP endpoint: `http://…` or `https://…`.
    pub url: Option<String>,
    /// How the server at `url` is spoken to. Default `streamable-http`.
    pub transport: Option<RawTransport>,
    /// Headers of every request; those of credential plugins replace them.
    pub headers: Option<IndexMap<String, String>>,
    /// A server inside the gate.
    pub builtin: Option<RawBuiltin>,
    /// Upstreams with one group serve the same names, so that any of them may answer, as route plugins decide. By default
    /// each upstream is its own group.
    pub group: Option<String>,
    /// What clients see before `__` and the name of a tool or prompt. Default: the group's name when the tenant has
    /// several groups, otherwise empty, which leaves names as they are.
    pub prefix: Option<String>,
    /// Facts for route and credential plugins, as `weight = "3"`.
    pub labels: Option<IndexMap<String, String>>,
    /// What it may send and hold.
    #[serde(default)]
    pub limits: RawUpstreamLimits,
    /// How long it may take.
    #[serde(default)]
    pub timeouts: RawUpstreamTimeouts,
}

/// How a server on the network is spoken to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Transport")]
pub(crate) enum RawTransport {
    /// Streamable HTTP, since 2025-03-26.
    StreamableHttp,
    /// HTTP+SSE of 2024-11-05, which is deprecated; `url` is where its event stream is, often `/sse`.
    Sse,
}

/// A server inside the gate.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Builtin")]
pub(crate) enum RawBuiltin {
    /// Leave management: employees, balances, applications; to try the gate with.
    Leave,
}

/// What an upstream may send and hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "UpstreamLimits")]
pub(crate) struct RawUpstreamLimits {
    /// One message of it, in bytes. Default 16 MiB.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub message_bytes: Option<u64>,
    /// Requests without an answer. Default 1024.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub in_flight: Option<u64>,
    /// Connections of different credentials and clients, or children; idle ones make place. Default 256.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub sessions: Option<u64>,
}

/// How long an upstream may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "UpstreamTimeouts")]
#[expect(clippy::struct_field_names, reason = "a unit at the end of each key")]
pub(crate) struct RawUpstreamTimeouts {
    /// From nothing to a finished handshake, in milliseconds. Default 30000: `npx` and `uvx` download first.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub connect_ms: Option<u64>,
    /// For an answer to `server/discover` before `initialize` is tried, in milliseconds. Default 3000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub probe_ms: Option<u64>,
    /// For a child to end by itself, and again once it was sent SIGTERM, in milliseconds. Default 2000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub close_ms: Option<u64>,
}
