use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::error::EgressError;

/// Lines of one plugin that come at once.
const BURST: u32 = 10;
/// After them, one in this time; a plugin that is refused a thousand times in a second is one finding, not a thousand.
const PERIOD: Duration = Duration::from_secs(1);

/// What the operator is told of one plugin's requests that were refused or failed.
#[derive(Debug)]
pub(crate) struct Report {
    tenant: Arc<str>,
    plugin: Arc<str>,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    left: u32,
    since: Instant,
    dropped: u64,
}

impl Report {
    pub(crate) fn new(tenant: &Arc<str>, plugin: &Arc<str>) -> Self {
        let pace = Mutex::new(Pace { left: BURST, since: Instant::now(), dropped: 0 });
        Self { tenant: tenant.clone(), plugin: plugin.clone(), pace }
    }

    pub(crate) fn tell(&self, origin: &str, error: &EgressError) {
        let turn = self.pace.lock().unwrap_or_else(PoisonError::into_inner).turn(Instant::now());
        let Some(dropped) = turn else { return };
        let (tenant, plugin) = (&*self.tenant, &*self.plugin);
        let more = if dropped == 0 { String::new() } else { format!(" ({dropped} more were not logged before this)") };
        if error.is_refusal() {
            tracing::warn!(target: "witgate::egress", tenant, plugin, origin, "request refused: {error}{more}");
        } else {
            tracing::info!(target: "witgate::egress", tenant, plugin, origin, "request failed: {error}{more}");
        }
    }
}

impl Pace {
    /// Whether a line may be written now, and how many were not before it.
    fn turn(&mut self, now: Instant) -> Option<u64> {
        let periods = now.saturating_duration_since(self.since).as_secs() / PERIOD.as_secs();
        if periods > 0 {
            self.left = self.left.saturating_add(u32::try_from(periods).unwrap_or(u32::MAX)).min(BURST);
            self.since = now;
        }
        if self.left == 0 {
            self.dropped += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_a_few_lines() {
        let start = Instant::now();
        let mut pace = Pace { left: BURST, since: start, dropped: 0 };
        let lines = |pace: &mut Pace, now| (0..1_000).filter_map(|_| pace.turn(now)).collect::<Vec<_>>();
        assert_eq!(lines(&mut pace, start), [0; BURST as usize]);
        assert_eq!(lines(&mut pace, start + Duration::from_millis(999)), [0; 0]);
        assert_eq!(lines(&mut pace, start + Duration::from_secs(1)), [1_990]);
        assert_eq!(lines(&mut pace, start + Duration::from_secs(3))[..2], [999, 0]);
    }
}
