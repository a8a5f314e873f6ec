use std::collections::BTreeMap;

use witgate_policy::secret::{Secret, SecretSource};
use witgate_sandbox::Plugin;

use super::retired::Lease;
use crate::config::{Config, Tenant};

/// The secrets of one tenant, by the plugins that were granted them. It lives as long as its generation, and so do the
/// plugins with their compiled code.
pub(super) struct Granted {
    by_plugin: BTreeMap<String, BTreeMap<String, Secret>>,
    _plugins: Vec<Plugin>,
    _lease: Lease,
}

impl Granted {
    pub(super) fn new(config: &Config, tenant: &Tenant, plugins: Vec<Plugin>, lease: Lease) -> Self {
        let granted = tenant.plugins.iter().map(|plugin| {
            let secrets = plugin.secrets.iter();
            let secrets = secrets.filter_map(|name| Some((name.clone(), config.secrets.get(name)?.clone())));
            (plugin.name.to_string(), secrets.collect())
        });
        Self { by_plugin: granted.collect(), _plugins: plugins, _lease: lease }
    }
}

impl SecretSource for Granted {
    fn secret(&self, plugin: &str, name: &str) -> Option<Secret> {
        self.by_plugin.get(plugin)?.get(name).cloned()
    }
}
