//! Messages up to 2025-11-25: an `initialize` begins a session, which all others name.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use witgate_policy::{Identity, Kind, Payload, Revision, Sanitized};

use super::answer::{self, Pending, Running};
use super::exchange::{Asked, Entry, Front};
use super::reply::{self, Body};
use super::session::Session;
use crate::front::job::Ended;
use crate::tenant::Tenant;
use crate::wire::{ClientFacts, Denial, Reject, check_headers, version_header};

const SESSION: &str = "mcp-session-id";

impl Front {
    /// Begins a session, if the tenant agrees. The answer is never streamed, since the session's id stands before it; a
    /// client that goes before it has the id has no session.
    pub(super) async fn initialize(&self, entry: Entry, asked: Asked) -> Result<Response<Body>, Reject> {
        check_headers(&entry.headers, &asked.method, &asked.params, false)?;
        let client = ClientFacts::of_initialize(&asked.params);
        let job = self.job(&entry, (asked.method, asked.params), client.clone(), None);
        let (work, notes) = job.request(None);
        drop(notes);
        let ended = work.await;
        let mut response = answer::single(&asked.id, client.revision, entry.wants, &ended);
        if let Ended::Answered { answer: Ok(agreed), identity } = ended
            && agreed.kind() != Kind::Error
        {
            let client = ClientFacts { revision: agreed_revision(&agreed, client.revision), ..client };
            let owner = identity.unwrap_or_else(Identity::anonymous);
            let id = self.sessions.begin(Session::new(entry.tenant.name().clone(), owner, client))?;
            let id = HeaderValue::from_str(&id).map_err(|_| Reject::Internal)?;
            response.headers_mut().insert(SESSION, id);
        }
        Ok(response)
    }

    pub(super) async fn legacy_request(&self, entry: Entry, asked: Asked) -> Result<Response<Body>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        check_headers(&entry.headers, &asked.method, &asked.params, false)?;
        let flight = session.flights.begin(&asked.id)?;
        let client = ClientFacts::clone(&session.client.load());
        let revision = client.revision;
        let level = wanted_level(&asked);
        let job = self.job(&entry, (asked.method, asked.params), client, Some(session.owner.clone()));
        let (work, notes) = job.request(Some(flight));
        let work = Box::pin(async move {
            let ended = work.await;
            if let (Some(level), Ended::Answered { answer: Ok(answer), .. }) = (level, &ended)
                && answer.kind() != Kind::Error
            {
                session
                    .client
                    .rcu(|client| ClientFacts { log_level: Some(level.clone()), ..ClientFacts::clone(client) });
            }
            ended
        });
        let running = Running::new(work, true, self.crew.clone());
        let (wants, keep_alive) = (entry.wants, self.options.keep_alive);
        Ok(Pending { id: asked.id, revision, wants, keep_alive, running, notes }.respond().await)
    }

    pub(super) async fn legacy_notification(
        &self,
        entry: Entry,
        method: String,
        params: Payload,
    ) -> Result<Response<Body>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        check_headers(&entry.headers, &method, &params, false)?;
        let cancelled = (method == "notifications/cancelled").then(|| params.read("/requestId")).flatten();
        let client = ClientFacts::clone(&session.client.load());
        let job = self.job(&entry, (method, params), client, Some(session.owner.clone()));
        if let Err(denial) = job.notification().await {
            return Ok(reply::denial(None, &denial));
        }
        if let Some(id) = cancelled {
            session.flights.cancel(&id);
        }
        Ok(reply::empty(StatusCode::ACCEPTED))
    }

    /// `DELETE`: the owner ends the session, and with it what is under way in it.
    pub(super) async fn end_session(&self, entry: Entry) -> Result<Response<Body>, Reject> {
        let version = version_header(&entry.headers)?.and_then(Revision::parse);
        if version.is_some_and(Revision::is_modern) {
            return Err(Reject::HttpMethod);
        }
        if let Err(denial) = self.owned(&entry, "DELETE").await? {
            return Ok(reply::denial(None, &denial));
        }
        if let Some(id) = entry.headers.get(SESSION).and_then(|id| id.to_str().ok()) {
            self.sessions.end(id);
        }
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }

    /// Servers' requests come to clients with a later issue; until then nobody waits for an answer.
    pub(super) async fn legacy_response(&self, entry: Entry) -> Result<Response<Body>, Reject> {
        Ok(match self.owned(&entry, "response").await? {
            Ok(()) => reply::empty(StatusCode::ACCEPTED),
            Err(denial) => reply::denial(None, &denial),
        })
    }

    /// Whether what names a session comes from its owner.
    async fn owned(&self, entry: &Entry, what: &str) -> Result<Result<(), Denial>, Reject> {
        let session = self.session(&entry.tenant, &entry.headers)?;
        let client = ClientFacts::clone(&session.client.load());
        let job = self.job(entry, (what.to_owned(), Payload::empty()), client, Some(session.owner.clone()));
        Ok(job.admission().await)
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

fn wanted_level(asked: &Asked) -> Option<String> {
    (asked.method == "logging/setLevel").then(|| asked.params.read("/level")).flatten()
}
