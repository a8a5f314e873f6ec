//! A server over Streamable HTTP: one POST for each message, on pooled connections.

mod answer;
mod client;
pub(super) mod header;
mod listen;
mod resume;
mod session;
mod sieve;
mod socket;
pub(super) mod sse;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::sync::Semaphore;
use witgate_policy::{Payload, Revision};

use super::envelope::{self, Message, Outcome};
use super::exchange::Listener;
use super::gauge::Gauge;
use super::{Failed, Http, Spec};
use crate::whole::Whole;
use answer::{Body, Cancel, Chair};
use session::SESSION_ID;
use sse::Parser;

pub(crate) use answer::Answer;
pub(crate) use client::{Client, Shown, collect, media_type, origin, status, with_sources};
pub(crate) use session::{Session, connect};
pub(crate) use socket::Reading;

/// What is read of an error's body.
const ERROR_BYTES: usize = 64 << 10;
/// A session id that is longer is not kept.
const SESSION_ID_BYTES: usize = 1024;

/// The way to one server.
pub(crate) struct Link {
    spec: Arc<Spec>,
    gauge: Arc<Gauge>,
    client: Client,
    next: AtomicU64,
    /// One session listens for changed lists, unless somebody listens to others too.
    ear: Arc<Semaphore>,
    /// Messages that nobody waits for.
    asides: Arc<Semaphore>,
}

/// What is to be sent, once it is known to which session and under which id.
pub(crate) struct Sending<'a> {
    pub(crate) method: &'a str,
    /// The params for a server of a revision, with this progress token.
    pub(crate) params: &'a (dyn Fn(Revision, u64) -> Result<Payload, Failed> + Sync),
    pub(crate) tool: Option<&'a Payload>,
    pub(crate) listener: &'a (dyn Fn() -> Listener + Sync),
}

impl Link {
    pub(crate) fn new(spec: &Arc<Spec>, http: &Http, gauge: &Arc<Gauge>) -> Result<Self, String> {
        Ok(Self {
            spec: spec.clone(),
            gauge: gauge.clone(),
            client: Client::new(http, spec.timeouts.connect)?,
            next: AtomicU64::new(1),
            ear: Arc::new(Semaphore::new(1)),
            asides: Arc::new(Semaphore::new(answer::ASIDES)),
        })
    }

    fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Relaxed)
    }

    /// Sends a request in a session.
    pub(crate) async fn attempt(
        self: &Arc<Self>,
        session: &Arc<Session>,
        sending: &Sending<'_>,
    ) -> Result<Answer, Failed> {
        let id = self.next_id();
        let params = (sending.params)(session.facts.revision, id)?;
        let mut headers = session.headers();
        let legacy = !session.facts.revision.is_modern();
        if !legacy {
            header::describe(&mut headers, sending.method, &params, sending.tool);
        }
        let cancel = legacy.then(|| Cancel { link: self.clone(), session: session.clone(), id, armed: true });
        let listener = (sending.listener)();
        let chair = (!listener.internal).then(|| Chair::take(session, id, &self.spec.limits)).flatten();
        let post = Post { id, headers, method: sending.method, params: &params, listener };
        let mut posted = self.post(post, cancel, chair).await;
        if let Ok(answer) = &mut posted {
            answer.is_sifted = !legacy && sending.method == "tools/list";
        }
        if let Err(Failed { failure: witgate_policy::Failure::HttpStatus(400 | 404 | 405), error: None, .. }) = &posted
        {
            // Not what a modern server says: it may have been replaced by another.
            if !legacy {
                session.outlive();
            }
        }
        posted
    }

    /// An answer that came as an HTTP error: a request that the server understood and refused.
    pub(crate) fn own_error(self: &Arc<Self>, failed: Failed, sending: &Sending<'_>) -> Result<Answer, Failed> {
        match (&failed.failure, &failed.error) {
            (witgate_policy::Failure::HttpStatus(400 | 404), Some(error)) => {
                let outcome = Outcome::Error(error.clone());
                let mut answer = self.answer(0, (sending.listener)(), Body::Done, None, None);
                answer.heard.push_back(Message::Response { id: Some(0), outcome });
                Ok(answer)
            }
            _ => Err(failed),
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(
        self: &Arc<Self>,
        session: &Session,
        method: &str,
        params: &Payload,
    ) -> Result<(), Failed> {
        let body = envelope::notification(method, params);
        let response = self.client.send(Method::POST, session.headers(), body).await?;
        if response.status().is_success() { Ok(()) } else { Err(status(&response)) }
    }

    /// A request of the handshake.
    async fn shake(
        self: &Arc<Self>,
        shown: &Shown,
        headers: HeaderMap,
        method: &str,
        params: &Payload,
    ) -> Result<Answer, Failed> {
        let headers = self.client.headers(shown, headers);
        let post = Post { id: self.next_id(), headers, method, params, listener: Listener::internal() };
        self.post(post, None, None).await
    }

    async fn post(
        self: &Arc<Self>,
        post: Post<'_>,
        cancel: Option<Cancel>,
        mut chair: Option<Chair>,
    ) -> Result<Answer, Failed> {
        let body = envelope::request(post.id, post.method, post.params);
        let link = self.clone();
        let sent = async move { link.client.send(Method::POST, post.headers, body).await };
        let begun = match &mut chair {
            None => Begun::Head(sent.await),
            // The server may ask before it begins to answer.
            Some(chair) => {
                let mut sent: PostFuture = Box::pin(sent);
                tokio::select! {
                    biased;
                    head = &mut sent => Begun::Head(head),
                    () = chair.inbox.ready() => Begun::Asks(sent),
                }
            }
        };
        let (body, session_id) = match begun {
            Begun::Asks(sent) => (Body::Sent(sent), None),
            Begun::Head(head) => match self.begin(head).await {
                Ok(begun) => begun,
                Err((failed, refused)) => {
                    if refused {
                        drop(cancel.map(Cancel::disarm));
                    }
                    return Err(failed);
                }
            },
        };
        let mut answer = self.answer(post.id, post.listener, body, cancel, chair);
        answer.session_id = session_id;
        Ok(answer)
    }

    /// Reads a response's head. A failure comes with whether the server has the request no longer, or never had it.
    async fn begin(
        &self,
        head: Result<Response<Reading>, Failed>,
    ) -> Result<(Body, Option<HeaderValue>), (Failed, bool)> {
        let response = head.map_err(|failed| (failed, true))?;
        if !response.status().is_success() {
            return Err((self.refused(response).await, true));
        }
        let session_id = response.headers().get(SESSION_ID).cloned().filter(valid_id);
        let max_bytes = self.spec.limits.message.bytes;
        let kind = media_type(response.headers());
        let (events, json) = (kind == "text/event-stream", kind == "application/json");
        let body = match (events, json) {
            (true, _) => Body::Events(response.into_body(), Parser::new(max_bytes)),
            (_, true) => Body::Json(response.into_body(), Whole::default()),
            _ => {
                let code = response.status().as_u16();
                let kind: String = kind.chars().filter(|c| !c.is_control()).take(80).collect();
                let why = format!(
                    "the server answered a request with HTTP {code} and content type `{kind}`, not JSON or an event stream"
                );
                return Err((Failed::no_reply(why), false));
            }
        };
        Ok((body, session_id))
    }

    fn answer(
        self: &Arc<Self>,
        id: u64,
        listener: Listener,
        body: Body,
        cancel: Option<Cancel>,
        chair: Option<Chair>,
    ) -> Answer {
        let opened = matches!(body, Body::Events(..)) && !listener.internal;
        let heard = VecDeque::new();
        Answer {
            link: self.clone(),
            id,
            listener,
            body,
            heard,
            opened,
            session_id: None,
            chair,
            cancel,
            is_sifted: false,
        }
    }

    /// What an HTTP error says, with the JSON-RPC error of its body.
    async fn refused(&self, response: Response<Reading>) -> Failed {
        let mut failed = status(&response);
        let mut body = response.into_body();
        let mut text = Whole::default();
        if collect(&mut body, &mut text, ERROR_BYTES).await.is_ok() {
            let messages = envelope::decode(text.take(), self.spec.limits.message).unwrap_or_default();
            if let [Message::Response { outcome: Outcome::Error(error), .. }] = &messages[..] {
                failed.error = Some(error.clone());
            }
        }
        failed
    }
}

/// What a POST is made of.
struct Post<'a> {
    id: u64,
    headers: HeaderMap,
    method: &'a str,
    params: &'a Payload,
    listener: Listener,
}

/// A POST whose response has not begun.
type PostFuture = futures_util::future::BoxFuture<'static, Result<Response<Reading>, Failed>>;

/// What came first of a POST.
enum Begun {
    Head(Result<Response<Reading>, Failed>),
    Asks(PostFuture),
}

/// What a failure says of the session that a request was sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlived {
    /// The server has forgotten it.
    Forgotten,
    /// There is another server now.
    Replaced,
}

/// Whether the request was not processed, since its session is over.
pub(crate) fn outlived(failed: &Failed, session: &Session) -> Option<Outlived> {
    if replaced(failed, session) {
        return Some(Outlived::Replaced);
    }
    (session.has_id() && forgotten(failed)).then_some(Outlived::Forgotten)
}

/// Whether a server says that it does not know the session: with 404, as it must, or with the 400 and -32000 that
/// servers built on the TypeScript SDK's example send. Both come from in front of the server's own methods.
fn forgotten(failed: &Failed) -> bool {
    let code = failed.error.as_ref().and_then(|error| error.read::<i64>("/code"));
    match failed.failure {
        witgate_policy::Failure::HttpStatus(status) if status == StatusCode::NOT_FOUND => code != Some(-32601),
        witgate_policy::Failure::HttpStatus(status) if status == StatusCode::BAD_REQUEST => code == Some(-32000),
        _ => false,
    }
}

/// Whether a server that was legacy speaks as only modern ones do. It refused the request before any method saw it.
fn replaced(failed: &Failed, session: &Session) -> bool {
    let code = failed.error.as_ref().and_then(|error| error.read::<i64>("/code"));
    !session.facts.revision.is_modern() && matches!(code, Some(-32022..=-32020))
}

/// Visible ASCII, as the specification has it.
fn valid_id(id: &HeaderValue) -> bool {
    id.len() <= SESSION_ID_BYTES && id.as_bytes().iter().all(|b| matches!(b, 0x21..=0x7e))
}
