//! Everything that is measured, written into this folder's README with the commit and the machine.

use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::server::Nginx;
use crate::{compare, scale};

/// How it is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The gate's binary. By default the one beside this program.
    #[arg(long)]
    gate: Option<String>,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds that each setting is measured for in each round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

const BEGIN: &str = "<!-- measured: tests/bench/run report -->\n";
const END: &str = "<!-- end -->\n";

/// Measures, and writes if nothing failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let old = read_to_string(&file)?;
    let (before, rest) = old.split_once(BEGIN).context("README.md: where the table begins")?;
    let (_, after) = rest.split_once(END).context("README.md: where the table ends")?;
    let text = tables(options)?;
    Ok(std::fs::write(file, format!("{before}{BEGIN}\n{text}\n{END}{after}"))?)
}

fn tables(options: &Options) -> Result<String> {
    let place = place()?;
    let gate: Vec<_> = options.gate.iter().cloned().collect();
    let compare = |names: &[&str], connections: &[usize]| {
        compare::table(&compare::Options {
            gate: gate.clone(),
            only: names.iter().map(|name| (*name).to_owned()).collect(),
            connections: connections.to_vec(),
            rate: None,
            tool: "echo".to_owned(),
            logged: false,
            rounds: options.rounds,
            seconds: options.seconds,
        })
    };
    let all = compare(&compare::NAMES, &[16])?;
    let others = compare(&["bare", "five"], &[1, 64])?;
    let scale = scale::Options {
        gate: gate.clone(),
        only: scale::Part::ALL.to_vec(),
        rounds: options.rounds,
        seconds: options.seconds,
    };
    let scale = scale::tables(&scale)?;
    let how = format!("Medians of {} rounds, with the least and the most.", options.rounds);
    Ok(format!("{place}. {how}\n\n{all}\n{others}\n{scale}"))
}

/// The commit, the machine, and the yardstick.
fn place() -> Result<String> {
    let commit = output(Command::new("git").args(["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "--short", "HEAD"]))?;
    let processors = std::thread::available_parallelism()?;
    let processor = read_to_string("/proc/cpuinfo")?;
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("unknown processor", |(_, name)| name);
    let kernel = read_to_string("/proc/sys/kernel/osrelease")?;
    let (kernel, nginx) = (kernel.trim(), Nginx::version()?);
    Ok(format!("Commit {commit}, {processors} × {processor}, Linux {kernel}, nginx {nginx}"))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
