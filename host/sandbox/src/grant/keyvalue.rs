use wasmtime::component::{HasSelf, Linker, Resource};
use witgate_policy::Grants;
use witgate_policy::store::StoreError;

use super::Capability;
use crate::bindings::keyvalue::wasi::keyvalue::{atomics, store};
use crate::host::Host;

/// `wasi:keyvalue`: the store and its atomics, a name space for each tenant and plugin.
pub(super) struct KeyValue;

/// The one bucket, `""`.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings export it again, within their private module")]
pub struct Bucket;

/// Keys in one page of `list-keys`.
const PAGE_KEYS: usize = 1_000;

impl Capability for KeyValue {
    fn word(&self) -> &'static str {
        "keyvalue"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:keyvalue/store", "wasi:keyvalue/atomics"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.keyvalue
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        store::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
        atomics::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }
}

fn told(error: StoreError) -> store::Error {
    match error {
        StoreError::Quota(what) => store::Error::Other(format!("quota: {what}")),
        // What the operator's store said is not for the plugin.
        StoreError::Unavailable(_) => store::Error::Other("unavailable".to_owned()),
    }
}

impl store::Host for Host {
    async fn open(&mut self, identifier: String) -> wasmtime::Result<Result<Resource<Bucket>, store::Error>> {
        self.host_call()?;
        if !identifier.is_empty() {
            return Ok(Err(store::Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }
}

impl store::HostBucket for Host {
    async fn get(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        let value = shared.key_values.get(&shared.space, &key).await.map_err(told);
        if let Ok(Some(value)) = &value {
            self.account.hand_over(value.len())?;
        }
        Ok(value)
    }

    async fn set(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        Ok(shared.key_values.set(&shared.space, &key, value).await.map_err(told))
    }

    async fn delete(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<(), store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        Ok(shared.key_values.delete(&shared.space, &key).await.map_err(told))
    }

    async fn exists(&mut self, _: Resource<Bucket>, key: String) -> wasmtime::Result<Result<bool, store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        Ok(shared.key_values.get(&shared.space, &key).await.map(|value| value.is_some()).map_err(told))
    }

    async fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> wasmtime::Result<Result<store::KeyResponse, store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        let all = match shared.key_values.keys(&shared.space).await {
            Ok(all) => all,
            Err(e) => return Ok(Err(told(e))),
        };
        let from = cursor.and_then(|cursor| usize::try_from(cursor).ok()).unwrap_or(0);
        let keys: Vec<String> = all.iter().skip(from).take(PAGE_KEYS).cloned().collect();
        self.account.hand_over(keys.iter().map(String::len).sum())?;
        let next = from.saturating_add(keys.len());
        let cursor = (next < all.len()).then_some(next as u64);
        Ok(Ok(store::KeyResponse { keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Host {
    async fn increment(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> wasmtime::Result<Result<u64, store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        let Ok(delta) = i64::try_from(delta) else {
            return Ok(Err(store::Error::Other("the delta is too large".to_owned())));
        };
        let value = shared.key_values.increment(&shared.space, &key, delta).await.map_err(told);
        Ok(value.and_then(|value| {
            u64::try_from(value).map_err(|_| store::Error::Other("the value is negative".to_owned()))
        }))
    }
}
