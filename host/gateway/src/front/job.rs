//! One message on its way through a tenant, with everything that it holds until its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use witgate_policy::{Form, Identity, Peer, Presented, Sanitized};

use super::flights::Flight;
use crate::gate::{Gate, Generation};
use crate::tenant::{Inbound, Outlet, Said, Tenant};
use crate::wire::{Ask, Denial, RequestId, encode};

/// A message for a tenant of the generation that it pins.
pub(super) struct Job {
    pub(super) gate: Arc<Gate>,
    pub(super) generation: Arc<Generation>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) inbound: Inbound,
}

/// How a request ended.
#[expect(clippy::large_enum_variant, reason = "nearly every one is the large variant")]
pub(super) enum Ended {
    /// With an answer.
    Answered {
        /// What the client gets.
        answer: Result<Sanitized, Denial>,
        /// Who called, where that became known.
        identity: Option<Identity>,
    },
    /// Without one: the client did not want it any more.
    Cancelled,
}

/// A request that runs while it is polled, and is cancelled when it is dropped.
pub(super) type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

impl Job {
    /// A request, and the notifications that it sends on its way.
    pub(super) fn request(self, flight: Option<Flight>) -> (Work, mpsc::Receiver<Said>) {
        let (outlet, notes) = Outlet::new(None);
        let work = async move {
            let Some(mut flight) = flight else { return self.run(outlet).await };
            tokio::select! {
                biased;
                () = flight.cancelled() => Ended::Cancelled,
                ended = self.run(outlet) => ended,
            }
        };
        (Box::pin(work), notes)
    }

    async fn run(self, outlet: Outlet) -> Ended {
        let Self { gate, generation, tenant, inbound } = self;
        let (method, revision) = (inbound.method.clone(), inbound.client.revision);
        let outcome = tenant.request(generation.number, gate.recorder().as_ref(), inbound, &outlet).await;
        let answer = outcome.answer.map_err(|refusal| {
            let resource_metadata = tenant.spec().resource_metadata.as_deref();
            Denial::new(&refusal, Ask { revision, method: &method, form: Form::Request, resource_metadata })
        });
        Ended::Answered { answer, identity: outcome.identity }
    }

    /// A notification.
    pub(super) async fn notification(self) -> Result<(), Denial> {
        let Self { gate, generation, tenant, inbound } = self;
        let (method, revision) = (inbound.method.clone(), inbound.client.revision);
        let judged = tenant.notification(generation.number, gate.recorder().as_ref(), inbound).await;
        judged.map(drop).map_err(|refusal| {
            let resource_metadata = tenant.spec().resource_metadata.as_deref();
            Denial::new(&refusal, Ask { revision, method: &method, form: Form::Notification, resource_metadata })
        })
    }
}

impl Job {
    /// What only its caller has to be known of.
    pub(super) async fn admission(self) -> Result<(), Denial> {
        let Self { gate, generation, tenant, inbound } = self;
        let revision = inbound.client.revision;
        let admitted = tenant.admission(generation.number, gate.recorder().as_ref(), inbound).await;
        admitted.map(drop).map_err(|refusal| {
            let resource_metadata = tenant.spec().resource_metadata.as_deref();
            Denial::new(&refusal, Ask { revision, method: "", form: Form::Notification, resource_metadata })
        })
    }
}

/// What is said while a request runs, as a message; what has none only opens the stream.
pub(super) fn message(said: &Said) -> Option<Bytes> {
    match said {
        Said::Opened => None,
        Said::Note(note) => Some(encode::notification(note)),
        Said::Ask { id, request } => Some(encode::request(*id, request)),
        Said::Withdrawn { id } => Some(encode::withdrawn(*id)),
    }
}

/// The last message of a request; none when it was cancelled.
pub(super) fn last_message(id: &RequestId, ended: &Ended) -> Option<Bytes> {
    match ended {
        Ended::Answered { answer: Ok(answer), .. } => Some(encode::answer(id, answer)),
        Ended::Answered { answer: Err(denial), .. } => Some(denial.encode(Some(id))),
        Ended::Cancelled => None,
    }
}

/// What a client showed, reduced to the headers that the tenant's auth plugins may see.
pub(super) fn presented<'a>(
    tenant: &Tenant,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    address: String,
) -> Presented {
    let wanted = &tenant.spec().auth_headers;
    let headers = headers
        .filter(|(name, _)| wanted.iter().any(|wanted| wanted == name))
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect();
    Presented { headers, peer: Peer { address, certificate: None } }
}
