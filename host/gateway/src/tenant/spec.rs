use std::sync::Arc;
use std::time::Duration;

use witgate_policy::secret::SecretSource;
use witgate_policy::{Candidate, Pipeline};

use super::lasting::Lasting;
use crate::upstream::Upstream;

/// What a tenant is made of.
pub struct Spec {
    /// The tenant's name.
    pub name: Arc<str>,
    /// The path of its endpoint, as `/mcp` or `/acme/mcp`.
    pub path: String,
    /// Its plugins.
    pub pipeline: Pipeline,
    /// The secrets that credential plugins may name.
    pub secrets: Arc<dyn SecretSource>,
    /// Its upstreams, by the names that they serve.
    pub groups: Vec<Group>,
    /// The headers, in lower case, that its auth plugins may see.
    pub auth_headers: Vec<String>,
    /// The URL of its protected resource metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<String>,
    /// How long a call may take at most.
    pub deadline: Duration,
    /// What lives longer than a generation; one for all tenants of a process.
    pub lasting: Arc<Lasting>,
    /// What clients are told of the server behind the endpoint, when there are several groups.
    pub server_name: String,
}

/// Upstreams that serve the same names, so that any of them may answer.
pub struct Group {
    /// Its name: that of its only upstream, unless the operator named it.
    pub name: Arc<str>,
    /// What its tools and prompts are called by clients, before `__`; empty for names as they are. At most one group
    /// of a tenant has an empty prefix.
    pub prefix: String,
    /// Its upstreams in the configuration's order; at least one.
    pub upstreams: Vec<Arc<Upstream>>,
}

impl Group {
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        self.upstreams.iter().map(|upstream| upstream.candidate()).collect()
    }

    pub(super) fn upstream(&self, id: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| *upstream.spec().id == *id)
    }
}
