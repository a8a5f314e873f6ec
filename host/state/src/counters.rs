use std::collections::{BTreeSet, HashMap};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::Answer;
use witgate_policy::store::{Counters, Reading, Space, StoreError};

use crate::quotas::{Allowances, Quotas, within};
use crate::spaces::{Shelf, Spaces};

/// Counters that one call frees at most, so that no call pays for a flood of others.
const FREED_AT_ONCE: usize = 64;

/// Atomic counters in this process's memory. They survive a reload and end with the process.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    allowances: Allowances,
    spaces: Spaces<Tally>,
}

impl MemoryCounters {
    /// With these quotas for each space.
    pub fn new(quotas: Quotas) -> Self {
        Self { allowances: Allowances::new(quotas), spaces: Spaces::default() }
    }

    /// Other quotas for each space of a tenant, from now on. What is there already stays, and counts.
    pub fn set_quotas(&self, tenant: &Arc<str>, quotas: Quotas) {
        self.allowances.set(tenant, quotas);
    }

    fn count(&self, space: &Space, key: &str, amount: u32, expires_in: Duration) -> Result<Reading, StoreError> {
        let quotas = self.allowances.of(space);
        quotas.key(key)?;
        self.spaces.with(space, |tally| tally.add(key, amount, expires_in, quotas.counters))
    }
}

/// The counters of one space. Each is in both collections, and its time never changes.
#[derive(Debug, Default)]
struct Tally {
    counts: HashMap<Arc<str>, Count>,
    by_expiry: BTreeSet<(Instant, Arc<str>)>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    value: u32,
    until: Instant,
}

impl Count {
    fn reading(self, now: Instant) -> Reading {
        Reading { value: self.value, expires_in: self.until.saturating_duration_since(now) }
    }
}

impl Tally {
    fn add(&mut self, key: &str, amount: u32, expires_in: Duration, most: usize) -> Result<Reading, StoreError> {
        let now = Instant::now();
        self.free(now, FREED_AT_ONCE);
        if let Some(count) = self.counts.get_mut(key) {
            if count.until > now {
                count.value = count.value.saturating_add(amount);
                return Ok(count.reading(now));
            }
            let until = count.until;
            self.remove(until, key);
        }
        if self.counts.len() >= most {
            self.free(now, usize::MAX);
            within("counters", self.counts.len() + 1, most)?;
        }
        let key: Arc<str> = key.into();
        let count = Count { value: amount, until: now + expires_in };
        self.by_expiry.insert((count.until, key.clone()));
        self.counts.insert(key, count);
        Ok(count.reading(now))
    }

    fn read(&mut self, key: &str) -> Option<Reading> {
        let now = Instant::now();
        self.free(now, FREED_AT_ONCE);
        self.counts.get(key).filter(|count| count.until > now).map(|count| count.reading(now))
    }

    /// Frees counters that have expired.
    fn free(&mut self, now: Instant, most: usize) {
        for _ in 0..most {
            let Some((until, key)) = self.by_expiry.first().cloned() else { return };
            if until > now {
                return;
            }
            self.remove(until, &key);
        }
    }

    fn remove(&mut self, until: Instant, key: &str) {
        if let Some((key, _)) = self.counts.remove_entry(key) {
            self.by_expiry.remove(&(until, key));
        }
    }
}

impl Shelf for Tally {
    fn is_empty(&self) -> bool {
        let now = Instant::now();
        self.by_expiry.last().is_none_or(|(until, _)| *until <= now)
    }
}

