//! What grows when results get longer and configurations larger, and what should not.

mod latency;
mod many;
mod sizes;
mod times;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::compare::gates;
use crate::configuration::Configuration;
use crate::setting::{Between, Setting};
use crate::window::Bench;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The gate's binary. By default the one beside this program.
    #[arg(long)]
    pub(crate) gate: Vec<String>,
    /// What is measured.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    pub(crate) only: Vec<Part>,
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Seconds that each setting is measured for in each round.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Part {
    /// Results from 1 KiB to 1 MiB.
    Sizes,
    /// Tenants, upstreams and tools, from few to many.
    Many,
    /// What the gate adds at 1,000 messages in a second.
    Latency,
    /// Start to first answer; a list of 10,000 tools.
    Times,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Sizes, Self::Many, Self::Latency, Self::Times];
}

/// What all parts need.
struct Scale {
    bench: Bench,
    binary: PathBuf,
    rounds: usize,
}

impl Scale {
    fn gate(&self, name: &str, configuration: Configuration) -> Setting {
        Setting::new(name, Between::Gate { binary: self.binary.clone(), configuration })
    }
}

/// Measures, and prints tables if nothing failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    Ok(write!(std::io::stdout(), "{}", tables(options)?)?)
}

/// The tables in Markdown.
pub(crate) fn tables(options: &Options) -> Result<String> {
    let (_, binary) = gates(&options.gate)?.into_iter().next().context("a gate")?;
    let bench = Bench::new(Duration::from_secs_f64(options.seconds))?;
    let scale = Scale { bench, binary, rounds: options.rounds };
    let parts = options.only.iter().map(|part| match part {
        Part::Sizes => sizes::table(&scale),
        Part::Many => many::table(&scale),
        Part::Latency => latency::table(&scale),
        Part::Times => times::table(&scale),
    });
    Ok(parts.collect::<Result<Vec<_>>>()?.join("\n"))
}
