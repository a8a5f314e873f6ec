//! One response to one POST: a JSON body or a stream of events, read as it comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::json;
use witgate_policy::Payload;

use super::client::{collect, with_sources};
use super::resume::Resuming;
use super::socket::Reading;
use super::sse::Parser;
use super::{Link, PostFuture, Session, sieve};
use crate::home;
use crate::upstream::envelope::{self, Message, Outcome};
use crate::upstream::exchange::{Heard, Listener};
use crate::upstream::inlet::{Inbox, inlet};
use crate::upstream::{Ask, Failed, Limits, Reply, meta};
use crate::whole::Whole;

/// For a server to end a stream after its answer, so that the connection can be used again.
const LINGER: Duration = Duration::from_secs(1);
/// The end of a response that should have had more in it.
pub(super) const UNANSWERED: &str = "the response ended without an answer to the request";
/// Messages that nobody waits for, on their way at once; further ones are lost, as the protocol allows.
pub(super) const ASIDES: usize = 256;
/// For a message that nobody waits for.
const ASIDE: Duration = Duration::from_secs(5);

/// Where the messages of a response come from.
pub(super) enum Body {
    /// Not yet begun.
    Sent(PostFuture),
    Json(Reading, Whole),
    Events(Reading, Parser),
    /// A stream that broke off.
    Resuming(Resuming),
    Done,
}

/// A response under way. Dropped before its answer, it cancels the request: by its stream's end, and in a legacy
/// session by `notifications/cancelled` too.
pub(crate) struct Answer {
    pub(super) link: Arc<Link>,
    pub(super) id: u64,
    pub(super) listener: Listener,
    pub(super) body: Body,
    pub(super) heard: VecDeque<Message>,
    /// It has begun to stream, and nobody knows.
    pub(super) opened: bool,
    pub(super) session_id: Option<HeaderValue>,
    /// Where the client is asked, if it can be.
    pub(super) chair: Option<Chair>,
    /// Whom to tell that the request is cancelled.
    pub(super) cancel: Option<Cancel>,
    /// The answer lists a modern server's tools.
    pub(super) is_sifted: bool,
}

/// A call's place in a session that is its client's own.
pub(super) struct Chair {
    session: Arc<Session>,
    call: u64,
    pub(super) inbox: Inbox,
}

impl Chair {
    /// Where the session is one.
    pub(super) fn take(session: &Arc<Session>, call: u64, limits: &Limits) -> Option<Self> {
        session.board.is_own().then(|| {
            let (inlet, inbox) = inlet(limits);
            session.board.enter(call, &inlet);
            Self { session: session.clone(), call, inbox }
        })
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        self.session.board.leave(self.call);
    }
}

impl Answer {
    /// The next notification, or the answer. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Heard, Failed> {
        loop {
            if std::mem::take(&mut self.opened) {
                return Ok(Heard::Opened);
            }
            loop {
                if let Some(heard) = self.chair.as_mut().and_then(|chair| chair.inbox.try_recv()) {
                    return Ok(heard);
                }
                if matches!(self.heard.front(), Some(Message::Request { .. })) {
                    self.link.room().await;
                }
                let Some(message) = self.heard.pop_front() else { break };
                if let Some(heard) = self.take(message) {
                    if matches!(heard, Heard::End(_)) {
                        self.end();
                    }
                    return Ok(heard);
                }
            }
            match &mut self.chair {
                None => read(&self.link, &mut self.body, &mut self.heard, self.cancel.as_ref()).await?,
                Some(chair) => tokio::select! {
                    biased;
                    () = chair.inbox.ready() => {}
                    read = read(&self.link, &mut self.body, &mut self.heard, self.cancel.as_ref()) => read?,
                },
            }
        }
    }

    /// The answer alone.
    pub(super) async fn outcome(&mut self) -> Result<Outcome, Failed> {
        loop {
            if let Heard::End(outcome) = self.next().await? {
                return Ok(outcome);
            }
        }
    }

    /// Answers what the server asked.
    pub(crate) fn answer(&self, ask: &Ask, answer: Reply) {
        if let Some(chair) = &self.chair {
            chair.session.board.answer(Some(self.id), ask, answer);
        }
    }

    /// Says something to the server, which may be lost.
    pub(crate) fn say(&self, line: String) {
        if let Some(chair) = &self.chair {
            chair.session.board.say(line);
        }
    }

    /// What a message is to whoever listens; `None` when it is nothing to them.
    fn take(&self, message: Message) -> Option<Heard> {
        match message {
            // An error without an id, on the request's own response, can only mean the request.
            Message::Response { id: None, outcome: outcome @ Outcome::Error(_) } => Some(Heard::End(outcome)),
            Message::Response { id, outcome: Outcome::Result(page) } if self.is_sifted && id == Some(self.id) => {
                let page = sieve::sound(page, &self.link.spec.id, self.link.spec.limits.message);
                Some(Heard::End(Outcome::Result(page)))
            }
            Message::Response { id, outcome } => (id == Some(self.id)).then_some(Heard::End(outcome)),
            Message::Request { id, method, params } => {
                if let Some(cancel) = &self.cancel {
                    cancel.session.board.ask(&id, &method, &params, Some(self.id));
                }
                None
            }
            Message::Notification { method, params } => self.note(method, params),
        }
    }

    fn note(&self, method: String, params: Payload) -> Option<Heard> {
        if method.ends_with("/list_changed") {
            self.link.gauge.lists_changed();
        }
        let params = match method.as_str() {
            "notifications/progress" => {
                let own = params.read::<u64>("/progressToken") == Some(self.id);
                let token = self.listener.token.as_deref().filter(|_| own)?;
                meta::restore(&params, token, self.link.spec.limits.message).ok()?
            }
            "notifications/message" if !self.listener.wish.wants(&params) => return None,
            "notifications/message" => params,
            _ => {
                let aside = self.cancel.as_ref().is_some_and(|cancel| cancel.session.board.tell(&method, &params));
                if aside || method == "notifications/cancelled" {
                    return None;
                }
                params
            }
        };
        Some(Heard::Note { method, params })
    }

    /// Nothing is to be cancelled any more; a stream that is about to end may do so, and its connection be used again.
    fn end(&mut self) {
        self.cancel = self.cancel.take().map(Cancel::disarm);
        if let Body::Events(mut incoming, _) = std::mem::replace(&mut self.body, Body::Done)
            && !incoming.is_end_stream()
        {
            let rest = async move { while let Some(Ok(_)) = incoming.frame().await {} };
            tokio::spawn(tokio::time::timeout(LINGER, rest));
        }
    }
}

