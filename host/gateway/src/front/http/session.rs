//! The sessions of legacy clients (2025-11-25, session management). They outlive generations: a reload keeps them, and
//! each message of a session takes the generation of its own moment.
//!
//! When there is no place for another, the caller that has most sessions makes it, so that nobody can end the sessions of
//! others by beginning his own.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::Instant;
use witgate_policy::Identity;

use super::room::Room;
use super::streams::Streams;
use crate::front::flights::Flights;
use crate::gate::Gate;
use crate::tenant::Asks;
use crate::wire::{ClientFacts, Reject};

/// Random bytes in a session's id: not to be guessed, and not to be met twice.
const ID_BYTES: usize = 24;

/// The part of what is kept of all streams that one session may take: an answer of the largest size fits.
const PART: usize = 4;

/// What an `initialize` agreed on.
pub(super) struct Session {
    /// The tenant, by name: its object changes with each generation.
    pub(super) tenant: Arc<str>,
    /// Who began the session; nobody else may use it.
    pub(super) owner: Arc<Identity>,
    /// The client, with the revision that was agreed on.
    pub(super) client: ArcSwap<ClientFacts>,
    /// The requests under way.
    pub(super) flights: Arc<Flights>,
    /// What the client is asked.
    pub(super) asks: Arc<Asks>,
    /// What is said to it.
    pub(super) streams: Streams,
}

/// What a session begins with.
pub(super) struct Beginning {
    pub(super) tenant: Arc<str>,
    pub(super) owner: Arc<Identity>,
    pub(super) client: ClientFacts,
}

impl Session {
    fn new(Beginning { tenant, owner, client }: Beginning, room: Arc<Room>) -> Self {
        let client = ArcSwap::from_pointee(client);
        let (flights, asks, streams) = (Flights::new(), Arc::default(), Streams::new(room));
        Self { tenant, owner, client, flights, asks, streams }
    }

    /// Since when nobody used it; `None` while somebody does.
    fn idle_since(&self) -> Option<Instant> {
        let since = self.flights.idle_since()?;
        self.streams.left().ok().map(|left| left.map_or(since, |left| left.max(since)))
    }

    fn caller(&self) -> (&str, &str, &str) {
        (&self.tenant, &self.owner.issuer, &self.owner.subject)
    }

    /// Ends it: what it has under way, its streams, and what is kept for it elsewhere.
    fn close(&self, gate: &Gate) {
        self.flights.cancel_all();
        self.streams.close();
        if let Some(name) = &self.client.load().session {
            gate.farewell(&self.tenant, name);
        }
    }
}

/// The sessions of one front. Messages only read it; a session's own state has its own lock.
pub(super) struct Sessions {
    gate: Arc<Gate>,
    all: RwLock<Table>,
    room: Arc<Room>,
    limits: Limits,
}

type Table = HashMap<Box<str>, Arc<Session>>;

/// What sessions may be and keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Their number.
    pub(super) sessions: usize,
    /// How long one may be idle.
    pub(super) idle: Duration,
    /// What is kept of all streams, in bytes.
    pub(super) events_bytes: usize,
    /// How long it is kept.
    pub(super) events_age: Duration,
}

impl Sessions {
    pub(super) fn new(gate: Arc<Gate>, limits: Limits) -> Self {
        Self { gate, all: RwLock::default(), room: Room::new(limits.events_bytes), limits }
    }

    /// Keeps a session and gives it an id.
    pub(super) fn begin(&self, beginning: Beginning) -> Result<String, Reject> {
        let mut bytes = [0; ID_BYTES];
        if let Err(cause) = getrandom::fill(&mut bytes) {
            tracing::error!(%cause, "the operating system gives no random bytes, so no session can begin");
            return Err(Reject::Internal);
        }
        let id = URL_SAFE_NO_PAD.encode(bytes);
        let session = Session::new(beginning, self.room.part(self.limits.events_bytes / PART));
        let mut all = self.write();
        let replaced = if all.len() < self.limits.sessions {
            None
        } else {
            let longest = longest_idle(&all).ok_or(Reject::SessionsFull)?;
            all.remove(&longest)
        };
        all.insert(id.clone().into(), Arc::new(session));
        drop(all);
        if let Some(replaced) = replaced {
            replaced.close(&self.gate);
        }
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
        let ended = self.write().remove(id);
        if let Some(session) = ended {
            session.close(&self.gate);
        }
    }

