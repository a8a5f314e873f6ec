use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use witgate_policy::{
    Authenticator, CredentialProvider, Hook, InputValidator, OnFault, OutputSanitizer, Payload, Pipeline,
    RetryStrategy, Router, Stage,
};
use witgate_sandbox::{Component, LoadError, Plugin, PluginSpec, Sandbox};

use super::secrets::Vault;
use super::stores::Stores;
use super::{Cause, Listed, at, authority};
use crate::confine::Outside;
use crate::recording::{Facts, Tape, Taped, TapedCounters, TapedKeyValues};
use witgate_config::diagnostic::Problems;
use witgate_config::{self as config, Config, Part, PluginSource};

/// What a component may be at most, in bytes. Python's, the largest that are known, are 18 MB.
pub(crate) const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// The plugins of a tenant.
pub(super) struct Loaded {
    /// Each kind in the order of the file.
    pub(super) pipeline: Pipeline,
    /// The plugins themselves: as long as they are kept, what they were compiled to is kept for the next generation.
    pub(super) plugins: Vec<Plugin>,
    /// The same for who asks how they do.
    pub(super) listed: Vec<Listed>,
    /// What deserves attention.
    pub(super) warnings: Problems,
}

/// Loads the plugins of a tenant, all at the same time.
pub(super) async fn pipeline(
    sandbox: &Arc<Sandbox>,
    stores: &Stores,
    outside: &Outside,
    vault: &Arc<Vault>,
    tape: &Arc<Tape>,
    config: &Config,
    tenant: &config::Tenant,
) -> Result<Loaded, Problems> {
    let loading = tenant.plugins.iter().map(|plugin| load(sandbox, stores, outside, vault, tenant, plugin));
    let mut problems = Problems::default();
    let mut pipeline = Pipeline::default();
    let mut plugins = Vec::with_capacity(tenant.plugins.len());
    let mut listed = Vec::with_capacity(tenant.plugins.len());
    for (plugin, loaded) in tenant.plugins.iter().zip(join_all(loading).await) {
        match loaded {
            Ok((loaded, unused)) => {
                for (grant, cause) in unused {
                    problems.push(at(config, &plugin.place.key("grants").key(grant), Part::Key, cause));
                }
                hang(&mut pipeline, tape, tenant, plugin, &loaded);
                listed.push(Listed::new(tenant, plugin, &loaded));
                plugins.push(loaded);
            }
            Err((key, cause)) => problems.push(at(config, &plugin.place.key(key), Part::Value, cause)),
        }
    }
    if problems.are_fatal() { Err(problems) } else { Ok(Loaded { pipeline, plugins, listed, warnings: problems }) }
}

/// With the grants that it makes no use of. The error says which key of the plugin is at fault.
async fn load(
    sandbox: &Arc<Sandbox>,
    stores: &Stores,
    outside: &Outside,
    vault: &Arc<Vault>,
    tenant: &config::Tenant,
    plugin: &config::Plugin,
) -> Result<(Plugin, Vec<(&'static str, Cause)>), (&'static str, Cause)> {
    let bytes = read(outside, &plugin.source).await.map_err(|cause| ("source", cause))?;
    let component = sandbox.compile(&plugin.name, bytes, MAX_COMPONENT_BYTES).await.map_err(|e| refused(plugin, e))?;
    check(plugin, &component)?;
    let spec = PluginSpec {
        name: plugin.name.clone(),
        tenant: tenant.name.clone(),
        settings: Payload::of(&plugin.settings),
        grants: plugin.grants.clone(),
        limits: authority::limits(plugin, &component),
        reuse: plugin.reuse,
        counters: Arc::new(TapedCounters(stores.counters())),
        key_values: Arc::new(TapedKeyValues(stores.key_values())),
        secrets: vault.clone(),
        share: stores.share(&tenant.name, tenant.quota),
        script: None,
        meter: None,
    };
    let loaded = Plugin::load(sandbox, &component, spec).await.map_err(|e| refused(plugin, e))?;
    Ok((loaded, authority::unused(plugin, &component)))
}

fn check(plugin: &config::Plugin, component: &Component) -> Result<(), (&'static str, Cause)> {
    if plugin.sha256.as_deref().is_some_and(|pinned| *pinned != **component.digest()) {
        let cause = Cause::OtherDigest { plugin: plugin.name.clone(), found: component.digest().clone() };
        return Err(("sha256", cause));
    }
    if plugin.on_fault == OnFault::Skip && component.kinds().contains(&Stage::Auth) {
        return Err(("on-fault", Cause::SkipOnAuth { plugin: plugin.name.clone() }));
    }
    if let Some(cause) = authority::beyond_kind(plugin, component) {
        return Err(("grants", cause));
    }
    for &stage in component.kinds() {
        let what = match stage {
            Stage::Auth | Stage::Validate if plugin.when.names_upstreams() => {
                ("upstreams", "it is asked before an upstream is chosen; name `targets`, as \"files__*\"")
            }
            Stage::Credential if plugin.when.names_calls() => {
                ("methods or targets", "what it answers is kept for all calls of a caller; name `upstreams`")
            }
            _ => continue,
        };
        let (what, help) = what;
        return Err(("when", Cause::When { plugin: plugin.name.clone(), stage, what, help }));
    }
    let named = plugin
        .settings
        .values()
        .flat_map(secrets_in)
        .find(|name| !plugin.grants.secrets.iter().any(|grant| grant.name == *name));
    match named {
        Some(secret) => Err(("settings", Cause::SecretNotGranted { plugin: plugin.name.clone(), secret })),
        None => Ok(()),
    }
}

/// The secrets that a setting names as `${secret:NAME}`.
fn secrets_in(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => {
            let named = text.split("${secret:").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
            if text.contains("$${secret:") { Vec::new() } else { named.collect() }
        }
        serde_json::Value::Array(items) => items.iter().flat_map(secrets_in).collect(),
        serde_json::Value::Object(map) => map.values().flat_map(secrets_in).collect(),
        _ => Vec::new(),
    }
}

