#![doc = include_str!("../README.md")]

mod score;

use std::collections::BTreeMap;

use serde::Deserialize;
use witgate_sdk::route::{Candidate, Circuit, Router, Verdict};
use witgate_sdk::{Call, Identity, Key, Plugin, Refusal};

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    weights: BTreeMap<String, u16>,
    #[serde(default)]
    require: BTreeMap<String, String>,
    #[serde(default)]
    sticky: Vec<Key>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Weighted,
    LeastLoaded,
}

/// Beyond this a weight is more likely a mistake than a wish.
const WEIGHT_MAX: u16 = 1_000;

struct Weighted(Settings);

impl Plugin for Weighted {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        match settings.weights.iter().find(|(_, weight)| **weight > WEIGHT_MAX) {
            Some((name, weight)) => Err(format!("setting `weights.{name}`: {weight} is more than {WEIGHT_MAX}")),
            None => Ok(Self(settings)),
        }
    }
}

impl Router for Weighted {
    fn route(&self, call: &Call, caller: &Identity, candidates: &[Candidate]) -> Verdict {
        let seed = self.seed(call, caller);
        let mut ranked: Vec<_> = candidates
            .iter()
            .filter(|candidate| self.is_eligible(candidate))
            .map(|candidate| (self.rank(candidate, seed), candidate))
            .collect();
        if ranked.is_empty() {
            let required: Vec<_> = self.0.require.iter().map(|(label, value)| format!("{label}={value}")).collect();
            return Refusal::unavailable("no upstream may answer this")
                .note(format!("no candidate carries the labels of `require`: {}", required.join(", ")))
                .into();
        }
        ranked.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        Verdict::Order(ranked.into_iter().map(|(_, candidate)| candidate.id.clone()).collect())
    }
}

impl Weighted {
    fn is_eligible(&self, candidate: &Candidate) -> bool {
        self.0.require.iter().all(|(label, value)| has_label(candidate, label, value))
    }

    /// Smaller is better: state of health first, then reserves, then the mode's measure, then the latency, then chance.
    fn rank(&self, candidate: &Candidate, seed: u64) -> (u8, bool, f64, u32, f64) {
        let health = match (candidate.circuit, candidate.healthy) {
            (Circuit::Closed, true) => 0,
            (Circuit::Closed | Circuit::HalfOpen, _) => 1,
            (Circuit::Open, _) => 2,
        };
        let weight = self.weight(candidate);
        // Among reserves all are equal.
        let share = f64::from(weight.max(1));
        let drawn = score::rendezvous(seed, &candidate.id, share);
        let measure = match self.0.mode {
            Mode::Weighted => drawn,
            Mode::LeastLoaded => f64::from(candidate.in_flight) / share,
        };
        (health, weight == 0, measure, candidate.latency_us.unwrap_or(0), drawn)
    }

    fn weight(&self, candidate: &Candidate) -> u16 {
        let by_label = || {
            let weighs =
                |name: &str| name.split_once('=').is_some_and(|(label, value)| has_label(candidate, label, value));
            self.0.weights.iter().filter(|(name, _)| weighs(name)).map(|(_, weight)| *weight).max()
        };
        self.0.weights.get(&candidate.id).copied().or_else(by_label).unwrap_or(1)
    }

    /// The same for calls that belong together: by key when the call has one, otherwise by chance.
    fn seed(&self, call: &Call, caller: &Identity) -> u64 {
        let facts: Vec<_> = self.0.sticky.iter().map(|key| key.of(call, caller)).collect();
        if facts.iter().all(Option::is_none) {
            return score::hash([&call.chance.to_le_bytes()[..]]);
        }
        score::hash(facts.iter().map(|fact| fact.unwrap_or_default().as_bytes()))
    }
}

fn has_label(candidate: &Candidate, label: &str, value: &str) -> bool {
    candidate.labels.iter().any(|held| held.name == label && held.value == value)
}

witgate_sdk::export!(Weighted as route);

#[cfg(test)]
mod tests;
