use std::sync::Arc;

use tokio::sync::Semaphore;

/// What the plugins of one tenant may use at once, all of them together, so that no tenant can take it all. It outlives
/// generations: a reload frees nothing that is still in use.
#[derive(Debug)]
pub struct Share {
    pub(crate) instances: Arc<Semaphore>,
    pub(crate) connections: Arc<Semaphore>,
}

impl Share {
    /// So many instances that live at once, and so many requests of plugins to the network.
    pub fn new(instances: u32, connections: u32) -> Arc<Self> {
        let semaphore = |permits: u32| Arc::new(Semaphore::new((permits as usize).min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { instances: semaphore(instances), connections: semaphore(connections) })
    }
}

/// A quarter of the sandbox's instances, and as many requests as two busy plugins have by default.
impl Default for Share {
    fn default() -> Self {
        Self { instances: Arc::new(Semaphore::new(250)), connections: Arc::new(Semaphore::new(32)) }
    }
}
