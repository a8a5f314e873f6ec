//! What the host has when a case begins: what its stores hold, and what the network would answer.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use witgate_policy::Answer;
use witgate_policy::Reach;
use witgate_policy::store::{Counters, KeyValues, Reading, Space, StoreError};
use witgate_state::MemoryKeyValues;

use super::network::{Answers, Exchange};

/// What a plugin may ask with.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Every name.
const ANY: [&str; 2] = ["https://*", "http://*"];

/// The contents, by store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contents {
    /// `witgate:counter`: counters by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counter: BTreeMap<String, Counter>,
    /// `wasi:keyvalue`: texts by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    keyvalue: BTreeMap<String, String>,
    /// `wasi:http`: what is answered, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network: Vec<Exchange>,
    /// Secrets that the plugin may name in its requests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) secrets: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Counter {
    value: u32,
    #[serde(default = "an_hour")]
    expires_in_ms: u32,
}

fn an_hour() -> u32 {
    3_600_000
}

impl Contents {
    pub(super) fn is_empty(&self) -> bool {
        self.counter.is_empty() && self.keyvalue.is_empty() && self.network.is_empty() && self.secrets.is_empty()
    }

    /// What the plugin may ask of the network: everything, since nothing is asked in earnest.
    pub(super) fn reach(&self) -> Result<Vec<Reach>, String> {
        let own = self.network.iter().map(|exchange| exchange.request.origin());
        let any = ANY.map(|any| Ok(any.to_owned()));
        let reach = |origin: String| {
            let origins = origin.parse().map_err(|cause| format!("`host.network`: `{origin}`: {cause}"))?;
            Ok(Reach { origins, methods: METHODS.map(str::to_owned).to_vec(), addresses: Vec::new() })
        };
        own.chain(any).map(|origin| reach(origin?)).collect()
    }

    /// What answers in the network's stead: each answer once, or `again` and again.
    pub(super) fn answers(&self, again: bool) -> Arc<Answers> {
        Arc::new(Answers { left: Mutex::new(self.network.clone()), again, unanswered: Mutex::default() })
    }

    /// Notes what a counter held, unless it is known: what was there first counts.
    pub(crate) fn counter(&mut self, key: &str, reading: Reading) {
        let expires_in_ms = u32::try_from(reading.expires_in.as_millis()).unwrap_or(u32::MAX);
        self.counter.entry(key.to_owned()).or_insert(Counter { value: reading.value, expires_in_ms });
    }

    /// The same for a key.
    pub(crate) fn key(&mut self, key: &str, value: &str) {
        self.keyvalue.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// Stores that hold this. Time stands still in them, so that a case has one verdict.
    pub(super) async fn stores(&self, space: &Space) -> Result<(StillCounters, MemoryKeyValues), StoreError> {
        let key_values = MemoryKeyValues::default();
        for (key, value) in &self.keyvalue {
            key_values.set(space, key, value.clone().into_bytes()).await?;
        }
        let counters = self.counter.iter().map(|(key, counter)| {
            let expires_in = Duration::from_millis(counter.expires_in_ms.into());
            (key.clone(), Reading { value: counter.value, expires_in })
        });
        Ok((StillCounters(Mutex::new(counters.collect())), key_values))
    }
}

/// Counters in which no time passes.
pub(super) struct StillCounters(Mutex<BTreeMap<String, Reading>>);

impl Counters for StillCounters {
    fn add<'a>(
        &'a self,
        _: &'a Space,
        key: &'a str,
        amount: u32,
        expires_in: Duration,
    ) -> Answer<'a, Reading, StoreError> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.entry(key.to_owned()).or_insert(Reading { value: 0, expires_in });
        counter.value = counter.value.saturating_add(amount);
        Box::pin(ready(Ok(*counter)))
    }

    fn read<'a>(&'a self, _: &'a Space, key: &'a str) -> Answer<'a, Option<Reading>, StoreError> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(Ok(counters.get(key).copied())))
    }
}
