//! A gate's configuration.

use std::fmt::Write as _;
use std::path::Path;

/// The caller's key; the configuration has its hash only.
pub(crate) const KEY: &str = "bench-caller-key";
const KEY_SHA256: &str = "1d9130421e66e19028af1dd1191d30e01b007a3ec9d733588b183523e5ba8e06";

/// What the gate is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configuration {
    pub(crate) plugins: &'static [Plugin],
    /// Whether instances are kept.
    pub(crate) reused: bool,
    /// Tenants beside each other, each with all of the plugins and upstreams; none for the one at the top level.
    pub(crate) tenants: usize,
    /// Whether each message leaves its line in the log, as by default.
    pub(crate) logged: bool,
    /// Whether each port is a server of its own, and not one of several that serve the same.
    pub(crate) apart: bool,
}

/// A standard plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plugin {
    Auth,
    Schema,
    Route,
    Retry,
    Redact,
}

/// All of them.
pub(crate) const FIVE: &[Plugin] = &[Plugin::Auth, Plugin::Schema, Plugin::Route, Plugin::Retry, Plugin::Redact];

impl Plugin {
    fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth-api-key",
            Self::Schema => "validate-schema",
            Self::Route => "route-weighted",
            Self::Retry => "retry-backoff",
            Self::Redact => "sanitize-redact",
        }
    }

    fn settings(self) -> String {
        match self {
            Self::Auth => {
                format!("{{ keys = [{{ id = \"bench\", sha256 = \"{KEY_SHA256}\", scopes = [\"echo\"] }}] }}")
            }
            Self::Route => "{ weights = { u000 = 3, u001 = 1 } }".to_owned(),
            Self::Schema | Self::Retry | Self::Redact => "{}".to_owned(),
        }
    }
}

impl Configuration {
    /// With these plugins, each call in fresh instances.
    pub(crate) fn of(plugins: &'static [Plugin]) -> Self {
        Self { plugins, ..Self::default() }
    }

    /// The endpoint of a tenant.
    pub(crate) fn path(&self, tenant: usize) -> String {
        if self.tenants == 0 { "/mcp".to_owned() } else { format!("/t{tenant:04}/mcp") }
    }

    /// As TOML: upstreams at these ports, and compiled plugins kept in `cache`.
    pub(crate) fn toml(&self, ports: &[u16], cache: &Path) -> String {
        let log = if self.logged { "" } else { "[log]\nmessages = \"off\"\n" };
        let cache = format!("{log}[compiler]\ncache = \"{}\"\n", cache.display());
        if self.tenants == 0 {
            return self.anonymous() + &cache + &self.tenant("", ports);
        }
        (0..self.tenants).fold(cache, |text, number| {
            let name = format!("tenant.t{number:04}");
            text + &format!("[{name}]\n") + &self.anonymous() + &self.tenant(&format!("{name}."), ports)
        })
    }

    fn anonymous(&self) -> String {
        format!("anonymous = {}\n", !self.plugins.contains(&Plugin::Auth))
    }

    fn tenant(&self, prefix: &str, ports: &[u16]) -> String {
        let mut text = String::new();
        for (number, port) in ports.iter().enumerate() {
            let group = if self.apart { String::new() } else { "group = \"all\"\n".to_owned() };
            // Writing to a string does not fail.
            let _ = write!(text, "[{prefix}upstream.u{number:03}]\nurl = \"http://127.0.0.1:{port}/mcp\"\n{group}");
        }
        for plugin in self.plugins {
            let (name, settings) = (plugin.name(), plugin.settings());
            let _ = write!(text, "[[{prefix}plugin]]\nname = \"{name}\"\nsource = \"builtin:{name}\"\n");
            let _ = writeln!(text, "settings = {settings}");
            if self.reused {
                text += "instances = { reuse = 8 }\n";
            }
        }
        text
    }
}
