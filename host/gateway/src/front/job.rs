//! One message on its way through a tenant, with everything that it holds until its end.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::watch;
use witgate_policy::{Form, Identity, Payload, Peer, Presented, Refusal, Sanitized};

use super::flights::Flight;
use super::standing::through_generations;
use crate::gate::{Gate, Generation};
use crate::tenant::{Inbound, Outcome, Outlet, Said, Tenant};
use crate::wire::encode::Line;
use crate::wire::{Ask, Denial, Reject, RequestId, encode};

/// The modern request whose answer does not come on its own.
pub(super) const SUBSCRIPTION: &str = "subscriptions/listen";

/// A message for a tenant of the generation that it pins.
pub(super) struct Job {
    pub(super) gate: Arc<Gate>,
    pub(super) generation: Arc<Generation>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) inbound: Inbound,
}

/// How a request ended.
pub(super) enum Ended {
    /// With an answer.
    Answered {
        /// What the client gets.
        answer: Result<Sanitized, Denial>,
        /// Who called, where that became known.
        identity: Option<Arc<Identity>>,
        /// The params as the validators accepted them, if they did.
        params: Option<Payload>,
    },
    /// Turned away by the front.
    Rejected(Reject),
    /// Without one: the client did not want it any more.
    Cancelled,
}

/// A request that runs while it is polled, and is cancelled when it is dropped.
pub(super) type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

impl Job {
    /// A request; what it says on its way goes to the outlet.
    pub(super) fn request(self, flight: Option<Flight>, outlet: Outlet) -> Work {
        Box::pin(async move {
            let Some(mut flight) = flight else { return self.run(outlet).await };
            tokio::select! {
                biased;
                () = flight.cancelled() => Ended::Cancelled,
                ended = self.run(outlet) => ended,
            }
        })
    }

    /// A modern client's subscription: it goes on from one generation to the next, and its client does not notice.
    pub(super) fn subscription(self, flight: Option<Flight>, outlet: Outlet, stop: watch::Receiver<bool>) -> Work {
        let outlet = outlet.until(stop);
        let recurring = self.recurring();
        Box::pin(async move {
            let lasting = async {
                // The tenant says its last word when the gate stops, so nothing here ends it.
                let (_never, on) = watch::channel(false);
                let again = || recurring.job().map(|job| job.run_subscription(outlet.clone()));
                through_generations(&recurring.gate, on, again).await.unwrap_or(Ended::Rejected(Reject::Gone))
            };
            let Some(mut flight) = flight else { return lasting.await };
            tokio::select! {
                biased;
                () = flight.cancelled() => Ended::Cancelled,
                ended = lasting => ended,
            }
        })
    }

    /// The same message for each generation in turn, none of which it holds.
    pub(super) fn recurring(self) -> Recurring {
        Recurring { gate: self.gate, tenant: self.tenant.name().clone(), inbound: self.inbound }
    }

    /// A request that cannot be cancelled but by dropping it.
    pub(super) async fn run(self, outlet: Outlet) -> Ended {
        let Self { gate, generation, tenant, inbound } = self;
        let asked = Asked::of(&inbound, Form::Request);
        let outcome = pin!(tenant.request(generation.number, gate.recorder().as_ref(), inbound, &outlet)).await;
        Self::ended(&asked, &tenant, outcome)
    }

    async fn run_subscription(self, outlet: Outlet) -> Ended {
        let Self { gate, generation, tenant, inbound } = self;
        let asked = Asked::of(&inbound, Form::Request);
        let outcome = tenant.subscription(generation.number, gate.recorder().as_ref(), &inbound, &outlet).await;
        Self::ended(&asked, &tenant, outcome)
    }

    fn ended(asked: &Asked, tenant: &Tenant, outcome: Outcome) -> Ended {
        let answer = outcome.answer.map_err(|refusal| asked.denied(tenant, &refusal));
        Ended::Answered { answer, identity: outcome.identity, params: outcome.params }
    }

