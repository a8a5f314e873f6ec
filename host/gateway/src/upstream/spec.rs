//! What an upstream is made of: how to reach it, and what it may cost.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use witgate_policy::{Claim, json};

/// One upstream, as the configuration describes it. A reload keeps the connection of one that compares equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name in the configuration, unique in its tenant.
    pub id: Arc<str>,
    /// The group of upstreams that serve the same names.
    pub group: Arc<str>,
    /// The operator's labels.
    pub labels: Arc<[Claim]>,
    /// How it is reached.
    pub transport: Transport,
    /// What it may send and hold.
    pub limits: Limits,
    /// How long it may take.
    pub timeouts: Timeouts,
}

/// How an upstream is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Transport {
    /// A child process, by its standard streams.
    Stdio(Stdio),
    /// Streamable HTTP.
    Http(Http),
    /// HTTP+SSE, the transport of 2024-11-05, whose event stream is at the URL.
    Sse(Http),
    /// A server in this process.
    Builtin(Builtin),
}

/// A child process. It sees `PATH`, `HOME` and a few more of the gate's environment (as with the official SDKs), and what
/// is configured; nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Stdio {
    /// The program: a path, or a name that `PATH` leads to.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables beside, and before, the inherited ones.
    pub env: BTreeMap<String, String>,
    /// Its working directory; the gate's own by default.
    pub cwd: Option<PathBuf>,
}

impl fmt::Debug for Stdio {
    /// Without arguments and the values of `env`, where secrets are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdio")
            .field("command", &self.command)
            .field("env", &self.env.keys())
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

/// A server on the network.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// The MCP endpoint: `http://` or `https://`, without user info.
    pub url: String,
    /// Headers of every request; those of credential plugins replace them.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Http {
    /// Without the values of `headers`, where secrets are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Http").field("url", &self.url).field("headers", &names).finish()
    }
}

/// A server in this process.
#[derive(Debug, Clone, PartialEq)]
pub enum Builtin {
    /// Leave management: employees, balances, applications. The embedded default's server.
    Leave,
    /// The embedder's own.
    Other(InProcess),
}

/// Starts a server on its end of a stream, where it speaks as it would on standard streams, and returns at once. The
/// server ends when the stream does. Two are equal when they are clones.
#[derive(Clone)]
pub struct InProcess(pub Arc<dyn Fn(DuplexStream) + Send + Sync>);

impl PartialEq for InProcess {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess(…)")
    }
}

/// What an upstream may send and hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes and depth of one message of the server.
    pub message: json::Limits,
    /// Requests without an answer; further ones are not sent.
    pub in_flight: usize,
    /// Messages that wait for the server to read them (stdio and in-process).
    pub queue_messages: usize,
    /// Bytes of those messages together.
    pub queue_bytes: usize,
    /// Notifications of one request that wait for its client; further ones are lost.
    pub queue_notifications: usize,
    /// Connections of different credentials and clients: sessions (HTTP), or children; the one that was idle for longest
    /// is ended for a new one.
    pub sessions: usize,
}

impl Default for Limits {
    /// 16 MiB for a message, as everywhere; 64 MiB in the queue is four of the greatest size; 1024 requests and 256 sessions
    /// bound what the gate remembers for one server, well above what one serves at once.
    fn default() -> Self {
        Self {
            message: json::Limits::default(),
            in_flight: 1024,
            queue_messages: 256,
            queue_bytes: 64 << 20,
            queue_notifications: 256,
            sessions: 256,
        }
    }
}

/// How long an upstream may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From nothing to a finished handshake.
    pub connect: Duration,
    /// For an answer to `server/discover` before `initialize` is tried.
    pub probe: Duration,
    /// For a child to end by itself once its input is closed, and again once it was sent SIGTERM.
    pub close: Duration,
}

impl Default for Timeouts {
    /// 30 s, since `npx` and `uvx` download first; 3 s, since a legacy server that ignores the probe costs that at its first
    /// connection (a slow modern one loses nothing: its late answer counts); 2 s, as the official SDKs wait.
    fn default() -> Self {
        Self { connect: Duration::from_secs(30), probe: Duration::from_secs(3), close: Duration::from_secs(2) }
    }
}
