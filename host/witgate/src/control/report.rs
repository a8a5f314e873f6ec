use serde::{Deserialize, Serialize};
use witgate_policy::{Folder, Grants, Mode, Reach, SecretGrant};
use witgate_sandbox as sandbox;

use crate::generation::{Listed, Roster};

/// The plugins of a configuration; of a gate that runs, with how they do.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The process of the gate; `None` when none runs.
    pub pid: Option<u32>,
    /// Its version.
    pub version: String,
    /// The generation that serves; `None` when no gate runs.
    pub generation: Option<u64>,
    /// In the order of the file.
    pub plugins: Vec<Plugin>,
}

/// A plugin.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plugin {
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kinds: Vec<String>,
    /// `enforce` or `shadow`.
    pub mode: String,
    /// The SHA-256 of its component.
    pub digest: String,
    /// What it was granted, in words.
    pub grants: Vec<String>,
    /// How it does in each kind; empty when no gate runs.
    pub health: Vec<Health>,
}

/// How a plugin does in one of its kinds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Health {
    /// The kind.
    pub kind: String,
    /// Whether it is asked.
    pub condition: Condition,
    /// Calls since it was loaded.
    pub calls: u64,
    /// Those that ended in a fault.
    pub faults: u64,
    /// Those that were refused without asking it.
    pub refused: u64,
    /// Faults since its last answer.
    pub faults_in_a_row: u32,
    /// The last fault.
    pub last_fault: Option<LastFault>,
}

/// Whether a plugin is asked.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "state")]
pub enum Condition {
    /// For everybody.
    Well,
    /// Not for some callers.
    Partly {
        /// How many.
        callers: u32,
    },
    /// For nobody.
    Quarantined {
        /// How long it has been, in milliseconds.
        for_ms: u64,
        /// When it will be tried again, in milliseconds.
        left_ms: u64,
    },
}

/// A fault that was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastFault {
    /// Its word, as in logs.
    pub label: String,
    /// What happened.
    pub text: String,
    /// How long ago, in milliseconds.
    pub ago_ms: u64,
}

impl Report {
    /// Of a gate that runs: this one.
    pub(super) fn of(roster: &Roster) -> Self {
        Self {
            pid: Some(std::process::id()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            generation: Some(roster.generation),
            plugins: roster.plugins.iter().map(Plugin::of).collect(),
        }
    }

    /// Of a configuration that no gate serves.
    pub fn of_file(plugins: Vec<Plugin>) -> Self {
        Self { pid: None, version: env!("CARGO_PKG_VERSION").to_owned(), generation: None, plugins }
    }
}

impl Plugin {
    fn of(listed: &Listed) -> Self {
        Self {
            tenant: listed.tenant.to_string(),
            name: listed.name.to_string(),
            kinds: listed.kinds().iter().map(ToString::to_string).collect(),
            mode: mode(listed.mode).to_owned(),
            digest: listed.digest().to_string(),
            grants: in_words(&listed.grants),
            health: listed.health().iter().map(Health::of).collect(),
        }
    }
}

impl Health {
    fn of(health: &sandbox::Health) -> Self {
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let condition = match health.condition {
            sandbox::Condition::Well => Condition::Well,
            sandbox::Condition::Partly { callers } => Condition::Partly { callers },
            sandbox::Condition::Quarantined { since, left } => {
                Condition::Quarantined { for_ms: ms(since), left_ms: ms(left) }
            }
        };
        let last_fault = health.last_fault.as_ref().map(|fault| LastFault {
            label: fault.label.to_owned(),
            text: fault.text.clone(),
            ago_ms: ms(fault.ago),
        });
        Self {
            kind: health.kind.to_string(),
            condition,
            calls: health.calls,
            faults: health.faults,
            refused: health.refused,
            faults_in_a_row: health.faults_in_a_row,
            last_fault,
        }
    }
}

/// The word of the configuration.
pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    }
}

/// What is granted beyond what every plugin has. Values of variables, and what is on standard input, may be secret and
/// are not told.
pub(crate) fn in_words(grants: &Grants) -> Vec<String> {
    let plain = ["counter", "keyvalue", "config", "clocks", "random"];
    let mut words: Vec<_> = grants.words().into_iter().filter(|word| plain.contains(word)).map(str::to_owned).collect();
    if !grants.logging {
        words.push("no logging".to_owned());
    }
    words.extend(grants.files.iter().map(folder));
    words.extend(grants.network.iter().map(reach));
    words.extend(grants.secrets.iter().map(secret));
    if !grants.environment.is_empty() {
        let names: Vec<_> = grants.environment.keys().map(String::as_str).collect();
        words.push(format!("environment {}", names.join(", ")));
    }
    if !grants.arguments.is_empty() {
        words.push(format!("{} arguments", grants.arguments.len()));
    }
    if !grants.stdin.is_empty() {
        words.push(format!("{} bytes of standard input", grants.stdin.len()));
    }
    words
}

fn folder(folder: &Folder) -> String {
    let how =
        if folder.writable { format!("up to {} bytes written", folder.quota_bytes) } else { "read-only".to_owned() };
    format!("{} as {} ({how})", folder.host.display(), folder.guest)
}

fn reach(reach: &Reach) -> String {
    let addresses: Vec<_> = reach.addresses.iter().map(ToString::to_string).collect();
    let also = if addresses.is_empty() { String::new() } else { format!(", also at {}", addresses.join(", ")) };
    format!("{} {}{also}", reach.methods.join("/"), reach.origins)
}

fn secret(grant: &SecretGrant) -> String {
    let origins: Vec<_> = grant.origins.iter().map(ToString::to_string).collect();
    format!("secret {} to {}", grant.name, if origins.is_empty() { "nowhere".to_owned() } else { origins.join(", ") })
}
