//! The gate in its configurations beside nginx, which does nothing but pass on what comes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::configuration::{Configuration, FIVE, PASS, Plugin};
use crate::rounds::measure;
use crate::setting::{Between, Served, Setting};
use crate::table;
use crate::window::Bench;
use crate::wire::Era;

/// What is compared, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// A gate's binary, as PATH or NAME=PATH; several are measured side by side. By default the one beside this program.
    #[arg(long)]
    pub(crate) gate: Vec<String>,
    /// The configurations, by name; nginx is always among them.
    #[arg(long, value_delimiter = ',', default_value = "bare,five")]
    pub(crate) only: Vec<String>,
    /// Connections at once.
    #[arg(long, value_delimiter = ',', default_value = "16")]
    pub(crate) connections: Vec<usize>,
    /// Messages in a second; by default each connection sends as soon as it is answered.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// The tool that is called: `echo`, `echo_1k`, `echo_8k`, `echo_64k`, `echo_1m`.
    #[arg(long, default_value = "echo")]
    pub(crate) tool: String,
    /// Leave the gate's log as it is by default; older builds cannot turn it off.
    #[arg(long)]
    pub(crate) logged: bool,
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Seconds that each configuration is measured for in each round.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
}

/// The configurations by name.
pub(crate) const NAMES: [&str; 14] = [
    "direct",
    "nginx",
    "bare",
    "bare-session",
    "bare-legacy",
    "five",
    "five-logged",
    "five-reused",
    "pass",
    "auth",
    "schema",
    "route",
    "retry",
    "redact",
];

/// Compares, and prints a table if nothing failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    Ok(write!(std::io::stdout(), "{}", table(options)?)?)
}

/// The table in Markdown.
pub(crate) fn table(options: &Options) -> Result<String> {
    for name in &options.only {
        ensure!(NAMES.contains(&name.as_str()), "{name} is none of {}", NAMES.join(", "));
    }
    let gates = gates(&options.gate)?;
    let mut settings = Vec::new();
    for connections in &options.connections {
        let names = NAMES.iter().filter(|name| **name == "nginx" || options.only.iter().any(|wanted| wanted == *name));
        let named = names.flat_map(|name| named(options, name, &gates));
        settings.extend(named.map(|setting| Setting { connections: *connections, ..setting }));
    }
    let bench = Bench::new(Duration::from_secs_f64(options.seconds))?;
    let rows = measure(&bench, settings, options.rounds)?;
    Ok(table::of(&rows))
}

/// The settings of a name: one, or one for each gate.
fn named(options: &Options, name: &str, gates: &[(String, PathBuf)]) -> Vec<Setting> {
    let settings = match name {
        "direct" => vec![Setting::new(name, Between::Nothing)],
        "nginx" => vec![Setting::new(name, Between::Nginx)],
        _ => gates.iter().map(|gate| of_gate(options, name, gate)).collect(),
    };
    let with = |setting| Setting { rate: options.rate, tools: vec![options.tool.clone()], ..setting };
    settings.into_iter().map(with).collect()
}

fn of_gate(options: &Options, name: &str, (label, binary): &(String, PathBuf)) -> Setting {
    let plugins: &[Plugin] = match name {
        "five" | "five-logged" | "five-reused" => FIVE,
        "pass" => PASS,
        "auth" => &[Plugin::Auth],
        "schema" => &[Plugin::Schema],
        "route" => &[Plugin::Route],
        "retry" => &[Plugin::Retry],
        "redact" => &[Plugin::Redact],
        _ => &[],
    };
    let logged = options.logged || name == "five-logged";
    let configuration = Configuration { reused: name == "five-reused", logged, ..Configuration::of(plugins) };
    let mut setting = Setting::new(name, Between::Gate { binary: binary.clone(), configuration });
    if name == "bare-legacy" {
        setting.served = Served { era: Era::Legacy, ..setting.served };
    }
    if name == "bare-session" || name == "bare-legacy" {
        setting.client = Era::Legacy;
    }
    if options.gate.len() > 1 {
        setting.name = format!("{name} {label}");
    }
    setting
}

/// The gates by label.
pub(crate) fn gates(named: &[String]) -> Result<Vec<(String, PathBuf)>> {
    let beside = std::env::current_exe()?.with_file_name("witgate").display().to_string();
    let named = if named.is_empty() { &[beside] } else { named };
    let mut gates = Vec::new();
    for (number, gate) in (1..).zip(named) {
        let (label, path) = gate.split_once('=').unwrap_or(("", gate));
        ensure!(Path::new(path).is_file(), "{path} is no file: build it (`cargo build --release`) or say --gate");
        gates.push((if label.is_empty() { number.to_string() } else { label.to_owned() }, path.into()));
    }
    Ok(gates)
}
