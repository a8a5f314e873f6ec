use std::sync::Arc;

use witgate_config as config;
use witgate_policy::{Grants, Mode, Stage};
use witgate_sandbox::{Health, Plugin};

use crate::recording::{Cleaner, Tape};

/// The plugins of a generation, for who asks how they do.
#[derive(Default)]
pub struct Roster {
    /// The generation.
    pub generation: u64,
    /// In the order of the file.
    pub plugins: Vec<Listed>,
    /// What they are asked, for who wants to hear it.
    pub(crate) tape: Arc<Tape>,
    /// Takes secrets out of that.
    pub(crate) cleaner: Option<Arc<Cleaner>>,
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster")
            .field("generation", &self.generation)
            .field("plugins", &self.plugins)
            .finish_non_exhaustive()
    }
}

/// One plugin of it.
#[derive(Debug)]
pub struct Listed {
    /// Its tenant.
    pub tenant: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether its verdicts count.
    pub mode: Mode,
    /// What it was granted.
    pub grants: Grants,
    plugin: Plugin,
}

impl Listed {
    pub(super) fn new(tenant: &config::Tenant, plugin: &config::Plugin, loaded: &Plugin) -> Self {
        Self {
            tenant: tenant.name.clone(),
            name: plugin.name.clone(),
            mode: plugin.mode,
            grants: plugin.grants.clone(),
            plugin: loaded.clone(),
        }
    }

    /// What it is.
    pub fn kinds(&self) -> &[Stage] {
        self.plugin.kinds()
    }

    /// The SHA-256 of its component.
    pub fn digest(&self) -> &Arc<str> {
        self.plugin.digest()
    }

    /// How it does in each kind.
    pub fn health(&self) -> Vec<Health> {
        self.plugin.health()
    }
}
