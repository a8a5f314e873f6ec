//! Tasks: of the core protocol in 2025-11-25, of an extension since (SEP-2663).
//!
//! A task id leads back to the server that made it, so clients see it sealed: with its upstream in it, the same every time,
//! and of no use to any other caller. The sanitizers see the server's own.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;
use serde_json::value::RawValue;
use witgate_policy::json::{Edit, said};
use witgate_policy::{Identity, Kind, Lookup, Payload, Reason, Refusal, Revision, Sanitized, Stage, Validated};

use super::Tenant;
use super::attempt::{Answered, Cargo, Way};
use super::catalog::items;
use super::made::Maker;
use super::shape::edited;
use super::spec::Group;
use super::state::invalid;
use super::subscriptions::Followed;
use crate::upstream::Reply;
use crate::wire::ClientFacts;

/// The extension's name, as a token of a pointer into capabilities.
const EXTENSION: &str = "/extensions/io.modelcontextprotocol~1tasks";

/// Where the answer to a request names the task that it became.
const MADE: &str = "/task/taskId";

/// Where a message names the task that it belongs to.
const RELATED: &str = "/_meta/io.modelcontextprotocol~1related-task/taskId";

impl Tenant {
    /// What the seals of a caller's task ids are for.
    fn task_context(&self, identity: &Identity) -> String {
        Payload::of(&("task", &**self.name(), &identity.issuer, &identity.subject)).as_str().to_owned()
    }

    /// What a caller calls a task of an upstream.
    pub(super) fn outer_task(&self, identity: &Identity, upstream: &str, own: &str) -> String {
        let text = Payload::of(&(upstream, own));
        self.spec().lasting.seal.name(&self.task_context(identity), text.as_str())
    }

    /// Whose a task is, and what its server calls it; `None` for what is no task id of this caller's.
    pub(super) fn inner_task(&self, identity: &Identity, outer: &str) -> Option<(String, String)> {
        let text = self.spec().lasting.seal.open(&self.task_context(identity), outer)?;
        serde_json::from_str(&text).ok()
    }

    /// A server's message with the task ids that its client knows. A task that it brings is the client's from now on.
    pub(super) fn outer_tasks(&self, identity: &Identity, client: &ClientFacts, message: Sanitized) -> Sanitized {
        let Some(upstream) = message.upstream().cloned() else { return message };
        // Most messages name no task, and cost no more than this.
        if memchr::memmem::find(message.payload().as_str().as_bytes(), b"\"taskId\"").is_none() {
            return message;
        }
        if message.method() == "tools/call"
            && message.kind() == Kind::Result
            && let Some(own) = message.payload().read::<String>(MADE)
        {
            let maker = Maker::new(identity, client.session.as_ref());
            self.spec().lasting.made.note((self.name(), &upstream, &own), maker);
        }
        let edits: Vec<Edit> = places(&message)
            .into_iter()
            .filter_map(|pointer| {
                let own: String = message.payload().read(&pointer)?;
                let outer = self.outer_task(identity, &upstream, &own);
                Some(Edit::set(pointer, Payload::of(&outer).as_str()))
            })
            .collect();
        if edits.is_empty() { message } else { message.renamed(|payload| edited(payload, &edits)) }
    }

    /// A client's message with the id that the server gave the task that it belongs to.
    pub(super) fn inner_tasks(&self, identity: &Identity, params: &Payload) -> Payload {
        let own = params.read::<String>(RELATED).and_then(|outer| self.inner_task(identity, &outer));
        own.map_or_else(|| params.clone(), |(_, own)| edited(params, &[Edit::set(RELATED, Payload::of(&own).as_str())]))
    }

    /// What a client answers to a server's request, as that server takes it. A task that it brings is the server's from
    /// now on.
    pub(super) fn inner_answer(
        &self,
        identity: &Identity,
        client: &ClientFacts,
        upstream: &Arc<str>,
        answer: &Payload,
    ) -> Payload {
        if let (Some(session), Some(theirs)) = (&client.session, answer.read::<String>(MADE)) {
            self.spec().lasting.made.lend((self.name(), session, &theirs), upstream);
        }
        self.inner_tasks(identity, answer)
    }

    /// A page of tasks without those of other callers: a server that is shared knows but one client.
    pub(super) fn own_tasks(&self, validated: &Validated, client: &ClientFacts, answered: Answered) -> Answered {
        let Answered { routed, reply: Reply::Result(page), fallback: false } = answered else { return answered };
        let caller = Maker::new(validated.identity(), client.session.as_ref());
        let is_own = |own: &str| self.spec().lasting.made.is_of((self.name(), routed.upstream(), own), &caller);
        let tasks = items(&page, Lookup::Tasks);
        let own = tasks.filter(|(_, name)| name.and_then(said).is_some_and(|own| is_own(&own)));
        let own: Vec<_> = own.map(|(task, _)| page.slice(task)).collect();
        let page = page.with_list("tasks", &own);
        Answered { routed, reply: Reply::Result(page), fallback: false }
    }

    /// Whether a server's word of a task is for a session: the one that the task was made in.
    pub(super) fn is_made_in(&self, session: Option<&Arc<str>>, upstream: &Arc<str>, status: &Payload) -> bool {
        let made = &self.spec().lasting.made;
        let (Some(session), Some(own)) = (session, status.read::<String>("/taskId")) else { return false };
        made.is_in((self.name(), upstream, &own), session)
    }

    /// `notifications/tasks/status` of a client, for the server that it made the task for.
    pub(super) async fn task_changed(&self, validated: &Validated, way: &Way<'_>) {
        let theirs = validated.call().params().read::<String>("/taskId");
        let (Some(session), Some(theirs)) = (&way.client.session, theirs) else { return };
        let Some(id) = self.spec().lasting.made.lent((self.name(), session, &theirs)) else { return };
        if let Some(upstream) = self.group_of(&id).and_then(|group| group.upstream(&id)) {
            self.tell_in_session(validated, upstream, way).await;
        }
    }

