//! Handshakes over HTTP, and what comes of them: a session of a legacy server, or what a modern one says of itself to
//! whoever shows a credential.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::timeout;
use witgate_policy::{Failure, Payload, Revision};

use super::client::Shown;
use super::listen::Ear;
use super::{Link, Sending};
use crate::upstream::Failed;
use crate::upstream::board::{Board, Voice};
use crate::upstream::connection::{Connection, Era, Order};
use crate::upstream::envelope::Outcome;
use crate::upstream::exchange::{Listener, Own};
use crate::upstream::facts::ServerFacts;
use crate::upstream::handshake::{
    MODERN, Probe, discover_params, initialize_params, judge_discover, judge_error, judge_initialize,
};
use crate::upstream::lazy::Alive;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// A finished handshake.
pub(crate) struct Session {
    pub(crate) facts: ServerFacts,
    pub(super) board: Arc<Board>,
    link: Weak<Link>,
    /// Those that every message of it carries.
    headers: HeaderMap,
    id: Option<HeaderValue>,
    over: AtomicBool,
    pub(super) ear: Mutex<Option<Ear>>,
}

impl Session {
    fn new(link: &Arc<Link>, order: &Order, facts: ServerFacts, id: Option<HeaderValue>) -> Self {
        let headers = link.client.headers(&order.shown, headers(facts.revision, id.as_ref()));
        let board = Board::new(order, voice(link, &facts, headers.clone()));
        if facts.revision.is_modern() {
            board.is_modern();
        }
        Self {
            facts,
            board,
            link: Arc::downgrade(link),
            headers,
            id,
            over: AtomicBool::new(false),
            ear: Mutex::default(),
        }
    }

    /// The headers that every message of it carries.
    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// The server does not know it any more, or is another one.
    pub(crate) fn outlive(&self) {
        if !self.over.swap(true, Relaxed) {
            self.board.close();
        }
    }

    pub(super) fn ear(&self) -> std::sync::MutexGuard<'_, Option<Ear>> {
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn headers(revision: Revision, id: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Older revisions do not know the header.
    if revision >= Revision::V2025_06_18 {
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(revision.as_str()));
    }
    if let Some(id) = id {
        headers.insert(SESSION_ID, id.clone());
    }
    headers
}

/// Says a line to a legacy server in a POST of its own; to a modern one there is nothing to say.
fn voice(link: &Arc<Link>, facts: &ServerFacts, headers: HeaderMap) -> Voice {
    if facts.revision.is_modern() {
        return Box::new(|_, _| ());
    }
    let link = Arc::downgrade(link);
    Box::new(move |line, sure| {
        if let Some(link) = link.upgrade() {
            link.aside(headers.clone(), line, sure);
        }
    })
}

impl Alive for Session {
    fn alive(&self) -> bool {
        !self.over.load(Relaxed)
    }

    fn proved(&self) -> bool {
        true
    }
}

impl Connection for Session {
    const RESTS: bool = false;

    fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    /// Tells the server that the session is over, where it has a name.
    fn end(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.outlive();
            *self.ear() = None;
            let Some(link) = self.link.upgrade().filter(|_| self.has_id()) else { return };
            let delete = link.client.send(Method::DELETE, self.headers(), String::new());
            // 405 says that it does not want to be told; whatever else it says, nothing is left to be done.
            let _ = timeout(link.spec.timeouts.close, delete).await;
        })
    }

    fn request(self: Arc<Self>, method: &'static str, params: Payload) -> BoxFuture<'static, Result<Own, Failed>> {
        Box::pin(async move {
            let link = self.link.upgrade().ok_or_else(|| Failed::not_sent("the connection was closed"))?;
            let params = |_, _| Ok(params.clone());
            let sending = Sending { method, params: &params, tool: None, listener: &Listener::internal };
            let answer = link.attempt(&self, &sending).await.or_else(|failed| link.own_error(failed, &sending))?;
            Ok(Own::Http(Box::new(answer)))
        })
    }

    fn note(&self, method: &str, params: &Payload) {
        self.board.note(method, params);
    }

    fn lapse(&self) {
        self.board.lapse();
    }
}

/// How often a handshake that broke off is begun again.
const AGAIN: usize = 2;

/// Shakes hands within the time for it.
pub(crate) async fn connect(link: Arc<Link>, order: Order) -> Result<Session, Failed> {
    let patience = link.spec.timeouts.connect;
    let shaken = timeout(patience, async {
        // A kept connection may be closed by the server just when it is used again; a handshake can be sent once more.
        for _ in 0..AGAIN {
            match shake(&link, &order).await {
                Err(Failed { failure: Failure::NoReply(_), .. }) => {}
                shaken => return shaken,
            }
        }
        shake(&link, &order).await
    })
    .await;
    let late = || Failed::not_sent(format!("the server was not ready within {} ms", patience.as_millis()));
    let session = shaken.unwrap_or_else(|_| Err(late())).map_err(unsent)?;
    session.listen(&link, false).await;
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

async fn shake(link: &Arc<Link>, order: &Order) -> Result<Session, Failed> {
    if order.known == Some(Era::Legacy) {
        return initialize(link, order).await;
    }
    match timeout(link.spec.timeouts.probe, discover(link, &order.shown)).await {
        Ok(probe) => settle(link, order, probe?).await,
        Err(_) => match initialize(link, order).await {
            Ok(session) => Ok(session),
            // It may be modern, and slow.
            Err(failed) => match discover(link, &order.shown).await? {
                Probe::Legacy => Err(failed),
                probe => settle(link, order, probe).await,
            },
        },
    }
}

async fn settle(link: &Arc<Link>, order: &Order, probe: Probe) -> Result<Session, Failed> {
    match probe {
        Probe::Modern(facts) => Ok(Session::new(link, order, facts, None)),
        Probe::Legacy => initialize(link, order).await,
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
    match link.shake(shown, headers, "server/discover", &params).await {
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
async fn initialize(link: &Arc<Link>, order: &Order) -> Result<Session, Failed> {
    let params = initialize_params(&order.declared);
    let posted = link.shake(&order.shown, HeaderMap::new(), "initialize", &params).await;
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
    let session = Session::new(link, order, facts, answer.session_id.take());
    let body = crate::upstream::envelope::notification("notifications/initialized", &Payload::empty());
    // A server that minds its answer will say so to the first request.
    let _ = link.client.send(Method::POST, session.headers(), body).await;
    Ok(session)
}