impl Counters for MemoryCounters {
    fn add<'a>(
        &'a self,
        space: &'a Space,
        key: &'a str,
        amount: u32,
        expires_in: Duration,
    ) -> Answer<'a, Reading, StoreError> {
        Box::pin(ready(self.count(space, key, amount, expires_in)))
    }

    fn read<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Reading>, StoreError> {
        Box::pin(ready(self.allowances.of(space).key(key).map(|()| self.spaces.with(space, |tally| tally.read(key)))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap as Model;

    use proptest::prelude::*;

    use super::*;

    fn space(plugin: &str) -> Space {
        Space { tenant: "t".into(), plugin: plugin.into() }
    }

    fn small() -> MemoryCounters {
        MemoryCounters::new(Quotas { counters: 3, ..Quotas::default() })
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_window_opens_at_its_first_call_and_is_not_prolonged() {
        let counters = small();
        let space = space("p");
        let add = || counters.count(&space, "k", 2, SECOND).expect("quota");
        assert_eq!(add(), Reading { value: 2, expires_in: SECOND });
        tokio::time::advance(SECOND / 2).await;
        assert_eq!(add(), Reading { value: 4, expires_in: SECOND / 2 });
        tokio::time::advance(SECOND / 2).await;
        assert_eq!(counters.read(&space, "k").await, Ok(None));
        assert_eq!(add(), Reading { value: 2, expires_in: SECOND });
    }

    #[tokio::test(start_paused = true)]
    async fn quotas_hold_and_what_expired_makes_room() {
        let counters = small();
        let add = |space: &Space, key: &str| counters.count(space, key, 1, SECOND).map(|reading| reading.value);
        for key in ["a", "b", "c"] {
            assert_eq!(add(&space("p"), key), Ok(1));
        }
        assert_eq!(add(&space("p"), "d"), Err(StoreError::Quota("4 counters, 3 are allowed".into())));
        assert_eq!(add(&space("p"), "a"), Ok(2), "what is there still counts");
        assert_eq!(add(&space("other"), "d"), Ok(1), "a neighbour has its own quota");
        assert!(add(&space("p"), &"k".repeat(257)).is_err());
        tokio::time::advance(SECOND).await;
        assert_eq!(add(&space("p"), "d"), Ok(1));
        assert_eq!(counters.spaces.with(&space("p"), |tally| (tally.counts.len(), tally.by_expiry.len())), (1, 1));
    }

    #[tokio::test]
    async fn a_tenant_has_quotas_of_its_own_which_change() {
        let counters = small();
        let (mine, other) = (space("p"), Space { tenant: "other".into(), plugin: "p".into() });
        let fits = async |space: &Space, key: &str| counters.add(space, key, 1, SECOND).await.is_ok();
        counters.set_quotas(&"t".into(), Quotas { counters: 4, ..Quotas::default() });
        for key in ["1", "2", "3"] {
            assert!(fits(&mine, key).await && fits(&other, key).await, "{key}");
        }
        assert!(fits(&mine, "4").await);
        assert!(!fits(&other, "4").await);
        counters.set_quotas(&"t".into(), Quotas { counters: 2, ..Quotas::default() });
        assert!(!fits(&mine, "5").await, "what is there counts");
        assert!(fits(&mine, "1").await, "and stays");
    }

    #[tokio::test]
    async fn counts_saturate() {
        let counters = small();
        let space = space("p");
        assert_eq!(counters.count(&space, "k", u32::MAX, SECOND).map(|reading| reading.value), Ok(u32::MAX));
        assert_eq!(counters.count(&space, "k", 1, SECOND).map(|reading| reading.value), Ok(u32::MAX));
    }

    #[test]
    fn no_addition_is_lost_between_threads() {
        let counters = MemoryCounters::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        counters.count(&space("p"), "k", 1, Duration::from_hours(1)).expect("quota");
                    }
                });
            }
        });
        let last = counters.count(&space("p"), "k", 0, SECOND).expect("quota");
        assert_eq!(last.value, 4_000);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add { key: u8, amount: u32, ms: u64 },
        Read { key: u8 },
        Wait { ms: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u8..4, 0u32..5, 0u64..50).prop_map(|(key, amount, ms)| Step::Add { key, amount, ms }),
            (0u8..4).prop_map(|key| Step::Read { key }),
            (0u64..30).prop_map(|ms| Step::Wait { ms }),
        ]
    }

    proptest! {
        /// Against a model that keeps everything and looks at the clock.
        #[test]
        fn counters_do_what_the_contract_says(steps in proptest::collection::vec(step(), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime").block_on(async {
                let counters = MemoryCounters::default();
                let space = space("p");
                let mut model: Model<u8, (u32, Instant)> = Model::new();
                for step in steps {
                    let now = Instant::now();
                    model.retain(|_, (_, until)| *until > now);
                    match step {
                        Step::Wait { ms } => tokio::time::advance(Duration::from_millis(ms)).await,
                        Step::Read { key } => {
                            let got = counters.read(&space, &key.to_string()).await.expect("short key");
                            let want = model.get(&key).map(|(value, _)| *value);
                            prop_assert_eq!(got.map(|reading| reading.value), want);
                        }
                        Step::Add { key, amount, ms } => {
                            let life = Duration::from_millis(ms);
                            let got = counters.add(&space, &key.to_string(), amount, life).await.expect("quota");
                            let (value, until) = model.entry(key).or_insert((0, now + life));
                            *value += amount;
                            prop_assert_eq!(got, Reading { value: *value, expires_in: *until - now });
                        }
                    }
                }
                Ok(())
            })?;
        }
    }
}
