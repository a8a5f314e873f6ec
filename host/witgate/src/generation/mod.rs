//! A generation of the gateway, made of a configuration: plugins loaded and tested, upstreams taken over from the
//! generation before where nothing of them changed.
//!
//! Building opens no connection and starts no server; it is what `witgate check` does, too. All that is wrong is
//! reported at once. Counters, keys and what was compiled live longer than a generation.

mod authority;
mod cause;
mod plugins;
mod retired;
mod roster;
mod secrets;
mod stores;
mod upstreams;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use witgate_gateway::gate::Generation;
use witgate_gateway::tenant::{Spec, Tenant};
use witgate_gateway::upstream::Upstream;
use witgate_policy::Stage;
use witgate_policy::secret::Secret;
use witgate_sandbox::Sandbox;

use crate::confine::Confinement;
use crate::recording::{Cleaner, Tape};
use witgate_config::diagnostic::{Problem, Problems};
use witgate_config::{self as config, Config, Part, Place};

pub use cause::Cause;
pub(crate) use plugins::{MAX_COMPONENT_BYTES, read};
pub use retired::Retired;
pub use roster::{Listed, Roster};
pub use stores::Stores;

use plugins::Loaded;
use retired::Lease;
use secrets::{Granted, Vault};

/// What generations are built with; one for a process.
pub struct Builder {
    sandbox: Arc<Sandbox>,
    stores: Stores,
    confinement: Arc<Confinement>,
    tape: Arc<Tape>,
    /// Of every generation: what was a secret is none to be told.
    secrets: Mutex<Vec<Secret>>,
    number: AtomicU64,
}

/// A generation that is ready to serve.
pub struct Built {
    /// The generation.
    pub generation: Generation,
    /// Its plugins.
    pub roster: Arc<Roster>,
    /// What deserves attention and hinders nothing.
    pub warnings: Problems,
    /// Knows when nothing uses the generation any more.
    pub retired: Retired,
}

impl Builder {
    /// The first generation will be number 1.
    pub fn new(sandbox: Arc<Sandbox>, stores: Stores) -> Self {
        Self {
            sandbox,
            stores,
            confinement: Arc::default(),
            tape: Arc::default(),
            secrets: Mutex::default(),
            number: AtomicU64::new(0),
        }
    }

    /// For a process that has confined itself.
    #[must_use]
    pub fn confined(self, confinement: Arc<Confinement>) -> Self {
        Self { confinement, ..self }
    }

    /// Reads and checks a configuration.
    pub async fn configuration(&self, origin: &config::Origin) -> Result<Config, Problems> {
        self.confinement.outside().configuration(origin).await
    }

    /// Builds a generation. Upstreams of `previous` that did not change go on with their connections.
    pub async fn build(&self, config: &Config, previous: Option<&Generation>) -> Result<Built, Problems> {
        self.confinement.admit(config)?;
        let mut problems = Problems::default();
        let (lease, retired) = retired::lease();
        let mut tenants = Vec::with_capacity(config.tenants.len());
        let mut listed = Vec::new();
        for tenant in &config.tenants {
            match self.tenant(config, tenant, previous, &lease).await {
                Ok((tenant, plugins, warnings)) => {
                    tenants.push(Arc::new(tenant));
                    listed.extend(plugins);
                    problems.extend(warnings);
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.are_fatal() {
            return Err(problems);
        }
        for tenant in &config.tenants {
            self.stores.allow(&tenant.name, tenant.quota);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let cleaner = Some(Arc::new(Cleaner::new(self.sandbox.clone(), &self.secrets(config))));
        let roster = Arc::new(Roster { generation: number, plugins: listed, tape: self.tape.clone(), cleaner });
        Ok(Built { generation: Generation::new(number, tenants), roster, warnings: problems, retired })
    }

    /// All that were ever configured.
    fn secrets(&self, config: &Config) -> Vec<Secret> {
        let mut known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in config.secrets.names().filter_map(|name| config.secrets.get(name)) {
            if !known.iter().any(|there| there.expose() == secret.expose()) {
                known.push(secret.clone());
            }
        }
        known.clone()
    }

    async fn tenant(
        &self,
        config: &Config,
        tenant: &config::Tenant,
        previous: Option<&Generation>,
        lease: &Lease,
    ) -> Result<(Tenant, Vec<Listed>, Problems), Problems> {
        let vault = Vault::new(config, tenant);
        let outside = self.confinement.outside();
        let Loaded { pipeline, plugins, listed, warnings } =
            plugins::pipeline(&self.sandbox, &self.stores, outside, &vault, &self.tape, config, tenant).await?;
        if pipeline.auth.is_empty() && !tenant.anonymous {
            return Err(no_auth(config, tenant).into());
        }
        let old = previous.and_then(|generation| generation.named(&tenant.name));
        let spec = Spec {
            name: tenant.name.clone(),
            path: tenant.path.clone(),
            pipeline,
            secrets: Arc::new(Granted::new(vault, plugins, lease.clone())),
            groups: upstreams::groups(&tenant.groups, old.map(Arc::as_ref), outside),
            auth_headers: tenant.auth_headers.clone(),
            resource_metadata: tenant.resource_metadata.clone(),
            deadline: tenant.deadline,
            lasting: self.stores.lasting(),
            server_name: "witgate".to_owned(),
        };
        Ok((Tenant::new(spec), listed, warnings))
    }
}

fn no_auth(config: &Config, tenant: &config::Tenant) -> Problem {
    let cause = Cause::NoAuth { tenant: tenant.name.to_string(), stage: Stage::Auth };
    let marks = config.document.mark(&tenant.place, Part::Key, "nobody is known here");
    Problem::new(cause).marked(config.document.source(), marks.into_iter().collect())
}

/// A problem of one plugin, where it is written.
fn at(config: &Config, place: &Place, part: Part, cause: Cause) -> Problem {
    let marks = config.document.mark(place, part, "").into_iter().collect();
    Problem::new(cause).marked(config.document.source(), marks)
}

/// All upstreams of a generation.
pub fn upstreams(generation: &Generation) -> impl Iterator<Item = &Arc<Upstream>> {
    let groups = generation.tenants().iter().flat_map(|tenant| &tenant.spec().groups);
    groups.flat_map(|group| &group.upstreams)
}

#[cfg(test)]
mod tests;
