//! The probe, loaded for a test and told what to do.

use std::sync::Arc;

use witgate_policy::{Fault, Limits, Reason, SanitizeVerdict, ValidateVerdict};
use witgate_sandbox::{LoadError, Plugin, PluginSpec, Sandbox};

use crate::world::{call, call_with, identity, load, message, soon, spec};

/// Time enough for whatever a test does, on a busy machine too: what is tested is not the time.
pub(crate) fn patient() -> Limits {
    Limits { guest_time_ms: Some(30_000), wall_time_ms: 55_000, ..Limits::default() }
}

/// A specification for a probe with time.
pub(crate) fn probing() -> PluginSpec {
    PluginSpec { name: "probe".into(), limits: patient(), ..spec() }
}

pub(crate) async fn load_probe(sandbox: &Arc<Sandbox>, name: &str, spec: PluginSpec) -> Result<Plugin, LoadError> {
    load(sandbox, witgate_test_guests::probe(name), spec).await
}

/// What a validating probe says to a JSON array of operations, one text for each.
pub(crate) async fn ask(plugin: &Plugin, ops: &str) -> Result<Vec<String>, Fault> {
    let plugin = plugin.input_validator().expect("a validator");
    let call = call_with("tools/call", &format!(r#"{{"name":"probe","ops":{ops}}}"#));
    match soon(plugin.validate(&call, &identity(), None)).await? {
        ValidateVerdict::Refuse(refusal) if refusal.reason == Reason::Forbidden => {
            Ok(refusal.findings.into_iter().map(|finding| finding.message).collect())
        }
        verdict => panic!("the probe did not understand {ops}: {verdict:?}"),
    }
}

/// The last answer of a validating probe, which is what a test is about.
pub(crate) async fn last(plugin: &Plugin, ops: &str) -> String {
    ask(plugin, ops).await.unwrap_or_else(|fault| panic!("{ops}: {fault}")).pop().expect("an operation")
}

/// What a sanitizing probe says.
pub(crate) async fn ask_sanitizer(plugin: &Plugin, ops: &str) -> Result<Vec<String>, Fault> {
    let plugin = plugin.output_sanitizer().expect("a sanitizer");
    let message = message(&format!(r#"{{"ops":{ops}}}"#));
    match soon(plugin.sanitize(&call(), &identity(), &message)).await? {
        SanitizeVerdict::Withhold(refusal) => Ok(refusal.findings.into_iter().map(|finding| finding.message).collect()),
        verdict => panic!("the probe did not understand {ops}: {verdict:?}"),
    }
}
