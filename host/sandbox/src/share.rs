use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// What the plugins of one tenant may use at once, all of them together, so that no tenant can take it all. It outlives
/// generations: a reload frees nothing that is still in use.
#[derive(Debug)]
pub struct Share {
    pub(crate) instances: Arc<Semaphore>,
    pub(crate) connections: Arc<Semaphore>,
    sizes: Mutex<Sizes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    instances: u32,
    connections: u32,
}

impl Share {
    /// So many instances that live at once, and so many requests of plugins to the network.
    pub fn new(instances: u32, connections: u32) -> Arc<Self> {
        let semaphore = |permits: u32| Arc::new(Semaphore::new(permits as usize));
        let sizes = Mutex::new(Sizes { instances, connections });
        Arc::new(Self { instances: semaphore(instances), connections: semaphore(connections), sizes })
    }

    /// As many from now on. What is in use above that goes on, and is not given again when it ends. Needs a tokio runtime.
    pub fn resize(&self, instances: u32, connections: u32) {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        resize(&self.instances, sizes.instances, instances);
        resize(&self.connections, sizes.connections, connections);
        *sizes = Sizes { instances, connections };
    }
}

fn resize(semaphore: &Arc<Semaphore>, from: u32, to: u32) {
    semaphore.add_permits(to.saturating_sub(from) as usize);
    let surplus = from.saturating_sub(to);
    let taken = u32::try_from(semaphore.forget_permits(surplus as usize)).unwrap_or(surplus);
    let owed = surplus.saturating_sub(taken);
    if owed > 0 {
        let semaphore = semaphore.clone();
        tokio::spawn(async move {
            if let Ok(permits) = semaphore.acquire_many_owned(owed).await {
                permits.forget();
            }
        });
    }
}

/// A quarter of the sandbox's instances, and as many requests as two busy plugins have by default.
impl Default for Share {
    fn default() -> Self {
        let semaphore = |permits: u32| Arc::new(Semaphore::new(permits as usize));
        let sizes = Sizes { instances: 250, connections: 32 };
        Self {
            instances: semaphore(sizes.instances),
            connections: semaphore(sizes.connections),
            sizes: Mutex::new(sizes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_grows_and_shrinks_and_takes_nothing_away() {
        let share = Share::new(2, 1);
        let held: Vec<_> = (0..2).filter_map(|_| share.instances.clone().try_acquire_owned().ok()).collect();
        assert_eq!(held.len(), 2);
        share.resize(1, 1);
        tokio::task::yield_now().await;
        let mut held = held.into_iter();
        drop(held.next());
        tokio::task::yield_now().await;
        assert_eq!(share.instances.available_permits(), 0, "the first that ends is not given again");
        drop(held.next());
        assert_eq!(share.instances.available_permits(), 1);
        share.resize(5, 3);
        assert_eq!((share.instances.available_permits(), share.connections.available_permits()), (5, 3));
        share.resize(2, 3);
        assert_eq!((share.instances.available_permits(), share.connections.available_permits()), (2, 3));
    }
}
