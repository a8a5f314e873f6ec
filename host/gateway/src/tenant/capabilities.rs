//! What a client is told that the servers behind the gate can do: all that one of them can and the gate carries to this
//! client.

use serde_json::{Map, Value, json};
use witgate_policy::Revision;

use crate::upstream::ServerFacts;

/// Features that mean the same in every revision: what one server can, all can.
const FEATURES: [&str; 5] = ["tools", "prompts", "resources", "completions", "logging"];

/// What a client and a server agree on by name, in the words of their era.
const AGREEMENTS: [&str; 2] = ["extensions", "experimental"];

/// The union. With no server known yet, tools: a gate without any would be pointless.
pub(super) fn united<'a>(known: impl Iterator<Item = &'a ServerFacts>, client: Revision) -> Value {
    let mut union = Map::new();
    let mut contradicted = Vec::new();
    let mut nobody = true;
    for facts in known {
        nobody = false;
        let said: Map<String, Value> = facts.capabilities.deserialize().unwrap_or_default();
        let same_era = facts.revision.is_modern() == client.is_modern();
        for (name, value) in said {
            match name.as_str() {
                name if FEATURES.contains(&name) => widen(union.entry(name).or_insert_with(|| json!({})), value),
                // 2025-11-25 only; later it is an extension.
                "tasks" if same_era && client == Revision::V2025_11_25 => {
                    widen(union.entry(name).or_insert_with(|| json!({})), value);
                }
                name if same_era && AGREEMENTS.contains(&name) => {
                    agree(union.entry(name).or_insert_with(|| json!({})), value, &mut contradicted);
                }
                _ => {}
            }
        }
    }
    for name in AGREEMENTS {
        if let Some(Value::Object(agreed)) = union.get_mut(name) {
            agreed.retain(|key, _| !contradicted.contains(key));
        }
    }
    if nobody {
        union.insert("tools".to_owned(), json!({}));
    }
    Value::Object(union)
}

/// Adds what another server can. A switch is on when one has it on.
fn widen(known: &mut Value, other: Value) {
    match (known, other) {
        (Value::Object(known), Value::Object(other)) => {
            for (key, value) in other {
                match known.get_mut(&key) {
                    Some(there) => widen(there, value),
                    None => drop(known.insert(key, value)),
                }
            }
        }
        (known @ Value::Bool(false), other) => *known = other,
        _ => {}
    }
}

/// Adds agreements that no other server means differently.
fn agree(known: &mut Value, other: Value, contradicted: &mut Vec<String>) {
    let (Value::Object(known), Value::Object(other)) = (known, other) else { return };
    for (key, value) in other {
        match known.get(&key) {
            Some(there) if *there != value => contradicted.push(key),
            Some(_) => {}
            None => drop(known.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use Revision::{V2025_06_18 as Older, V2025_11_25 as Legacy, V2026_07_28 as Modern};
    use witgate_policy::Payload;

    use super::*;

    #[track_caller]
    fn check(client: Revision, servers: &[(Revision, Value)], want: &Value) {
        let facts: Vec<ServerFacts> = servers
            .iter()
            .map(|(revision, capabilities)| ServerFacts {
                dual: false,
                revision: *revision,
                info: None,
                capabilities: Payload::of(capabilities),
                instructions: None,
            })
            .collect();
        assert_eq!(united(facts.iter(), client), *want, "{client} {servers:?}");
    }

    #[test]
    fn what_one_can_all_can() {
        let a = json!({"tools": {"listChanged": false}, "prompts": {}, "x-unknown": {}});
        let b = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}});
        let want = json!({"tools": {"listChanged": true}, "prompts": {}, "resources": {"subscribe": true}});
        for client in [Older, Legacy, Modern] {
            check(client, &[(Legacy, a.clone()), (Modern, b.clone())], &want);
            check(client, &[(Modern, b.clone()), (Legacy, a.clone())], &want);
        }
        check(Legacy, &[], &json!({"tools": {}}));
        check(Legacy, &[(Legacy, json!({}))], &json!({}));
    }

    #[test]
    fn tasks_and_extensions_are_spoken_of_within_an_era() {
        let legacy = json!({"tasks": {"list": {}}, "experimental": {"x": {}}});
        check(Legacy, &[(Legacy, legacy.clone())], &legacy);
        check(Older, &[(Legacy, legacy.clone())], &json!({"experimental": {"x": {}}}));
        check(Modern, &[(Legacy, legacy)], &json!({}));
        let modern = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        check(Modern, &[(Modern, modern.clone())], &modern);
        check(Legacy, &[(Modern, modern)], &json!({}));
    }

    #[test]
    fn extensions_that_contradict_each_other_are_left_out() {
        let said = |a: i32, b: i32| (Modern, json!({"extensions": {"a": {"v": a}, "b": {"v": b}}}));
        check(Modern, &[said(1, 1), said(1, 2), said(1, 1)], &json!({"extensions": {"a": {"v": 1}}}));
    }
}
