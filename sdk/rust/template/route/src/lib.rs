//! Spreads calls over upstreams by weight.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use witgate_sdk::route::{Candidate, Circuit, Router, Verdict};
use witgate_sdk::{Call, Identity, Plugin, Refusal};

#[derive(Deserialize)]
struct Settings {
    /// By upstream; 1 where there is none.
    weights: Option<BTreeMap<String, Value>>,
}

struct Weighted(BTreeMap<String, Value>);

impl Plugin for Weighted {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self(settings.weights.unwrap_or_default()))
    }
}

impl Router for Weighted {
    fn route(&self, call: &Call, _: &Identity, candidates: &[Candidate]) -> Verdict {
        let eligible: Vec<_> = candidates.iter().filter(|one| one.healthy && one.circuit != Circuit::Open).collect();
        if eligible.is_empty() {
            let refusal = Refusal::unavailable("no upstream is healthy");
            return Refusal { retry_after_ms: Some(1_000), ..refusal }.into();
        }
        let total: u64 = eligible.iter().map(|one| self.weight(one)).sum();
        if total == 0 {
            return Verdict::Abstain;
        }
        let point = u64::from(call.chance) % total;
        let mut sum = 0;
        let picked = eligible.iter().position(|one| {
            sum += self.weight(one);
            sum > point
        });
        let mut order: Vec<String> = eligible.into_iter().map(|one| one.id.clone()).collect();
        order[..=picked.unwrap_or_default()].rotate_right(1);
        Verdict::Order(order)
    }
}

impl Weighted {
    fn weight(&self, candidate: &Candidate) -> u64 {
        let weight = self.0.get(&candidate.id).and_then(Value::as_u64);
        weight.filter(|weight| u32::try_from(*weight).is_ok()).unwrap_or(1)
    }
}

witgate_sdk::export!(Weighted as route);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_decides() {
        let plugin: Weighted = witgate_sdk::configure(r#"{"weights": {"a": 1, "b": 3}}"#).expect("settings");
        let candidates = ["a", "b"].map(|id| Candidate {
            id: id.to_owned(),
            labels: Vec::new(),
            healthy: true,
            circuit: Circuit::Closed,
            in_flight: 0,
            latency_us: None,
        });
        let first = |chance| match plugin.route(&Call { chance, ..Call::default() }, &Identity::default(), &candidates) {
            Verdict::Order(order) => order[0].clone(),
            verdict => panic!("{verdict:?}"),
        };
        assert_eq!([0, 1, 2, 3, 4].map(first), ["a", "b", "b", "b", "a"]);
    }
}
