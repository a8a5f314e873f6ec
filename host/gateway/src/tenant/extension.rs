//! What is spoken between a client and its server beyond the core protocol: passed on to the only server that says that it
//! speaks more.

use futures_util::future::{BoxFuture, join_all};
use indexmap::IndexMap;
use serde_json::Value;
use witgate_policy::{Reason, Refusal, Sanitized, Stage, Validated, Why};

use super::Tenant;
use super::attempt::{Cargo, Way};
use super::spec::Group;
use crate::upstream::{Outgoing, ServerFacts};

/// What clients ask in any revision of the core protocol, and what only servers ask.
const CORE: [&str; 23] = [
    "completion/complete",
    "elicitation/create",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "roots/list",
    "sampling/createMessage",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tools/call",
    "tools/list",
];

/// What either side tells in any revision of the core protocol.
const CORE_NOTIFICATIONS: [&str; 13] = [
    "notifications/cancelled",
    "notifications/elicitation/complete",
    "notifications/initialized",
    "notifications/message",
    "notifications/progress",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/roots/list_changed",
    "notifications/subscriptions/acknowledged",
    "notifications/tasks",
    "notifications/tasks/status",
    "notifications/tools/list_changed",
];

/// No revision has this method, or not this one.
pub(super) fn unknown(validated: &Validated) -> Refusal {
    let (method, revision) = (validated.call().method(), validated.call().revision());
    let message = format!("the method `{method}` does not exist here in revision {revision}");
    Refusal::new(Stage::Route, Reason::UnknownMethod, message)
}

/// Whether a server declares an extension whose messages are none of the gate's own business.
fn declares_own(facts: &ServerFacts) -> bool {
    let names = |pointer| facts.capabilities.read::<IndexMap<String, Value>>(pointer).unwrap_or_default().into_keys();
    names("/extensions").any(|name| name != "io.modelcontextprotocol/tasks") || names("/experimental").next().is_some()
}

impl Tenant {
    /// A request of an extension.
    pub(super) async fn extended(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        if CORE.contains(&validated.call().method()) {
            return Err(unknown(validated));
        }
        let group = self.speaks_more(validated, way).await.ok_or_else(|| unknown(validated))?;
        let params = self.inner_tasks(validated.identity(), validated.call().params());
        let cargo = Cargo { params, tool: None, idempotent: false, read_only: false };
        let answered = way.send(validated, group, &cargo).await?;
        way.clean(validated, answered).await
    }

    /// A notification of an extension; those of the core protocol are not passed on here.
    pub(super) async fn notified(&self, validated: &Validated, way: &Way<'_>) -> Result<(), Refusal> {
        match validated.call().method() {
            "notifications/roots/list_changed" => self.roots_changed(validated, way).await,
            "notifications/tasks/status" => self.task_changed(validated, way).await,
            _ => {}
        }
        if CORE_NOTIFICATIONS.contains(&validated.call().method()) {
            return Ok(());
        }
        let Some(group) = self.speaks_more(validated, way).await else { return Ok(()) };
        let routed = self.spec().pipeline.route(validated, &group.candidates()).await?;
        let Some(upstream) = group.upstream(routed.upstream()) else { return Ok(()) };
        way.visit(routed.upstream());
        let headers = self.credentials.headers(self, &routed, upstream, Why::First).await?;
        let params = self.inner_tasks(validated.identity(), validated.call().params());
        let outgoing = Outgoing { client: way.client, params, tool: None, headers: &headers };
        // Nobody waits for an answer that could say so.
        if let Err(failed) = upstream.notify(&routed, outgoing).await {
            tracing::debug!(upstream = %routed.upstream(), cause = %failed.failure, "was not told");
        }
        Ok(())
    }

    /// The only group, when its server declares extensions; of several, the only one whose server declares some that its
    /// client was told of.
    fn speaks_more<'a>(&'a self, validated: &'a Validated, way: &'a Way<'_>) -> BoxFuture<'a, Option<&'a Group>> {
        Box::pin(async move {
            let groups = &self.spec().groups;
            let known = join_all(groups.iter().map(|group| self.facts(validated, group, way))).await;
            let known = groups.iter().zip(known).filter_map(|(group, facts)| Some((group, facts?)));
            if self.spec().sole().is_some() {
                let some = |facts: &ServerFacts, at| facts.capabilities.get(at).is_some_and(|it| it.starts_with('{'));
                let mut speaking =
                    known.filter(|(_, facts)| some(facts, "/extensions") || some(facts, "/experimental"));
                return speaking.next().map(|(group, _)| group);
            }
            let modern = way.client.revision.is_modern();
            let mut speaking = known.filter(|(_, facts)| facts.revision.is_modern() == modern && declares_own(facts));
            let first = speaking.next().map(|(group, _)| group);
            first.filter(|_| speaking.next().is_none())
        })
    }
}
