use std::collections::BTreeMap;
use std::sync::Arc;

use witgate_config::{Config, Tenant};
use witgate_policy::SecretGrant;
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_sandbox::Plugin;

use super::retired::Lease;

/// The secrets of one tenant, by the plugins that were granted them.
pub(super) struct Vault {
    by_plugin: BTreeMap<String, Vec<(SecretGrant, Secret)>>,
}

impl Vault {
    pub(super) fn new(config: &Config, tenant: &Tenant) -> Arc<Self> {
        let granted = tenant.plugins.iter().map(|plugin| {
            let grants = plugin.grants.secrets.iter();
            let secrets = grants.filter_map(|grant| Some((grant.clone(), config.secrets.get(&grant.name)?.clone())));
            (plugin.name.to_string(), secrets.collect())
        });
        Arc::new(Self { by_plugin: granted.collect() })
    }
}

impl SecretSource for Vault {
    fn secret(&self, plugin: &str, name: &str, origin: &Origin) -> Option<Secret> {
        let granted = self.by_plugin.get(plugin)?.iter().find(|(grant, _)| grant.allows(name, origin));
        granted.map(|(_, secret)| secret.clone())
    }
}

/// A tenant's secrets for as long as its generation lives, and so do the plugins with their compiled code.
pub(super) struct Granted {
    vault: Arc<Vault>,
    _plugins: Vec<Plugin>,
    _lease: Lease,
}

impl Granted {
    pub(super) fn new(vault: Arc<Vault>, plugins: Vec<Plugin>, lease: Lease) -> Self {
        Self { vault, _plugins: plugins, _lease: lease }
    }
}

impl SecretSource for Granted {
    fn secret(&self, plugin: &str, name: &str, origin: &Origin) -> Option<Secret> {
        self.vault.secret(plugin, name, origin)
    }
}
