//! What is known of an upstream's condition, kept right on every path by [`Ticket`], whose drop settles what nobody else
//! did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::Failure;
use witgate_policy::store::Breaker;

use super::Failed;

/// One upstream's condition.
pub(crate) struct Gauge {
    breaker: Arc<dyn Breaker>,
    in_flight: AtomicU32,
    latency_micros: AtomicU64,
    ailing: AtomicBool,
    list_version: AtomicU64,
}

impl Gauge {
    pub(crate) fn new(breaker: Arc<dyn Breaker>) -> Self {
        Self {
            breaker,
            in_flight: AtomicU32::new(0),
            latency_micros: AtomicU64::new(0),
            ailing: AtomicBool::new(false),
            list_version: AtomicU64::new(0),
        }
    }

    pub(crate) fn breaker(&self) -> &dyn Breaker {
        &*self.breaker
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// The moving average of the time to an answer; `None` before the first.
    pub(crate) fn latency(&self) -> Option<Duration> {
        let micros = self.latency_micros.load(Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    pub(crate) fn healthy(&self) -> bool {
        !self.ailing.load(Relaxed)
    }

    pub(crate) fn list_version(&self) -> u64 {
        self.list_version.load(Relaxed)
    }

    /// The server's lists may have changed.
    pub(crate) fn lists_changed(&self) {
        self.list_version.fetch_add(1, Relaxed);
    }

    /// Asks the breaker, and counts one call in flight until the ticket is settled or dropped.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Ticket, Failed> {
        if !self.breaker.admit() {
            return Err(Failure::CircuitOpen.into());
        }
        self.in_flight.fetch_add(1, Relaxed);
        Ok(Ticket { gauge: self.clone(), began: Instant::now(), settled: false })
    }

    fn took(&self, time: Duration) {
        // An eighth of the new, seven of the old: a change shows within some ten calls, one slow call does not decide.
        let new = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let average = |old: u64| if old == 0 { new } else { (old - old / 8).saturating_add(new / 8).max(1) };
        let _ = self.latency_micros.fetch_update(Relaxed, Relaxed, |old| Some(average(old)));
    }
}

/// One admitted call.
pub(crate) struct Ticket {
    gauge: Arc<Gauge>,
    began: Instant,
    settled: bool,
}

impl Ticket {
    /// The server answered, whatever it said.
    pub(crate) fn answered(&mut self) {
        self.settle(|ticket| {
            ticket.gauge.took(ticket.began.elapsed());
            ticket.report(true);
        });
    }

    /// The server was reached without a call's answer, as in a handshake: nothing is learned of its latency.
    pub(crate) fn reached(&mut self) {
        self.settle(|ticket| ticket.report(true));
    }

    /// The attempt failed. An answer of HTTP below 500 is an answer.
    pub(crate) fn failed(&mut self, failure: &Failure) {
        match failure {
            Failure::HttpStatus(status) if *status < 500 => self.answered(),
            Failure::RpcError { .. } | Failure::ToolError => self.answered(),
            Failure::CircuitOpen => {}
            Failure::NotSent(_) | Failure::NoReply(_) | Failure::HttpStatus(_) | Failure::Timeout => {
                self.settle(|ticket| ticket.report(false));
            }
        }
    }

    fn report(&self, answered: bool) {
        self.gauge.ailing.store(!answered, Relaxed);
        self.gauge.breaker.report(answered);
    }

    fn settle(&mut self, tell: impl FnOnce(&Self)) {
        if !std::mem::replace(&mut self.settled, true) {
            tell(self);
            self.gauge.in_flight.fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(|ticket| ticket.gauge.breaker.release());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use witgate_policy::Circuit;

    use super::*;

    /// Writes down what it is told.
    #[derive(Default)]
    pub(crate) struct Ledger {
        pub(crate) open: AtomicBool,
        pub(crate) told: Mutex<Vec<&'static str>>,
    }

    impl Breaker for Ledger {
        fn circuit(&self) -> Circuit {
            if self.open.load(Relaxed) { Circuit::Open } else { Circuit::Closed }
        }
        fn admit(&self) -> bool {
            !self.open.load(Relaxed)
        }
        fn report(&self, answered: bool) {
            self.told.lock().expect("ledger").push(if answered { "answered" } else { "failed" });
        }
        fn release(&self) {
            self.told.lock().expect("ledger").push("released");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_ticket_is_settled_once() {
        #[track_caller]
        fn check(settle: impl FnOnce(&mut Ticket), want: &str, healthy: bool) {
            let ledger = Arc::new(Ledger::default());
            let gauge = Arc::new(Gauge::new(ledger.clone()));
            let mut ticket = gauge.admit().expect("closed");
            assert_eq!(gauge.in_flight(), 1);
            settle(&mut ticket);
            drop(ticket);
            assert_eq!(*ledger.told.lock().expect("ledger"), [want]);
            assert_eq!(gauge.in_flight(), 0);
            assert_eq!(gauge.healthy(), healthy);
        }
        check(|_| (), "released", true);
        check(
            |t| {
                t.answered();
                t.failed(&Failure::Timeout);
            },
            "answered",
            true,
        );
        check(|t| t.failed(&Failure::HttpStatus(401)), "answered", true);
        check(|t| t.failed(&Failure::HttpStatus(503)), "failed", false);
        check(|t| t.failed(&Failure::NoReply(String::new())), "failed", false);
        check(|t| t.failed(&Failure::Timeout), "failed", false);
    }

    #[tokio::test(start_paused = true)]
    async fn latency_moves_slowly() {
        let gauge = Arc::new(Gauge::new(Arc::new(Ledger::default())));
        assert_eq!(gauge.latency(), None);
        for (wait_ms, want_ms) in [(80, 80), (80, 80), (880, 180)] {
            let mut ticket = gauge.admit().expect("closed");
            tokio::time::advance(Duration::from_millis(wait_ms)).await;
            ticket.answered();
            assert_eq!(gauge.latency(), Some(Duration::from_millis(want_ms)));
        }
    }

    #[test]
    fn an_open_circuit_admits_nobody() {
        let ledger = Arc::new(Ledger::default());
        ledger.open.store(true, Relaxed);
        let gauge = Arc::new(Gauge::new(ledger));
        assert_eq!(gauge.admit().err().map(|failed| failed.failure), Some(Failure::CircuitOpen));
        assert_eq!(gauge.in_flight(), 0);
    }
}
