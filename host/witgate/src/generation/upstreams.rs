use std::sync::Arc;

use witgate_gateway::tenant::{Group, Tenant};
use witgate_gateway::upstream::{Spec, Upstream};

use super::stores::Stores;
use crate::confine::Outside;
use witgate_config as config;

/// The upstreams of a tenant; those that did not change are the very same as before, with their connections, children
/// and breakers.
pub(super) fn groups(groups: &[config::Group], old: Option<&Tenant>, outside: &Outside) -> Vec<Group> {
    let kept = |spec: &Spec| {
        let mut before = old?.spec().groups.iter().flat_map(|group| &group.upstreams);
        before.find(|upstream| upstream.spec() == spec).cloned()
    };
    let new = |spec: &Spec| Upstream::with_spawner(spec.clone(), Stores::breaker(), Arc::new(outside.clone()));
    let upstream = |spec: &Spec| kept(spec).unwrap_or_else(|| new(spec));
    let group = |group: &config::Group| Group {
        name: group.name.clone(),
        prefix: group.prefix.clone(),
        upstreams: group.upstreams.iter().map(upstream).collect(),
    };
    groups.iter().map(group).collect()
}
