use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use witgate_sandbox::Job;

use super::author;

/// An MCP gateway whose policies are WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "witgate", version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    #[command(flatten)]
    pub(super) run: Run,
}

const AFTER_HELP: &str =
    "Without a verb, `run`. Without a configuration, ./witgate.toml; without that, a demonstration.
Exit codes: 0 done, 1 failed while running, 2 the command line or the configuration is at fault.";

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the gate.
    Run(Run),
    /// Serve one tenant on standard input and output, for a client that starts its servers itself. Auth plugins see
    /// the variable `WITGATE_AUTHORIZATION` as the header `authorization`, and `WITGATE_API_KEY` as `x-api-key`.
    Stdio(Stdio),
    /// Check the configuration, and load every plugin that it names.
    Check(Config),
    /// Make a configuration of an `mcpServers` JSON file (Claude Desktop, Cursor, VS Code).
    Import(Import),
    /// Look at plugins.
    Plugin {
        #[command(subcommand)]
        verb: PluginVerb,
    },
    /// Print the configuration of the demonstration, to begin with.
    Example,
    /// Print the JSON schema of the configuration.
    Schema,
    /// Compile a component from standard input: what this program starts itself as, in order to compile.
    #[command(hide = true)]
    Compile {
        /// For which engine and within which limits.
        job: Job,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, ClapArgs)]
pub(super) struct Config {
    /// The configuration file.
    #[arg(short, long, env = "WITGATE_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) config: Config,
    /// Do not watch the configuration and plugin files; SIGHUP still reloads.
    #[arg(long)]
    pub(super) no_watch: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Stdio {
    #[command(flatten)]
    pub(super) config: Config,
    /// The tenant; not needed when there is one.
    #[arg(long, value_name = "NAME")]
    pub(super) tenant: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Import {
    /// The JSON file; `-` for standard input.
    #[arg(value_name = "FILE.json")]
    pub(super) file: PathBuf,
    /// Where the configuration is written; never over a file that is there. Standard output by default.
    #[arg(short, long, value_name = "FILE.toml")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginVerb {
    /// Begin a plugin: a folder with a policy that works, its tests, and the contract.
    New(author::New),
    /// Build a project's component with its language's own tools.
    Build {
        /// The project's folder.
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Play a plugin's cases in the sandbox, with nothing of the outside, and compare its verdicts.
    Test(author::Test),
    /// Play one case, and print the verdict and what it took.
    Run {
        /// A case's folder, a case.json, or - for standard input.
        #[arg(value_name = "CASE")]
        case: PathBuf,
        /// A project's folder, a .wasm file, or builtin:NAME; the project that the case is in by default.
        #[arg(long, value_name = "FOLDER|FILE|builtin:NAME")]
        plugin: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure a plugin beside one that does nothing, as a gate asks it by default and in a kept instance.
    Bench(author::Bench),
    /// Keep what a plugin of a running gate is asked as cases, secrets redacted.
    Record(author::Record),
    /// Show a component's kinds, imports, size and digest, and the grants that it needs.
    Inspect {
        /// A project's folder, a .wasm file, or builtin:NAME.
        #[arg(value_name = "FOLDER|FILE|builtin:NAME", default_value = ".")]
        source: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the built-in plugins, and those of the configuration: what each is granted and, when a gate serves the
    /// configuration, how it does.
    List {
        #[command(flatten)]
        config: Config,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
