//! `subscriptions/listen` (2026-07-28, subscriptions): acknowledged with what can be honoured, then fed with what the
//! servers say has changed, until the client leaves or the gate stops.
//!
//! When a new generation begins its tenant takes the stream over. Lists may be others then, and changes may have been
//! missed in between, so instead of an acknowledgement the client is told that all it listens to has changed.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::iter;
use serde_json::json;
use witgate_policy::json::Edit;
use witgate_policy::{Form, Kind, Payload, Reason, Refusal, Sanitized, Stage, Validated};

use super::attempt::Way;
use super::bystander::{Bystander, Ear};
use super::client;
use super::journal::{Journal, Visits};
use super::shape::{self, edited};
use super::subscriptions::{Followed, Subscribed, covers};
use super::task::takes_tasks;
use super::{Inbound, Outcome, Outlet, Tenant};
use crate::record::Recorder;
use crate::upstream::{Standing, Upstream};
use crate::wire::RequestId;

/// Resources in one subscription, and tasks: more than a person looks at; a program can open another.
const MOST: usize = 256;

/// Servers asked at once for the resources and tasks of one subscription.
const AT_ONCE: usize = 8;

/// What is told by whom it is for.
const SUBSCRIPTION_ID: &str = "/_meta/io.modelcontextprotocol~1subscriptionId";

/// The lists that change: the filter's member, the server's capability, the notification.
pub(super) const LISTS: [(&str, &str, &str); 3] = [
    ("toolsListChanged", "/tools/listChanged", "notifications/tools/list_changed"),
    ("promptsListChanged", "/prompts/listChanged", "notifications/prompts/list_changed"),
    ("resourcesListChanged", "/resources/listChanged", "notifications/resources/list_changed"),
];

pub(super) const UPDATED: &str = "notifications/resources/updated";

/// A task's state has changed (SEP-2663).
const TASK: &str = "notifications/tasks";

/// The members of a filter that are lists.
const URIS: &str = "/notifications/resourceSubscriptions";
const TASKS: &str = "/notifications/taskIds";

/// What a client wants to hear of.
#[derive(Debug, Default, PartialEq)]
struct Wish {
    lists: [bool; 3],
    uris: Vec<String>,
    tasks: Vec<String>,
}

impl Wish {
    fn of(params: &Payload) -> Result<Self, Refusal> {
        let invalid = |pointer: &str, message: &str| {
            let mut refusal = Refusal::new(Stage::Route, Reason::Invalid, format!("`params{pointer}`: {message}"));
            let finding = witgate_policy::Finding { pointer: pointer.to_owned(), message: message.to_owned() };
            refusal.findings.push(finding);
            refusal
        };
        if !params.get("/notifications").is_some_and(|filter| filter.starts_with('{')) {
            return Err(invalid("/notifications", "say here, in an object, what to hear of"));
        }
        let mut wish = Self::default();
        for ((member, ..), wanted) in LISTS.iter().zip(&mut wish.lists) {
            let pointer = format!("/notifications/{member}");
            *wanted = match params.get(&pointer) {
                None => false,
                Some(_) => params.read(&pointer).ok_or_else(|| invalid(&pointer, "has to be a boolean"))?,
            };
        }
        for (pointer, what, wanted) in [(URIS, "URIs", &mut wish.uris), (TASKS, "task ids", &mut wish.tasks)] {
            if params.get(pointer).is_none() {
                continue;
            }
            let all: Vec<String> =
                params.read(pointer).ok_or_else(|| invalid(pointer, &format!("has to be a list of {what}")))?;
            if all.len() > MOST {
                return Err(invalid(pointer, &format!("{} {what}, {MOST} are allowed in one subscription", all.len())));
            }
            let mut seen = HashSet::new();
            *wanted = all.into_iter().filter(|one| seen.insert(one.clone())).collect();
        }
        Ok(wish)
    }
}

/// A subscription that is fed.
struct Listening<'a> {
    by: Bystander<'a>,
    id: RequestId,
    lists: [bool; 3],
    subscribed: Vec<Subscribed>,
    followed: Vec<Followed>,
    validated: &'a Validated,
    /// One for each upstream; those that are missing may be listened to later.
    ears: Vec<Option<Ear<'a>>>,
}

