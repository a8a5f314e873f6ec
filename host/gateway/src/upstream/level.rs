//! Log levels: which lines a client wants, and what a legacy server is told of it.

use serde_json::json;
use witgate_policy::Payload;

use super::connection::Connection;
use super::place::Hold;
use super::topics::outcome;
use crate::wire::{ClientFacts, LOG_LEVELS, rank};

/// How a legacy server is told.
pub(super) const SET_LEVEL: &str = "logging/setLevel";

/// What servers are taken to write when nobody told them.
const INFO: usize = 1;

/// The log lines that a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogWish {
    /// All: a legacy client that left it to the server, or a level that is unknown.
    All,
    /// Those of a level and above, by rank.
    From(usize),
    /// None: a modern client that did not ask for them.
    None,
}

impl LogWish {
    pub(crate) fn of(client: &ClientFacts) -> Self {
        match &client.log_level {
            None if client.revision.is_modern() => Self::None,
            None => Self::All,
            Some(least) => rank(least).map_or(Self::All, Self::From),
        }
    }

    /// Whether it wants the log line with these params.
    pub(crate) fn wants(self, params: &Payload) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::From(least) => {
                params.read::<String>("/level").and_then(|level| rank(&level)).is_none_or(|level| level >= least)
            }
        }
    }
}

/// A modern client says with each call which lines it wants. A legacy server that would not write them is told before;
/// others may share the connection, so it is never told to write fewer.
pub(super) async fn attune<T: Connection>(hold: &Hold<T>, client: &ClientFacts) {
    let Some(wanted) = client.log_level.as_deref().filter(|_| client.revision.is_modern()).and_then(rank) else {
        return;
    };
    let facts = hold.connection.facts();
    if facts.revision.is_modern() || !facts.has("/logging") {
        return;
    }
    let told = hold.busy.level().and_then(|params| rank(&params.read::<String>("/level")?));
    let most = wanted.min(told.unwrap_or(INFO));
    if told == Some(most) {
        return;
    }
    let params = Payload::of(&json!({ "level": LOG_LEVELS[most] }));
    hold.busy.set_level(&params);
    // Whatever it says, its log lines are what they are.
    let _ = outcome(&hold.connection, SET_LEVEL, params).await;
}

#[cfg(test)]
mod tests {
    use witgate_policy::Revision;

    use super::*;

    #[test]
    fn log_lines_reach_those_who_want_them() {
        #[track_caller]
        fn check(revision: Revision, least: Option<&str>, level: &str, want: bool) {
            let (log_level, capabilities) = (least.map(Into::into), Payload::empty());
            let client = ClientFacts { revision, info: None, capabilities, log_level, session: None };
            let params = Payload::of(&serde_json::json!({ "level": level }));
            assert_eq!(LogWish::of(&client).wants(&params), want, "{revision} {least:?} {level}");
        }
        check(Revision::V2026_07_28, None, "error", false);
        check(Revision::V2026_07_28, Some("warning"), "error", true);
        check(Revision::V2026_07_28, Some("warning"), "info", false);
        check(Revision::V2025_11_25, None, "debug", true);
        check(Revision::V2025_11_25, Some("odd"), "debug", true);
    }
}
