//! What every test starts from.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::store::{Counters, Reading, Space, StoreError};
use witgate_policy::{
    Answer, Attempt, AuthVerdict, Call, Candidate, Circuit, Draft, Failure, Fault, Form, Grants, Identity, Kind,
    Limits, Message, Occasion, Payload, Peer, Presented, RetryDecision, Revision, RouteVerdict, SanitizeVerdict, Stage,
    UpstreamFacts, ValidateVerdict, Why,
};
use witgate_sandbox::{Component, LoadError, Plugin, PluginSpec, Sandbox, SandboxConfig};
use witgate_state::{MemoryCounters, MemoryKeyValues};
use witgate_test_guests::Guest;

/// Files may be this long.
pub(crate) const LIMIT_BYTES: usize = 16 << 20;

/// One sandbox for a test; small, so that many fit.
pub(crate) fn sandbox() -> Arc<Sandbox> {
    Sandbox::new(SandboxConfig { instances: 16, ..SandboxConfig::default() }).expect("a sandbox")
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

/// A specification that grants nothing but what comes for nothing.
pub(crate) fn spec() -> PluginSpec {
    PluginSpec {
        name: "guest".into(),
        tenant: "acme".into(),
        settings: Payload::empty(),
        grants: Grants::default(),
        limits: Limits::default(),
        reuse: None,
        counters: Arc::new(MemoryCounters::default()),
        key_values: Arc::new(MemoryKeyValues::default()),
        secrets: Arc::new(NoSecrets),
        share: Arc::default(),
        script: None,
        meter: None,
    }
}

pub(crate) fn reuse(instances: u32) -> PluginSpec {
    PluginSpec { reuse: NonZeroU32::new(instances), ..spec() }
}

pub(crate) async fn compile(sandbox: &Arc<Sandbox>, wasm: Vec<u8>) -> Result<Component, LoadError> {
    sandbox.compile("guest", wasm.into(), LIMIT_BYTES).await
}

pub(crate) async fn load(sandbox: &Arc<Sandbox>, wasm: Vec<u8>, spec: PluginSpec) -> Result<Plugin, LoadError> {
    Plugin::load(sandbox, &compile(sandbox, wasm).await?, spec).await
}

pub(crate) fn call_with(method: &str, params: &str) -> Call {
    Call::new(Draft {
        id: "id-1".into(),
        tenant: "acme".into(),
        form: Form::Request,
        method: method.into(),
        params: Payload::parse_str(params).expect("test JSON"),
        revision: Revision::V2025_11_25,
        traceparent: None,
        unix_time_s: 1_700_000_000,
        deadline: Instant::now() + Duration::from_secs(30),
        chance: 7,
    })
}

pub(crate) fn call() -> Call {
    call_with("tools/call", r#"{"name":"add","arguments":{"a":1}}"#)
}

pub(crate) fn presented(headers: &[(&str, &str)]) -> Presented {
    Presented {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
        peer: Peer { address: "203.0.113.9:51111".into(), certificate: None },
    }
}

pub(crate) fn identity() -> Identity {
    Identity { scopes: vec!["read".into()], ..Identity::anonymous() }
}

pub(crate) fn message(payload: &str) -> Message {
    Message {
        kind: Kind::Result,
        method: "tools/call".into(),
        upstream: Some("hr".into()),
        payload: Payload::parse_str(payload).expect("test JSON"),
    }
}

pub(crate) fn candidates() -> Vec<Candidate> {
    ["a", "b"]
        .map(|id| Candidate {
            id: id.into(),
            labels: Arc::new([]),
            healthy: true,
            circuit: Circuit::Closed,
            in_flight: 0,
            latency: None,
        })
        .to_vec()
}

pub(crate) fn attempt() -> Attempt {
    Attempt {
        number: 1,
        upstream: "a".into(),
        others: 1,
        elapsed: Duration::from_millis(5),
        time_left: Duration::from_secs(20),
        read_only: true,
        idempotent: true,
        failure: Failure::HttpStatus(503),
        retry_after: None,
        chance: 9,
    }
}

pub(crate) fn upstream() -> UpstreamFacts {
    UpstreamFacts { id: "hr".into(), origin: "https://hr.example.com".into(), labels: Arc::new([]) }
}

pub(crate) fn occasion() -> Occasion {
    Occasion { tenant: "acme".into(), why: Why::First, unix_time_s: 1_700_000_000, time_left: Duration::from_secs(20) }
}

/// Asks a plugin in one of its kinds, and names its verdict as the log would.
pub(crate) async fn ask(plugin: &Plugin, kind: Stage) -> Result<&'static str, Fault> {
    let (call, identity) = (call(), identity());
    match kind {
        Stage::Auth => {
            let plugin = plugin.authenticator().expect("auth");
            plugin.authenticate(&call, &presented(&[])).await.map(|verdict| match verdict {
                AuthVerdict::Allow(_) => "allow",
                AuthVerdict::Challenge(_) => "challenge",
                AuthVerdict::Deny(_) => "deny",
                AuthVerdict::Abstain => "abstain",
            })
        }
        Stage::Credential => {
            let plugin = plugin.credential_provider().expect("credential");
            let verdict = plugin.provide(&upstream(), &identity, &occasion()).await;
            verdict.map(|verdict| if verdict.is_ok() { "provide" } else { "refuse" })
        }
        Stage::Validate => {
            let plugin = plugin.input_validator().expect("validate");
            plugin.validate(&call, &identity, None).await.map(|verdict| match verdict {
                ValidateVerdict::Accept => "accept",
                ValidateVerdict::Edits(_) => "edit",
                ValidateVerdict::Refuse(_) => "refuse",
            })
        }
        Stage::Route => {
            let plugin = plugin.router().expect("route");
            plugin.route(&call, &identity, &candidates()).await.map(|verdict| match verdict {
                RouteVerdict::Order(_) => "order",
                RouteVerdict::Refuse(_) => "refuse",
                RouteVerdict::Abstain => "abstain",
            })
        }
        Stage::Retry => {
            let plugin = plugin.retry_strategy().expect("retry");
            plugin.decide(&call, &attempt()).await.map(|decision| match decision {
                RetryDecision::GiveUp => "give-up",
                RetryDecision::Again(_) => "again",
                RetryDecision::Fallback(_) => "fallback",
            })
        }
        Stage::Sanitize => {
            let plugin = plugin.output_sanitizer().expect("sanitize");
            plugin.sanitize(&call, &identity, &message(r#"{"content":[]}"#)).await.map(|verdict| match verdict {
                SanitizeVerdict::Pass => "pass",
                SanitizeVerdict::Edits(_) => "edit",
                SanitizeVerdict::Replace(_) => "replace",
                SanitizeVerdict::Withhold(_) => "withhold",
            })
        }
    }
}

/// Within a time that no limit of a plugin comes near, so that a test that hangs fails.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), what).await.expect("within a minute")
}

/// Counters whose store never answers, and says when it was asked.
#[derive(Default)]
pub(crate) struct Stuck {
    pub(crate) asked: tokio::sync::Notify,
}

impl Counters for Stuck {
    fn add<'a>(&'a self, _: &'a Space, _: &'a str, _: u32, _: Duration) -> Answer<'a, Reading, StoreError> {
        self.asked.notify_one();
        Box::pin(std::future::pending())
    }

    fn read<'a>(&'a self, _: &'a Space, _: &'a str) -> Answer<'a, Option<Reading>, StoreError> {
        Box::pin(std::future::pending())
    }
}

/// A validator that asks its counter and then waits for the answer.
pub(crate) fn waiting() -> Vec<u8> {
    Guest::new(Stage::Validate)
        .import("witgate:counter/counter@0.1.0")
        .decide("(call $add (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 4096)) unreachable")
        .build()
}