/// Tells a legacy server, when dropped, that a request is cancelled.
pub(super) struct Cancel {
    pub(super) link: Arc<Link>,
    pub(super) session: Arc<Session>,
    pub(super) id: u64,
    pub(super) armed: bool,
}

impl Cancel {
    /// The request has ended.
    pub(super) fn disarm(mut self) -> Self {
        self.armed = false;
        self
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if self.armed {
            let params = Payload::of(&json!({ "requestId": self.id, "reason": "the client gave up" }));
            let line = envelope::notification("notifications/cancelled", &params);
            self.link.aside(self.session.headers(), line, false);
        }
    }
}

/// Reads the next piece of a response. Cancel safe.
async fn read(
    link: &Arc<Link>,
    body: &mut Body,
    heard: &mut VecDeque<Message>,
    cancel: Option<&Cancel>,
) -> Result<(), Failed> {
    let limits = link.spec.limits.message;
    let mut hear = |text| -> Result<(), Failed> {
        envelope::decode_each(text, limits, |message| heard.push_back(message)).map_err(|e| Failed::unreadable(&e))
    };
    match body {
        Body::Sent(sent) => {
            let head = sent.await;
            *body = Body::Done;
            *body = link.begin(head).await.map_err(|(failed, _)| failed)?.0;
        }
        Body::Json(incoming, collected) => {
            collect(incoming, collected, limits.bytes).await?;
            let text = collected.take();
            *body = Body::Done;
            hear(text)?;
        }
        Body::Events(incoming, parser) => match incoming.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    parser.push(&data).map_err(|_| Failed::too_long(limits.bytes))?;
                }
                while let Some(event) = parser.next() {
                    hear(event)?;
                }
            }
            Some(Err(e)) => body.resume(link, cancel, with_sources(&e))?,
            None => body.resume(link, cancel, UNANSWERED.to_owned())?,
        },
        Body::Resuming(stream) => {
            let (incoming, parser) = stream.await?;
            *body = Body::Events(incoming, parser);
        }
        Body::Done => return Err(Failed::no_reply(UNANSWERED)),
    }
    Ok(())
}

impl Link {
    /// Waits until an answer could be sent by the way: a server that asks faster than it takes answers is read no faster.
    pub(super) async fn room(&self) {
        // The semaphore is never closed.
        drop(self.asides.acquire().await);
    }

    /// Sends a message that nobody waits for, and reads its response away. `sure`: it is sent even when there are many.
    pub(super) fn aside(self: &Arc<Self>, headers: HeaderMap, body: String, sure: bool) {
        let room = self.asides.clone().try_acquire_owned().ok();
        if room.is_none() && !sure {
            return;
        }
        let link = self.clone();
        // Outside a runtime there is no connection left to send it on.
        let Some(runtime) = home::runtime() else { return };
        runtime.spawn(tokio::time::timeout(ASIDE, async move {
            let _room = room;
            let sent = link.client.send(http::Method::POST, headers, body).await;
            if let Ok(mut response) = sent {
                while let Some(Ok(_)) = response.body_mut().frame().await {}
            }
        }));
    }
}
