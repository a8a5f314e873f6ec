use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::place::Room;

/// What the plugins of one tenant may use at once, all of them together, so that no tenant can take it all. It outlives
/// generations: a reload frees nothing that is still in use.
#[derive(Debug)]
pub struct Share {
    pub(crate) instances: Room,
    pub(crate) connections: Arc<Semaphore>,
}

impl Share {
    /// So many instances that live at once, and so many requests of plugins to the network.
    pub fn new(instances: u32, connections: u32) -> Arc<Self> {
        let connections = Arc::new(Semaphore::new((connections as usize).min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { instances: Room::new(instances), connections })
    }
}

/// A quarter of the sandbox's instances, and as many requests as two busy plugins have by default.
impl Default for Share {
    fn default() -> Self {
        Self { instances: Room::new(250), connections: Arc::new(Semaphore::new(32)) }
    }
}
