//! Standing by a legacy client: the stream of a `GET`, or a stdio client's session. What servers say outside of calls is
//! told to it, and what they ask is asked, as far as its revision knows it and it is this client's.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;
use witgate_policy::json::Edit;
use witgate_policy::{Form, Kind, Payload, Refusal, Revision, Validated, Why};

use super::attempt::Way;
use super::bystander::{Bystander, Ear};
use super::journal::Journal;
use super::listen::{LISTS, UPDATED};
use super::questions::{Questions, unasked};
use super::shape::edited;
use super::subscriptions::covers;
use super::talk::withheld;
use super::{Inbound, Outlet, Tenant};
use crate::record::Recorder;
use crate::upstream::{Ask, Outgoing, Reply, Standing, Upstream};

/// How a modern server names its own subscription, which the client knows nothing of.
const FOREIGN: &str = "/_meta/io.modelcontextprotocol~1subscriptionId";

impl Tenant {
    /// Says to a legacy client what its servers say outside of calls, and asks it what they ask, until it is dropped:
    /// the stream of a `GET`, or a stdio client's session.
    pub async fn stand(&self, generation: u64, recorder: &dyn Recorder, inbound: Inbound, outlet: &Outlet) -> Refusal {
        let call = self.call(&inbound, Form::Response);
        let mut journal = Journal::open(recorder, generation, &call);
        let way = Way::new(self, &inbound.client, None, journal.visits());
        // What runs once is boxed: a stream stands for long, and its memory is that of its largest step.
        let admitted = Box::pin(self.admit(call, &inbound, &mut journal.identity)).await;
        journal.close_renewal(admitted.as_ref().err());
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal,
        };
        let by = Bystander { tenant: self, generation, recorder, admitted: &admitted, client: &inbound.client, outlet };
        let again = outlet.begin();
        // In its own time; a server that is slow to come up keeps nobody else waiting.
        let renewed = Box::pin(async {
            let later = admitted.later(self.moment());
            let asking = Validated::lookup(&later, witgate_policy::Lookup::Resources, None);
            self.resubscribe(&asking, &way).await;
        });
        let heard = join_all(by.upstreams().map(|(group, upstream)| async move {
            match Box::pin(by.try_ear(group, upstream)).await {
                Ok(ear) => by.stand_by(ear, again).await,
                Err(_) => by.stand_by(Box::pin(by.ear(group, upstream)).await, true).await,
            }
        }));
        tokio::join!(renewed, heard);
        std::future::pending().await
    }
}

impl Tenant {
    /// `notifications/roots/list_changed`: for the servers that know of this session, which are those that it has
    /// connections of its own with. A client without roots has none to change.
    pub(super) async fn roots_changed(&self, validated: &Validated, way: &Way<'_>) {
        let client = way.client;
        if client.revision.is_modern() || client.session.is_none() || client.capabilities.get("/roots").is_none() {
            return;
        }
        let upstreams = self.spec.groups.iter().flat_map(|group| &group.upstreams);
        join_all(upstreams.map(|upstream| self.tell_in_session(validated, upstream, way))).await;
    }

    /// Passes a client's notification on to a server that it may talk to, if that knows of the client's session.
    pub(super) async fn tell_in_session(&self, validated: &Validated, upstream: &Arc<Upstream>, way: &Way<'_>) {
        let Ok(routed) = self.spec.pipeline.route(validated, &[upstream.candidate()]).await else { return };
        let Ok(headers) = self.credentials.headers(self, &routed, upstream, Why::First).await else { return };
        way.visit(routed.upstream());
        let params = self.inner_tasks(validated.identity(), validated.call().params());
        let outgoing = Outgoing { client: way.client, params, tool: None, headers: &headers };
        if let Err(failed) = upstream.notify(&routed, outgoing).await {
            let method = validated.call().method();
            tracing::debug!(upstream = %routed.upstream(), method, cause = %failed.failure, "was not told");
        }
    }
}

