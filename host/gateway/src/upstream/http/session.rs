//! Handshakes over HTTP, and their results by credential: a session of a legacy server, or what a modern one says of
//! itself to whoever shows that credential.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::timeout;
use witgate_policy::{Failure, Payload, Revision};

use super::Link;
use super::client::Shown;
use super::listen::Ear;
use crate::upstream::Failed;
use crate::upstream::envelope::Outcome;
use crate::upstream::exchange::Listener;
use crate::upstream::facts::ServerFacts;
use crate::upstream::handshake::{
    MODERN, Probe, discover_params, initialize_params, judge_discover, judge_error, judge_initialize,
};
use crate::upstream::lazy::{Alive, Lazy};
use crate::upstream::pipe::Era;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// A finished handshake.
pub(crate) struct Session {
    pub(crate) facts: ServerFacts,
    id: Option<HeaderValue>,
    over: AtomicBool,
    ear: Option<Ear>,
}

impl Session {
    /// The headers that every message of it carries.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Older revisions do not know the header.
        if self.facts.revision >= Revision::V2025_06_18 {
            headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(self.facts.revision.as_str()));
        }
        if let Some(id) = &self.id {
            headers.insert(SESSION_ID, id.clone());
        }
        headers
    }

    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// The server does not know it any more, or is another one.
    pub(super) fn end(&self) {
        self.over.store(true, Relaxed);
    }
}

impl Alive for Session {
    fn alive(&self) -> bool {
        !self.over.load(Relaxed)
    }

    fn proved(&self) -> bool {
        true
    }
}

/// The sessions by credential; the least recently used one makes room.
#[derive(Default)]
pub(super) struct Sessions {
    by_key: HashMap<[u8; 32], Kept>,
    clock: u64,
}

struct Kept {
    session: Arc<Lazy<Session>>,
    shown: Shown,
    used: u64,
}

impl Sessions {
    /// The session of a credential, and the one that had to go.
    fn at(&mut self, shown: &Shown, max: usize) -> (Arc<Lazy<Session>>, Option<Kept>) {
        self.clock += 1;
        if let Some(kept) = self.by_key.get_mut(&shown.key) {
            kept.used = self.clock;
            return (kept.session.clone(), None);
        }
        let oldest = self.by_key.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
        let gone = oldest.filter(|_| self.by_key.len() >= max.max(1)).and_then(|key| self.by_key.remove(&key));
        let session = Arc::new(Lazy::new(false));
        let kept = Kept { session: session.clone(), shown: shown.clone(), used: self.clock };
        self.by_key.insert(shown.key, kept);
        (session, gone)
    }
}

impl Link {
    /// The session of a credential; shakes hands if there is none.
    pub(crate) async fn session(self: &Arc<Self>, shown: &Shown) -> Result<Arc<Session>, Failed> {
        let (session, gone) = self.sessions().at(shown, self.spec.limits.sessions);
        if let Some(gone) = gone {
            let link = self.clone();
            tokio::spawn(async move { link.finish(gone).await });
        }
        session.get(|| connect(self.clone(), shown.clone())).await
    }

    /// The session of a credential, if there is one.
    pub(crate) fn known_session(&self, shown: &Shown) -> Option<Arc<Session>> {
        self.sessions().by_key.get(&shown.key)?.session.peek()
    }

