//! `GET`: a legacy client listens to what its servers say outside of calls, or comes back to a stream that broke
//! (2025-11-25, streamable HTTP, listening and resumability).

use std::sync::Arc;

use http::{HeaderMap, Response};
use tokio::task::AbortHandle;
use witgate_policy::Payload;

use super::events::Events;
use super::exchange::{Entry, Front};
use super::reply::{self, Body};
use super::session::Session;
use crate::front::standing::through_generations;
use crate::tenant::Outlet;
use crate::wire::{Reject, is_legacy, version_header};

const LAST_EVENT: &str = "last-event-id";

impl Front {
    pub(super) async fn listen(&self, entry: Entry) -> Result<Response<Body>, Reject> {
        if version_header(&entry.headers)?.is_some_and(|version| !is_legacy(version)) {
            return Err(Reject::HttpMethod);
        }
        if !entry.wants.events {
            return Err(Reject::NoEvents);
        }
        let session = self.session(&entry.tenant, &entry.headers)?;
        if let Err(denial) = self.owned(&entry, &session, "GET").await {
            return Ok(reply::denial(None, &denial));
        }
        let keep_alive = self.options.keep_alive;
        if let Some(event) = last_event(&entry.headers)? {
            // The client has an id to come back with already.
            return Ok(reply::stream(Events::new(session.streams.resume(event)?, keep_alive)));
        }
        let turn = session.streams.stand(|| self.speaker(&entry, &session))?;
        Ok(reply::stream(Events::new(turn, keep_alive).primed(session.client.load().revision)))
    }

    /// Speaks on the standing streams of a session until its tenant has nothing more to say, or the gate stops.
    fn speaker(&self, entry: &Entry, session: &Arc<Session>) -> AbortHandle {
        let recurring = self.of_session(entry, session, ("GET".into(), Payload::empty())).recurring();
        let (outlet, mut said) = Outlet::new(Some(session.asks.clone()));
        let (session, stop) = (session.clone(), self.crew.stop());
        self.crew.spawn(async move {
            let begin = || recurring.job().map(|job| job.stand(outlet.clone()));
            let mut speaking = std::pin::pin!(through_generations(&recurring.gate, stop, begin));
            let refusal = loop {
                tokio::select! {
                    biased;
                    Some(said) = said.recv() => session.streams.say(&said),
                    refusal = &mut speaking => break refusal,
                }
            };
            if let Some(refusal) = refusal {
                tracing::debug!(cause = refusal.message, "a standing stream has ended");
            }
            session.streams.hush();
        })
    }
}

/// The event that a client has seen last.
fn last_event(headers: &HeaderMap) -> Result<Option<&str>, Reject> {
    let Some(event) = headers.get(LAST_EVENT) else { return Ok(None) };
    // An empty one is what a client sends that has seen none.
    let event = event.to_str().map_err(|_| Reject::EventGone)?;
    Ok(Some(event).filter(|event| !event.is_empty()))
}
