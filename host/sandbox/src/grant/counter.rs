use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use witgate_policy::Grants;
use witgate_policy::store::{Reading, StoreError};

use super::Capability;
use crate::bindings::counter::witgate::counter::counter;
use crate::host::Host;

/// `witgate:counter`: atomic counters, a name space for each tenant and plugin.
pub(super) struct Counter;

impl Capability for Counter {
    fn word(&self) -> &'static str {
        "counter"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["witgate:counter/counter"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.counter
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        counter::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }
}

impl counter::Host for Host {
    async fn add(
        &mut self,
        key: String,
        amount: u32,
        expires_in_ms: u32,
    ) -> wasmtime::Result<Result<counter::Reading, counter::CounterError>> {
        self.host_call()?;
        let shared = self.shared.clone();
        let expires_in = Duration::from_millis(expires_in_ms.into());
        let reading = shared.counters.add(&shared.space, &key, amount, expires_in).await;
        Ok(reading.map(told).map_err(|e| self.untold(&e)))
    }

    async fn read(&mut self, key: String) -> wasmtime::Result<Result<Option<counter::Reading>, counter::CounterError>> {
        self.host_call()?;
        let shared = self.shared.clone();
        let reading = shared.counters.read(&shared.space, &key).await;
        Ok(reading.map(|reading| reading.map(told)).map_err(|e| self.untold(&e)))
    }
}

impl Host {
    /// The guest learns the class of what went wrong, the operator all of it.
    fn untold(&self, error: &StoreError) -> counter::CounterError {
        let (tenant, plugin) = (&*self.shared.space.tenant, &*self.shared.space.plugin);
        tracing::debug!(tenant, plugin, "counter: {error}");
        match error {
            StoreError::Quota(_) => counter::CounterError::Quota,
            StoreError::Unavailable(_) => counter::CounterError::Unavailable,
        }
    }
}

fn told(reading: Reading) -> counter::Reading {
    let expires_in_ms = u32::try_from(reading.expires_in.as_millis()).unwrap_or(u32::MAX);
    counter::Reading { value: reading.value, expires_in_ms }
}
