//! One tenant: its pipeline, its upstreams, and the way of one message through both.
//!
//! [`Tenant::request`] is that way, read from top to bottom: admit, validate, then one of three: the gate answers
//! itself (`own`), gathers a list from several upstreams (`listing`), or sends the call where its name belongs
//! (`named`). Whatever is sent goes through `attempt`, which alone fetches credentials and asks the retry strategies;
//! whatever comes back is sanitized there.

mod ability;
mod answers;
mod asks;
mod attempt;
mod bystander;
mod capabilities;
mod catalog;
mod client;
mod credentials;
mod cursor;
mod extension;
mod held;
mod inquiry;
mod journal;
mod lasting;
mod level;
mod listen;
mod listing;
mod made;
mod named;
mod names;
mod outlet;
mod own;
mod pages;
mod questions;
mod rounds;
mod seal;
mod shape;
mod spec;
mod stand;
mod state;
mod subscriptions;
mod talk;
mod task;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytestring::ByteString;
use futures_util::future::BoxFuture;
use witgate_policy::{
    Admitted, Call, Deadline, Draft, Form, Identity, Lookup, Moment, Payload, Presented, Reason, Refusal, Revision,
    Sanitized, Stage, Validated,
};

pub use self::asks::{Answered, Asking, Asks, Told};
use self::attempt::Way;
use self::catalog::{Book, Catalog};
use self::credentials::Credentials;
use self::journal::Journal;
pub use self::lasting::Lasting;
use self::names::Prefixes;
pub use self::outlet::{Heard, Outlet, Said};
use self::pages::Pages;
pub use self::seal::{NoChance, Seal};
pub use self::spec::{Group, Spec};
use self::task::is_task;
use crate::record::Recorder;
use crate::turn;
use crate::wire::{self, ClientFacts, RequestId};

/// A request or notification of a client, with all that is known of where it comes from.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// The client's id of a request: a subscription is told by it.
    pub id: Option<RequestId>,
    /// The method.
    pub method: ByteString,
    /// The `params`.
    pub params: Payload,
    /// The client.
    pub client: ClientFacts,
    /// What it showed.
    pub presented: Presented,
    /// The identity that the session belongs to; any other is refused.
    pub owner: Option<Arc<Identity>>,
    /// The `Mcp-Param-*` headers of a modern client, names in lower case; `None` where the transport has no headers.
    pub param_headers: Option<Vec<(String, String)>>,
}

/// How a message ended.
#[derive(Debug)]
pub struct Outcome {
    /// What the client gets.
    pub answer: Result<Sanitized, Refusal>,
    /// Who called, where that became known.
    pub identity: Option<Arc<Identity>>,
    /// The params as the validators accepted them, if they did.
    pub params: Option<Payload>,
}

/// A tenant.
pub struct Tenant {
    spec: Spec,
    prefixes: Prefixes,
    /// Whether answers may differ from caller to caller: then what one is told is nobody else's.
    personal: bool,
    catalog: Catalog,
    pages: Pages,
    credentials: Credentials,
}

impl Tenant {
    /// Takes what it is made of.
    pub fn new(spec: Spec) -> Self {
        let (prefixes, personal) = (Prefixes::of(&spec.groups), depends_on_the_caller(&spec));
        Self {
            spec,
            prefixes,
            personal,
            catalog: Catalog::default(),
            pages: Pages::default(),
            credentials: Credentials::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.spec.name
    }

    /// The path of its endpoint.
    pub fn path(&self) -> &str {
        &self.spec.path
    }

    /// What it is made of.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Runs a request to its end. Dropping the future cancels it, also at the upstream.
    pub async fn request(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
        outlet: &Outlet,
    ) -> Outcome {
        if inbound.method == "subscriptions/listen" && inbound.client.revision.is_modern() {
            return self.subscription(generation, recorder, &inbound, outlet).await;
        }
        let call = self.call(&inbound, Form::Request);
        let mut journal = Journal::open(recorder, generation, &call);
        let deadline = call.deadline().clone();
        let mut params = None;
        let client = client::reachable(&inbound.client, outlet);
        let way = Way::new(self, &client, Some(outlet), journal.visits());
        let answer = {
            let mut run = pin!(self.run(call, &inbound, &way, (&mut journal.identity, &mut params)));
            tokio::select! {
                biased;
                answer = &mut run => answer,
                () = passed(&deadline) => Err(self.too_late()),
            }
        };
        journal.close(&answer);
        Outcome { answer, identity: journal.identity.take(), params }
    }

    /// Runs a modern client's subscription until it, or the gate, has enough. Boxed, so that a call does not take its
    /// memory.
    pub fn subscription<'a>(
        &'a self,
        generation: u64,
        recorder: &'a dyn Recorder,
        inbound: &'a Inbound,
        outlet: &'a Outlet,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(self.listen(generation, recorder, inbound, outlet))
    }