impl Tenant {
    /// Feeds a subscription until the gate stops. The record is of its beginning; what is said later has its own.
    pub(super) async fn listen(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: &Inbound,
        outlet: &Outlet,
    ) -> Outcome {
        let call = self.call(inbound, Form::Request);
        let mut journal = Journal::open(recorder, generation, &call);
        let deadline = call.deadline().at();
        let way = Way::new(self, &inbound.client, None, journal.visits());
        let judged = Box::pin(async {
            let validated = self.judge(call, inbound, &way, &mut journal.identity).await?;
            let wish = Wish::of(validated.call().params())?;
            Ok((validated, wish))
        });
        let judged = tokio::time::timeout_at(deadline.into(), judged).await.unwrap_or_else(|_| Err(self.too_late()));
        let (validated, wish) = match judged {
            Ok(judged) => judged,
            Err(refusal) => {
                journal.close_notification(Some(&refusal));
                return Outcome { answer: Err(refusal), identity: journal.identity.take(), params: None };
            }
        };
        let again = outlet.has_told();
        let params = Some(validated.call().params().clone());
        let client = client::accepted(&inbound.client, &inbound.params, validated.call().params());
        if validated.call().params().get(TASKS).is_some() && !takes_tasks(&client) {
            let answer = self.lacks_tasks(&validated, "taskIds").await;
            journal.close(&answer);
            return Outcome { answer, identity: journal.identity.take(), params };
        }
        let way = way.of(&client);
        let admitted = validated.admitted();
        let by = Bystander { tenant: self, generation, recorder, admitted, client: &client, outlet };
        let id = inbound.id.clone().unwrap_or(RequestId::Number(0));
        let begin = Box::pin(by.begin(id, wish, &validated, &way));
        let begun = tokio::time::timeout_at(deadline.into(), begin).await.unwrap_or_else(|_| Err(self.too_late()));
        match begun.as_ref().err() {
            refusal if again => journal.close_renewal(refusal),
            refusal => journal.close_notification(refusal),
        }
        let answer = match begun {
            Err(refusal) => Err(refusal),
            Ok(mut listening) => {
                let ears = std::mem::take(&mut listening.ears);
                tokio::select! {
                    biased;
                    () = outlet.stopped() => {}
                    () = listening.feed(ears) => {}
                }
                listening.end().await
            }
        };
        Outcome { answer, identity: journal.identity.take(), params }
    }
}

impl<'a> Bystander<'a> {
    /// Listens first, so that nothing is missed; then subscribes; then says what is honoured.
    async fn begin(
        self,
        id: RequestId,
        wish: Wish,
        validated: &'a Validated,
        way: &Way<'_>,
    ) -> Result<Listening<'a>, Refusal> {
        let tried = join_all(self.upstreams().map(|(group, upstream)| self.try_ear(group, upstream))).await;
        let ears: Vec<Option<Ear<'a>>> = tried.into_iter().map(Result::ok).collect();
        let facts = || ears.iter().flatten().filter_map(|ear| ear.facts.as_ref());
        let can = |pointer| facts().any(|facts| facts.has(pointer));
        let mut lists = wish.lists;
        for ((_, capability, _), wanted) in LISTS.iter().zip(&mut lists) {
            *wanted &= can(capability);
        }
        let uris = if can("/resources/subscribe") { wish.uris } else { Vec::new() };
        let subscribed: Vec<Subscribed> = iter(uris)
            .map(|uri| async move { self.tenant.subscribe_quietly(validated, uri, way).await })
            .buffered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let followed: Vec<Followed> = iter(wish.tasks)
            .map(|outer| self.tenant.follow(validated, outer, way))
            .buffered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let listening = Listening { by: self, id, lists, subscribed, followed, validated, ears };
        if self.outlet.has_told() {
            listening.catch_up(None).await;
        } else {
            listening.acknowledge().await?;
        }
        Ok(listening)
    }
}

