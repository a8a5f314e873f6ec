//! Batches (2025-03-26 alone had them): messages that run beside each other, answered together.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Response, StatusCode};
use witgate_policy::Revision;

use super::answer::{Answers, Pending, Running};
use super::exchange::{Asked, Entry, Front, Rejected};
use super::reply::{self, Body};
use super::session::Session;
use crate::front::job::{Ended, Work};
use crate::tenant::Outlet;
use crate::wire::{DecodeError, Denial, Incoming, Reject, RequestId, decode_batch};

impl Front {
    /// Takes a batch, if the session's revision has them; `otherwise` is what is wrong if it has not.
    pub(super) async fn batch(
        &self,
        entry: Entry,
        bytes: Bytes,
        otherwise: DecodeError,
    ) -> Result<Response<Body>, Rejected> {
        let session = match self.session(&entry.tenant, &entry.headers) {
            Ok(session) if session.client.load().revision == Revision::V2025_03_26 => session,
            // Its client has to learn that it must begin anew.
            Err(reject @ Reject::UnknownSession) => return Err(reject.into()),
            Ok(_) | Err(_) => return Err(otherwise.into()),
        };
        let messages = decode_batch(bytes, self.options.limits())?;
        let (outlet, said) = Outlet::new(entry.wants.events.then(|| session.asks.clone()));
        let mut requests = Vec::new();
        let mut denied = None;
        for message in messages {
            match self.one(&entry, &session, message, &outlet).await {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => {}
                Err(denial) => denied = denied.or(Some(denial)),
            }
        }
        drop(outlet);
        if requests.is_empty() {
            return Ok(denied.map_or_else(|| reply::empty(StatusCode::ACCEPTED), |denial| reply::denial(None, &denial)));
        }
        let working = Box::pin(async move {
            let all = requests.into_iter().map(|(id, work)| async move { (id, work.await) });
            Answers::Batch(join_all(all).await)
        });
        let running = Running::new(working, Some(session), &self.crew);
        let (wants, keep_alive) = (entry.wants, self.options.keep_alive);
        Ok(Pending { revision: Revision::V2025_03_26, wants, keep_alive, running, said }.respond().await)
    }

    /// One message of a batch. What asks for an answer is given back, to run beside the others.
    async fn one(
        &self,
        entry: &Entry,
        session: &Arc<Session>,
        message: Result<Incoming, DecodeError>,
        outlet: &Outlet,
    ) -> Result<Option<(Option<RequestId>, Work)>, Denial> {
        match message {
            Ok(Incoming::Request { id, method, params }) => {
                let asked = Asked { id: id.clone(), method, params };
                // Nothing else could be meant before it was answered (2025-03-26, lifecycle, initialization).
                let begun = if asked.method == "initialize" {
                    Err(Reject::InitializeInBatch)
                } else {
                    self.begin(entry, session, asked, outlet.clone())
                };
                Ok(Some((Some(id), begun.unwrap_or_else(rejected))))
            }
            Ok(Incoming::Notification { method, params }) => {
                self.notified(entry, session, method, params).await.map(|()| None)
            }
            Ok(Incoming::Response { id, message }) => self.answered(entry, session, &id, &message).await.map(|()| None),
            Err(error) => Ok(Some((error.id.clone(), rejected(error.into())))),
        }
    }
}

fn rejected(reject: Reject) -> Work {
    Box::pin(std::future::ready(Ended::Rejected(reject)))
}
