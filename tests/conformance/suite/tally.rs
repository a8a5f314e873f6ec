//! What a scenario found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// By scenario.
pub(crate) type Tallies = BTreeMap<String, Tally>;

/// The checks of one run of a scenario. Empty when the run broke down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    error_message: String,
}

impl Tally {
    /// From the file that the suite writes.
    pub(crate) fn read(text: &str) -> Self {
        let mut checks: Vec<Check> = serde_json::from_str(text).expect("the suite's checks");
        // What is only said along the way depends on how often something was sent.
        checks.retain(|check| check.status != "INFO");
        checks.sort();
        Self { checks }
    }

    /// Whether the same checks ended the same way.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let ended = |tally: &Self| -> Vec<_> {
            tally.checks.iter().map(|check| (check.id.clone(), check.status.clone())).collect()
        };
        ended(self) == ended(other)
    }

    /// Whether nothing failed, and something was checked.
    pub(crate) fn passes(&self) -> bool {
        !self.checks.is_empty() && self.failures().is_empty()
    }

    /// The checks that failed, and why.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.told(|check| check.status == "FAILURE")
    }

    /// The checks that ended otherwise than in `other`, and how.
    pub(crate) fn against(&self, other: &Self) -> Vec<String> {
        let key = |check: &Check| (check.id.clone(), check.status.clone());
        let mut rest: Vec<_> = other.checks.iter().map(key).collect();
        let mut told = self.told(|check| match rest.iter().position(|found| *found == key(check)) {
            Some(at) => {
                rest.remove(at);
                false
            }
            None => true,
        });
        told.extend(rest.into_iter().map(|(id, status)| format!("{id}: no {status}, as there is direct")));
        told
    }

    /// How many passed of how many, and what else there is.
    pub(crate) fn score(&self) -> String {
        if self.checks.is_empty() {
            return "broke down".into();
        }
        let count = |status: &str| self.checks.iter().filter(|check| check.status == status).count();
        let mut score = format!("{} of {}", count("SUCCESS"), count("SUCCESS") + count("FAILURE"));
        for (status, word) in [("WARNING", "warned"), ("SKIPPED", "skipped")] {
            if count(status) > 0 {
                // Writing to a string does not fail.
                let _ = write!(score, ", {} {word}", count(status));
            }
        }
        score
    }

    fn told(&self, mut which: impl FnMut(&Check) -> bool) -> Vec<String> {
        let told = self.checks.iter().filter(|check| which(check));
        told.map(|check| format!("{} {}: {} {}", check.id, check.status, check.description, check.error_message))
            .collect()
    }
}

#[test]
fn a_check_that_ends_otherwise_is_told() {
    let tally = |statuses: &[&str]| {
        let checks = statuses.iter().map(|status| serde_json::json!({ "id": "same", "status": status }));
        Tally::read(&checks.collect::<serde_json::Value>().to_string())
    };
    let direct = tally(&["SUCCESS", "SUCCESS", "INFO"]);
    assert!(direct.agrees(&tally(&["SUCCESS", "INFO", "SUCCESS", "INFO"])));
    assert!(!direct.agrees(&tally(&["SUCCESS"])));
    assert_eq!(tally(&["SUCCESS"]).against(&direct), ["same: no SUCCESS, as there is direct"]);
    assert_eq!(tally(&["SUCCESS", "FAILURE"]).against(&direct).len(), 2);
    assert!(!Tally::default().passes());
    assert_eq!(tally(&["SUCCESS", "FAILURE", "SKIPPED"]).score(), "1 of 2, 1 skipped");
}
