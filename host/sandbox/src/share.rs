use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::place::{Room, resize};
use crate::ticket::Held;

/// What the plugins of one tenant may use at once, all of them together, so that no tenant can take it all. It outlives
/// generations: a reload frees nothing that is still in use.
#[derive(Debug)]
pub struct Share {
    pub(crate) instances: Room,
    pub(crate) connections: Arc<Semaphore>,
    /// What its instances have of the sandbox's tickets.
    pub(crate) tickets: Held,
    /// How many connections there are, in use or not.
    size: Mutex<u32>,
}

impl Share {
    /// So many instances that live at once, and so many requests of plugins to the network.
    pub fn new(instances: u32, connections: u32) -> Arc<Self> {
        Arc::new(Self::of(instances, connections))
    }

    fn of(instances: u32, connections: u32) -> Self {
        let permits = Arc::new(Semaphore::new(connections as usize));
        Self {
            instances: Room::new(instances),
            connections: permits,
            tickets: Held::default(),
            size: Mutex::new(connections),
        }
    }

    /// As many from now on. What is in use above that goes on, and is not given again when it ends. Needs a tokio runtime.
    pub fn resize(&self, instances: u32, connections: u32) {
        self.instances.resize(instances);
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        resize(&self.connections, *size, connections);
        *size = connections;
    }
}

/// A quarter of the sandbox's instances, and as many requests as two busy plugins have by default.
impl Default for Share {
    fn default() -> Self {
        Self::of(250, 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::enter;
    use tokio::time::Instant;

    #[tokio::test]
    async fn a_share_grows_and_shrinks_and_takes_nothing_away() {
        let (share, sandbox) = (Share::new(2, 1), Room::new(9));
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(enter(&share.instances, &sandbox, 1, Instant::now()).await.expect("a place"));
        }
        share.resize(1, 1);
        tokio::task::yield_now().await;
        drop(held.pop());
        tokio::task::yield_now().await;
        assert_eq!(share.instances.free(), 0, "the first that ends is not given again");
        drop(held.pop());
        assert_eq!(share.instances.free(), 1);
        share.resize(5, 3);
        assert_eq!((share.instances.free(), share.connections.available_permits()), (5, 3));
        share.resize(2, 3);
        assert_eq!((share.instances.free(), share.connections.available_permits()), (2, 3));
    }
}
