//! Answers drawn from a hat: whoever has waited need not be first.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// So many wait before one is drawn.
const WAITING: usize = 4;
/// Nobody waits longer: the others may all be waiting for this one.
const PATIENCE: Duration = Duration::from_millis(2);

#[derive(Debug, Default)]
pub(super) struct Hat {
    waiting: Mutex<(u64, Vec<oneshot::Sender<()>>)>,
}

impl Hat {
    /// Waits to be drawn.
    pub(super) async fn turn(&self) {
        let (sender, drawn) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let (seed, all) = &mut *waiting;
            all.push(sender);
            all.retain(|sender| !sender.is_closed());
            if all.len() > WAITING {
                // Any sequence without a short period will do (Knuth's multiplier).
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = usize::try_from(*seed >> 33).unwrap_or_default() % all.len();
                // One that has given up waiting has answered.
                let _ = all.swap_remove(at).send(());
            }
        }
        let _ = tokio::time::timeout(PATIENCE, drawn).await;
    }
}
