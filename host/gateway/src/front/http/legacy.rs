//! Messages up to 2025-11-25: an `initialize` begins a session, which all others name.

use std::sync::Arc;

use bytestring::ByteString;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use witgate_policy::{Identity, Kind, Payload, Revision, Sanitized};

use super::answer::{self, Answers, Pending, Running};
use super::exchange::{Asked, Entry, Front};
use super::reply::{self, Body};
use super::session::{Beginning, Session};
use crate::front::answers::Answer;
use crate::front::job::{Ended, Job, Work};
use crate::front::session_name;
use crate::tenant::{Outlet, Tenant};
use crate::wire::{ClientFacts, Denial, Reject, RequestId, check_headers, handshake, version_header};

const SESSION: &str = "mcp-session-id";

impl Front {
    /// Begins a session, if the tenant agrees. The answer is never streamed, since the session's id stands before it; a
    /// client that goes before it has the id has no session.
    pub(super) async fn initialize(&self, entry: Entry, asked: Asked) -> Result<Response<Body>, Reject> {
        check_headers(&entry.headers, &asked.method, &asked.params, false)?;
        let params = handshake(&asked.params)?;
        let client = ClientFacts { session: Some(session_name("http")), ..ClientFacts::of_initialize(&params) };
        let mut job = self.job(&entry, (asked.method, params), client.clone(), None);
        job.inbound.id = Some(asked.id.clone());
        let (outlet, _) = Outlet::new(None);
        let ended = job.request(None, outlet).await;
        let mut response = answer::single(Some(&asked.id), client.revision, entry.wants, &ended);
        let tenant = entry.tenant.name().clone();
        if let Ended::Answered { answer: Ok(agreed), identity, params: Some(params) } = ended
            && agreed.kind() != Kind::Error
        {
            let revision = agreed_revision(&agreed, client.revision);
            // What the validators left of what it says of itself.
            let client = ClientFacts { revision, session: client.session, ..ClientFacts::of_initialize(&params) };
            let owner = identity.unwrap_or_else(|| Arc::new(Identity::anonymous()));
            let id = self.sessions.begin(Beginning { tenant, owner, client })?;
            let id = HeaderValue::from_str(&id).map_err(|_| Reject::Internal)?;
            response.headers_mut().insert(SESSION, id);
        } else if let Some(name) = &client.session {
            self.gate.farewell(&tenant, name);
        }
        Ok(response)
    }