    /// Ends all sessions.
    pub(crate) async fn close(self: &Arc<Self>) {
        let all = std::mem::take(&mut self.sessions().by_key);
        futures_util::future::join_all(all.into_values().map(|kept| self.finish(kept))).await;
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the server that a session is over, where it has a name.
    async fn finish(&self, kept: Kept) {
        let Some(session) = kept.session.take().filter(|session| session.has_id()) else { return };
        session.end();
        let delete = self.client.send(Method::DELETE, &kept.shown, session.headers(), String::new());
        // 405 says that it does not want to be told; whatever else it says, nothing is left to be done.
        let _ = timeout(self.spec.timeouts.close, delete).await;
    }

    pub(super) fn era(&self) -> std::sync::MutexGuard<'_, Option<Era>> {
        self.era.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shakes hands within the time for it.
async fn connect(link: Arc<Link>, shown: Shown) -> Result<Session, Failed> {
    let patience = link.spec.timeouts.connect;
    let shaken = timeout(patience, shake(&link, &shown)).await;
    let late = || Failed::not_sent(format!("the server was not ready within {} ms", patience.as_millis()));
    let session = match shaken.unwrap_or_else(|_| Err(late())) {
        Ok(mut session) => {
            session.ear = session.listen(&link, &shown);
            session
        }
        Err(failed) => {
            // The next attempt looks anew.
            *link.era() = None;
            return Err(unsent(failed));
        }
    };
    *link.era() = Some(Era::of(session.facts.revision));
    link.gauge.lists_changed();
    tracing::info!(upstream = %link.spec.id, revision = %session.facts.revision, "connected");
    Ok(session)
}

/// A handshake that failed: the call itself was not sent, whatever became of the handshake. Statuses that ask for other
/// credentials, or for patience, stay what they are.
fn unsent(failed: Failed) -> Failed {
    let why = match failed.failure {
        Failure::NoReply(why) => why,
        Failure::HttpStatus(401 | 403 | 407 | 429) => return failed,
        Failure::HttpStatus(status) => format!("the server answered the handshake with HTTP {status}"),
        _ => return failed,
    };
    Failed { failure: Failure::NotSent(why), ..failed }
}

async fn shake(link: &Arc<Link>, shown: &Shown) -> Result<Session, Failed> {
    let known = *link.era();
    if known == Some(Era::Legacy) {
        return initialize(link, shown).await;
    }
    match timeout(link.spec.timeouts.probe, discover(link, shown)).await {
        Ok(probe) => settle(link, shown, probe?).await,
        Err(_) => match initialize(link, shown).await {
            Ok(session) => Ok(session),
            // It may be modern, and slow.
            Err(failed) => match discover(link, shown).await? {
                Probe::Legacy => Err(failed),
                probe => settle(link, shown, probe).await,
            },
        },
    }
}

async fn settle(link: &Arc<Link>, shown: &Shown, probe: Probe) -> Result<Session, Failed> {
    match probe {
        Probe::Modern(facts) => Ok(Session { facts, id: None, over: AtomicBool::new(false), ear: None }),
        Probe::Legacy => initialize(link, shown).await,
        Probe::Incompatible(why) => Err(Failed::not_sent(why)),
    }
}

/// The modern attempt; once more when the server refuses the revision and names that same one, as the only one that the
/// two have in common.
async fn discover(link: &Arc<Link>, shown: &Shown) -> Result<Probe, Failed> {
    match ask_once(link, shown).await? {
        Answered::Probe(probe) => Ok(probe),
        Answered::SameRevision => match ask_once(link, shown).await? {
            Answered::Probe(probe) => Ok(probe),
            Answered::SameRevision => {
                Ok(Probe::Incompatible(format!("the server refuses MCP {MODERN}, and offers it")))
            }
        },
    }
}

enum Answered {
    Probe(Probe),
    SameRevision,
}

impl Answered {
    fn of_error(error: &Payload) -> Self {
        let supported: Vec<String> = error.read("/data/supported").unwrap_or_default();
        let refused = error.read::<i64>("/code") == Some(-32022);
        if refused && supported.iter().any(|version| version == MODERN.as_str()) {
            return Self::SameRevision;
        }
        Self::Probe(judge_error(error))
    }
}

async fn ask_once(link: &Arc<Link>, shown: &Shown) -> Result<Answered, Failed> {
    let params = discover_params();
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(MODERN.as_str()));
    super::header::describe(&mut headers, "server/discover", &params, None);
    match link.post(shown, headers, "server/discover", &params, Listener::internal(), None).await {
        Ok(mut answer) => Ok(match answer.outcome().await? {
            Outcome::Error(error) => Answered::of_error(&error),
            outcome => Answered::Probe(judge_discover(&outcome)),
        }),
        Err(failed) => match (&failed.failure, &failed.error) {
            (Failure::HttpStatus(400..500), Some(error)) if judge_error(error) != Probe::Legacy => {
                Ok(Answered::of_error(error))
            }
            // Who is asked for credentials, or to come later, knows nothing of the era yet.
            (Failure::HttpStatus(401 | 403 | 407 | 429 | 502..=504), _) => Err(failed),
            (Failure::HttpStatus(400..), _) => Ok(Answered::Probe(Probe::Legacy)),
            _ => Err(failed),
        },
    }
}

/// The legacy handshake.
async fn initialize(link: &Arc<Link>, shown: &Shown) -> Result<Session, Failed> {
    let params = initialize_params();
    let posted = link.post(shown, HeaderMap::new(), "initialize", &params, Listener::internal(), None).await;
    let mut answer = posted.inspect_err(|failed| {
        if matches!(failed.failure, Failure::HttpStatus(404 | 405)) {
            tracing::warn!(
                upstream = %link.spec.id,
                "the server takes no POST here: give its Streamable HTTP endpoint (often /mcp instead of /sse), or say \
                 `transport = \"sse\"` if all that it has is the HTTP+SSE transport of 2024-11-05"
            );
        }
    })?;
    let outcome = answer.outcome().await?;
    let facts = judge_initialize(&outcome).map_err(Failed::not_sent)?;
    let session = Session { facts, id: answer.session_id.take(), over: AtomicBool::new(false), ear: None };
    let body = crate::upstream::envelope::notification("notifications/initialized", &Payload::empty());
    // A server that minds its answer will say so to the first request.
    let _ = link.client.send(Method::POST, shown, session.headers(), body).await;
    Ok(session)
}