    /// The group of an upstream.
    pub(super) fn group_of(&self, upstream: &str) -> Option<&Group> {
        self.spec().groups.iter().find(|group| group.upstream(upstream).is_some())
    }

    /// A request about one task: it goes to the server that made it.
    pub(super) async fn task(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let call = validated.call();
        if way.client.revision.is_modern() && !takes_tasks(way.client) {
            return self.lacks_tasks(validated, call.method()).await;
        }
        let outer = call.target().ok_or_else(|| invalid("`params/taskId` is missing, or is no string"))?;
        let found = self.inner_task(validated.identity(), outer);
        let found = found.and_then(|(upstream, own)| Some((self.group_of(&upstream)?, upstream, own)));
        let Some((group, upstream, own)) = found else {
            return Err(self.unknown_task(validated, way).await);
        };
        let mut edits = vec![Edit::set("/taskId", Payload::of(&own).as_str())];
        if call.method() == "tasks/update" {
            if call.params().get("/inputResponses").is_none() {
                return Err(invalid("`params/inputResponses` is missing"));
            }
            edits.extend(self.amended(validated, way).await?);
        }
        if call.method() == "tasks/result" {
            // It waits until the task is over.
            way.be_patient(validated);
        }
        let cargo = Cargo::reading(edited(&self.inner_tasks(validated.identity(), call.params()), &edits));
        let answered = way.answered(validated, group, &cargo, Some(&upstream)).await?;
        way.clean(validated, answered).await
    }

    /// Tells a modern client that it did not declare the extension.
    pub(super) async fn lacks_tasks(&self, validated: &Validated, what: &str) -> Result<Sanitized, Refusal> {
        let needed = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
        self.lacks(validated, what, &needed).await
    }

    /// What has become of a task that its client is told of; `None` when its server does not say.
    pub(super) fn state_of<'a>(
        &'a self,
        validated: &'a Validated,
        followed: &'a Followed,
        way: &'a Way<'_>,
    ) -> BoxFuture<'a, Option<Payload>> {
        let asked = Validated::in_course_of(validated, "tasks/get", Payload::of(&json!({ "taskId": followed.own })));
        Box::pin(async move {
            let cargo = Cargo::reading(asked.call().params().clone());
            let group = self.group_of(&followed.upstream)?;
            let answered = way.answered(&asked, group, &cargo, Some(&followed.upstream)).await.ok()?;
            let Reply::Result(state) = answered.reply else { return None };
            let there = ["/resultType"].into_iter().filter(|pointer| state.get(pointer).is_some());
            Some(edited(&state, &there.map(Edit::remove).collect::<Vec<_>>()))
        })
    }

    /// No such task, or no tasks at all.
    async fn unknown_task(&self, validated: &Validated, way: &Way<'_>) -> Refusal {
        if self.has_tasks(validated, way).await {
            let message = "there is no such task here, or it is not yours";
            return Refusal::new(Stage::Route, Reason::Invalid, message);
        }
        super::extension::unknown(validated)
    }

    /// Whether a server here has tasks of the client's era.
    async fn has_tasks(&self, validated: &Validated, way: &Way<'_>) -> bool {
        let pointer = if way.client.revision.is_modern() { EXTENSION } else { "/tasks" };
        let asked = self.spec().groups.iter().map(|group| self.facts(validated, group, way));
        let known = futures_util::future::join_all(asked).await;
        known.into_iter().flatten().any(|facts| facts.has(pointer))
    }
}

/// Whether a modern client takes part in the extension.
pub(super) fn takes_tasks(client: &ClientFacts) -> bool {
    client.capabilities.get(EXTENSION).is_some()
}

/// Whether a result is a task of the extension in place of what was asked for.
pub(super) fn makes_task(result: &Payload) -> bool {
    result.get("/resultType") == Some("\"task\"")
}

/// Whether a revision has a method about one task.
pub(super) fn is_task(method: &str, revision: Revision) -> bool {
    match method {
        "tasks/get" | "tasks/cancel" => revision >= Revision::V2025_11_25,
        "tasks/result" => revision == Revision::V2025_11_25,
        "tasks/update" => revision.is_modern(),
        _ => false,
    }
}

/// Where a message names tasks of the server that it comes from.
fn places(message: &Sanitized) -> Vec<String> {
    let (payload, method) = (message.payload(), message.method());
    // What a server asks of a client about the client's own tasks.
    if message.kind() == Kind::ServerRequest && method.starts_with("tasks/") {
        return Vec::new();
    }
    let mut places = vec![RELATED.to_owned()];
    if makes_task(payload) || method.starts_with("tasks/") || method.starts_with("notifications/tasks") {
        places.extend(["/taskId".to_owned(), format!("/result{RELATED}")]);
    }
    if method == "tools/call" && payload.get("/task").is_some_and(|task| task.starts_with('{')) {
        places.push(MADE.to_owned());
    }
    for list in ["/tasks", "/inputRequests"] {
        places.extend(nested(payload, list));
    }
    places
}

/// The places within the members of a list of tasks, or of a task's questions.
fn nested(payload: &Payload, list: &str) -> Vec<String> {
    let Some(text) = payload.get(list) else { return Vec::new() };
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return (0..items.len()).map(|at| format!("{list}/{at}/taskId")).collect();
    }
    let members: indexmap::IndexMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let token = |key: String| key.replace('~', "~0").replace('/', "~1");
    members.into_keys().map(|key| format!("{list}/{}/params{RELATED}", token(key))).collect()
}