    pub(super) async fn legacy_request(&self, entry: Entry, asked: Asked) -> Result<Response<Body>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        check_headers(&entry.headers, &asked.method, &asked.params, false)?;
        let revision = session.client.load().revision;
        let (outlet, said) = Outlet::new(entry.wants.events.then(|| session.asks.clone()));
        let id = asked.id.clone();
        let work = self.begin(&entry, &session, asked, outlet)?;
        let working = Box::pin(async move { Answers::One(Some(id), work.await) });
        let running = Running::new(working, Some(session), &self.crew);
        let (wants, keep_alive) = (entry.wants, self.options.keep_alive);
        Ok(Pending { revision, wants, keep_alive, running, said }.respond().await)
    }

    /// A request of a session, which runs when it is polled.
    pub(super) fn begin(
        &self,
        entry: &Entry,
        session: &Arc<Session>,
        asked: Asked,
        outlet: Outlet,
    ) -> Result<Work, Reject> {
        let flight = session.flights.begin(&asked.id)?;
        let sets_level = asked.method == "logging/setLevel";
        let mut job = self.of_session(entry, session, (asked.method, asked.params));
        job.inbound.id = Some(asked.id);
        let work = job.request(Some(flight), outlet);
        if !sets_level {
            return Ok(work);
        }
        let session = session.clone();
        Ok(Box::pin(async move {
            let ended = work.await;
            if let Ended::Answered { answer: Ok(answer), params: Some(params), .. } = &ended
                && answer.kind() != Kind::Error
                && let Some(level) = params.read::<String>("/level")
            {
                session
                    .client
                    .rcu(|client| ClientFacts { log_level: Some(level.clone()), ..ClientFacts::clone(client) });
            }
            ended
        }))
    }

    pub(super) fn of_session(&self, entry: &Entry, session: &Session, message: (ByteString, Payload)) -> Job {
        let client = ClientFacts::clone(&session.client.load());
        self.job(entry, message, client, Some(session.owner.clone()))
    }

    pub(super) async fn legacy_notification(
        &self,
        entry: Entry,
        method: ByteString,
        params: Payload,
    ) -> Result<Response<Body>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        check_headers(&entry.headers, &method, &params, false)?;
        Ok(match self.notified(&entry, &session, method, params).await {
            Ok(()) => reply::empty(StatusCode::ACCEPTED),
            Err(denial) => reply::denial(None, &denial),
        })
    }

    /// A notification of a session.
    pub(super) async fn notified(
        &self,
        entry: &Entry,
        session: &Session,
        method: ByteString,
        params: Payload,
    ) -> Result<(), Denial> {
        let job = self.of_session(entry, session, (method.clone(), params));
        let params = job.notification().await?;
        match &*method {
            "notifications/cancelled" => {
                if let Some(id) = params.read("/requestId") {
                    session.flights.cancel(&id);
                }
            }
            "notifications/progress" => session.asks.progress(&params),
            _ => {}
        }
        Ok(())
    }

    /// `DELETE`: the owner ends the session, and with it what is under way in it.
    pub(super) async fn end_session(&self, entry: Entry) -> Result<Response<Body>, Reject> {
        let version = version_header(&entry.headers)?.and_then(Revision::parse);
        if version.is_some_and(Revision::is_modern) {
            return Err(Reject::HttpMethod);
        }
        let session = self.session(&entry.tenant, &entry.headers)?;
        if let Err(denial) = self.owned(&entry, &session, "DELETE").await {
            return Ok(reply::denial(None, &denial));
        }
        if let Some(id) = entry.headers.get(SESSION).and_then(|id| id.to_str().ok()) {
            self.sessions.end(id);
        }
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) async fn legacy_response(
        &self,
        entry: Entry,
        id: &RequestId,
        message: &Payload,
    ) -> Result<Response<Body>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        Ok(match self.answered(&entry, &session, id, message).await {
            Ok(()) => reply::empty(StatusCode::ACCEPTED),
            Err(denial) => reply::denial(None, &denial),
        })
    }

    /// An answer to what the client was asked. One that comes too late is taken, since the client cannot know.
    pub(super) async fn answered(
        &self,
        entry: &Entry,
        session: &Session,
        id: &RequestId,
        message: &Payload,
    ) -> Result<(), Denial> {
        let Some(answer) = Answer::of(&session.asks, id, message) else {
            return self.owned(entry, session, "response").await;
        };
        let job = self.of_session(entry, session, (answer.method.clone(), answer.params()));
        answer.deliver(job).await
    }

    /// Whether what names a session comes from its owner.
    pub(super) async fn owned(&self, entry: &Entry, session: &Session, what: &str) -> Result<(), Denial> {
        self.of_session(entry, session, (what.into(), Payload::empty())).admission().await
    }

    /// The session that a message names. Up to 2025-03-26 there was no version header, so its clients may send any.
    pub(super) fn session(&self, tenant: &Tenant, headers: &HeaderMap) -> Result<Arc<Session>, Reject> {
        let mut ids = headers.get_all(SESSION).iter();
        let id = match (ids.next(), ids.next()) {
            (None, _) => return Err(Reject::NoSession),
            (Some(id), None) => id.to_str().map_err(|_| Reject::UnknownSession)?,
            (Some(_), Some(_)) => return Err(Reject::UnknownSession),
        };
        let session = self.sessions.find(id, tenant.name()).ok_or(Reject::UnknownSession)?;
        let agreed = session.client.load().revision;
        match version_header(headers)? {
            Some(version) if Revision::parse(version).is_none() => {
                Err(Reject::Version { requested: version.to_owned() })
            }
            Some(version) if agreed >= Revision::V2025_06_18 && version != agreed.as_str() => {
                Err(Reject::SessionVersion { agreed })
            }
            _ => Ok(session),
        }
    }
}

/// The revision that the answer to an `initialize` names; the one that was asked for if it names none of ours.
fn agreed_revision(answer: &Sanitized, asked: Revision) -> Revision {
    let named = answer.payload().read::<String>("/protocolVersion").and_then(|version| Revision::parse(&version));
    named.filter(|revision| !revision.is_modern()).unwrap_or(asked)
}
