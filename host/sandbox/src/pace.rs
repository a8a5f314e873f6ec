//! Whether a call is tried at once, or in turns.
//!
//! Nearly all calls end within microseconds. A plugin that can neither wait nor change anything outside its instance is
//! therefore called at once, on the caller's own stack, and stopped at the second tick of the clock at the latest. Then
//! nothing has happened but that time was lost: the instance is dropped, and the call begins again in a fresh one, in
//! turns with its neighbours and within all of its limits. Whoever was slow is not tried at once for a while.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::limits::Bounds;
use crate::ticker;

/// Ticks after which a call that was tried at once is stopped: at least one whole period, so that no short call is.
pub(crate) const TICKS: u64 = 2;
/// A call about longer documents than this is not tried.
const SHORT_BYTES: usize = 64 << 10;
/// Calls that are not tried after one was slow, so that what is lost is little beside what they take.
const WARY_CALLS: u32 = 64;

/// How the calls of one plugin are made.
pub(crate) struct Pace {
    hasty: bool,
    wary: AtomicU32,
}

impl Pace {
    /// `pure`: whether the plugin was linked with nothing that waits or has an effect.
    pub(crate) fn new(pure: bool, bounds: &Bounds) -> Self {
        let tried = ticker::PERIOD.saturating_mul(u32::try_from(TICKS).unwrap_or(u32::MAX));
        let within = |limit: Duration| limit >= tried;
        let hasty = pure && within(bounds.guest_time) && within(bounds.wall_time);
        Self { hasty, wary: AtomicU32::new(0) }
    }

    /// Whether any call is tried at once.
    pub(crate) fn may_be_hasty(&self) -> bool {
        self.hasty
    }

    /// Whether the next call, about documents of so many bytes, is tried at once.
    pub(crate) fn is_hasty(&self, document_bytes: usize) -> bool {
        if !self.hasty || document_bytes > SHORT_BYTES {
            return false;
        }
        // Callers that count at the same time count as one: it is no exact number.
        let wary = self.wary.load(Ordering::Relaxed);
        if wary > 0 {
            self.wary.store(wary - 1, Ordering::Relaxed);
        }
        wary == 0
    }

    /// A call that was tried at once did not end.
    pub(crate) fn was_slow(&self) {
        self.wary.store(WARY_CALLS, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Weight;
    use witgate_policy::Limits;

    fn pace(pure: bool, limits: &Limits) -> Pace {
        Pace::new(pure, &Bounds::of(limits, &"p".into(), Weight::Light).expect("limits"))
    }

    #[test]
    fn only_what_is_pure_and_short_and_has_the_time_is_tried() {
        #[track_caller]
        fn check(pure: bool, limits: &Limits, bytes: usize, want: bool) {
            assert_eq!(pace(pure, limits).is_hasty(bytes), want);
        }
        let usual = Limits::default();
        check(true, &usual, SHORT_BYTES, true);
        check(true, &usual, SHORT_BYTES + 1, false);
        check(false, &usual, 0, false);
        check(true, &Limits { guest_time_ms: Some(1), ..Limits::default() }, 0, false);
        check(true, &Limits { wall_time_ms: 1, ..Limits::default() }, 0, false);
    }

    #[test]
    fn who_was_slow_is_not_tried_for_a_while() {
        let pace = pace(true, &Limits::default());
        pace.was_slow();
        let tried = (0..=WARY_CALLS).map(|_| pace.is_hasty(0)).filter(|tried| *tried).count();
        assert!(tried == 1 && pace.is_hasty(0), "the last, and those after it");
    }
}
