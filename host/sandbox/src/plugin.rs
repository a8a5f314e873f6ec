use std::num::NonZeroU32;
use std::sync::Arc;

use wasmtime::component::{HasSelf, InstancePre, Linker};
use witgate_egress::Script;
use witgate_policy::secret::SecretSource;
use witgate_policy::store::{Counters, KeyValues, Space};
use witgate_policy::{
    Authenticator, CredentialProvider, Grants, InputValidator, Limits, OutputSanitizer, Payload, RetryStrategy, Router,
    Stage,
};

use crate::bindings::auth::Auth;
use crate::bindings::credential::Credential;
use crate::bindings::retry::Retry;
use crate::bindings::route::Route;
use crate::bindings::sanitize::Sanitize;
use crate::bindings::validate::Validate;
use crate::bindings::wit;
use crate::component::Component;
use crate::error::LoadError;
use crate::grant::files::Folder;
use crate::grant::{self, Capability, Need};
use crate::health::Health;
use crate::host::{Host, Shared};
use crate::kind::Contract;
use crate::limits::Bounds;
use crate::meter::Meter;
use crate::runner::Runner;
use crate::sandbox::Sandbox;
use crate::share::Share;

/// What a component becomes a plugin with.
pub struct PluginSpec {
    /// The plugin's name in the configuration; with the tenant, the name of its counters and keys.
    pub name: Arc<str>,
    /// The tenant whose calls it decides on, and nobody else's.
    pub tenant: Arc<str>,
    /// What `configure` is given, an object.
    pub settings: Payload,
    /// What it may use.
    pub grants: Grants,
    /// How much of it.
    pub limits: Limits,
    /// How many instances are kept for further calls; `None`: a fresh one for each call.
    pub reuse: Option<NonZeroU32>,
    /// Where its counters are.
    pub counters: Arc<dyn Counters>,
    /// Where its keys are.
    pub key_values: Arc<dyn KeyValues>,
    /// Who fills in the secrets that it names in requests to the network.
    pub secrets: Arc<dyn SecretSource>,
    /// What its tenant may use at once.
    pub share: Arc<Share>,
    /// What answers its requests in the network's stead; `None`: the network.
    pub script: Option<Arc<dyn Script>>,
    /// Where it is noted what its instances use.
    pub meter: Option<Arc<Meter>>,
}

/// A component with its settings, grants and limits, ready to be asked on behalf of one tenant. A clone is the same
/// plugin.
#[derive(Clone)]
pub struct Plugin {
    component: Component,
    auth: Option<Arc<Runner<Auth>>>,
    credential: Option<Arc<Runner<Credential>>>,
    validate: Option<Arc<Runner<Validate>>>,
    pub(crate) route: Option<Arc<Runner<Route>>>,
    retry: Option<Arc<Runner<Retry>>>,
    sanitize: Option<Arc<Runner<Sanitize>>>,
}

impl Plugin {
    /// Checks imports against grants, links what is allowed, and configures one instance of each kind as a self test.
    /// Needs a tokio runtime with time.
    pub async fn load(sandbox: &Arc<Sandbox>, component: &Component, spec: PluginSpec) -> Result<Self, LoadError> {
        let inner = &component.inner;
        let bounds = Bounds::of(&spec.limits, &spec.name, inner.weight)?;
        let capabilities = granted(&spec.name, component, &spec.grants)?;
        let pre = link(sandbox, component, &capabilities)
            .map_err(|e| LoadError::Imports { plugin: spec.name.clone(), cause: format!("{e:#}") })?;
        let space = Space { tenant: spec.tenant, plugin: spec.name };
        let shared = Arc::new(Shared {
            folders: Folder::open_all(&sandbox.folders, &space, &spec.grants).await?,
            network: grant::network::client(
                &sandbox.egress,
                &space,
                &spec.grants,
                &bounds,
                &spec.share,
                &spec.secrets,
                spec.script,
            ),
            space,
            config: grant::config::keys(spec.settings.as_str()),
            settings: spec.settings,
            grants: spec.grants,
            bounds,
            counters: spec.counters,
            key_values: spec.key_values,
            share: spec.share,
            meter: spec.meter,
        });
        let pure = capabilities.is_empty();
        let maker = Maker { sandbox, component, shared, pre, pure, reuse: spec.reuse };
        Ok(Self {
            component: component.clone(),
            auth: maker.runner().await?,
            credential: maker.runner().await?,
            validate: maker.runner().await?,
            route: maker.runner().await?,
            retry: maker.runner().await?,
            sanitize: maker.runner().await?,
        })
    }

    /// SHA-256 of the component in lower-case hex.
    pub fn digest(&self) -> &Arc<str> {
        self.component.digest()
    }

