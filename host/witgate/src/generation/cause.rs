use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;
use witgate_policy::Stage;
use witgate_sandbox::LoadError;

/// Everything that can be wrong with a configuration once its plugins are looked at.
#[derive(Debug, Error, Diagnostic)]
pub enum Cause {
    /// Nobody says who calls.
    #[error("the tenant `{tenant}` has no plugin of kind {stage}, so nobody would know who calls")]
    #[diagnostic(help("add one, as builtin:auth-api-key, or let everybody in with `anonymous = true`"))]
    NoAuth {
        /// The tenant.
        tenant: String,
        /// `auth`.
        stage: Stage,
    },
    /// A fault that would let a caller pass.
    #[error("the plugin `{plugin}` is of kind auth, which cannot be skipped")]
    #[diagnostic(help("take `on-fault = \"skip\"` away: when it fails, the call is refused"))]
    SkipOnAuth {
        /// The plugin.
        plugin: Arc<str>,
    },
    /// A condition that a kind does not know when it is asked.
    #[error("the plugin `{plugin}` is of kind {stage}, for which `when` cannot name {what}")]
    #[diagnostic(help("{help}"))]
    When {
        /// The plugin.
        plugin: Arc<str>,
        /// The kind.
        stage: Stage,
        /// The keys.
        what: &'static str,
        /// What to write instead.
        help: &'static str,
    },
    /// A secret that the settings name and that would never be filled in.
    #[error("the settings of plugin `{plugin}` name the secret `{secret}`, which it is not granted")]
    #[diagnostic(help(
        "grant it: grants = {{ secrets = {{ {secret} = [\"https://HOST\"] }} }}, where HOST is whom it is for, and say in [secret.{secret}] where it is"
    ))]
    SecretNotGranted {
        /// The plugin.
        plugin: Arc<str>,
        /// The secret.
        secret: String,
    },
    /// A grant that no plugin of the kind can have.
    #[error("plugin `{plugin}` is granted the network, and is of kind {stage}, which no grant can give it")]
    #[diagnostic(help("remove `network`; plugins of the kinds auth, credential and validate may have it"))]
    NetworkBeyondKind {
        /// The plugin.
        plugin: Arc<str>,
        /// The kind.
        stage: Stage,
    },
    /// A grant that the component does not import.
    #[error("plugin `{plugin}` is granted `{grant}` and does not use it")]
    #[diagnostic(severity(Warning), help("remove the grant: what nobody needs, nobody should have"))]
    UnusedGrant {
        /// The plugin.
        plugin: Arc<str>,
        /// The grant's key.
        grant: &'static str,
    },
    /// A file that went away since the configuration was checked, or that is too long.
    #[error("the plugin's file {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        cause: String,
    },
    /// Another component than the operator has seen.
    #[error("the component of plugin `{plugin}` has the SHA-256 {found}, not the one that is pinned")]
    #[diagnostic(help("if the change is wanted, write sha256 = \"{found}\""))]
    OtherDigest {
        /// The plugin.
        plugin: Arc<str>,
        /// The digest of what is there.
        found: Arc<str>,
    },
    /// The sandbox refused it.
    #[error("{0}")]
    Refused(LoadError),
    /// Its `configure` refused the settings.
    #[error("plugin `{plugin}` does not accept its settings: {message}")]
    #[diagnostic(help("{origin}"))]
    Settings {
        /// The plugin.
        plugin: Arc<str>,
        /// What it said.
        message: String,
        /// Where its settings are described.
        origin: String,
    },
}
