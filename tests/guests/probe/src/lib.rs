#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(all(feature = "files", feature = "network", feature = "local", feature = "validate")),
    allow(dead_code, unused_imports, reason = "a component of one capability leaves the others' parts unused")
)]

mod bindings;
#[cfg(feature = "files")]
mod files;
mod kinds;
#[cfg(feature = "local")]
mod local;
#[cfg(feature = "network")]
mod network;
mod op;
mod run;
mod runtime;
mod stream;

use serde::Deserialize;
use witgate_sdk::{Document, Plugin, Refusal};

use op::Op;
use run::Run;

/// What the test writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    #[serde(default)]
    ops: Vec<Op>,
    #[serde(default)]
    configure: Vec<Op>,
    #[serde(default)]
    answer: Answer,
}

/// What the decision is.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// A refusal that holds the results.
    #[default]
    Refuse,
    /// Whatever lets the call go on.
    Accept,
}

/// Results that a refusal may hold: the contract's bound on findings.
const FINDINGS_MAX: usize = 64;
/// Bytes of one result: the contract's bound on a message.
const RESULT_BYTES: usize = 1 << 10;

struct Probe(Settings);

impl Plugin for Probe {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        Run::default().all(&settings.configure);
        Ok(Self(settings))
    }
}

impl Probe {
    /// Does what the settings and the message say, in this order; an error holds the results.
    fn probe(&self, message: Option<&Document>) -> Result<(), Refusal> {
        let told = |pointer: &str| message.and_then(|message| message.raw(pointer));
        let mut ops = Vec::new();
        if let Some(text) = told("/ops").or_else(|| told("/arguments/ops")) {
            ops = serde_json::from_str(&text).map_err(|e| Refusal::invalid(format!("the message's ops: {e}")))?;
        }
        let mut run = Run::default();
        let mut results = run.all(&self.0.ops);
        results.extend(run.all(&ops));
        match self.0.answer {
            Answer::Accept => Ok(()),
            Answer::Refuse => Err(refusal(&results)),
        }
    }
}

fn refusal(results: &[Result<String, String>]) -> Refusal {
    let mut refusal = Refusal::forbidden(format!("{} results", results.len()));
    for (position, result) in results.iter().take(FINDINGS_MAX).enumerate() {
        refusal = refusal.finding(witgate_sdk::Finding::at(format!("/{position}"), told(result)));
    }
    refusal
}

/// A result as text that the contract lets through: one line, not too long.
fn told(result: &Result<String, String>) -> String {
    let text = match result {
        Ok(text) => format!("ok: {text}"),
        Err(text) => format!("error: {text}"),
    };
    let mut out = String::new();
    for character in text.trim_end().chars() {
        let character = if character.is_control() { '\u{fffd}' } else { character };
        if out.len() + character.len_utf8() > RESULT_BYTES {
            break;
        }
        out.push(character);
    }
    out
}