    /// What it was made of.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// The kinds that it is; at least one.
    pub fn kinds(&self) -> &[Stage] {
        self.component.kinds()
    }

    /// How it has been doing since it was loaded: one for each kind that it is.
    pub fn health(&self) -> Vec<Health> {
        let kinds = [
            self.auth.as_ref().map(|runner| runner.health()),
            self.credential.as_ref().map(|runner| runner.health()),
            self.validate.as_ref().map(|runner| runner.health()),
            self.route.as_ref().map(|runner| runner.health()),
            self.retry.as_ref().map(|runner| runner.health()),
            self.sanitize.as_ref().map(|runner| runner.health()),
        ];
        kinds.into_iter().flatten().collect()
    }

    /// As an `auth` plugin, if it is one.
    pub fn authenticator(&self) -> Option<Arc<dyn Authenticator>> {
        self.auth.clone().map(|runner| runner as Arc<dyn Authenticator>)
    }

    /// As a `credential` plugin, if it is one.
    pub fn credential_provider(&self) -> Option<Arc<dyn CredentialProvider>> {
        self.credential.clone().map(|runner| runner as Arc<dyn CredentialProvider>)
    }

    /// As a `validate` plugin, if it is one.
    pub fn input_validator(&self) -> Option<Arc<dyn InputValidator>> {
        self.validate.clone().map(|runner| runner as Arc<dyn InputValidator>)
    }

    /// As a `route` plugin, if it is one.
    pub fn router(&self) -> Option<Arc<dyn Router>> {
        self.route.clone().map(|runner| runner as Arc<dyn Router>)
    }

    /// As a `retry` plugin, if it is one.
    pub fn retry_strategy(&self) -> Option<Arc<dyn RetryStrategy>> {
        self.retry.clone().map(|runner| runner as Arc<dyn RetryStrategy>)
    }

    /// As a `sanitize` plugin, if it is one.
    pub fn output_sanitizer(&self) -> Option<Arc<dyn OutputSanitizer>> {
        self.sanitize.clone().map(|runner| runner as Arc<dyn OutputSanitizer>)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("kinds", &self.kinds()).field("digest", self.digest()).finish()
    }
}

/// What each kind's runner is made of.
struct Maker<'a> {
    sandbox: &'a Arc<Sandbox>,
    component: &'a Component,
    shared: Arc<Shared>,
    pre: InstancePre<Host>,
    pure: bool,
    reuse: Option<NonZeroU32>,
}

impl Maker<'_> {
    async fn runner<C: Contract>(&self) -> Result<Option<Arc<Runner<C>>>, LoadError> {
        if !self.component.kinds().contains(&C::KIND) {
            return Ok(None);
        }
        let Self { sandbox, component, shared, pre, pure, reuse } = self;
        Ok(Some(Arc::new(Runner::load(sandbox, component, shared, pre.clone(), *pure, *reuse).await?)))
    }
}

/// The capabilities that the component's imports need, each once, if all of them are granted. A component of several
/// kinds may import what each of them may.
fn granted(
    plugin: &Arc<str>,
    component: &Component,
    grants: &Grants,
) -> Result<Vec<&'static dyn Capability>, LoadError> {
    let mut capabilities: Vec<&'static dyn Capability> = Vec::new();
    let mut missing = Vec::new();
    for import in component.imports() {
        for &kind in component.kinds() {
            let (plugin, import) = (plugin.clone(), import.clone());
            match grant::need(&import, kind) {
                Need::Nothing => {}
                Need::Forbidden => return Err(LoadError::BeyondCeiling { plugin, import, kind }),
                Need::Unknown => return Err(LoadError::UnknownImport { plugin, import }),
                Need::Capability(capability) if capability.allows(grants) => {
                    if !capabilities.iter().any(|there| there.word() == capability.word()) {
                        capabilities.push(capability);
                    }
                }
                Need::Capability(capability) => {
                    let lack = (import, capability.word());
                    if !missing.contains(&lack) {
                        missing.push(lack);
                    }
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(capabilities);
    }
    Err(LoadError::NotGranted { plugin: plugin.clone(), imports: missing })
}

/// Joins the component with the contract's types and what was granted, and with nothing else.
fn link(
    sandbox: &Sandbox,
    component: &Component,
    capabilities: &[&'static dyn Capability],
) -> wasmtime::Result<InstancePre<Host>> {
    let mut linker = Linker::new(sandbox.engine(component.inner.weight));
    wit::add_to_linker::<Host, HasSelf<Host>>(&mut linker, |host| host)?;
    for capability in capabilities {
        capability.link(&mut linker)?;
    }
    linker.instantiate_pre(&component.inner.code)
}
