//! What a plugin was granted, held against what its component is: a grant that its kind can never use is refused, and
//! one that it does not import is authority that nobody needs.

use std::sync::Arc;

use witgate_config as config;
use witgate_policy::{Grants, Limits, Stage};
use witgate_sandbox::Component;

use super::Cause;

/// The grants that an import makes use of.
fn used_by(import: &str) -> &'static [&'static str] {
    let path = import.split('@').next().unwrap_or_default();
    match path.split('/').next().unwrap_or_default() {
        "wasi:filesystem" => &["files"],
        "wasi:http" => &["network", "secrets"],
        "wasi:clocks" => &["clocks"],
        "wasi:random" => &["random"],
        "wasi:keyvalue" => &["keyvalue"],
        "wasi:config" => &["config"],
        "witgate:counter" => &["counter"],
        _ if path == "wasi:cli/environment" => &["environment", "arguments"],
        _ if path == "wasi:cli/stdin" => &["stdin"],
        _ => &[],
    }
}

/// The grants that the component makes no use of, each a warning with its key. What every plugin has by default is none.
pub(super) fn unused(plugin: &config::Plugin, component: &Component) -> Vec<(&'static str, Cause)> {
    let default = Grants::default().words();
    let used: Vec<_> = component.imports().iter().flat_map(|import| used_by(import)).copied().collect();
    let names_secrets = |word| word == "secrets" && component.kinds().contains(&Stage::Credential);
    let idle = |word: &&'static str| !default.contains(word) && !used.contains(word) && !names_secrets(*word);
    let words = plugin.grants.words().into_iter().filter(idle);
    words.map(|grant| (grant, Cause::UnusedGrant { plugin: plugin.name.clone(), grant })).collect()
}

/// A grant of the network to a kind that may not have it, whether or not the component imports it.
pub(super) fn beyond_kind(plugin: &config::Plugin, component: &Component) -> Option<Cause> {
    let stage = component.kinds().iter().copied().find(|kind| !kind.is_outward())?;
    let plugin_name: Arc<str> = plugin.name.clone();
    (!plugin.grants.network.is_empty()).then_some(Cause::NetworkBeyondKind { plugin: plugin_name, stage })
}

/// The limits, with the tenant's ceiling for those that depend on the component.
pub(super) fn limits(plugin: &config::Plugin, component: &Component) -> Limits {
    let (memory_bytes, guest_time_ms, table_elements) = component.usual_limits();
    let most = &plugin.most;
    Limits {
        memory_bytes: plugin.limits.memory_bytes.or(most.memory_bytes.filter(|most| *most < memory_bytes)),
        guest_time_ms: plugin.limits.guest_time_ms.or(most.guest_time_ms.filter(|most| *most < guest_time_ms)),
        table_elements: plugin.limits.table_elements.or(most.table_elements.filter(|most| *most < table_elements)),
        ..plugin.limits.clone()
    }
}