impl Listening<'_> {
    /// The first message. One that is withheld leaves nothing to listen to.
    async fn acknowledge(&self) -> Result<(), Refusal> {
        let mut honoured = serde_json::Map::new();
        for ((member, ..), _) in LISTS.iter().zip(self.lists).filter(|(_, wanted)| *wanted) {
            honoured.insert((*member).to_owned(), true.into());
        }
        if !self.subscribed.is_empty() {
            let uris: Vec<&str> = self.subscribed.iter().map(|subscribed| &*subscribed.uri).collect();
            honoured.insert("resourceSubscriptions".to_owned(), json!(uris));
        }
        if !self.followed.is_empty() {
            let ids: Vec<&str> = self.followed.iter().map(|followed| &*followed.outer).collect();
            honoured.insert("taskIds".to_owned(), json!(ids));
        }
        let params = Payload::of(&json!({ "notifications": honoured }));
        let method = "notifications/subscriptions/acknowledged";
        let said = self.by.sanitized(Kind::Notification, None, method, params).await?;
        self.by.outlet.say(self.marked(said)).await;
        Ok(())
    }

    /// Tells what the servers say, for as long as there are any.
    async fn feed(&self, ears: Vec<Option<Ear<'_>>>) {
        let fed = self.by.upstreams().zip(ears).map(|((group, upstream), ear)| async move {
            if let Some(ear) = ear {
                return self.hear(ear).await;
            }
            let late = self.by.ear(group, upstream).await;
            self.catch_up(Some(&late)).await;
            self.hear(late).await;
        });
        join_all(fed).await;
        std::future::pending::<()>().await;
    }

    async fn hear(&self, mut ear: Ear<'_>) {
        loop {
            match ear.watch.next().await {
                Standing::Notification { method, params } => {
                    if self.wants(&ear, &method, &params) {
                        self.tell(Some(ear.upstream), &method, params).await;
                    }
                }
                Standing::Lapsed => self.catch_up(Some(&ear)).await,
                // A modern client is asked within its calls only.
                Standing::Request { .. } | Standing::Withdrawn { .. } => {}
            }
        }
    }

    fn wants(&self, ear: &Ear<'_>, method: &str, params: &Payload) -> bool {
        if method == UPDATED {
            return params.read::<String>("/uri").is_some_and(|uri| self.has(ear, &uri));
        }
        if method == TASK {
            let own: Option<String> = params.read("/taskId");
            return own.is_some_and(|own| self.follows(ear).any(|followed| followed.own == own));
        }
        LISTS.iter().zip(self.lists).any(|((.., list), wanted)| wanted && *list == method)
    }

    fn follows(&self, ear: &Ear<'_>) -> impl Iterator<Item = &Followed> {
        self.followed.iter().filter(|followed| *followed.upstream == *ear.upstream.spec().id)
    }

    fn has(&self, ear: &Ear<'_>, uri: &str) -> bool {
        self.subscribed.iter().any(|subscribed| subscribed.group == ear.group.name && covers(&subscribed.uri, uri))
    }

    /// Something may have been missed: of one server, or of all.
    async fn catch_up(&self, ear: Option<&Ear<'_>>) {
        let upstream = ear.map(|ear| ear.upstream);
        let may = |capability| match ear {
            Some(ear) => ear.facts.as_ref().is_none_or(|facts| facts.has(capability)),
            None => true,
        };
        for ((_, capability, method), wanted) in LISTS.iter().zip(self.lists) {
            if wanted && may(capability) {
                self.tell(upstream, method, Payload::empty()).await;
            }
        }
        for subscribed in &self.subscribed {
            if ear.is_none_or(|ear| subscribed.group == ear.group.name) {
                self.tell(upstream, UPDATED, Payload::of(&json!({ "uri": subscribed.uri }))).await;
            }
        }
        self.catch_up_on_tasks(ear).await;
    }

    /// A task is told of with all that it is, so it has to be asked for.
    async fn catch_up_on_tasks(&self, ear: Option<&Ear<'_>>) {
        let (tenant, client) = (self.by.tenant, self.by.client);
        for (_, upstream) in self.by.upstreams() {
            let id = &upstream.spec().id;
            if ear.is_some_and(|ear| ear.upstream.spec().id != *id) {
                continue;
            }
            for followed in self.followed.iter().filter(|followed| *followed.upstream == **id) {
                let way = Way::new(tenant, client, None, Visits::default());
                let now = self.validated.later(tenant.moment());
                if let Some(state) = tenant.state_of(&now, followed, &way).await {
                    self.tell(Some(upstream), TASK, state).await;
                }
            }
        }
    }

    async fn tell(&self, upstream: Option<&Arc<Upstream>>, method: &str, params: Payload) {
        if let Ok(said) = self.by.sanitized(Kind::Notification, upstream, method, params).await {
            self.by.outlet.say(self.marked(said)).await;
        }
    }

    /// The last message: the subscription ends in good order.
    async fn end(&self) -> Result<Sanitized, Refusal> {
        let method = "subscriptions/listen";
        let said = self.by.sanitized(Kind::Result, None, method, Payload::empty()).await?;
        Ok(shape::for_client(self.marked(said), self.by.client.revision, true))
    }

    /// Names the subscription, as its client does.
    fn marked(&self, said: Sanitized) -> Sanitized {
        said.renamed(|payload| {
            let meta = payload.get("/_meta").is_some_and(|meta| meta.starts_with('{'));
            let meta = (!meta).then(|| Edit::set("/_meta", "{}"));
            let id = Edit::set(SUBSCRIPTION_ID, Payload::of(&self.id).as_str());
            edited(payload, &meta.into_iter().chain([id]).collect::<Vec<_>>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_strictly() {
        #[track_caller]
        fn check(params: &str, want: Result<([bool; 3], &[&str]), &str>) {
            let got = Wish::of(&Payload::parse_str(params).expect("test JSON"));
            let got = got.map(|wish| (wish.lists, wish.uris)).map_err(|refusal| refusal.findings[0].pointer.clone());
            let want = want.map(|(lists, uris)| (lists, uris.iter().map(ToString::to_string).collect()));
            assert_eq!(got, want.map_err(str::to_owned), "{params}");
        }
        check(r#"{"notifications":{}}"#, Ok(([false; 3], &[])));
        let all = r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,
            "resourceSubscriptions":["a","b","a"],"x":1}}"#;
        check(all, Ok(([true; 3], &["a", "b"])));
        check("{}", Err("/notifications"));
        check(r#"{"notifications":[]}"#, Err("/notifications"));
        check(r#"{"notifications":{"toolsListChanged":1}}"#, Err("/notifications/toolsListChanged"));
        check(r#"{"notifications":{"resourceSubscriptions":"a"}}"#, Err("/notifications/resourceSubscriptions"));
        for list in ["resourceSubscriptions", "taskIds"] {
            let many = format!(r#"{{"notifications":{{"{list}":[{}]}}}}"#, vec!["\"a\""; 257].join(","));
            check(&many, Err(&format!("/notifications/{list}")));
            check(&format!(r#"{{"notifications":{{"{list}":[7]}}}}"#), Err(&format!("/notifications/{list}")));
        }
    }
}
