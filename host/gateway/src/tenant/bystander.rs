//! One caller who listens outside of calls: to whom servers' words are carried, each cleaned at its own moment.
//!
//! What is said here comes long after its caller was admitted, so each message has a call of its own: the caller's first
//! message, at the moment of this one, with a record that is written when a plugin had a say.

use std::sync::Arc;
use std::time::Duration;

use witgate_policy::{Admitted, Kind, Lookup, Message, Payload, Refusal, Routed, Sanitized, Validated, Why};

use super::credentials::Headers;
use super::journal::Journal;
use super::spec::Group;
use super::{Outlet, Tenant};
use crate::record::Recorder;
use crate::upstream::{ServerFacts, Upstream, Watch};
use crate::wire::ClientFacts;

/// An upstream that may not be listened to now is tried again after so long.
const PAUSE: Duration = Duration::from_secs(30);

/// A server that takes longer to come up is listened to all the same, whenever it comes.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub(super) struct Bystander<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) generation: u64,
    pub(super) recorder: &'a dyn Recorder,
    pub(super) admitted: &'a Admitted,
    pub(super) client: &'a ClientFacts,
    pub(super) outlet: &'a Outlet,
}

/// What is listened to: one server of one group.
pub(super) struct Ear<'a> {
    pub(super) group: &'a Group,
    pub(super) upstream: &'a Arc<Upstream>,
    pub(super) watch: Watch,
    /// What the server says of itself, if it is there.
    pub(super) facts: Option<ServerFacts>,
}

impl<'a> Bystander<'a> {
    /// The upstreams of the tenant, each with its group.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = (&'a Group, &'a Arc<Upstream>)> + use<'a> {
        self.tenant.spec.groups.iter().flat_map(|group| group.upstreams.iter().map(move |upstream| (group, upstream)))
    }

    /// Listens to an upstream that the caller may be answered by; connects to it. Waits while it is none.
    pub(super) async fn ear(&self, group: &'a Group, upstream: &'a Arc<Upstream>) -> Ear<'a> {
        loop {
            match self.try_ear(group, upstream).await {
                Ok(ear) => return ear,
                Err(cause) => {
                    tracing::debug!(upstream = %upstream.spec().id, cause, "is not listened to");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// As [`ear`](Self::ear), at once or not at all.
    pub(super) async fn try_ear(&self, group: &'a Group, upstream: &'a Arc<Upstream>) -> Result<Ear<'a>, String> {
        let (_, headers) = self.routed(upstream).await.map_err(|refusal| refusal.message)?;
        let watch = upstream.watch(self.client, &headers).await.map_err(|failed| failed.failure.to_string())?;
        let asking = upstream.server(self.client, &headers);
        let facts = tokio::time::timeout(PATIENCE, asking).await.ok().and_then(Result::ok);
        Ok(Ear { group, upstream, watch, facts })
    }

    /// The evidence that the caller may be answered by this upstream, and what it is shown.
    async fn routed(&self, upstream: &Arc<Upstream>) -> Result<(Routed, Headers), Refusal> {
        let admitted = self.admitted.later(self.tenant.moment());
        let lookup = Validated::lookup(&admitted, Lookup::Tools, None);
        let routed = self.tenant.spec.pipeline.route(&lookup, &[upstream.candidate()]).await?;
        let headers = self.tenant.credentials.headers(self.tenant, &routed, upstream, Why::First).await?;
        Ok((routed, headers))
    }

    /// What a server says, as the client may have it. A refusal is for the record, and for the server that asks.
    pub(super) async fn sanitized(
        &self,
        kind: Kind,
        upstream: Option<&Arc<Upstream>>,
        method: &str,
        payload: Payload,
    ) -> Result<Sanitized, Refusal> {
        let admitted = self.admitted.later(self.tenant.moment());
        let mut journal = Journal::open(self.recorder, self.generation, admitted.call());
        let upstream = upstream.map(|upstream| upstream.spec().id.clone());
        let message = Message { kind, method: method.into(), upstream: upstream.clone(), payload };
        let sanitized = self.tenant.spec.pipeline.sanitize((&admitted).into(), message).await;
        let identity = self.admitted.identity();
        journal.close_aside(method, upstream.as_ref(), sanitized.as_ref().err(), identity);
        sanitized.map(|sanitized| self.tenant.outer_tasks(identity, self.client, sanitized))
    }
}
