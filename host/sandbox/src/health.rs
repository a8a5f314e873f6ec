use std::time::Duration;

use witgate_policy::Stage;

/// How a plugin does in one of its kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The kind.
    pub kind: Stage,
    /// Whether it is asked.
    pub condition: Condition,
    /// Faults since its last answer to anybody.
    pub faults_in_a_row: u32,
    /// Calls that it was asked about since it was loaded.
    pub calls: u64,
    /// Those that ended in a fault.
    pub faults: u64,
    /// Calls that were refused without asking, because of a quarantine.
    pub refused: u64,
    /// The last fault.
    pub last_fault: Option<LastFault>,
}

/// Whether a plugin is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// For everybody.
    Well,
    /// Not for so many callers, whose own messages made it fail again and again; for everybody else.
    Partly {
        /// How many.
        callers: u32,
    },
    /// For nobody, until it is tried again.
    Quarantined {
        /// How long ago it began.
        since: Duration,
        /// When it will be tried; zero when the next call is the trial, or the trial is under way.
        left: Duration,
    },
}

/// A fault that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFault {
    /// Its one word, as in logs.
    pub label: &'static str,
    /// What happened, as it follows the plugin's name in a sentence.
    pub text: String,
    /// How long ago.
    pub ago: Duration,
}
