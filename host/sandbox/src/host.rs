//! What the host keeps for one instance: the data of its store.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use witgate_egress::Client;
use witgate_policy::store::{Counters, KeyValues, Space};
use witgate_policy::{Grants, Payload};

use crate::account::{Account, Overdrawn};
use crate::document::Document;
use crate::grant::files::Directory;
use crate::grant::network::Outgoing;
use crate::grant::runtime;
use crate::limits::Bounds;
use crate::log::Log;
use crate::meter::Meter;
use crate::recycle::Grip;
use crate::share::Share;

/// What all instances of one loaded plugin share.
pub(crate) struct Shared {
    /// Whose counters and keys are meant.
    pub(crate) space: Space,
    pub(crate) settings: Payload,
    /// Their members that are strings, for `wasi:config`.
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) grants: Grants,
    pub(crate) bounds: Bounds,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) key_values: Arc<dyn KeyValues>,
    pub(crate) share: Arc<Share>,
    /// Its way to the network, if it was granted one.
    pub(crate) network: Option<Arc<Client>>,
    /// The folders that it was granted, open.
    pub(crate) folders: Vec<Arc<Directory>>,
    pub(crate) meter: Option<Arc<Meter>>,
}

pub(crate) struct Host {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: Account,
    pub(crate) table: ResourceTable,
    /// The documents of the call that is under way which the guest has not dropped, by their place in the table.
    documents: Vec<u32>,
    /// How many of earlier calls it has not dropped.
    litter: usize,
    /// Whether it dropped one that was not the last that it was given and had, so that its handles are in disorder.
    disorder: bool,
    /// Where the instance's memory is, once it was readied to be put back.
    grip: Option<Grip>,
    /// Made when the guest first writes.
    log: Option<Log>,
    /// Made when a guest first touches it, which most never do.
    wasi: Option<Box<WasiCtx>>,
    /// The requests of the call that is under way, likewise.
    pub(crate) outgoing: Option<Box<Outgoing>>,
}

impl Host {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(shared.bounds.handles);
        Self {
            account: Account::new(shared.bounds),
            table,
            documents: Vec::new(),
            litter: 0,
            disorder: false,
            grip: None,
            log: None,
            wasi: None,
            outgoing: None,
            shared: shared.clone(),
        }
    }

    /// A new call begins on the same instance.
    pub(crate) fn begin(&mut self) {
        self.end();
        self.account.begin();
        if let Some(log) = &self.log {
            log.begin();
        }
    }

    /// Where the guest's words go.
    pub(crate) fn log(&mut self) -> &Log {
        self.log.get_or_insert_with(|| Log::new(&self.shared))
    }

    /// A call is over, and with it its documents and what it asked of the network. A document that the guest has not
    /// dropped keeps its place, since a handle to it is in the guest's hands, and loses its text.
    pub(crate) fn end(&mut self) {
        self.litter += self.documents.len();
        for place in self.documents.drain(..) {
            if let Ok(document) = self.table.get_mut(&Resource::<Document>::new_own(place)) {
                document.0 = None;
            }
        }
        if let Some(key) = self.outgoing.take().and_then(|outgoing| outgoing.overdrawn()) {
            self.account.overdraw(key);
        }
    }

    /// What `configure` is given.
    pub(crate) fn settings(&mut self) -> wasmtime::Result<Resource<Document>> {
        self.document(self.shared.settings.clone())
    }

    /// A document for the guest to own; it shares the payload's bytes.
    pub(crate) fn document(&mut self, payload: Payload) -> wasmtime::Result<Resource<Document>> {
        let document = self.table.push(Document(Some(payload)))?;
        self.documents.push(document.rep());
        Ok(document)
    }

    /// The guest has dropped a document.
    pub(crate) fn forget(&mut self, document: Resource<Document>) -> wasmtime::Result<()> {
        match self.documents.iter().position(|place| *place == document.rep()) {
            Some(at) => {
                self.disorder |= at + 1 < self.documents.len();
                self.documents.remove(at);
            }
            None => self.litter = self.litter.saturating_sub(1),
        }
        self.table.delete(document)?;
        Ok(())
    }

    /// Whether the guest has dropped every document that it was given, each time the last of those that it had, so that
    /// neither it nor the host can tell from its handles what was asked of it.
    pub(crate) fn is_tidy(&self) -> bool {
        self.documents.is_empty() && self.litter == 0 && !self.disorder
    }

    /// Notes where the memory is of the store's instance: of that in which this is, and stays.
    pub(crate) fn hold(&mut self, grip: Option<Grip>) {
        self.grip = grip;
    }

    /// Where it is, if that was noted.
    pub(crate) fn grip(&self) -> Option<&Grip> {
        self.grip.as_ref()
    }

    /// Whether documents that the guest never dropped, and nobody can take from it, have half of all handles: another
    /// instance serves the next call, before this one has none left.
    pub(crate) fn is_littered(&self) -> bool {
        self.litter > self.shared.bounds.handles / 2
    }

    /// One call of the guest to the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Overdrawn> {
        self.account.host_call()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(meter) = &self.shared.meter {
            meter.note(&self.account);
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi, shared, log, table, .. } = self;
        let log = log.get_or_insert_with(|| Log::new(shared));
        let ctx = wasi.get_or_insert_with(|| Box::new(runtime::context(shared, log)));
        WasiCtxView { ctx, table }
    }
}
