//! Takes out of a case what must not leave the gate: the values of headers, what an upstream is shown, the gate's own
//! secrets in whatever form, and what our own `sanitize-redact` finds. The whole case is gone through, not some fields of it;
//! in the end none of the secrets that are known may be left, or there is no case.

mod forms;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use witgate_config::builtin;
use witgate_policy::json::{self, Edit};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::{Call, Draft, Form, Grants, Identity, Kind, Limits, Message, Payload, Revision, SanitizeVerdict};
use witgate_sandbox::{Plugin, PluginSpec, Sandbox};
use witgate_state::{MemoryCounters, MemoryKeyValues};

use super::Recorded;
use crate::case::{Case, Player};
use crate::generation::MAX_COMPONENT_BYTES;

use forms::{Known, literals};

/// What stands in a secret's place.
const HIDDEN: &str = "[redacted]";
/// Headers that say what a client is, and nothing that proves who.
const PLAIN: [&str; 6] = ["accept", "accept-encoding", "content-type", "host", "mcp-protocol-version", "user-agent"];

/// Cleans cases.
pub(crate) struct Cleaner {
    sandbox: Arc<Sandbox>,
    known: Known,
    redactor: OnceCell<Plugin>,
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

impl Cleaner {
    /// One that knows these secrets besides.
    pub(crate) fn new(sandbox: Arc<Sandbox>, secrets: &[Secret]) -> Self {
        Self { sandbox, known: Known::of(secrets.iter().map(Secret::expose)), redactor: OnceCell::new() }
    }

    /// Whatever takes its time the first time.
    pub(crate) async fn prepare(&self) {
        self.redactor().await;
    }

    /// The same without secrets. What is left is another question where there were some, so it is asked again. `None`
    /// when it cannot be told what is a secret, or one would be left.
    pub(crate) async fn clean(&self, recorded: Recorded) -> Option<Recorded> {
        let Recorded { mut case, verdict, component } = recorded;
        let before = serde_json::to_string(&case).ok()?;
        for header in case.headers.iter_mut().flatten() {
            if !PLAIN.contains(&header.name.as_str()) {
                HIDDEN.clone_into(&mut header.value);
            }
        }
        // What an upstream is shown is a secret but for the names of some, wherever it came from.
        let shown = verdict.pointer("/provide/headers").and_then(Value::as_array);
        let shown = shown.into_iter().flatten().filter_map(|header| header["value"].as_str()).flat_map(literals);
        let known = self.known.and(shown);
        let after = self.text(&serde_json::to_string(&case).ok()?, &known).await?;
        let mut verdict = serde_json::from_str(&self.text(&verdict.to_string(), &known).await?).ok()?;
        let mut case: Case = serde_json::from_str(&after).ok()?;
        if after != before {
            let player = Player::new(self.sandbox.clone(), component.clone(), Limits::default());
            let about = match player.play(&case).await {
                Ok(played) if is_decided(&played.verdict) => {
                    verdict = serde_json::from_str(&self.text(&played.verdict.to_string(), &known).await?).ok()?;
                    "Recorded. Secrets were taken out, and the verdict is on what is left."
                }
                Ok(_) | Err(_) => "Recorded. Secrets were taken out; the verdict is on what was there before.",
            };
            case.about = Some(about.to_owned());
        }
        Some(Recorded { case, verdict, component })
    }

    /// A JSON text without secrets; what is none stays byte for byte.
    async fn text(&self, text: &str, known: &Known) -> Option<String> {
        let payload = Payload::parse_str(text).ok()?;
        let redactor = self.redactor().await?.output_sanitizer()?;
        let edits = match redactor.sanitize(&call(), &Identity::anonymous(), &message(payload.clone())).await {
            Ok(SanitizeVerdict::Pass) => Vec::new(),
            Ok(SanitizeVerdict::Edits(edits)) => edits,
            Ok(SanitizeVerdict::Replace(_) | SanitizeVerdict::Withhold(_)) | Err(_) => return None,
        };
        // The name of a secret is none.
        let names_only = |edit: &Edit| {
            let there = payload.get(&edit.pointer).and_then(|raw| serde_json::from_str::<String>(raw).ok());
            there.is_some_and(|text| text.contains("${secret:") && literals(&text).next().is_none())
        };
        let edits: Vec<Edit> = edits.into_iter().filter(|edit| !names_only(edit)).collect();
        let payload = payload.edit(&edits, json::Limits::default()).ok()?;
        if !known.are_in(payload.as_str()) {
            return Some(payload.as_str().to_owned());
        }
        let mut value: Value = serde_json::from_str(payload.as_str()).ok()?;
        hide(&mut value, known);
        Some(value.to_string()).filter(|text| !known.are_in(text))
    }

    /// Loaded when it is first needed.
    async fn redactor(&self) -> Option<&Plugin> {
        self.redactor.get_or_try_init(|| self.load()).await.ok()
    }

    async fn load(&self) -> Result<Plugin, String> {
        let name = "sanitize-redact";
        let builtin = builtin::named(name).ok_or("no redactor")?;
        let component = self.sandbox.compile(name, builtin.component.into(), MAX_COMPONENT_BYTES).await;
        let spec = PluginSpec {
            name: name.into(),
            tenant: "recording".into(),
            settings: Payload::of(&Map::new()),
            grants: Grants::default(),
            limits: Limits::default(),
            reuse: None,
            counters: Arc::new(MemoryCounters::default()),
            key_values: Arc::new(MemoryKeyValues::default()),
            secrets: Arc::new(NoSecrets),
            share: Arc::default(),
            script: None,
            meter: None,
        };
        let component = component.map_err(|cause| cause.to_string())?;
        Plugin::load(&self.sandbox, &component, spec).await.map_err(|cause| cause.to_string())
    }
}

/// Not a failure, and not a refusal of settings that were good with what was taken out.
fn is_decided(verdict: &Value) -> bool {
    verdict.get("fault").is_none() && verdict.get("configure").is_none()
}

/// Hides each string, and each member, with a secret in it.
fn hide(value: &mut Value, known: &Known) {
    match value {
        Value::String(text) if known.are_in(text) => HIDDEN.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, known)),
        Value::Object(members) => {
            if members.keys().any(|name| known.are_in(name)) {
                let kept = std::mem::take(members).into_iter();
                *members = kept.filter(|(name, _)| !known.are_in(name)).collect();
                members.insert(HIDDEN.to_owned(), Value::Null);
            }
            members.values_mut().for_each(|member| hide(member, known));
        }
        Value::Number(number) if known.are_in(&number.to_string()) => *value = Value::from(HIDDEN),
        _ => {}
    }
}

fn call() -> Call {
    Call::new(Draft {
        id: "recording".into(),
        tenant: "recording".into(),
        form: Form::Request,
        method: "tools/call".into(),
        params: Payload::empty(),
        revision: Revision::V2026_07_28,
        traceparent: None,
        unix_time_s: 0,
        deadline: std::time::Instant::now() + std::time::Duration::from_secs(10),
        chance: 0,
    })
}

fn message(payload: Payload) -> Message {
    Message { kind: Kind::Result, method: "tools/call".into(), upstream: None, payload }
}
