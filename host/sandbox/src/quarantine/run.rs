use std::time::Duration;

use tokio::time::Instant;

/// Faults in a row that lead to quarantine. More than one bad message can cause by itself when a client retries it a
/// few times.
pub(super) const FAULTS: u32 = 16;
/// The first quarantine; each further one is twice as long.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// The longest: a mended dependency is noticed within this.
const LONGEST: Duration = Duration::from_secs(30);

/// Faults with no answer between them, and what followed from them. An answer makes a new one.
#[derive(Debug, Default)]
pub(super) struct Run {
    faults: u32,
    /// Quarantines of this run.
    times: u32,
    /// Since when, and until when.
    closed: Option<(Instant, Instant)>,
    /// One call tries whether the plugin is well again.
    trial: bool,
    last: Option<Instant>,
}

impl Run {
    pub(super) fn begun(now: Instant) -> Self {
        Self { last: Some(now), ..Self::default() }
    }

    pub(super) fn faults(&self) -> u32 {
        self.faults
    }

    /// When the last fault was.
    pub(super) fn last(&self) -> Option<Instant> {
        self.last
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How long no call may be made: zero when a trial is under way.
    pub(super) fn closed(&self, now: Instant) -> Option<Duration> {
        let (_, left) = self.quarantined(now)?;
        (self.trial || !left.is_zero()).then_some(left)
    }

    /// Since when it has been closed, and what is left of it.
    pub(super) fn quarantined(&self, now: Instant) -> Option<(Duration, Duration)> {
        let (since, until) = self.closed?;
        Some((now.saturating_duration_since(since), until.saturating_duration_since(now)))
    }

    /// A call is made; whether it is the trial of a quarantine that is over.
    pub(super) fn try_again(&mut self) -> bool {
        self.trial = self.is_closed();
        self.trial
    }

    pub(super) fn end_trial(&mut self) {
        self.trial = false;
    }

    /// One more fault; how long the quarantine is, if this begins or prolongs one. `counts`: whether the run is of a
    /// kind that may.
    pub(super) fn fault(&mut self, trial: bool, counts: bool, now: Instant) -> Option<Duration> {
        self.faults = self.faults.saturating_add(1);
        self.last = Some(now);
        let begins = counts && self.faults >= FAULTS && self.closed.is_none();
        // A call that began before the quarantine, and ends now, does not prolong it.
        if !begins && !trial {
            return None;
        }
        let length = FIRST.saturating_mul(1 << self.times.min(5)).min(LONGEST);
        self.times += 1;
        let since = self.closed.map_or(now, |(since, _)| since);
        self.closed = Some((since, now + length));
        Some(length)
    }
}
