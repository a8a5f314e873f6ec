//! The standard plugins, as they are committed, answer through the sandbox with no grant but those they need.

use std::path::PathBuf;
use std::sync::Arc;

use witgate_policy::{
    AuthVerdict, Grants, Kind, Message, OutputSanitizer, Payload, RouteVerdict, SanitizeVerdict, Stage, ValidateVerdict,
};
use witgate_sandbox::{Plugin, PluginSpec};

use crate::world::{
    ask, attempt, call, call_with, candidates, identity, load, message, occasion, presented, sandbox, soon, spec,
    upstream,
};

/// A plugin's component as it is committed.
pub(crate) fn read(name: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../plugins/dist/{name}.wasm")))
}

async fn standard(name: &str, settings: &str) -> Plugin {
    let grants = Grants { counter: name == "validate-rate", logging: false, ..Grants::default() };
    let spec =
        PluginSpec { name: name.into(), settings: Payload::parse_str(settings).expect("JSON"), grants, ..spec() };
    load(&sandbox(), read(name).expect("plugins/dist"), spec).await.expect("loads")
}

const KEYS: &str = r#"{"keys": [{"id": "ci", "sha256": "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9", "scopes": ["leave:read"]}]}"#;
const JWKS: &str = r#"{"issuer": "https://idp.example.com/", "audience": "https://gate.example.com/mcp",
    "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}"#;

#[tokio::test]
async fn auth_api_key() {
    let plugin = standard("auth-api-key", KEYS).await.authenticator().expect("auth");
    let (call, key) = (call(), presented(&[("x-api-key", "0123456789abcdef0123456789abcdef")]));
    let verdict = soon(plugin.authenticate(&call, &key)).await.expect("a verdict");
    assert!(matches!(&verdict, AuthVerdict::Allow(identity) if identity.scopes == ["leave:read"]), "{verdict:?}");
    let verdict = soon(plugin.authenticate(&call, &presented(&[("x-api-key", "another")]))).await.expect("a verdict");
    assert!(matches!(verdict, AuthVerdict::Challenge(_)), "{verdict:?}");
    let verdict = soon(plugin.authenticate(&call, &presented(&[]))).await.expect("a verdict");
    assert!(matches!(verdict, AuthVerdict::Abstain), "{verdict:?}");
}

#[tokio::test]
async fn auth_jwt() {
    let plugin = standard("auth-jwt", JWKS).await.authenticator().expect("auth");
    let token = "Bearer eyJhbGciOiJub25lIn0.e30.AA";
    let verdict = soon(plugin.authenticate(&call(), &presented(&[("authorization", token)]))).await;
    let Ok(AuthVerdict::Challenge(challenge)) = verdict else { panic!("{verdict:?}") };
    assert_eq!(challenge.error.as_deref(), Some("invalid_token"));
}

#[tokio::test]
async fn validate_schema() {
    let rule = r#"{"rules": [{"pointer": "/arguments/id", "required": true, "schema": {"pattern": "^E[0-9]{3}$"}}]}"#;
    let plugin = standard("validate-schema", rule).await.input_validator().expect("validate");
    let good = call_with("tools/call", r#"{"name":"x","arguments":{"id":"E001"}}"#);
    let verdict = soon(plugin.validate(&good, &identity(), None)).await.expect("a verdict");
    assert!(matches!(verdict, ValidateVerdict::Accept), "{verdict:?}");
    let bad = call_with("tools/call", r#"{"name":"x","arguments":{"id":"X"}}"#);
    let verdict = soon(plugin.validate(&bad, &identity(), None)).await.expect("a verdict");
    let ValidateVerdict::Refuse(refusal) = verdict else { panic!("{verdict:?}") };
    assert_eq!(refusal.findings[0].pointer, "/arguments/id");
}

#[tokio::test]
async fn validate_rate() {
    let limits = r#"{"limits": [{"calls": 2, "window-s": 60}]}"#;
    let plugin = standard("validate-rate", limits).await;
    for want in ["accept", "accept", "refuse"] {
        assert_eq!(soon(ask(&plugin, Stage::Validate)).await, Ok(want));
    }
}

#[tokio::test]
async fn sanitize_redact() {
    let plugin = standard("sanitize-redact", "{}").await.output_sanitizer().expect("sanitize");
    let secret = message(r#"{"structuredContent":{"password":"hunter2","name":"Ann"}}"#);
    let verdict = soon(plugin.sanitize(&call(), &identity(), &secret)).await.expect("a verdict");
    let SanitizeVerdict::Edits(edits) = verdict else { panic!("{verdict:?}") };
    let clean = secret.payload.edit(&edits, witgate_policy::json::Limits::default()).expect("edits that apply");
    assert_eq!(clean.as_str(), r#"{"structuredContent":{"password":"[redacted]","name":"Ann"}}"#);
}

/// The default limits have room for a large listing.
#[tokio::test]
async fn sanitize_redact_judges_a_large_listing() {
    let plugin = standard("sanitize-redact", "{}").await.output_sanitizer().expect("sanitize");
    assert!(matches!(sanitize_large(&plugin, 1 << 20).await, SanitizeVerdict::Pass));
}

/// A listing of about so many bytes.
pub(crate) async fn sanitize_large(plugin: &Arc<dyn OutputSanitizer>, bytes: usize) -> SanitizeVerdict {
    let tool = r#"{"name":"read_file","description":"Reads a file of the project and returns its text as it is.","inputSchema":{"type":"object","properties":{"path":{"type":"string","description":"relative"}}}}"#;
    let tools = vec![tool; bytes / tool.len()].join(",");
    let listing = Message { kind: Kind::Listing, ..message(&format!(r#"{{"tools":[{tools}]}}"#)) };
    soon(plugin.sanitize(&call(), &identity(), &listing)).await.expect("a verdict")
}

#[tokio::test]
async fn route_weighted() {
    let plugin = standard("route-weighted", "{}").await.router().expect("route");
    let verdict = soon(plugin.route(&call(), &identity(), &candidates())).await.expect("a verdict");
    let RouteVerdict::Order(mut order) = verdict else { panic!("{verdict:?}") };
    order.sort();
    assert_eq!(order, ["a", "b"]);
}

#[tokio::test]
async fn retry_backoff() {
    let plugin = standard("retry-backoff", "{}").await;
    assert_eq!(soon(ask(&plugin, Stage::Retry)).await, Ok("again"));
    assert_eq!(attempt().number, 1);
}

#[tokio::test]
async fn credential_static() {
    let settings = r#"{"value": "Bearer ${secret:KEY}"}"#;
    let plugin = standard("credential-static", settings).await.credential_provider().expect("credential");
    let shown = soon(plugin.provide(&upstream(), &identity(), &occasion())).await.expect("a verdict").expect("headers");
    assert_eq!((&*shown.headers[0].name, &*shown.headers[0].value), ("authorization", "Bearer ${secret:KEY}"));
    assert_eq!(&*shown.headers[0].plugin, "credential-static");
}
