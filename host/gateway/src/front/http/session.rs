//! The sessions of legacy clients (2025-11-25, session management). They outlive generations: a reload keeps them, and
//! each message of a session takes the generation of its own moment.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::Instant;
use witgate_policy::Identity;

use crate::front::flights::Flights;
use crate::wire::{ClientFacts, Reject};

/// Random bytes in a session's id: not to be guessed, and not to be met twice.
const ID_BYTES: usize = 24;

/// What an `initialize` agreed on.
pub(super) struct Session {
    /// The tenant, by name: its object changes with each generation.
    pub(super) tenant: Arc<str>,
    /// Who began the session; nobody else may use it.
    pub(super) owner: Identity,
    /// The client, with the revision that was agreed on.
    pub(super) client: ArcSwap<ClientFacts>,
    /// The requests under way.
    pub(super) flights: Arc<Flights>,
}

impl Session {
    pub(super) fn new(tenant: Arc<str>, owner: Identity, client: ClientFacts) -> Self {
        Self { tenant, owner, client: ArcSwap::from_pointee(client), flights: Flights::new() }
    }
}

/// The sessions of one front. Messages only read it; a session's own state has its own lock.
pub(super) struct Sessions {
    all: RwLock<HashMap<Box<str>, Arc<Session>>>,
    limit: usize,
    idle: Duration,
}

impl Sessions {
    pub(super) fn new(limit: usize, idle: Duration) -> Self {
        Self { all: RwLock::default(), limit, idle }
    }

    /// Keeps a session and gives it an id. When there is no place, the session that was idle for longest ends.
    pub(super) fn begin(&self, session: Session) -> Result<String, Reject> {
        let mut bytes = [0; ID_BYTES];
        if let Err(cause) = getrandom::fill(&mut bytes) {
            tracing::error!(%cause, "the operating system gives no random bytes, so no session can begin");
            return Err(Reject::Internal);
        }
        let id = URL_SAFE_NO_PAD.encode(bytes);
        let mut all = self.write();
        if all.len() >= self.limit {
            let longest = all.iter().filter_map(|(id, session)| Some((session.flights.idle_since()?, id)));
            let longest = longest.min().map(|(_, id)| id.clone()).ok_or(Reject::SessionsFull)?;
            all.remove(&longest);
        }
        all.insert(id.clone().into(), Arc::new(session));
        Ok(id)
    }

    /// The session of that id and tenant, if it has not expired.
    pub(super) fn find(&self, id: &str, tenant: &str) -> Option<Arc<Session>> {
        let session = self.read().get(id).filter(|session| *session.tenant == *tenant).cloned()?;
        if self.has_expired(&session) {
            return None;
        }
        session.flights.touch();
        Some(session)
    }

    /// Ends a session and cancels what it has under way.
    pub(super) fn end(&self, id: &str) {
        if let Some(session) = self.write().remove(id) {
            session.flights.cancel_all();
        }
    }

    /// Forgets what has expired.
    pub(super) fn sweep(&self) {
        if self.read().values().any(|session| self.has_expired(session)) {
            self.write().retain(|_, session| !self.has_expired(session));
        }
    }

    fn has_expired(&self, session: &Session) -> bool {
        let now = Instant::now();
        session.flights.idle_since().is_some_and(|since| now.duration_since(since) >= self.idle)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Box<str>, Arc<Session>>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Box<str>, Arc<Session>>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use witgate_policy::Payload;

    use super::*;
    use crate::wire::RequestId;

    fn session() -> Session {
        Session::new("t".into(), Identity::anonymous(), ClientFacts::of_initialize(&Payload::empty()))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lives_while_it_is_used() {
        let sessions = Sessions::new(10, Duration::from_mins(1));
        let id = sessions.begin(session()).expect("a session");
        assert!(id.len() >= 22 && id.bytes().all(|b| b.is_ascii_graphic()), "{id}");
        assert!(sessions.find(&id, "other").is_none());
        assert!(sessions.find("x", "t").is_none());
        pass(59).await;
        let found = sessions.find(&id, "t").expect("used in time");
        let flight = found.flights.begin(&RequestId::Number(1)).expect("a flight");
        pass(600).await;
        assert!(sessions.find(&id, "t").is_some(), "a long request keeps it");
        drop(flight);
        pass(59).await;
        assert!(sessions.find(&id, "t").is_some());
        pass(60).await;
        assert!(sessions.find(&id, "t").is_none());
        sessions.sweep();
        assert!(sessions.read().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_makes_place_but_never_one_at_work() {
        let sessions = Sessions::new(2, Duration::from_mins(10));
        let first = sessions.begin(session()).expect("a session");
        pass(1).await;
        let second = sessions.begin(session()).expect("a session");
        pass(1).await;
        sessions.find(&first, "t").expect("used last");
        let third = sessions.begin(session()).expect("a place");
        assert!(sessions.find(&second, "t").is_none());
        let busy: Vec<_> = [&first, &third]
            .into_iter()
            .map(|id| sessions.find(id, "t").expect("kept").flights.begin(&RequestId::Number(1)).expect("a flight"))
            .collect();
        assert_eq!(sessions.begin(session()).err(), Some(Reject::SessionsFull));
        drop(busy);
        assert!(sessions.begin(session()).is_ok());
    }

    #[tokio::test]
    async fn ending_a_session_cancels_what_it_has_under_way() {
        let sessions = Sessions::new(2, Duration::from_mins(10));
        let id = sessions.begin(session()).expect("a session");
        let found = sessions.find(&id, "t").expect("kept");
        let mut flight = found.flights.begin(&RequestId::Number(1)).expect("a flight");
        sessions.end(&id);
        flight.cancelled().await;
        assert!(sessions.find(&id, "t").is_none());
    }
}
