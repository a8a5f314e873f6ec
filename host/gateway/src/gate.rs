//! What serves now: one generation, swapped whole between messages.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::record::Recorder;
use crate::tenant::Tenant;

/// Everything that one configuration makes. Immutable; a message holds one from decoding to encoding.
pub struct Generation {
    /// Counts up from 1 with each reload.
    pub number: u64,
    tenants: Vec<Arc<Tenant>>,
    /// Where each stands among them.
    by_path: HashMap<String, usize>,
    by_name: HashMap<Arc<str>, usize>,
}

impl Generation {
    /// With these tenants, whose paths and names differ.
    pub fn new(number: u64, tenants: Vec<Arc<Tenant>>) -> Self {
        let places = || tenants.iter().enumerate();
        let by_path = places().map(|(at, tenant)| (tenant.path().to_owned(), at)).collect();
        let by_name = places().map(|(at, tenant)| (tenant.name().clone(), at)).collect();
        Self { number, tenants, by_path, by_name }
    }

    /// The tenants, in the configuration's order.
    pub fn tenants(&self) -> &[Arc<Tenant>] {
        &self.tenants
    }

    /// The tenant at a path, as `/mcp`.
    pub fn at_path(&self, path: &str) -> Option<&Arc<Tenant>> {
        self.tenants.get(*self.by_path.get(path)?)
    }

    /// The tenant of a name.
    pub fn named(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.tenants.get(*self.by_name.get(name)?)
    }
}

/// The running gate, behind all its fronts.
pub struct Gate {
    generation: ArcSwap<Generation>,
    changes: watch::Sender<u64>,
    recorder: Arc<dyn Recorder>,
}

impl Gate {
    /// Begins with a first generation.
    pub fn new(generation: Generation, recorder: Arc<dyn Recorder>) -> Self {
        let changes = watch::Sender::new(generation.number);
        Self { generation: ArcSwap::from_pointee(generation), changes, recorder }
    }

    /// The generation for a message that comes in now.
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Lets messages from now on go to another generation; those under way keep theirs. Gives back the old one.
    pub fn swap(&self, generation: Generation) -> Arc<Generation> {
        let number = generation.number;
        let old = self.generation.swap(Arc::new(generation));
        self.changes.send_replace(number);
        old
    }

    /// The number of the generation that serves, for those who listen for long: a stream must not hold on to an old one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A legacy client's session has ended: what its tenant keeps for it ends too.
    pub fn farewell(&self, tenant: &str, session: &str) {
        if let Some(tenant) = self.generation().named(tenant) {
            tenant.farewell(session);
        }
    }

    /// Who keeps the records.
    pub fn recorder(&self) -> &Arc<dyn Recorder> {
        &self.recorder
    }
}