impl Bystander<'_> {
    async fn stand_by(&self, mut ear: Ear<'_>, again: bool) {
        // A stream that goes on in a new generation: lists may be others now, and a change may have come in between.
        if again {
            Box::pin(self.catch_up(&ear)).await;
        }
        let mut questions = Questions::default();
        loop {
            let standing = tokio::select! {
                biased;
                (ask, answer) = questions.next() => {
                    match answer {
                        Ok(progress) => ear.watch.notify("notifications/progress", &progress),
                        Err(answer) => ear.watch.answer(&ask, self.own(&ear, answer)),
                    }
                    continue;
                }
                standing = ear.watch.next() => standing,
            };
            match standing {
                Standing::Notification { method, params } => Box::pin(self.pass_on(&ear, &method, params)).await,
                Standing::Request { ask, method, params } => {
                    Box::pin(self.ask(&ear, &mut questions, (ask, method), params)).await;
                }
                Standing::Withdrawn { ask } => questions.withdraw(&ask),
                Standing::Lapsed => Box::pin(self.catch_up(&ear)).await,
            }
        }
    }

    async fn pass_on(&self, ear: &Ear<'_>, method: &str, params: Payload) {
        let last = self.client.revision >= Revision::V2025_11_25;
        let wanted = match method {
            UPDATED => params.read::<String>("/uri").is_some_and(|uri| self.is_subscribed(ear, &uri)),
            "notifications/message" => self.tenant.wants_line(self.client, &params),
            "notifications/tasks/status" => {
                last && self.tenant.is_made_in(self.client.session.as_ref(), &ear.upstream.spec().id, &params)
            }
            "notifications/elicitation/complete" => last,
            // What modern servers say within their own subscriptions.
            "notifications/subscriptions/acknowledged" | "notifications/tasks" => false,
            _ => true,
        };
        if wanted {
            self.tell(ear, method, params).await;
        }
    }

    fn is_subscribed(&self, ear: &Ear<'_>, changed: &str) -> bool {
        self.subscribed(ear).iter().any(|uri| covers(uri, changed))
    }

    fn subscribed(&self, ear: &Ear<'_>) -> Vec<String> {
        let Some(session) = &self.client.session else { return Vec::new() };
        self.tenant.spec.lasting.subscriptions.of(&self.tenant.spec.name, session, ear.group)
    }

    /// Something may have been missed: it is as if all had changed.
    async fn catch_up(&self, ear: &Ear<'_>) {
        for (_, capability, method) in LISTS {
            if ear.facts.as_ref().is_some_and(|facts| facts.has(capability)) {
                self.tell(ear, method, Payload::empty()).await;
            }
        }
        for uri in self.subscribed(ear) {
            self.tell(ear, UPDATED, Payload::of(&json!({ "uri": uri }))).await;
        }
    }

    async fn tell(&self, ear: &Ear<'_>, method: &str, params: Payload) {
        if let Ok(said) = self.sanitized(Kind::Notification, Some(ear.upstream), method, params).await {
            let said = said.renamed(|params| match params.get(FOREIGN) {
                Some(_) => edited(params, &[Edit::remove(FOREIGN)]),
                None => params.clone(),
            });
            self.outlet.say(said).await;
        }
    }

    /// An answer in the server's own words for its tasks.
    fn own(&self, ear: &Ear<'_>, answer: Reply) -> Reply {
        match answer {
            Reply::Result(result) => {
                let upstream = &ear.upstream.spec().id;
                let own = self.tenant.inner_answer(self.admitted.identity(), self.client, upstream, &result);
                Reply::Result(own)
            }
            Reply::Error(error) => Reply::Error(error),
        }
    }

    async fn ask(&self, ear: &Ear<'_>, questions: &mut Questions, (ask, method): (Ask, String), params: Payload) {
        let request = match self.sanitized(Kind::ServerRequest, Some(ear.upstream), &method, params).await {
            Ok(request) => request,
            Err(refusal) => return ear.watch.answer(&ask, withheld(&refusal)),
        };
        match self.outlet.ask(request).await {
            Some(asking) => questions.add(ask, asking, Instant::now()),
            None => ear.watch.answer(&ask, unasked()),
        }
    }
}