    /// Admits and validates a notification, and gives back its params as the validators accepted them. Those of the core
    /// protocol end here: the gate keeps its own sessions with upstreams, and a cancellation is carried out by the front,
    /// which knows what is under way. Those of extensions go on to the server.
    pub async fn notification(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
    ) -> Result<Payload, Refusal> {
        let call = self.call(&inbound, Form::Notification);
        let mut journal = Journal::open(recorder, generation, &call);
        let way = Way::new(self, &inbound.client, None, journal.visits());
        let judged = async {
            let validated = self.judge(call, &inbound, &way, &mut journal.identity).await?;
            let client = client::accepted(&inbound.client, &inbound.params, validated.call().params());
            self.notified(&validated, &way.of(&client)).await?;
            Ok(validated)
        }
        .await;
        journal.close_notification(judged.as_ref().err());
        judged.map(|validated| validated.call().params().clone())
    }

    /// Admits what has nothing in it to validate or to send: the end of a session, an answer that nobody waits for.
    pub async fn admission(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
    ) -> Result<Arc<Identity>, Refusal> {
        let call = self.call(&inbound, Form::Response);
        let mut journal = Journal::open(recorder, generation, &call);
        let admitted = self.admit(call, &inbound, &mut journal.identity).await;
        journal.close_notification(admitted.as_ref().err());
        admitted.map(|admitted| admitted.identity().clone())
    }

    /// Judges a client's answer to what a server asked: `inbound.method` is the question's, `inbound.params` the answer's
    /// `result`, or `{"error": …}`. Gives back the params as the validators accepted them last.
    pub async fn response(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
    ) -> Result<Payload, Refusal> {
        let call = self.call(&inbound, Form::Response);
        let mut journal = Journal::open(recorder, generation, &call);
        let way = Way::new(self, &inbound.client, None, journal.visits());
        let judged = self.judge(call, &inbound, &way, &mut journal.identity).await;
        journal.close_notification(judged.as_ref().err());
        judged.map(|validated| validated.call().params().clone())
    }

    /// A legacy client's session has ended: what is kept for it ends too.
    pub fn farewell(&self, session: &str) {
        self.spec.lasting.subscriptions.end(&self.spec.name, session);
        self.spec.lasting.levels.end(&self.spec.name, session);
        for upstream in self.spec.groups.iter().flat_map(|group| &group.upstreams) {
            upstream.forget(session);
        }
    }

