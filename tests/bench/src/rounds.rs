//! Rounds: in each, every setting has one window, one after the other, so that what the machine does meanwhile meets all
//! of them.

use std::io::Write as _;

use anyhow::{Context as _, Result};

use crate::proof;
use crate::setting::Setting;
use crate::spread::Spread;
use crate::window::{Bench, Sample};

/// A setting and what its windows showed, one in each round.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) setting: Setting,
    pub(crate) samples: Vec<Sample>,
}

impl Row {
    /// A figure over the rounds.
    pub(crate) fn spread(&self, figure: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(figure))
    }

    /// A figure beside that of another row, round by round.
    pub(crate) fn beside(&self, other: &Self, figure: impl Fn(&Sample, &Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().zip(&other.samples).map(|(own, other)| figure(own, other)))
    }
}

/// Measures all settings; one that fails ends it.
pub(crate) fn measure(bench: &Bench, settings: Vec<Setting>, rounds: usize) -> Result<Vec<Row>> {
    for setting in &settings {
        if let Some(gate) = bench.gate(setting)? {
            proof::prove(setting, gate.address)?;
        }
    }
    let mut rows: Vec<_> = settings.into_iter().map(|setting| Row { setting, samples: Vec::new() }).collect();
    for round in 1..=rounds {
        // There and back, so that a drift does not favour the first.
        let mut order: Vec<_> = rows.iter_mut().collect();
        if round % 2 == 0 {
            order.reverse();
        }
        for row in order {
            let Setting { name, connections, .. } = &row.setting;
            let sample = bench.window(&row.setting).with_context(|| format!("{name} failed in round {round}"))?;
            let (cpu, rate) = (sample.cpu_us, sample.throughput());
            let progress = format!("round {round} of {rounds}: {connections:>2} × {name}: {cpu:.1} µs, {rate:.0}/s");
            writeln!(std::io::stderr(), "{progress}")?;
            row.samples.push(sample);
        }
    }
    Ok(rows)
}
