//! Who listens for changes: the streams of `subscriptions/listen` that are open.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::service::{SubscriptionContext, SubscriptionSink};

/// All of them, shared by all handlers.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    open: Arc<Mutex<HashMap<u64, SubscriptionSink>>>,
    next: Arc<AtomicU64>,
}

/// What has changed.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Tools,
    Prompts,
}

impl Listeners {
    /// Keeps one until its client goes.
    pub(crate) async fn keep(&self, context: SubscriptionContext) {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, context.sink().clone());
        context.cancelled().await;
        self.lock().remove(&key);
    }

    /// Tells all who want to know.
    pub(crate) async fn tell(&self, change: Change) {
        let sinks: Vec<_> = self.lock().values().cloned().collect();
        for sink in sinks {
            // One that asked for something else, or has gone, is not told.
            let _ = match change {
                Change::Tools => sink.notify_tool_list_changed().await,
                Change::Prompts => sink.notify_prompt_list_changed().await,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, SubscriptionSink>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