    /// Forgets what has expired.
    pub(super) fn sweep(&self) {
        let all: Vec<_> = self.read().iter().map(|(id, session)| (id.clone(), session.clone())).collect();
        for (id, session) in all {
            session.streams.sweep(self.limits.events_age);
            if self.has_expired(&session) {
                self.end(&id);
            }
        }
    }

    fn has_expired(&self, session: &Session) -> bool {
        let now = Instant::now();
        let over = |since: Instant| now.duration_since(since) >= self.limits.idle;
        // The streams are looked at only when the rest says so: this is asked with every message.
        session.flights.idle_since().is_some_and(over) && session.idle_since().is_some_and(over)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that was idle for longest of the caller that has most of them; none that is at work.
fn longest_idle(all: &Table) -> Option<Box<str>> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for session in all.values() {
        *counts.entry(session.caller()).or_default() += 1;
    }
    let idle = all.iter().filter_map(|(id, session)| Some((session.idle_since()?, counts[&session.caller()], id)));
    idle.min_by_key(|(since, count, _)| (std::cmp::Reverse(*count), *since)).map(|(_, _, id)| id.clone())
}

#[cfg(test)]
mod tests {
    use witgate_policy::Payload;

    use super::*;
    use crate::gate::Generation;
    use crate::record::Nobody;
    use crate::wire::RequestId;

    fn sessions(sessions: usize, idle: Duration) -> Sessions {
        let gate = Gate::new(Generation::new(1, Vec::new()), Arc::new(Nobody));
        let events_age = Duration::from_mins(1);
        Sessions::new(Arc::new(gate), Limits { sessions, idle, events_bytes: 1 << 20, events_age })
    }

    fn session() -> Beginning {
        of("")
    }

    fn of(subject: &str) -> Beginning {
        let owner = Identity { subject: subject.into(), ..Identity::anonymous() };
        Beginning { tenant: "t".into(), owner: Arc::new(owner), client: ClientFacts::of_initialize(&Payload::empty()) }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lives_while_it_is_used() {
        let sessions = sessions(10, Duration::from_mins(1));
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
        let sessions = sessions(2, Duration::from_mins(10));
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

    #[tokio::test(start_paused = true)]
    async fn who_begins_many_sessions_ends_his_own() {
        let sessions = sessions(4, Duration::from_mins(10));
        let alice = sessions.begin(of("alice")).expect("a session");
        for _ in 0..20 {
            pass(1).await;
            sessions.begin(of("mallory")).expect("a session");
        }
        assert!(sessions.find(&alice, "t").is_some(), "the longest idle, but not one of many");
    }

    #[tokio::test(start_paused = true)]
    async fn who_listens_is_not_idle() {
        let sessions = sessions(1, Duration::from_mins(1));
        let id = sessions.begin(session()).expect("a session");
        let speaker = || tokio::spawn(std::future::pending::<()>()).abort_handle();
        let turn = sessions.find(&id, "t").expect("kept").streams.stand(speaker).expect("a stream");
        pass(600).await;
        assert_eq!(sessions.begin(session()).err(), Some(Reject::SessionsFull));
        sessions.sweep();
        drop(turn);
        pass(59).await;
        assert!(sessions.find(&id, "t").is_some(), "it was used when the stream ended");
        pass(60).await;
        assert!(sessions.find(&id, "t").is_none());
    }

    #[tokio::test]
    async fn ending_a_session_cancels_what_it_has_under_way() {
        let sessions = sessions(2, Duration::from_mins(10));
        let id = sessions.begin(session()).expect("a session");
        let found = sessions.find(&id, "t").expect("kept");
        let mut flight = found.flights.begin(&RequestId::Number(1)).expect("a flight");
        sessions.end(&id);
        flight.cancelled().await;
        assert!(sessions.find(&id, "t").is_none());
    }
}