    async fn run(
        &self,
        call: Call,
        inbound: &Inbound,
        way: &Way<'_>,
        (identity, params): (&mut Option<Arc<Identity>>, &mut Option<Payload>),
    ) -> Result<Sanitized, Refusal> {
        let validated = self.judge(call, inbound, way, identity).await?;
        let accepted = params.insert(validated.call().params().clone());
        let client = client::accepted(way.client, &inbound.params, accepted);
        let way = &way.of(&client);
        let modern = inbound.client.revision.is_modern();
        // Boxed, but for what is called most: so that it takes no memory for the others.
        let answer = match validated.call().method() {
            "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => {
                self.named(&validated, inbound, way).await
            }
            "initialize" if !modern => Box::pin(self.initialize(&validated, way)).await,
            "ping" if !modern => Box::pin(self.pong(&validated)).await,
            "logging/setLevel" if !modern => Box::pin(self.set_level(&validated, way)).await,
            "resources/subscribe" if !modern => Box::pin(self.subscribe(&validated, way)).await,
            "resources/unsubscribe" if !modern => Box::pin(self.unsubscribe(&validated, way)).await,
            "server/discover" if modern => Box::pin(self.discover(&validated, way)).await,
            "tools/list" => Box::pin(self.list(&validated, Lookup::Tools, way)).await,
            "prompts/list" => Box::pin(self.list(&validated, Lookup::Prompts, way)).await,
            "resources/list" => Box::pin(self.list(&validated, Lookup::Resources, way)).await,
            "resources/templates/list" => Box::pin(self.list(&validated, Lookup::Templates, way)).await,
            "tasks/list" if inbound.client.revision == Revision::V2025_11_25 => {
                Box::pin(self.list(&validated, Lookup::Tasks, way)).await
            }
            method if is_task(method, inbound.client.revision) => Box::pin(self.task(&validated, way)).await,
            _ => Box::pin(self.extended(&validated, way)).await,
        };
        answer.map(|answer| shape::for_client(answer, inbound.client.revision, self.personal))
    }

    /// Finds out who calls, and lets the validators judge.
    async fn judge(
        &self,
        call: Call,
        inbound: &Inbound,
        way: &Way<'_>,
        identity: &mut Option<Arc<Identity>>,
    ) -> Result<Validated, Refusal> {
        let admitted = self.admit(call, inbound, identity).await?;
        turn::in_step(admitted.call().params().len()).await;
        self.spec.pipeline.validate(admitted, &Book { tenant: self, way }).await
    }

    /// Finds out who calls, and holds a session to its owner.
    async fn admit(
        &self,
        call: Call,
        inbound: &Inbound,
        identity: &mut Option<Arc<Identity>>,
    ) -> Result<Admitted, Refusal> {
        turn::in_step(call.params().len()).await;
        let admitted = self.spec.pipeline.admit(call, &inbound.presented).await?;
        *identity = Some(admitted.identity().clone());
        if inbound.owner.as_ref().is_some_and(|owner| !same_caller(owner, admitted.identity())) {
            return Err(Refusal::new(Stage::Auth, Reason::Forbidden, "this session belongs to another caller"));
        }
        Ok(admitted)
    }

    /// Now, for a message that the gate takes or says.
    fn moment(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            id: next_id(),
            unix_time_s: u32::try_from(since_epoch.as_secs()).unwrap_or(u32::MAX),
            deadline: Instant::now() + self.spec.deadline,
            chance: fastrand::u32(..),
        }
    }

    fn call(&self, inbound: &Inbound, form: Form) -> Call {
        let Moment { id, unix_time_s, deadline, chance } = self.moment();
        Call::new(Draft {
            id,
            tenant: self.spec.name.clone(),
            form,
            method: inbound.method.clone(),
            params: inbound.params.clone(),
            revision: inbound.client.revision,
            traceparent: wire::traceparent(&inbound.params),
            unix_time_s,
            deadline,
            chance,
        })
    }

    fn too_late(&self) -> Refusal {
        let limit = self.spec.deadline;
        Refusal::new(Stage::Route, Reason::Timeout, format!("no answer within the {limit:?} that a call may take"))
    }
}

/// A plugin's reasons are its own, so that there is one is enough.
fn depends_on_the_caller(spec: &Spec) -> bool {
    let pipeline = &spec.pipeline;
    let mut shown = spec.groups.iter().flat_map(|group| &group.upstreams);
    !(pipeline.auth.is_empty()
        && pipeline.validate.is_empty()
        && pipeline.route.is_empty()
        && pipeline.retry.is_empty()
        && pipeline.sanitize.is_empty())
        || shown.any(|upstream| pipeline.has_credential(&upstream.spec().id))
}

/// Waits until a deadline has passed that may move while it is waited for.
async fn passed(deadline: &Deadline) {
    let mut at = deadline.at();
    loop {
        tokio::time::sleep_until(at.into()).await;
        let now = deadline.at();
        if now <= at {
            return;
        }
        at = now;
    }
}

/// Scopes and claims may change with a fresh token; who it is may not.
fn same_caller(a: &Identity, b: &Identity) -> bool {
    a.subject == b.subject && a.issuer == b.issuer
}

/// An id that no other message of this process has, and hardly one of another.
fn next_id() -> Arc<str> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| fastrand::u32(..));
    id(*PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `{process:08x}-{number:x}`; each message has one, so that it is written without a detour.
fn id(process: u32, number: u64) -> Arc<str> {
    let mut text = [0; 25];
    let mut start = text.len();
    let mut write = |byte| {
        start -= 1;
        text[start] = byte;
    };
    let digit = |number: u64| b"0123456789abcdef"[(number & 15) as usize];
    let digits = 16 - number.max(1).leading_zeros() / 4;
    (0..digits).for_each(|at| write(digit(number >> (4 * at))));
    write(b'-');
    (0..8).for_each(|at| write(digit(u64::from(process) >> (4 * at))));
    std::str::from_utf8(&text[start..]).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_a_process_and_a_number() {
        for number in [0, 1, 15, 16, 255, 4096, u64::MAX] {
            assert_eq!(*super::id(0xab, number), format!("000000ab-{number:x}"));
        }
    }
}
