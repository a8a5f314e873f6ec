//! Plays cases in the real sandbox.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::store::Space;
use witgate_policy::{Fault, Grants, Identity, Limits, Payload, Stage};
use witgate_sandbox::{Component, Inspection, LoadError, Meter, Plugin, PluginSpec, Sandbox, Used};

use super::facts::{self, presented};
use super::network::Answers;
use super::{Case, verdict};

/// A component that cases are played with.
pub(crate) struct Player {
    sandbox: Arc<Sandbox>,
    component: Component,
    limits: Limits,
}

/// How a case went.
#[derive(Debug)]
pub(crate) struct Played {
    /// The verdict, as `verdict.json` has it.
    pub(crate) verdict: Value,
    /// From the question to the verdict, in a fresh instance.
    pub(crate) time: Duration,
    pub(crate) used: Used,
}

/// Only in requests: in a verdict, what a plugin names is shown as it names it.
struct Secrets(BTreeMap<String, String>);

impl SecretSource for Secrets {
    fn secret(&self, _: &str, name: &str, _: &Origin) -> Option<Secret> {
        self.0.get(name).map(Secret::new)
    }
}

impl Player {
    pub(crate) fn new(sandbox: Arc<Sandbox>, component: Component, limits: Limits) -> Self {
        Self { sandbox, component, limits }
    }

    pub(crate) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// As which kind a case is played; the error says what the case has to say.
    pub(crate) fn kind(&self, case: &Case) -> Result<Stage, String> {
        let kinds = self.component.kinds();
        let named = || kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        match (&case.kind, kinds) {
            (Some(word), _) => kinds
                .iter()
                .copied()
                .find(|kind| kind.as_str() == word)
                .ok_or_else(|| format!("`kind`: the component is no `{word}`; it is {}", named())),
            (None, [kind]) => Ok(*kind),
            (None, _) => Err(format!("`kind` is needed, since the component is {}", named())),
        }
    }

    /// Plays a case once. An error is the case's own fault, or the component's that cannot be loaded.
    pub(crate) async fn play(&self, case: &Case) -> Result<Played, String> {
        let kind = self.kind(case)?;
        let meter = Arc::<Meter>::default();
        let question = Question::of(case, kind)?;
        let answers = case.host.answers(false);
        let plugin = match self.load(case, None, Some(meter.clone()), &answers).await? {
            Ok(plugin) => plugin,
            Err(message) => {
                let verdict = verdict::settings(&message);
                return Ok(Played { verdict, time: Duration::ZERO, used: meter.read() });
            }
        };
        let begun = Instant::now();
        let answer = question.ask(&plugin).await;
        let time = begun.elapsed();
        if let [first, ..] = &*answers.unanswered() {
            return Err(format!("the plugin asked `{first}`, which `host.network` has no answer for"));
        }
        let verdict = answer.unwrap_or_else(|fault| verdict::fault(&fault));
        Ok(Played { verdict, time, used: meter.read() })
    }

    /// A plugin and a question for it, to be asked many times. What it uses is not noted, so that it is served as a gate
    /// serves it.
    pub(crate) async fn prepare(&self, case: &Case, reuse: Option<NonZeroU32>) -> Result<(Plugin, Question), String> {
        let question = Question::of(case, self.kind(case)?)?;
        let plugin = self
            .load(case, reuse, None, &case.host.answers(true))
            .await?
            .map_err(|message| format!("settings: {message}"))?;
        Ok((plugin, question))
    }

    /// What a component asks for and can be given where nothing of the outside is: no files, and no network but what the
    /// case answers.
    fn grants(&self, case: &Case) -> Result<Grants, String> {
        let found = Inspection::of(&self.component);
        let wants = |word| found.grants.contains(&word);
        Ok(Grants {
            counter: wants("counter"),
            keyvalue: wants("keyvalue"),
            clocks: wants("clocks"),
            random: wants("random"),
            config: wants("config"),
            network: if wants("network") { case.host.reach()? } else { Vec::new() },
            ..Grants::default()
        })
    }

