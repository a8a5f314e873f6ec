//! Which resources and tasks are subscribed to for whom. A legacy client's subscriptions are its session's: they outlive
//! generations, and end with the session. That several clients share one at a server is the upstream's to count.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::future::BoxFuture;
use serde_json::json;
use witgate_policy::{Kind, Payload, Reason, Refusal, Sanitized, Stage, Validated, Why};

use super::Tenant;
use super::attempt::{Answered, Way};
use super::lasting::SessionKey;
use super::spec::Group;
use crate::upstream::{Failed, Outgoing, Reply, Subscription, Upstream};

/// Resources that one session may be subscribed to: as many as a workspace has open, with room.
const MOST_OF_A_SESSION: usize = 1_000;

/// Resources of all sessions together; each is a few hundred bytes.
const MOST: usize = 100_000;

/// A resource that somebody is subscribed to.
#[derive(Debug)]
pub(super) struct Subscribed {
    pub(super) uri: String,
    pub(super) group: Arc<str>,
    upstream: Weak<Upstream>,
    _subscription: Subscription,
}

/// A task that a modern client is told of.
#[derive(Debug)]
pub(super) struct Followed {
    /// What its client calls it, and its server.
    pub(super) outer: String,
    pub(super) own: String,
    pub(super) upstream: String,
    _subscription: Subscription,
}

/// Whether a subscription to one URI is also for changes of the other, which may be a part of it (2025-11-25, resources,
/// subscriptions).
pub(super) fn covers(subscribed: &str, changed: &str) -> bool {
    let Some(rest) = changed.strip_prefix(subscribed) else { return false };
    rest.is_empty() || subscribed.ends_with('/') || rest.starts_with(['/', '?', '#'])
}

/// The subscriptions of all legacy sessions, by tenant and session.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<HashMap<SessionKey, Vec<Subscribed>>>);

impl Subscriptions {
    fn with<T>(&self, run: impl FnOnce(&mut HashMap<SessionKey, Vec<Subscribed>>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has_room(&self, tenant: &Arc<str>, session: &Arc<str>) -> bool {
        self.with(|all| {
            let own = all.get(&(tenant.clone(), session.clone())).map_or(0, Vec::len);
            own < MOST_OF_A_SESSION && all.values().map(Vec::len).sum::<usize>() < MOST
        })
    }

    fn add(&self, tenant: &Arc<str>, session: &Arc<str>, subscribed: Subscribed) {
        let replaced = self.with(|all| {
            let own = all.entry((tenant.clone(), session.clone())).or_default();
            let at = own.iter().position(|known| known.uri == subscribed.uri);
            let replaced = at.map(|at| own.swap_remove(at));
            own.push(subscribed);
            replaced
        });
        // Outside of the lock: the server may have to be told.
        drop(replaced);
    }

    fn remove(&self, tenant: &Arc<str>, session: &Arc<str>, uri: &str) {
        let removed = self.with(|all| {
            let own = all.get_mut(&(tenant.clone(), session.clone()))?;
            let at = own.iter().position(|known| known.uri == uri)?;
            Some(own.swap_remove(at))
        });
        drop(removed);
    }

    /// The session is over.
    pub(super) fn end(&self, tenant: &Arc<str>, session: &str) {
        let ended = self.with(|all| all.remove(&(tenant.clone(), session.into())));
        drop(ended);
    }

    /// Which of a group's resources a session is subscribed to.
    pub(super) fn of(&self, tenant: &Arc<str>, session: &Arc<str>, group: &Group) -> Vec<String> {
        self.with(|all| {
            let own = all.get(&(tenant.clone(), session.clone())).into_iter().flatten();
            own.filter(|known| known.group == group.name).map(|known| known.uri.clone()).collect()
        })
    }

    /// What a session was subscribed to at upstreams that have gone with an earlier generation.
    fn stranded(&self, tenant: &Tenant, session: &Arc<str>) -> Vec<String> {
        let serves = |upstream: &Weak<Upstream>| {
            let mut all = tenant.spec.groups.iter().flat_map(|group| &group.upstreams);
            all.any(|serving| std::ptr::eq(Arc::as_ptr(serving), upstream.as_ptr()))
        };
        self.with(|all| {
            let own = all.get(&(tenant.spec.name.clone(), session.clone())).into_iter().flatten();
            own.filter(|known| !serves(&known.upstream)).map(|known| known.uri.clone()).collect()
        })
    }
}

impl Tenant {
    /// `resources/subscribe` of a legacy client.
    pub(super) async fn subscribe(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let (session, uri) = (session_of(way)?, uri_of(validated)?);
        let kept = &self.spec.lasting.subscriptions;
        if !kept.has_room(&self.spec.name, session) {
            let message = format!("a session may be subscribed to {MOST_OF_A_SESSION} resources");
            return Err(Refusal::new(Stage::Route, Reason::Exhausted, message));
        }
        let (answered, subscribed) = self.subscribe_at(validated, uri, way).await?;
        let answer = way.sanitize(answered, false).await?;
        if let Some(subscribed) = subscribed.filter(|_| answer.kind() != Kind::Error) {
            kept.add(&self.spec.name, session, subscribed);
        }
        Ok(answer)
    }

    /// `resources/unsubscribe` of a legacy client. Its server is told when nobody else is subscribed.
    pub(super) async fn unsubscribe(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let (session, uri) = (session_of(way)?, uri_of(validated)?);
        self.spec.lasting.subscriptions.remove(&self.spec.name, session, &uri);
        self.say(validated, Kind::Result, Payload::empty()).await
    }

    /// For a session that a new generation goes on with: what its old servers took along is subscribed to anew.
    pub(super) async fn resubscribe(&self, validated: &Validated, way: &Way<'_>) {
        let Ok(session) = session_of(way) else { return };
        let kept = &self.spec.lasting.subscriptions;
        for uri in kept.stranded(self, session) {
            match self.subscribe_quietly(validated, uri.clone(), way).await {
                Some(subscribed) => kept.add(&self.spec.name, session, subscribed),
                None => kept.remove(&self.spec.name, session, &uri),
            }
        }
    }

    /// Subscribes, and keeps what went wrong to itself.
    pub(super) async fn subscribe_quietly(
        &self,
        validated: &Validated,
        uri: String,
        way: &Way<'_>,
    ) -> Option<Subscribed> {
        match self.subscribe_at(validated, uri, way).await {
            Ok((_, subscribed)) => subscribed,
            Err(refusal) => {
                tracing::debug!(cause = %refusal.message, note = refusal.note, "a resource cannot be subscribed to");
                None
            }
        }
    }

    /// Subscribes where the resource belongs.
    async fn subscribe_at(
        &self,
        validated: &Validated,
        uri: String,
        way: &Way<'_>,
    ) -> Result<(Answered, Option<Subscribed>), Refusal> {
        let group = self.owner_of_uri(validated, &uri, way).await?;
        let asked = if validated.call().method() == "resources/subscribe" {
            validated.clone()
        } else {
            Validated::in_course_of(validated, "resources/subscribe", Payload::of(&json!({ "uri": uri })))
        };
        let (answered, subscription) = self.subscribe_in(group, &asked, None, way).await?;
        let upstream = group.upstream(answered.routed.upstream());
        let subscribed = upstream.zip(subscription).map(|(upstream, subscription)| Subscribed {
            uri,
            group: group.name.clone(),
            upstream: Arc::downgrade(upstream),
            _subscription: subscription,
        });
        Ok((answered, subscribed))
    }

    /// Subscribes to a task, by what its client calls it; `None` for what is none of the caller's, or not told of.
    pub(super) fn follow<'a>(
        &'a self,
        validated: &'a Validated,
        outer: String,
        way: &'a Way<'_>,
    ) -> BoxFuture<'a, Option<Followed>> {
        Box::pin(async move {
            let (upstream, own) = self.inner_task(validated.identity(), &outer)?;
            let group = self.group_of(&upstream)?;
            let asked = Validated::in_course_of(validated, "tasks/get", Payload::of(&json!({ "taskId": own })));
            match self.subscribe_in(group, &asked, Some(&upstream), way).await {
                Ok((_, subscription)) => {
                    subscription.map(|subscription| Followed { outer, own, upstream, _subscription: subscription })
                }
                Err(refusal) => {
                    tracing::debug!(cause = %refusal.message, note = refusal.note, "a task cannot be subscribed to");
                    None
                }
            }
        })
    }

