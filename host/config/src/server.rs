use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use witgate_gateway::front::http::Options;

use super::Cause;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::{RawConfine, RawFile, RawLogFormat, RawLogMessages, RawServer};

/// Nothing is registered there, and it is far from where ephemeral ports begin.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8931);

/// What rmcp says of every connection is of use to nobody but its authors.
const DEFAULT_LEVEL: &str = "info,rmcp=warn";

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where clients reach the gate.
    pub listen: SocketAddr,
    /// What its front allows.
    pub options: Options,
    /// What it gives up after its start.
    pub confine: Confine,
}

/// Whether the gate gives up what it does not need of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confine {
    /// Where the kernel can.
    Auto,
    /// Never.
    Off,
}

impl Server {
    /// Whether another one would listen and allow the same.
    pub fn same(&self, other: &Self) -> bool {
        // The options are plain numbers and lists, and print as such.
        self.listen == other.listen
            && self.confine == other.confine
            && format!("{:?}", self.options) == format!("{:?}", other.options)
    }
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How lines are written; `None` for `pretty` on a terminal and `json` otherwise.
    pub format: Option<LogFormat>,
    /// Directives of `tracing_subscriber::EnvFilter`, checked.
    pub level: String,
    /// Which messages have a line.
    pub messages: LogMessages,
}

/// Which messages have a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogMessages {
    /// Each.
    All,
    /// Those that were refused, cancelled, or answered with an error.
    Failed,
    /// None.
    Off,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Pretty,
    /// One JSON object for each line.
    Json,
}

impl Desk<'_> {
    pub(super) fn server(&mut self, raw: &RawFile) -> Server {
        let listen = raw.listen.as_deref().map_or(Ok(DEFAULT_LISTEN), listen).unwrap_or_else(|cause| {
            self.report(cause, &Place::root().key("listen"), Part::Value);
            DEFAULT_LISTEN
        });
        let confine = match raw.server.confine {
            RawConfine::Auto => Confine::Auto,
            RawConfine::Off => Confine::Off,
        };
        Server { listen, options: options(&raw.server), confine }
    }

    pub(super) fn log(&mut self, raw: &RawFile) -> Log {
        let level = raw.log.level.clone().unwrap_or_else(|| DEFAULT_LEVEL.to_owned());
        if let Err(cause) = EnvFilter::builder().parse(&level) {
            let cause = Cause::BadLevel { text: level.clone(), why: cause.to_string() };
            self.report(cause, &Place::root().key("log").key("level"), Part::Value);
        }
        let format = match raw.log.format {
            RawLogFormat::Auto => None,
            RawLogFormat::Pretty => Some(LogFormat::Pretty),
            RawLogFormat::Json => Some(LogFormat::Json),
        };
        let messages = match raw.log.messages {
            RawLogMessages::All => LogMessages::All,
            RawLogMessages::Failed => LogMessages::Failed,
            RawLogMessages::Off => LogMessages::Off,
        };
        Log { format, level, messages }
    }
}

fn options(raw: &RawServer) -> Options {
    let default = Options::default();
    let count = |written: Option<u64>, default| written.and_then(|count| count.try_into().ok()).unwrap_or(default);
    Options {
        workers: available_parallelism().map_or(1, NonZero::get),
        hosts: raw.allowed_hosts.clone(),
        origins: raw.allowed_origins.clone(),
        body_bytes: count(raw.body_bytes, default.body_bytes),
        connections: count(raw.connections, default.connections),
        sessions: count(raw.sessions, default.sessions),
        session_idle: raw.session_idle_s.map_or(default.session_idle, Duration::from_secs),
        drain: raw.drain_s.map_or(default.drain, Duration::from_secs),
        ..default
    }
}

fn listen(text: &str) -> Result<SocketAddr, Cause> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| Cause::BadListen { text: text.to_owned() })
}
