use std::time::Duration;

use serde::{Deserialize, Serialize};
use witgate_policy::Circuit;

use super::{Fact, claims, facts};

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CircuitWord {
    #[default]
    Closed,
    HalfOpen,
    Open,
}

/// An upstream that could answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Candidate {
    id: String,
    labels: Vec<Fact>,
    healthy: bool,
    circuit: CircuitWord,
    in_flight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u32>,
}

impl Default for Candidate {
    fn default() -> Self {
        Self {
            id: "upstream".to_owned(),
            labels: Vec::new(),
            healthy: true,
            circuit: CircuitWord::Closed,
            in_flight: 0,
            latency_us: None,
        }
    }
}

impl Candidate {
    pub(crate) fn of(candidate: &witgate_policy::Candidate) -> Self {
        Self {
            id: candidate.id.to_string(),
            labels: facts(&candidate.labels),
            healthy: candidate.healthy,
            circuit: match candidate.circuit {
                Circuit::Closed => CircuitWord::Closed,
                Circuit::HalfOpen => CircuitWord::HalfOpen,
                Circuit::Open => CircuitWord::Open,
            },
            in_flight: candidate.in_flight,
            latency_us: candidate.latency.map(|latency| u32::try_from(latency.as_micros()).unwrap_or(u32::MAX)),
        }
    }

    pub(in crate::case) fn candidate(&self) -> witgate_policy::Candidate {
        witgate_policy::Candidate {
            id: self.id.as_str().into(),
            labels: claims(&self.labels).into(),
            healthy: self.healthy,
            circuit: match self.circuit {
                CircuitWord::Closed => Circuit::Closed,
                CircuitWord::HalfOpen => Circuit::HalfOpen,
                CircuitWord::Open => Circuit::Open,
            },
            in_flight: self.in_flight,
            latency: self.latency_us.map(|us| Duration::from_micros(us.into())),
        }
    }
}