/// Which key a refusal of the sandbox is about.
fn refused(plugin: &config::Plugin, error: LoadError) -> (&'static str, Cause) {
    match error {
        LoadError::Settings { plugin: name, message } => {
            let origin = match &plugin.source {
                PluginSource::Builtin(builtin) => {
                    format!("its settings are described in plugins/{}/README.md", builtin.name)
                }
                PluginSource::File(path) => format!("whoever made {} says which settings it takes", path.display()),
            };
            ("settings", Cause::Settings { plugin: name, message, origin })
        }
        LoadError::NotGranted { .. } => ("grants", Cause::Refused(error)),
        LoadError::Limit { .. } => ("limits", Cause::Refused(error)),
        _ => ("source", Cause::Refused(error)),
    }
}

/// The component's bytes, no more of them than a component may have.
pub(crate) async fn read(outside: &Outside, source: &PluginSource) -> Result<Bytes, Cause> {
    match source {
        PluginSource::Builtin(builtin) => Ok(Bytes::from_static(builtin.component)),
        PluginSource::File(path) => outside
            .file(path, MAX_COMPONENT_BYTES)
            .await
            .map_err(|cause| Cause::Unreadable { path: path.display().to_string(), cause: cause.to_string() }),
    }
}

/// Puts a plugin into the list of each kind that it is.
fn hang(pipeline: &mut Pipeline, tape: &Arc<Tape>, tenant: &config::Tenant, plugin: &config::Plugin, loaded: &Plugin) {
    let digest = loaded.digest();
    let facts = Facts {
        tape: tape.clone(),
        name: plugin.name.clone(),
        tenant: tenant.name.clone(),
        settings: Arc::new(plugin.settings.clone()),
        component: loaded.component().clone(),
    };
    let facts = || facts.clone();
    pipeline.auth.extend(
        loaded.authenticator().map(|part| hook::<dyn Authenticator>(plugin, digest, Taped::new(part, facts()))),
    );
    pipeline.credential.extend(
        loaded
            .credential_provider()
            .map(|part| hook::<dyn CredentialProvider>(plugin, digest, Taped::new(part, facts()))),
    );
    pipeline.validate.extend(
        loaded.input_validator().map(|part| hook::<dyn InputValidator>(plugin, digest, Taped::new(part, facts()))),
    );
    pipeline.route.extend(loaded.router().map(|part| hook::<dyn Router>(plugin, digest, Taped::new(part, facts()))));
    pipeline.retry.extend(
        loaded.retry_strategy().map(|part| hook::<dyn RetryStrategy>(plugin, digest, Taped::new(part, facts()))),
    );
    pipeline.sanitize.extend(
        loaded.output_sanitizer().map(|part| hook::<dyn OutputSanitizer>(plugin, digest, Taped::new(part, facts()))),
    );
}

fn hook<P: ?Sized>(plugin: &config::Plugin, digest: &Arc<str>, part: Arc<P>) -> Hook<P> {
    Hook {
        name: plugin.name.clone(),
        digest: digest.clone(),
        when: plugin.when.clone(),
        mode: plugin.mode,
        on_fault: plugin.on_fault,
        plugin: part,
    }
}