    /// A notification. Gives back its params as the validators accepted them.
    pub(super) async fn notification(self) -> Result<Payload, Denial> {
        let Self { gate, generation, tenant, inbound } = self;
        let asked = Asked::of(&inbound, Form::Notification);
        let judged = tenant.notification(generation.number, gate.recorder().as_ref(), inbound).await;
        judged.map_err(|refusal| asked.denied(&tenant, &refusal))
    }

    /// What only its caller has to be known of.
    pub(super) async fn admission(self) -> Result<(), Denial> {
        let Self { gate, generation, tenant, inbound } = self;
        let asked = Asked::of(&inbound, Form::Notification);
        let admitted = tenant.admission(generation.number, gate.recorder().as_ref(), inbound).await;
        admitted.map(drop).map_err(|refusal| asked.denied(&tenant, &refusal))
    }

    /// A client's answer to what it was asked. Gives back the answer as the validators accepted it.
    pub(super) async fn response(self) -> Result<Payload, (Refusal, Denial)> {
        let Self { gate, generation, tenant, inbound } = self;
        let asked = Asked::of(&inbound, Form::Notification);
        let judged = tenant.response(generation.number, gate.recorder().as_ref(), inbound).await;
        judged.map_err(|refusal| {
            let denial = asked.denied(&tenant, &refusal);
            (refusal, denial)
        })
    }

    /// Stands by for a client, until this is dropped or the client is refused.
    pub(super) async fn stand(self, outlet: Outlet) -> Refusal {
        let Self { gate, generation, tenant, inbound } = self;
        tenant.stand(generation.number, gate.recorder().as_ref(), inbound, &outlet).await
    }
}

/// A message that lasts longer than a generation.
pub(super) struct Recurring {
    pub(super) gate: Arc<Gate>,
    pub(super) tenant: Arc<str>,
    inbound: Inbound,
}

impl Recurring {
    /// For the tenant of the generation that serves now; `None` when there is no such tenant any more.
    pub(super) fn job(&self) -> Option<Job> {
        let generation = self.gate.generation();
        let tenant = generation.named(&self.tenant).cloned()?;
        Some(Job { gate: self.gate.clone(), generation, tenant, inbound: self.inbound.clone() })
    }
}

/// What of a message decides how its refusal is told.
struct Asked {
    method: ByteString,
    revision: witgate_policy::Revision,
    form: Form,
}

impl Asked {
    fn of(inbound: &Inbound, form: Form) -> Self {
        Self { method: inbound.method.clone(), revision: inbound.client.revision, form }
    }

    fn denied(&self, tenant: &Tenant, refusal: &Refusal) -> Denial {
        let resource_metadata = tenant.spec().resource_metadata.as_deref();
        let (revision, method, form) = (self.revision, &*self.method, self.form);
        Denial::new(refusal, Ask { revision, method, form, resource_metadata })
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
pub(super) fn last_message(id: Option<&RequestId>, ended: &Ended) -> Option<Line> {
    match (ended, id) {
        (Ended::Answered { answer: Ok(answer), .. }, Some(id)) => Some(encode::answer(id, answer)),
        (Ended::Answered { answer: Err(denial), .. }, id) => Some(denial.encode(id).into()),
        (Ended::Rejected(reject), id) => Some(encode::error(id, &reject.error()).into()),
        // Only requests are answered, and they have ids.
        (Ended::Answered { .. }, None) | (Ended::Cancelled, _) => None,
    }
}

/// What a client showed, reduced to the headers that the tenant's auth plugins may see.
pub(super) fn presented<'a>(
    tenant: &Tenant,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    address: &Arc<str>,
) -> Presented {
    let wanted = &tenant.spec().auth_headers;
    let peer = Peer { address: address.clone(), certificate: None };
    if wanted.is_empty() {
        return Presented { headers: Vec::new(), peer };
    }
    let headers = headers
        .filter(|(name, _)| wanted.iter().any(|wanted| wanted == name))
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect();
    Presented { headers, peer }
}
