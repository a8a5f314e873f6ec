//! The stream on which a server tells that its lists have changed: `GET` for a legacy one, `subscriptions/listen` for a
//! modern one; and on which a legacy one asks a client of whom it has a session. One for those sessions each, and one for
//! all that are shared by many; what is missed while it is down counts as a change.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::AbortHandle;
use witgate_policy::json;

use super::client::media_type;
use super::socket::Reading;
use super::sse::{Parser, Place};
use super::{Link, Session, header};
use crate::home;
use crate::upstream::Failed;
use crate::upstream::board::Board;
use crate::upstream::envelope::{self, Message, Outcome};
use crate::upstream::handshake::listen_params;
use crate::upstream::meta;

/// Before the second attempt; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// For a server to begin the stream on which it may ask, before it is sent the first call; or on which it tells of
/// changes, before a client believes that it is told of them.
const BEGIN: Duration = Duration::from_secs(1);

/// A stream that is listened to; it ends with this.
pub(super) struct Ear {
    task: AbortHandle,
    /// Whether it was begun, or will not be.
    begun: watch::Receiver<bool>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a listening task needs; it does not keep the way to the server open by itself.
struct Listening {
    link: Weak<Link>,
    /// Of the session.
    headers: HeaderMap,
    /// The params of `subscriptions/listen`, for a modern server.
    subscription: Option<witgate_policy::Payload>,
    limits: json::Limits,
    board: Arc<Board>,
    _only: Option<OwnedSemaphorePermit>,
}

/// Whether a stream that ended is to be opened again.
#[derive(PartialEq, Eq)]
enum Ended {
    Again,
    ForGood,
}

impl Session {
    /// Listens in this session, unless it does already: if it is one client's own; or if the server tells of changes, and
    /// either somebody waits for them (`awaited`, or in the crowd) or no other session listens.
    pub(crate) async fn listen(&self, link: &Arc<Link>, awaited: bool) {
        let Some(mut begun) = self.ear_for(link, awaited) else { return };
        if self.board.is_own() || awaited || self.board.is_heard() {
            // A server that does not begin its answer before it has something to say is not waited for.
            let _ = tokio::time::timeout(BEGIN, begun.wait_for(|begun| *begun)).await;
        }
    }

    /// When the stream is begun; `None` when there is none.
    fn ear_for(&self, link: &Arc<Link>, awaited: bool) -> Option<watch::Receiver<bool>> {
        let mut ear = self.ear();
        if let Some(ear) = &*ear {
            return Some(ear.begun.clone());
        }
        let params = listen_params(&self.facts);
        let own = self.board.is_own();
        let modern = self.facts.revision.is_modern();
        let tells =
            params.is_some() || (!modern && ["/resources/subscribe", "/tasks"].iter().any(|at| self.facts.has(at)));
        if !(own || tells) {
            return None;
        }
        let only = if own { None } else { link.ear.clone().try_acquire_owned().ok() };
        if !own && only.is_none() && !awaited && !self.board.is_heard() {
            return None;
        }
        let listening = Listening {
            link: Arc::downgrade(link),
            headers: self.headers(),
            subscription: params.filter(|_| modern),
            limits: link.spec.limits.message,
            board: self.board.clone(),
            _only: only,
        };
        let (begin, begun) = watch::channel(false);
        let task = home::spawn(async move {
            listening.run(&begin).await;
            begin.send_replace(true);
        });
        *ear = Some(Ear { task: task.abort_handle(), begun: begun.clone() });
        Some(begun)
    }
}

impl Listening {
    async fn run(self, begun: &watch::Sender<bool>) {
        let mut pause = PAUSE;
        let mut place = Place::default();
        loop {
            let Some(link) = self.link.upgrade() else { return };
            let opened = self.open(&link, &place).await;
            // Only now is nothing more missed.
            link.gauge.lists_changed();
            if *begun.borrow() {
                self.board.lapse();
            }
            begun.send_replace(true);
            drop(link);
            let ended = match opened {
                Ok(response) if response.status().is_success() => {
                    if media_type(response.headers()) != "text/event-stream" {
                        return;
                    }
                    let (ended, heard) = self.hear(response.into_body(), &mut place).await;
                    if heard {
                        pause = PAUSE;
                    }
                    ended
                }
                // Whatever it says of the place, without one it may go on.
                Ok(response) if response.status().is_client_error() && place.id.take().is_some() => Ended::Again,
                // 405 says that there is no such stream, 404 that there is no such session.
                Ok(response) if response.status().is_client_error() => Ended::ForGood,
                Ok(_) | Err(_) => Ended::Again,
            };
            // What is kept of its lists may be out of date from now on.
            if let Some(link) = self.link.upgrade() {
                link.gauge.lists_changed();
            }
            if ended == Ended::ForGood {
                return;
            }
            tokio::time::sleep(place.pause(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn open(&self, link: &Link, place: &Place) -> Result<Response<Reading>, Failed> {
        let mut headers = self.headers.clone();
        let Some(params) = &self.subscription else {
            place.mark(&mut headers);
            return link.client.send(Method::GET, headers, String::new()).await;
        };
        let method = "subscriptions/listen";
        header::describe(&mut headers, method, params, None);
        let body = envelope::request(link.next_id(), method, params);
        link.client.send(Method::POST, headers, body).await
    }

    /// Listens until the stream ends. Says whether anything was heard.
    async fn hear(&self, mut body: Reading, place: &mut Place) -> (Ended, bool) {
        let mut parser = Parser::at(place.clone(), self.limits.bytes);
        let mut heard = false;
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            if parser.push(&data).is_err() {
                return (Ended::Again, heard);
            }
            place.clone_from(parser.place());
            while let Some(event) = parser.next() {
                let Ok(messages) = envelope::decode(event, self.limits) else { return (Ended::Again, heard) };
                heard = true;
                for message in messages {
                    if matches!(message, Message::Request { .. })
                        && let Some(link) = self.link.upgrade()
                    {
                        link.room().await;
                    }
                    if self.take(message) == Ended::ForGood {
                        return (Ended::ForGood, heard);
                    }
                }
            }
        }
        (Ended::Again, heard)
    }

    fn take(&self, message: Message) -> Ended {
        let Some(link) = self.link.upgrade() else { return Ended::ForGood };
        match message {
            Message::Notification { method, params } => {
                if method.ends_with("/list_changed") {
                    link.gauge.lists_changed();
                }
                self.board.note(&method, &meta::without_subscription(params, self.limits));
            }
            Message::Request { id, method, params } => self.board.ask(&id, &method, &params, None),
            Message::Response { outcome: Outcome::Error(_), .. } => return Ended::ForGood,
            Message::Response { .. } => {}
        }
        Ended::Again
    }
}
