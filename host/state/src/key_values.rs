use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;

use witgate_policy::Answer;
use witgate_policy::store::{KeyValues, Space, StoreError};

use crate::quotas::{Allowances, Quotas, within};
use crate::spaces::{Shelf, Spaces};

/// Keys with values in this process's memory. They survive a reload and end with the process.
#[derive(Debug, Default)]
pub struct MemoryKeyValues {
    allowances: Allowances,
    spaces: Spaces<Cabinet>,
}

impl MemoryKeyValues {
    /// With these quotas for each space.
    pub fn new(quotas: Quotas) -> Self {
        Self { allowances: Allowances::new(quotas), spaces: Spaces::default() }
    }

    /// Other quotas for each space of a tenant, from now on. What is there already stays, and counts.
    pub fn set_quotas(&self, tenant: &Arc<str>, quotas: Quotas) {
        self.allowances.set(tenant, quotas);
    }
}

/// The keys of one space, in order.
#[derive(Debug, Default)]
struct Cabinet {
    values: BTreeMap<String, Vec<u8>>,
    /// The length of all keys and values.
    bytes: usize,
}

impl Cabinet {
    fn set(&mut self, key: &str, value: Vec<u8>, quotas: &Quotas) -> Result<(), StoreError> {
        quotas.key(key)?;
        within("bytes in a value", value.len(), quotas.value_bytes)?;
        let (before, keys) = match self.values.get(key) {
            Some(value) => (key.len() + value.len(), self.values.len()),
            None => (0, self.values.len() + 1),
        };
        let bytes = self.bytes - before + key.len() + value.len();
        within("keys", keys, quotas.keys)?;
        within("bytes in all", bytes, quotas.total_bytes)?;
        self.bytes = bytes;
        self.values.insert(key.to_owned(), value);
        Ok(())
    }

    fn delete(&mut self, key: &str) {
        if let Some(value) = self.values.remove(key) {
            self.bytes -= key.len() + value.len();
        }
    }

    fn increment(&mut self, key: &str, delta: i64, quotas: &Quotas) -> Result<i64, StoreError> {
        let no_number = || StoreError::Quota("the key does not hold a decimal number of 64 bits".to_owned());
        let before = match self.values.get(key) {
            Some(value) => std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or_else(no_number)?,
            None => 0,
        };
        let after = i64::checked_add(before, delta).ok_or_else(no_number)?;
        self.set(key, after.to_string().into_bytes(), quotas)?;
        Ok(after)
    }
}

impl Shelf for Cabinet {
    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl KeyValues for MemoryKeyValues {
    fn get<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Vec<u8>>, StoreError> {
        let value = self
            .allowances
            .of(space)
            .key(key)
            .map(|()| self.spaces.with(space, |there| there.values.get(key).cloned()));
        Box::pin(ready(value))
    }

    fn set<'a>(&'a self, space: &'a Space, key: &'a str, value: Vec<u8>) -> Answer<'a, (), StoreError> {
        let quotas = self.allowances.of(space);
        Box::pin(ready(self.spaces.with(space, |there| there.set(key, value, &quotas))))
    }

    fn delete<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, (), StoreError> {
        self.spaces.with(space, |there| there.delete(key));
        Box::pin(ready(Ok(())))
    }

    fn keys<'a>(&'a self, space: &'a Space) -> Answer<'a, Vec<String>, StoreError> {
        Box::pin(ready(Ok(self.spaces.with(space, |there| there.values.keys().cloned().collect()))))
    }

    fn increment<'a>(&'a self, space: &'a Space, key: &'a str, delta: i64) -> Answer<'a, i64, StoreError> {
        let quotas = self.allowances.of(space);
        Box::pin(ready(self.spaces.with(space, |there| there.increment(key, delta, &quotas))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn space(tenant: &str) -> Space {
        Space { tenant: tenant.into(), plugin: "p".into() }
    }

    const QUOTAS: Quotas = Quotas { counters: 0, key_bytes: 4, keys: 3, value_bytes: 8, total_bytes: 16 };

    #[tokio::test]
    async fn spaces_do_not_see_each_other() {
        let store = MemoryKeyValues::default();
        store.set(&space("a"), "k", b"1".to_vec()).await.expect("quota");
        assert_eq!(store.get(&space("a"), "k").await, Ok(Some(b"1".to_vec())));
        assert_eq!(store.get(&space("b"), "k").await, Ok(None));
        store.delete(&space("b"), "k").await.expect("no error");
        assert_eq!(store.keys(&space("a")).await, Ok(vec!["k".to_owned()]));
    }

    #[tokio::test]
    async fn numbers_are_counted_and_nothing_else() {
        let store = MemoryKeyValues::default();
        let space = space("a");
        assert_eq!(store.increment(&space, "n", 5).await, Ok(5));
        assert_eq!(store.increment(&space, "n", -7).await, Ok(-2));
        assert_eq!(store.get(&space, "n").await, Ok(Some(b"-2".to_vec())));
        store.set(&space, "t", b"text".to_vec()).await.expect("quota");
        assert!(store.increment(&space, "t", 1).await.is_err());
        store.increment(&space, "m", i64::MAX).await.expect("quota");
        assert!(store.increment(&space, "m", 1).await.is_err(), "rather than wrapping");
    }

    #[test]
    fn quotas_say_what_is_used_up() {
        #[track_caller]
        fn check(key: &str, value: usize, want: Result<(), &str>) {
            let mut there = Cabinet::default();
            there.set("a", vec![0; 8], &QUOTAS).expect("fits");
            let got = there.set(key, vec![0; value], &QUOTAS).map_err(|e| e.to_string());
            assert_eq!(got, want.map_err(|what| format!("quota: {what}")));
        }
        check("b", 6, Ok(()));
        check("a", 0, Ok(()));
        check("b", 7, Err("17 bytes in all, 16 are allowed"));
        check("b", 9, Err("9 bytes in a value, 8 are allowed"));
        check("bbbbb", 0, Err("5 bytes in a key, 4 are allowed"));
    }

    proptest! {
        #[test]
        fn a_space_never_holds_more_than_its_quotas(
            steps in proptest::collection::vec((any::<bool>(), "[a-e]{1,5}", 0usize..10), 0..50)
        ) {
            let mut there = Cabinet::default();
            for (set, key, value) in steps {
                let before = there.values.clone();
                if !set {
                    there.delete(&key);
                } else if there.set(&key, vec![0; value], &QUOTAS).is_err() {
                    prop_assert_eq!(&before, &there.values, "a refused step changes nothing");
                }
                let bytes: usize = there.values.iter().map(|(key, value)| key.len() + value.len()).sum();
                prop_assert_eq!(bytes, there.bytes);
                prop_assert!(bytes <= 16 && there.values.len() <= 3);
            }
        }
    }
}