    /// The inner error is that of the plugin, about its settings.
    async fn load(
        &self,
        case: &Case,
        reuse: Option<NonZeroU32>,
        meter: Option<Arc<Meter>>,
        answers: &Arc<Answers>,
    ) -> Result<Result<Plugin, String>, String> {
        let space = Space { tenant: case.call.tenant.as_str().into(), plugin: "plugin".into() };
        let (counters, key_values) = case.host.stores(&space).await.map_err(|cause| format!("`host`: {cause}"))?;
        let spec = PluginSpec {
            name: space.plugin,
            tenant: space.tenant,
            settings: Payload::of(&case.settings),
            grants: self.grants(case)?,
            limits: self.limits.clone(),
            reuse,
            counters: Arc::new(counters),
            key_values: Arc::new(key_values),
            secrets: Arc::new(Secrets(case.host.secrets.clone())),
            script: Some(answers.clone()),
            share: Arc::default(),
            meter,
        };
        match Plugin::load(&self.sandbox, &self.component, spec).await {
            Ok(plugin) => Ok(Ok(plugin)),
            Err(LoadError::Settings { message, .. }) => Ok(Err(message)),
            Err(cause) => Err(cause.to_string()),
        }
    }
}

/// What a plugin is asked, as often as it is.
pub(crate) struct Question {
    kind: Stage,
    call: witgate_policy::Call,
    identity: Identity,
    presented: witgate_policy::Presented,
    upstream: witgate_policy::UpstreamFacts,
    occasion: witgate_policy::Occasion,
    tool: Option<Payload>,
    candidates: Vec<witgate_policy::Candidate>,
    attempt: witgate_policy::Attempt,
    message: witgate_policy::Message,
}

impl Question {
    fn of(case: &Case, kind: Stage) -> Result<Self, String> {
        if let Some((name, kind)) = case.misplaced(kind) {
            return Err(format!("`{name}` has no meaning for {kind}: take it out"));
        }
        let payload = case.payload.as_deref().map(|raw| facts::payload("payload", raw)).transpose()?;
        let candidates = case.candidates.as_deref();
        let candidates = candidates.map_or_else(
            || vec![super::Candidate::default().candidate()],
            |all| all.iter().map(super::Candidate::candidate).collect(),
        );
        if candidates.is_empty() {
            return Err("`candidates`: there is always one at least".to_owned());
        }
        Ok(Self {
            kind,
            call: case.call.call()?,
            identity: case.identity.clone().unwrap_or_default().identity(),
            presented: presented(case.headers.as_deref().unwrap_or_default(), &case.peer.clone().unwrap_or_default()),
            upstream: case.upstream.clone().unwrap_or_default().facts(),
            occasion: case.occasion.clone().unwrap_or_default().occasion(),
            tool: case.tool.as_deref().map(|raw| facts::payload("tool", raw)).transpose()?,
            candidates,
            attempt: case.attempt.clone().unwrap_or_default().attempt(),
            message: case.message.clone().unwrap_or_default().message(payload.unwrap_or_else(Payload::empty)),
        })
    }

    /// Asks a plugin of the kind.
    pub(crate) async fn ask(&self, plugin: &Plugin) -> Result<Value, Fault> {
        let absent = || Fault::Unavailable(format!("the component is no {}", self.kind.as_str()));
        let Self { call, identity, .. } = self;
        match self.kind {
            Stage::Auth => {
                let plugin = plugin.authenticator().ok_or_else(absent)?;
                plugin.authenticate(call, &self.presented).await.map(|said| verdict::auth(&said))
            }
            Stage::Credential => {
                let plugin = plugin.credential_provider().ok_or_else(absent)?;
                let said = plugin.provide(&self.upstream, identity, &self.occasion).await;
                said.map(|said| verdict::credential(&said))
            }
            Stage::Validate => {
                let plugin = plugin.input_validator().ok_or_else(absent)?;
                plugin.validate(call, identity, self.tool.as_ref()).await.map(|said| verdict::validate(&said))
            }
            Stage::Route => {
                let plugin = plugin.router().ok_or_else(absent)?;
                plugin.route(call, identity, &self.candidates).await.map(|said| verdict::route(&said))
            }
            Stage::Retry => {
                let plugin = plugin.retry_strategy().ok_or_else(absent)?;
                plugin.decide(call, &self.attempt).await.map(|said| verdict::retry(&said))
            }
            Stage::Sanitize => {
                let plugin = plugin.output_sanitizer().ok_or_else(absent)?;
                plugin.sanitize(call, identity, &self.message).await.map(|said| verdict::sanitize(&said))
            }
        }
    }
}
