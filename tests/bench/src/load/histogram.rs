//! Times in buckets, each within a hundredth of what it stands for.

use std::time::Duration;

/// Buckets in an octave, as a power of two.
const FINE: u32 = 6;

/// How often each time was seen.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; (64 - FINE as usize + 1) << FINE], count: 0 }
    }

    pub(super) fn add(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.count += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The time that this share of all is at most as long as, in microseconds.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0.0, middle) / 1000.0
    }
}

fn bucket(nanos: u64) -> usize {
    let octave = (nanos | 1).ilog2().saturating_sub(FINE);
    ((octave as usize) << FINE) + usize::try_from(nanos >> octave).unwrap_or_default()
}

/// The middle of a bucket, in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "figures")]
fn middle(bucket: usize) -> f64 {
    let octave = (bucket >> FINE).saturating_sub(1);
    let first = (bucket - (octave << FINE)) as f64;
    let width = (1_u64 << octave) as f64;
    first * width + (width - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_near_its_times() {
        for nanos in [1, 63, 64, 65, 127, 128, 1_000, 123_456, 9_999_999, 60_000_000_000] {
            let found = middle(bucket(nanos));
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let off = (found / nanos as f64 - 1.0).abs();
            assert!(off < 0.01, "{nanos} is shown as {found}");
        }
        bucket(u64::MAX);
    }

    #[test]
    fn quantiles_are_of_all_that_were_added() {
        let mut times = Histogram::new();
        let mut other = times.clone();
        (1..=990).for_each(|_| times.add(Duration::from_micros(100)));
        (1..=10).for_each(|_| other.add(Duration::from_millis(5)));
        times.merge(&other);
        let near = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 0.01, "{found} is not {wanted}");
        assert_eq!(times.count(), 1000);
        near(times.quantile(0.5), 100.0);
        near(times.quantile(0.99), 100.0);
        near(times.quantile(0.999), 5000.0);
    }
}
