//! The requests of one client that are under way, by the client's ids, so that it can cancel them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::wire::{Reject, RequestId};

/// Requests that one client may have under way: ten times what clients were seen to send at once.
const LIMIT: usize = 256;

/// What one client has under way.
pub(super) struct Flights(Mutex<State>);

struct State {
    /// The way to cancel each; gone once it was used.
    under_way: HashMap<RequestId, Option<oneshot::Sender<()>>>,
    last_used: Instant,
}

impl Flights {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { under_way: HashMap::new(), last_used: Instant::now() })))
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>, id: &RequestId) -> Result<Flight, Reject> {
        let mut state = self.state();
        if state.under_way.contains_key(id) {
            return Err(Reject::DuplicateId);
        }
        if state.under_way.len() >= LIMIT {
            return Err(Reject::Busy { limit: LIMIT });
        }
        let (cancel, cancelled) = oneshot::channel();
        state.under_way.insert(id.clone(), Some(cancel));
        Ok(Flight { flights: self.clone(), id: id.clone(), cancelled })
    }

    /// Cancels a request; one that is not under way is ignored, since it may just have ended.
    pub(super) fn cancel(&self, id: &RequestId) {
        if let Some(cancel) = self.state().under_way.get_mut(id).and_then(Option::take) {
            // It may have ended in this moment.
            let _ = cancel.send(());
        }
    }

    /// Cancels all of them.
    pub(super) fn cancel_all(&self) {
        for cancel in self.state().under_way.values_mut().filter_map(Option::take) {
            let _ = cancel.send(());
        }
    }

    /// Notes that the client has shown itself.
    pub(super) fn touch(&self) {
        self.state().last_used = Instant::now();
    }

    /// Since when nothing was under way; `None` while something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        state.under_way.is_empty().then_some(state.last_used)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request under way; ends when dropped.
pub(super) struct Flight {
    flights: Arc<Flights>,
    id: RequestId,
    cancelled: oneshot::Receiver<()>,
}

impl Flight {
    /// Waits until the client cancels the request.
    pub(super) async fn cancelled(&mut self) {
        if (&mut self.cancelled).await.is_err() {
            // Nobody can cancel it any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.flights.state();
        state.under_way.remove(&self.id);
        state.last_used = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_under_way_until_it_is_dropped() {
        let flights = Flights::new();
        let id = RequestId::Number(1);
        let mut flight = flights.begin(&id).expect("a flight");
        assert!(flights.idle_since().is_none());
        assert_eq!(flights.begin(&id).err(), Some(Reject::DuplicateId));
        flights.cancel(&RequestId::Text("1".into()));
        flights.cancel(&id);
        flights.cancel(&id);
        flight.cancelled().await;
        assert_eq!(flights.begin(&id).err(), Some(Reject::DuplicateId), "it has not ended yet");
        drop(flight);
        assert!(flights.idle_since().is_some());
        let all: Vec<_> = (0..256).map(|n| flights.begin(&RequestId::Number(n)).expect("a flight")).collect();
        assert_eq!(flights.begin(&RequestId::Number(256)).err(), Some(Reject::Busy { limit: 256 }));
        flights.cancel_all();
        for mut flight in all {
            flight.cancelled().await;
        }
    }
}
