//! One limit: which calls it counts, under which name, and what it says when it is reached.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use witgate_sdk::{Call, Glob, Identity, Key, Refusal};

/// So many calls in so many seconds; the crate's documentation says what each field means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Limit {
    pub(crate) calls: u32,
    window_s: u32,
    #[serde(default = "caller")]
    by: Vec<Key>,
    #[serde(default = "tool_calls")]
    methods: Vec<Glob>,
    targets: Option<Vec<Glob>>,
    name: Option<String>,
}

fn caller() -> Vec<Key> {
    vec![Key::Issuer, Key::Subject]
}

fn tool_calls() -> Vec<Glob> {
    vec![Glob::new("tools/call")]
}

const WINDOW_MAX_S: u32 = 86_400;
const NAME_MAX: usize = 64;
/// The host takes keys of 256 bytes; facts beyond this are hashed.
const FACTS_MAX: usize = 160;

impl Limit {
    /// An error begins with the rest of the setting's path.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.calls == 0 {
            return Err(".calls`: 1 or more; to refuse every call needs no counter".to_owned());
        }
        if !(1..=WINDOW_MAX_S).contains(&self.window_s) {
            return Err(format!(".window-s`: {} is not in 1..={WINDOW_MAX_S}", self.window_s));
        }
        if self.methods.is_empty() || self.targets.as_ref().is_some_and(Vec::is_empty) {
            return Err("`: an empty list of methods or targets counts nothing; leave it out for all".to_owned());
        }
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > NAME_MAX) {
            return Err(format!(".name`: 1 to {NAME_MAX} bytes"));
        }
        Ok(())
    }

    pub(crate) fn applies_to(&self, call: &Call) -> bool {
        let addressed = |targets: &Vec<Glob>| {
            call.target.as_ref().is_some_and(|target| targets.iter().any(|glob| glob.matches(target)))
        };
        self.methods.iter().any(|glob| glob.matches(&call.method)) && self.targets.as_ref().is_none_or(addressed)
    }

    pub(crate) fn window_ms(&self) -> u32 {
        self.window_s * 1_000
    }

    /// The counter's key. Facts carry their length, so that no choice of names makes two callers one.
    pub(crate) fn counter(&self, position: usize, call: &Call, caller: &Identity) -> String {
        let mut facts = String::new();
        for key in &self.by {
            let fact = key.of(call, caller).unwrap_or_default();
            facts.extend(["|", &fact.len().to_string(), ":", fact]);
        }
        if facts.len() > FACTS_MAX {
            facts = format!("|sha256:{:x}", Sha256::digest(&facts));
        }
        format!("{}/{}{facts}", self.label(position), self.window_s)
    }

    pub(crate) fn exceeded(&self, position: usize, retry_after_ms: u32) -> Refusal {
        let Self { calls, window_s, .. } = self;
        let wait_s = retry_after_ms.div_ceil(1_000);
        let message = format!("too many calls: {calls} in {window_s} s are allowed; try again in {wait_s} s");
        Refusal::exhausted(message, retry_after_ms).note(format!("limit `{}`", self.label(position)))
    }

    fn label(&self, position: usize) -> String {
        self.name.clone().unwrap_or_else(|| position.to_string())
    }
}
