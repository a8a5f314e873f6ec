//! The neighbour: a tenant with good plugins and a steady load, who must not notice anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use witgate_tests::wire::{Era, Wire};

/// What its client is known by, and `printf neighbour-key | sha256sum`.
pub(crate) const KEY: &str = "neighbour-key";
pub(crate) const KEY_SHA256: &str = "c68cf01cbdd9d733dcd17dc8e38a36c15b7824cae037558a538db0e2cfb782cb";

/// Its tool. The last letter tells `left-behind` whose call it is.
pub(crate) const TOOL: &str = "work";

/// Between two calls, unless the answer takes longer.
const PACE: Duration = Duration::from_millis(10);

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: usize,
    pub(crate) errors: Vec<String>,
    /// In which window, and how long the call took.
    samples: Vec<(usize, Duration)>,
}

/// The load, which ends when this is dropped.
pub(crate) struct Neighbour {
    seen: Arc<Mutex<Seen>>,
    window: tokio::sync::watch::Sender<usize>,
    working: JoinHandle<()>,
}

impl Neighbour {
    /// Begins to work: each call waits for its answer, whose text has to hold `want`.
    pub(crate) fn start(url: &str, argument: &str, want: &str) -> Self {
        let (window, windows) = tokio::sync::watch::channel(0);
        let seen = Arc::<Mutex<Seen>>::default();
        let (book, url, want) = (seen.clone(), url.to_owned(), want.to_owned());
        let arguments = json!({ "text": argument }).to_string();
        let working = tokio::spawn(async move {
            let mut client = Wire::new(&url, Era::Modern, &[("x-api-key", KEY)]);
            let mut pace = tokio::time::interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pace.tick().await;
                let (before, began) = (*windows.borrow(), Instant::now());
                let answer = client.call(TOOL, &arguments).await;
                let took = began.elapsed();
                let after = *windows.borrow();
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                book.calls += 1;
                if !(answer.status == 200 && answer.body.contains(&want)) {
                    book.errors.push(format!("status {}: {}", answer.status, answer.body));
                }
                if before == after {
                    book.samples.push((before, took));
                }
            }
        });
        Self { seen, window, working }
    }

    /// Another window begins; 0 is no window.
    pub(crate) fn window(&self, number: usize) {
        self.window.send_replace(number);
    }

    /// Stops, and says what it has seen. A client that could not be answered at all has panicked, which is an error.
    pub(crate) async fn stop(self) -> Seen {
        self.working.abort();
        let ended = self.working.await;
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.errors.extend(ended.err().filter(tokio::task::JoinError::is_panic).map(|error| error.to_string()));
        seen
    }
}

impl Seen {
    /// The median, over the windows of which `which` is true, of each window's 99th percentile.
    pub(crate) fn p99(&self, which: impl Fn(usize) -> bool) -> Option<Duration> {
        let last = self.samples.iter().map(|(window, _)| *window).max()?;
        let windows = (1..=last).filter(|window| which(*window));
        let p99s = windows.filter_map(|window| {
            let samples = self.samples.iter().filter(|(number, _)| *number == window);
            quantile(samples.map(|(_, took)| *took).collect(), 99)
        });
        quantile(p99s.collect(), 50)
    }
}

/// The `percent`th percentile, the larger neighbour where it lies between two.
fn quantile(mut values: Vec<Duration>, percent: usize) -> Option<Duration> {
    values.sort_unstable();
    let at = values.len() * percent / 100;
    values.get(at.min(values.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_percentiles() {
        let sample = |window, ms| (window, Duration::from_millis(ms));
        let mut seen = Seen::default();
        for window in 1..=5 {
            seen.samples.extend((0..200).map(|at| sample(window, if at == 7 { 100 * window as u64 } else { 1 })));
        }
        assert_eq!(seen.p99(|window| window % 2 == 1), Some(Duration::from_millis(1)));
        seen.samples.extend((1..=5).flat_map(|window| (0..9).map(move |_| sample(window, 100 * window as u64))));
        assert_eq!(seen.p99(|window| window % 2 == 1), Some(Duration::from_millis(300)));
        assert_eq!(seen.p99(|window| window % 2 == 0), Some(Duration::from_millis(400)));
        assert_eq!(seen.p99(|window| window > 9), None);
    }
}
