use std::time::Duration;

use serde::{Deserialize, Serialize};
use witgate_policy::{Occasion, UpstreamFacts, Why};

use super::{CallFacts, Fact, claims, facts, ms};

/// The upstream that is to be shown something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Upstream {
    id: String,
    origin: String,
    labels: Vec<Fact>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self { id: "upstream".to_owned(), origin: "https://upstream.example.com".to_owned(), labels: Vec::new() }
    }
}

impl Upstream {
    pub(crate) fn of(upstream: &UpstreamFacts) -> Self {
        Self { id: upstream.id.to_string(), origin: upstream.origin.clone(), labels: facts(&upstream.labels) }
    }

    pub(in crate::case) fn facts(&self) -> UpstreamFacts {
        UpstreamFacts { id: self.id.as_str().into(), origin: self.origin.clone(), labels: claims(&self.labels).into() }
    }
}

/// Why a credential is asked for.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WhyWord {
    #[default]
    First,
    Expiring,
    Rejected,
}

/// The circumstances of a credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Moment {
    tenant: String,
    why: WhyWord,
    unix_time_s: u32,
    deadline_ms: u32,
}

impl Default for Moment {
    fn default() -> Self {
        let call = CallFacts::default();
        Self { tenant: call.tenant, why: WhyWord::First, unix_time_s: call.unix_time_s, deadline_ms: call.deadline_ms }
    }
}

impl Moment {
    pub(crate) fn of(occasion: &Occasion) -> Self {
        let why = match occasion.why {
            Why::First => WhyWord::First,
            Why::Expiring => WhyWord::Expiring,
            Why::Rejected => WhyWord::Rejected,
        };
        Self {
            tenant: occasion.tenant.to_string(),
            why,
            unix_time_s: occasion.unix_time_s,
            deadline_ms: ms(occasion.time_left),
        }
    }

    pub(in crate::case) fn occasion(&self) -> Occasion {
        let why = match self.why {
            WhyWord::First => Why::First,
            WhyWord::Expiring => Why::Expiring,
            WhyWord::Rejected => Why::Rejected,
        };
        Occasion {
            tenant: self.tenant.as_str().into(),
            why,
            unix_time_s: self.unix_time_s,
            time_left: Duration::from_millis(self.deadline_ms.into()),
        }
    }
}
