//! Where a `$ref` leads, if it stays within the schema.

use serde_json::Value;

/// The schema that a reference names. `None` for any that leads elsewhere: nothing is ever fetched.
pub(crate) fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let id = root.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'));
    if !base.is_empty() && Some(base) != id {
        return None;
    }
    let fragment = percent_decoded(fragment)?;
    if fragment.is_empty() || fragment.starts_with('/') { root.pointer(&fragment) } else { anchor(root, &fragment, 0) }
}

/// No schema that people write is deeper.
const DEPTH_MAX: usize = 64;

/// The schema that calls itself so.
fn anchor<'s>(value: &'s Value, name: &str, depth: usize) -> Option<&'s Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::Object(members) => {
            let is_named = |key: &str| members.get(key).and_then(Value::as_str) == Some(name);
            let by_id = members.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix('#')) == Some(name);
            if is_named("$anchor") || is_named("$dynamicAnchor") || by_id {
                return Some(value);
            }
            members.values().find_map(|member| anchor(member, name, depth + 1))
        }
        Value::Array(items) => items.iter().find_map(|item| anchor(item, name, depth + 1)),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte == b'%' {
            let (code, tail) = tail.split_at_checked(2)?;
            out.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
            rest = tail;
        } else {
            out.push(*byte);
        }
    }
    String::from_utf8(out).ok()
}
