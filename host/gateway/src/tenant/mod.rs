//! One tenant: its pipeline, its upstreams, and the way of one message through both.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use witgate_policy::{Identity, Payload, Pipeline, Presented, Reason, Refusal, Sanitized, Stage};

use crate::record::Recorder;
use crate::upstream::Upstream;
use crate::wire::ClientFacts;

/// What a tenant is made of.
pub struct Spec {
    /// The tenant's name.
    pub name: Arc<str>,
    /// The path of its endpoint, as `/mcp` or `/acme/mcp`.
    pub path: String,
    /// Its plugins.
    pub pipeline: Pipeline,
    /// Its upstreams, by the names that they serve.
    pub groups: Vec<Group>,
    /// The headers, in lower case, that its auth plugins may see.
    pub auth_headers: Vec<String>,
    /// The URL of its protected resource metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<String>,
    /// How long a call may take at most.
    pub deadline: Duration,
    /// What clients are told of the server behind the endpoint, when there are several upstreams.
    pub server_name: String,
}

/// Upstreams that serve the same names, so that any of them may answer.
pub struct Group {
    /// Its name: that of its only upstream, unless the operator named it.
    pub name: Arc<str>,
    /// What its tools and prompts are called by clients, before `__`; empty for names as they are.
    pub prefix: String,
    /// Its upstreams in the configuration's order; at least one.
    pub upstreams: Vec<Arc<Upstream>>,
}

/// A request or notification of a client, with all that is known of where it comes from.
#[derive(Debug)]
pub struct Inbound {
    /// The method.
    pub method: String,
    /// The `params`.
    pub params: Payload,
    /// The client.
    pub client: ClientFacts,
    /// What it showed.
    pub presented: Presented,
    /// The identity that the session belongs to; any other is refused.
    pub owner: Option<Identity>,
}

/// How a message ended.
#[derive(Debug)]
pub struct Outcome {
    /// What the client gets.
    pub answer: Result<Sanitized, Refusal>,
    /// Who called, where that became known.
    pub identity: Option<Identity>,
}

/// Where the notifications of a request go while it runs. A closed or full outlet loses them, never the answer.
pub type Outlet = mpsc::Sender<Sanitized>;

/// A tenant.
pub struct Tenant {
    spec: Spec,
}

impl Tenant {
    /// Takes what it is made of.
    pub fn new(spec: Spec) -> Self {
        Self { spec }
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

    /// Runs a request to its end. Dropping the future cancels it.
    pub async fn request(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
        outlet: &Outlet,
    ) -> Outcome {
        let _ = (generation, recorder, inbound, outlet);
        Outcome { answer: Err(Refusal::new(Stage::Route, Reason::Unavailable, "nothing is here yet")), identity: None }
    }

    /// Admits and validates a notification, and passes it on where an upstream wants it.
    pub async fn notification(
        &self,
        generation: u64,
        recorder: &dyn Recorder,
        inbound: Inbound,
    ) -> Result<Identity, Refusal> {
        let _ = (generation, recorder, inbound);
        Err(Refusal::new(Stage::Route, Reason::Unavailable, "nothing is here yet"))
    }
}