    /// Subscribes at one upstream of a group, or at the `only` one that knows of it.
    async fn subscribe_in(
        &self,
        group: &Group,
        asked: &Validated,
        only: Option<&str>,
        way: &Way<'_>,
    ) -> Result<(Answered, Option<Subscription>), Refusal> {
        let mut candidates = group.candidates();
        candidates.retain(|candidate| only.is_none_or(|only| *candidate.id == *only));
        let routed = self.spec.pipeline.route(asked, &candidates).await?;
        let id = routed.upstream();
        let gone = || Refusal::new(Stage::Route, Reason::Unavailable, format!("the upstream `{id}` is gone"));
        let upstream = group.upstream(id).ok_or_else(gone)?;
        let headers = self.credentials.headers(self, &routed, upstream, Why::First).await?;
        let params = asked.call().params().clone();
        let outgoing = Outgoing { client: way.client, params, tool: None, headers: &headers };
        let (reply, subscription) = match upstream.subscribe(&routed, outgoing).await {
            Ok(done) => done,
            Err(Failed { error: Some(error), .. }) => (Reply::Error(error), None),
            Err(failed) => {
                let message = format!("the upstream `{id}` cannot be subscribed to");
                let refusal = Refusal::new(Stage::Route, Reason::Unavailable, message);
                return Err(refusal.noted(failed.failure.to_string()));
            }
        };
        Ok((Answered { routed, reply, fallback: false }, subscription))
    }
}

fn session_of<'w>(way: &'w Way<'_>) -> Result<&'w Arc<str>, Refusal> {
    way.client.session.as_ref().ok_or_else(|| {
        Refusal::new(Stage::Route, Reason::Invalid, "a subscription belongs to a session, and there is none")
    })
}

fn uri_of(validated: &Validated) -> Result<String, Refusal> {
    validated.call().target().map(str::to_owned).ok_or_else(|| {
        let mut refusal = Refusal::new(Stage::Route, Reason::Invalid, "`params/uri` is missing");
        let message = "name the resource, as a string".to_owned();
        refusal.findings.push(witgate_policy::Finding { pointer: "/uri".to_owned(), message });
        refusal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_for_a_resource_and_its_parts() {
        #[track_caller]
        fn check(subscribed: &str, changed: &str, want: bool) {
            assert_eq!(covers(subscribed, changed), want, "{subscribed} {changed}");
        }
        check("file:///a", "file:///a", true);
        check("file:///a", "file:///a/b", true);
        check("file:///a/", "file:///a/b", true);
        check("file:///a", "file:///a#part", true);
        check("file:///a", "file:///ab", false);
        check("file:///a/b", "file:///a", false);
    }
}
