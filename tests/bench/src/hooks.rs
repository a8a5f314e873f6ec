//! Steps that ask a plugin: in a fresh instance, as by default, and in one that is kept.

use std::hint::black_box;
use std::sync::Arc;

use witgate_policy::{
    Admitted, Answer, AuthVerdict, Hook, Message, Mode, OnFault, Payload, Pipeline, Refusal, RouteVerdict,
    SanitizeVerdict, Sanitized, ToolBook, ValidateVerdict, When,
};
use witgate_sandbox::Plugin;

pub(crate) use crate::guests::ready;
use crate::guests::{reader, smallest, standard};
use crate::messages::{attempt, call, candidates, identity, message, occasion, presented, tool, upstream};
use crate::{Part, Work};

const KEYS: &str = r#"{"keys": [{"id": "bench", "scopes": ["echo"],
    "sha256": "1d9130421e66e19028af1dd1191d30e01b007a3ec9d733588b183523e5ba8e06"}]}"#;

pub(crate) const PARTS: [Part; 18] = [
    part("smallest", || validate(&smallest(0))),
    part("smallest_kept", || validate(&smallest(1))),
    part("reader", || validate(&reader(0))),
    part("reader_kept", || validate(&reader(1))),
    part("auth", || auth(0)),
    part("auth_kept", || auth(1)),
    part("schema", || validate(&standard("validate-schema", "{}", 0))),
    part("schema_kept", || validate(&standard("validate-schema", "{}", 1))),
    part("route", || route(0)),
    part("route_kept", || route(1)),
    part("credential", || credential(0)),
    part("credential_kept", || credential(1)),
    part("retry", || retry(0)),
    part("retry_kept", || retry(1)),
    part("redact", || redact(0, 256)),
    part("redact_kept", || redact(1, 256)),
    Part { name: "redact_64k", bytes: 64 << 10, prepare: || redact(0, 64 << 10) },
    part("pipeline_five", pipeline_five),
];

const fn part(name: &'static str, prepare: fn() -> Work) -> Part {
    Part { name, bytes: 0, prepare }
}

fn auth(kept: u32) -> Work {
    let plugin = standard("auth-api-key", KEYS, kept).authenticator().expect("auth");
    let (call, presented) = (call(), presented());
    Box::new(move || {
        let verdict = ready(plugin.authenticate(black_box(&call), &presented)).expect("a verdict");
        assert!(matches!(verdict, AuthVerdict::Allow(_)), "{verdict:?}");
    })
}

fn validate(plugin: &Plugin) -> Work {
    let plugin = plugin.input_validator().expect("validate");
    let (call, identity, tool) = (call(), identity(), tool());
    Box::new(move || {
        let verdict = ready(plugin.validate(black_box(&call), &identity, Some(&tool))).expect("a verdict");
        assert!(matches!(verdict, ValidateVerdict::Accept), "{verdict:?}");
    })
}

fn route(kept: u32) -> Work {
    let plugin = standard("route-weighted", "{}", kept).router().expect("route");
    let (call, identity, candidates) = (call(), identity(), candidates());
    Box::new(move || {
        let verdict = ready(plugin.route(black_box(&call), &identity, &candidates)).expect("a verdict");
        assert!(matches!(verdict, RouteVerdict::Order(_)), "{verdict:?}");
    })
}

fn credential(kept: u32) -> Work {
    let plugin = standard("credential-static", r#"{"value": "Bearer x"}"#, kept);
    let plugin = plugin.credential_provider().expect("credential");
    let (upstream, identity, occasion) = (upstream(), identity(), occasion());
    Box::new(move || {
        let headers = ready(plugin.provide(black_box(&upstream), &identity, &occasion)).expect("a verdict");
        assert_eq!(headers.expect("headers").headers.len(), 1);
    })
}

fn retry(kept: u32) -> Work {
    let plugin = standard("retry-backoff", "{}", kept).retry_strategy().expect("retry");
    let (call, attempt) = (call(), attempt());
    Box::new(move || {
        black_box(ready(plugin.decide(black_box(&call), &attempt)).expect("a decision"));
    })
}

fn redact(kept: u32, bytes: usize) -> Work {
    let plugin = standard("sanitize-redact", "{}", kept).output_sanitizer().expect("sanitize");
    let (call, identity, message) = (call(), identity(), message(bytes));
    Box::new(move || {
        let verdict = ready(plugin.sanitize(black_box(&call), &identity, &message)).expect("a verdict");
        assert!(matches!(verdict, SanitizeVerdict::Pass), "{verdict:?}");
    })
}

/// All stages with the standard plugins that the macro bench has, each in a fresh instance.
fn pipeline_five() -> Work {
    let auth = standard("auth-api-key", KEYS, 0).authenticator().expect("auth");
    let schema = standard("validate-schema", "{}", 0).input_validator().expect("validate");
    let route = standard("route-weighted", "{}", 0).router().expect("route");
    let retry = standard("retry-backoff", "{}", 0).retry_strategy().expect("retry");
    let redact = standard("sanitize-redact", "{}", 0).output_sanitizer().expect("sanitize");
    let pipeline = Pipeline {
        auth: vec![hook(auth)],
        validate: vec![hook(schema)],
        route: vec![hook(route)],
        retry: vec![hook(retry)],
        sanitize: vec![hook(redact)],
        ..Pipeline::default()
    };
    let (tools, message) = (OneTool(tool()), message(256));
    Box::new(move || {
        black_box(walk(&pipeline, &tools, message.clone()));
    })
}

fn hook<P: ?Sized>(plugin: Arc<P>) -> Hook<P> {
    Hook {
        name: "bench".into(),
        digest: "digest".into(),
        when: When::default(),
        mode: Mode::Enforce,
        on_fault: OnFault::Deny,
        plugin,
    }
}

/// A message's way, with an upstream that answers at once.
pub(crate) fn walk(pipeline: &Pipeline, tools: &dyn ToolBook, reply: Message) -> Sanitized {
    ready(async {
        let admitted = pipeline.admit(call(), &presented()).await.expect("admitted");
        let validated = pipeline.validate(admitted, tools).await.expect("validated");
        let routed = pipeline.route(&validated, &candidates()).await.expect("routed");
        pipeline.sanitize((&routed).into(), reply).await.expect("sanitized")
    })
}

/// A server without tools.
pub(crate) struct NoTools;

impl ToolBook for NoTools {
    fn tool<'a>(&'a self, _: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal> {
        Box::pin(async { Ok(None) })
    }
}

/// A server with the tool that is called.
struct OneTool(Payload);

impl ToolBook for OneTool {
    fn tool<'a>(&'a self, _: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }
}
