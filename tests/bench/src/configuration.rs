//! A gate's configuration.

use std::fmt::Write as _;
use std::path::Path;

use witgate_test_guests::Stage;

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

/// A plugin: a standard one, or one that lets everything pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plugin {
    Auth,
    Schema,
    Route,
    Retry,
    Redact,
    Pass(Stage),
}

/// All that are standard.
pub(crate) const FIVE: &[Plugin] = &[Plugin::Auth, Plugin::Schema, Plugin::Route, Plugin::Retry, Plugin::Redact];

/// In each of their places one that looks at nothing: what hooks cost before a policy does anything.
pub(crate) const PASS: &[Plugin] = &[
    Plugin::Pass(Stage::Auth),
    Plugin::Pass(Stage::Validate),
    Plugin::Pass(Stage::Route),
    Plugin::Pass(Stage::Retry),
    Plugin::Pass(Stage::Sanitize),
];

impl Plugin {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Auth => "auth-api-key".to_owned(),
            Self::Schema => "validate-schema".to_owned(),
            Self::Route => "route-weighted".to_owned(),
            Self::Retry => "retry-backoff".to_owned(),
            Self::Redact => "sanitize-redact".to_owned(),
            Self::Pass(stage) => format!("pass-{stage}"),
        }
    }

    fn source(self, folder: &Path) -> String {
        let name = self.name();
        match self {
            Self::Pass(_) => folder.join(name + ".wasm").display().to_string(),
            _ => format!("builtin:{name}"),
        }
    }

    fn settings(self) -> String {
        match self {
            Self::Auth => {
                format!("{{ keys = [{{ id = \"bench\", sha256 = \"{KEY_SHA256}\", scopes = [\"echo\"] }}] }}")
            }
            Self::Route => "{ weights = { u000 = 3, u001 = 1 } }".to_owned(),
            Self::Schema | Self::Retry | Self::Redact | Self::Pass(_) => "{}".to_owned(),
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

    /// As TOML: upstreams at these ports, and a furnished folder, in which compiled plugins are kept too.
    pub(crate) fn toml(&self, ports: &[u16], folder: &Path) -> String {
        let log = if self.logged { "" } else { "[log]\nmessages = \"off\"\n" };
        let cache = format!("{log}[compiler]\ncache = \"{}\"\n", folder.display());
        if self.tenants == 0 {
            return self.anonymous() + &cache + &self.tenant("", ports, folder);
        }
        (0..self.tenants).fold(cache, |text, number| {
            let name = format!("tenant.t{number:04}");
            text + &format!("[{name}]\n") + &self.anonymous() + &self.tenant(&format!("{name}."), ports, folder)
        })
    }

    fn anonymous(&self) -> String {
        format!("anonymous = {}\n", !self.plugins.contains(&Plugin::Auth))
    }

    fn tenant(&self, prefix: &str, ports: &[u16], folder: &Path) -> String {
        let mut text = String::new();
        for (number, port) in ports.iter().enumerate() {
            let group = if self.apart { String::new() } else { "group = \"all\"\n".to_owned() };
            // Writing to a string does not fail.
            let _ = write!(text, "[{prefix}upstream.u{number:03}]\nurl = \"http://127.0.0.1:{port}/mcp\"\n{group}");
        }
        for plugin in self.plugins {
            let (name, source, settings) = (plugin.name(), plugin.source(folder), plugin.settings());
            let _ = write!(text, "[[{prefix}plugin]]\nname = \"{name}\"\nsource = \"{source}\"\n");
            let _ = writeln!(text, "settings = {settings}");
            if self.reused {
                text += "instances = { reuse = 8 }\n";
            }
        }
        text
    }
}
