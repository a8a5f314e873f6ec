//! What the gate costs as a whole, beside a plain proxy on the same machine in the same run.
//!
//! One program in three roles, each a process of its own so that the processor time of one is not the other's: `upstream` is
//! an MCP server that costs as little as it can, `drive` is a client that holds every answer against the first one,
//! and `compare` starts them with nginx and the gate between, round after round, and prints a table, or what failed.

mod compare;
mod configuration;
mod load;
mod passing;
mod proof;
mod report;
mod rounds;
mod scale;
mod server;
mod setting;
mod spread;
mod table;
mod upstream;
mod window;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use witgate_bench::{Part, count};

#[derive(Debug, Parser)]
#[command(about, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Measure configurations of the gate beside nginx.
    Compare(compare::Options),
    /// Measure what grows with results and configurations.
    Scale(scale::Options),
    /// Measure all of it, and write the tables into tests/bench/README.md.
    Report(report::Options),
    /// Serve MCP over HTTP as cheaply as possible.
    Upstream(upstream::Options),
    /// Send requests and measure the answers.
    Drive,
    /// Run parts of the hot path, or one, for what counts instructions.
    Parts { name: Option<String> },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().role {
        Role::Compare(options) => compare::run(&options),
        Role::Scale(options) => scale::run(&options),
        Role::Report(options) => report::run(&options),
        Role::Upstream(options) => upstream::run(&options),
        Role::Drive => load::run(),
        Role::Parts { name } => parts(name.as_deref()),
    };
    done.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn parts(name: Option<&str>) -> anyhow::Result<()> {
    match name {
        Some(name) => count(std::iter::once(Part::named(name).with_context(|| format!("there is no part `{name}`"))?)),
        None => count(Part::of_host()),
    }
    Ok(())
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    // With a closed standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", causes.join("\n  "));
    ExitCode::FAILURE
}
