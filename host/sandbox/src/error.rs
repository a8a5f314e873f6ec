use std::sync::Arc;

use crate::limits;
use witgate_policy::{Fault, Grants, Stage};

use crate::compiler::CompilerFault;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine refused its settings, or the address space is too small for its pools.
    #[error(
        "the WebAssembly engine cannot start: {0}; if the address space is limited (`ulimit -v`), lower `instances`"
    )]
    Engine(String),
    /// There is no thread for the clock that stops guests.
    #[error("no thread for the clock that stops plugins: {0}")]
    Ticker(std::io::Error),
    /// There is no way to the network for plugins.
    #[error("plugins cannot reach the network: {0}")]
    Egress(#[from] witgate_egress::SetupError),
}

/// Why a component was not loaded. `plugin` is the name that the caller gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is longer than it may be.
    #[error("plugin `{plugin}` is {size_bytes} bytes long, {limit_bytes} are allowed")]
    TooLarge {
        /// The plugin.
        plugin: Arc<str>,
        /// The file's length.
        size_bytes: usize,
        /// What is allowed.
        limit_bytes: usize,
    },
    /// The file is no WebAssembly at all.
    #[error("plugin `{plugin}` is not WebAssembly in its binary form")]
    NotWasm {
        /// The plugin.
        plugin: Arc<str>,
    },
    /// The file is a core module.
    #[error(
        "plugin `{plugin}` is a core module, not a component; build it for the target `wasm32-wasip2`, or link it with \
         `wasm-component-ld`, or make a component of it with `wasm-tools component new`"
    )]
    CoreModule {
        /// The plugin.
        plugin: Arc<str>,
    },
    /// The component does not validate or compile.
    #[error("plugin `{plugin}` does not compile: {cause}{}", ceiling(cause))]
    Compile {
        /// The plugin.
        plugin: Arc<str>,
        /// What the compiler said.
        cause: String,
    },
    /// The compiler did not come to an answer.
    #[error("plugin `{plugin}` was not compiled: {cause}")]
    Compiler {
        /// The plugin.
        plugin: Arc<str>,
        /// Why not.
        cause: CompilerFault,
    },
    /// The component exports a kind's interface in a version that this gate does not speak.
    #[error("plugin `{plugin}` exports `{found}`, this gate speaks `{supported}`")]
    WrongVersion {
        /// The plugin.
        plugin: Arc<str>,
        /// The interface found.
        found: String,
        /// The interface that would do.
        supported: &'static str,
    },
    /// The component exports the interface of no kind.
    #[error(
        "plugin `{plugin}` is of no kind: it exports {}, and none of `witgate:auth`, `witgate:credential`, \
             `witgate:validate`, `witgate:route`, `witgate:retry`, `witgate:sanitize`",
        quoted(exports)
    )]
    NoKind {
        /// The plugin.
        plugin: Arc<str>,
        /// What it does export.
        exports: Vec<String>,
    },
    /// The component exports an interface of the right name and another form.
    #[error("plugin `{plugin}` does not keep the contract of {} {kind} plugin: {cause}", article(*kind))]
    Contract {
        /// The plugin.
        plugin: Arc<str>,
        /// The kind.
        kind: Stage,
        /// What differs.
        cause: String,
    },
    /// The component imports an interface of the right name and another form.
    #[error("plugin `{plugin}` imports something in another form than this gate has it: {cause}")]
    Imports {
        /// The plugin.
        plugin: Arc<str>,
        /// What differs.
        cause: String,
    },
    /// The component imports what the operator did not grant.
    #[error("plugin `{plugin}` imports {}", missing(imports))]
    NotGranted {
        /// The plugin.
        plugin: Arc<str>,
        /// Each import that was not granted, with the grant that allows it.
        imports: Vec<(String, &'static str)>,
    },
    /// The component imports what no plugin of its kind may have.
    #[error("plugin `{plugin}` imports `{import}`: no grant can allow that for {} {kind} plugin", article(*kind))]
    BeyondCeiling {
        /// The plugin.
        plugin: Arc<str>,
        /// The import.
        import: String,
        /// The kind.
        kind: Stage,
    },
    /// The component imports something that the gate does not know.
    #[error("plugin `{plugin}` imports `{import}`, which this gate does not have{}", instead(import))]
    UnknownImport {
        /// The plugin.
        plugin: Arc<str>,
        /// The import.
        import: String,
    },
    /// A limit is zero or above its ceiling.
    #[error("the limit `{key}` of plugin `{plugin}` is {value}, it must be between 1 and {most}")]
    Limit {
        /// The plugin.
        plugin: Arc<str>,
        /// The limit's name.
        key: &'static str,
        /// What was set.
        value: u64,
        /// The ceiling.
        most: u64,
    },
    /// A granted folder cannot be opened.
    #[error("plugin `{plugin}` was granted the folder `{folder}`, which cannot be opened: {cause}")]
    Folder {
        /// The plugin.
        plugin: Arc<str>,
        /// The folder on the host.
        folder: String,
        /// What the system said.
        cause: String,
    },
    /// `configure` refused the settings.
    #[error("plugin `{plugin}` does not accept its settings: {message}")]
    Settings {
        /// The plugin.
        plugin: Arc<str>,
        /// What it said, control characters removed.
        message: String,
    },
    /// The plugin failed when it was configured at load.
    #[error("plugin `{plugin}` failed its self test: it {fault}")]
    SelfTest {
        /// The plugin.
        plugin: Arc<str>,
        /// How.
        fault: Fault,
    },
}

/// The limit that no setting raises far enough, if that is the cause.
fn ceiling(cause: &str) -> String {
    limits::ceiling(cause)
        .map(|(key, most)| format!("; no plugin may have more (`{key}` is {most} at most)"))
        .unwrap_or_default()
}

fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn article(kind: Stage) -> &'static str {
    if kind == Stage::Auth { "an" } else { "a" }
}

fn missing(imports: &[(String, &'static str)]) -> String {
    let one = |(import, grant): &(String, &'static str)| {
        let example = Grants::example(grant);
        format!("`{import}`, which it was not granted; add `{example}` under [plugin.grants]")
    };
    imports.iter().map(one).collect::<Vec<_>>().join("; and ")
}

/// The version of an interface of ours that there is.
fn instead(import: &str) -> String {
    let ours = ["witgate:types/types", "witgate:counter/counter"];
    let path = import.split('@').next().unwrap_or_default();
    if ours.contains(&path) { format!("; it has `{path}@0.1.0`") } else { String::new() }
}
