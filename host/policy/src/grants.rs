use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::origin::{Origin, OriginPattern};

/// What an operator grants one plugin (`[plugin.grants]`, where the names have hyphens). Authority is what the plugin's
/// kind may import, what it does import, what is granted here and what its tenant may have: all four.
#[expect(clippy::struct_excessive_bools, reason = "one for each capability, each granted by itself")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// `wasi:logging`: lines in the gate's log. On by default: they are bounded and cleaned.
    pub logging: bool,
    /// `wasi:config`: the plugin's own settings as keys.
    pub config: bool,
    /// `wasi:clocks`: the time. Off by default: a plugin that measures can spy on its neighbours, and every call
    /// carries its time.
    pub clocks: bool,
    /// What the clocks round to, in milliseconds. 1 by default: coarse enough to hide what shares the processor's caches.
    pub clock_granularity_ms: u32,
    /// `wasi:random`: entropy. Off by default: every call carries 32 random bits.
    pub random: bool,
    /// `witgate:counter`: atomic counters.
    pub counter: bool,
    /// `wasi:keyvalue`: a small store of its own.
    pub keyvalue: bool,
    /// `wasi:cli/environment`: variables, each by its name. Empty by default; nothing of the gate's own is ever there.
    pub environment: BTreeMap<String, String>,
    /// `wasi:cli/environment`: arguments, after the program's name. Empty by default.
    pub arguments: Vec<String>,
    /// `wasi:cli/stdin`: what can be read there. Empty by default.
    pub stdin: String,
    /// `wasi:filesystem`: folders. None by default: a plugin whose language imports files and never uses them loads
    /// without a grant, and finds no folder.
    pub files: Vec<Folder>,
    /// `wasi:http`: origins that may be asked. None by default.
    pub network: Vec<Reach>,
    /// Secrets that the host fills in on the way to some origins. None by default.
    pub secrets: Vec<SecretGrant>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            logging: true,
            config: false,
            clocks: false,
            clock_granularity_ms: 1,
            random: false,
            counter: false,
            keyvalue: false,
            environment: BTreeMap::new(),
            arguments: Vec::new(),
            stdin: String::new(),
            files: Vec::new(),
            network: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

impl Grants {
    /// The keys of what is granted here.
    pub fn words(&self) -> Vec<&'static str> {
        let words = [
            ("logging", self.logging),
            ("counter", self.counter),
            ("keyvalue", self.keyvalue),
            ("config", self.config),
            ("clocks", self.clocks),
            ("random", self.random),
            ("files", !self.files.is_empty()),
            ("network", !self.network.is_empty()),
            ("secrets", !self.secrets.is_empty()),
            ("environment", !self.environment.is_empty()),
            ("arguments", !self.arguments.is_empty()),
            ("stdin", !self.stdin.is_empty()),
        ];
        words.into_iter().filter_map(|(word, is_granted)| is_granted.then_some(word)).collect()
    }

    /// How a grant is written under `[plugin.grants]`, to be filled in by an operator.
    pub fn example(word: &str) -> String {
        match word {
            "files" => "files = [{ path = \"FOLDER\", as = \"/data\" }]".to_owned(),
            "network" => "network = [{ origin = \"https://HOST\" }]".to_owned(),
            word => format!("{word} = true"),
        }
    }
}

/// A folder of the host in a plugin's eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub host: PathBuf,
    /// What the plugin calls it, as `/data`.
    pub guest: String,
    /// Whether the plugin may change what is in it.
    pub writable: bool,
    /// What the plugin may add to it in bytes, all its instances together, as long as the gate runs and over reloads.
    /// Growth of a file counts wherever it is written, holes too; what is cut off is given back. A new entry counts 4 KiB.
    /// What is removed is not given back, since a removed file stays as long as it is open: write in place, or cut a file
    /// to nothing and write it anew.
    pub quota_bytes: u64,
}

/// Origins that a plugin may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Which ones.
    pub origins: OriginPattern,
    /// With which methods of HTTP, in upper case.
    pub methods: Vec<String>,
    /// Addresses outside of the public Internet that the names may lead to. An address that is itself the origin's host
    /// is one of them without being listed.
    pub addresses: Vec<IpNet>,
}

/// A secret, and where it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    /// Its name in the configuration.
    pub name: String,
    /// The origins to which the host fills it in.
    pub origins: Vec<OriginPattern>,
}

impl SecretGrant {
    /// Whether the secret `name` may go to `origin`.
    pub fn allows(&self, name: &str, origin: &Origin) -> bool {
        self.name == name && self.origins.iter().any(|pattern| pattern.matches(origin))
    }
}
