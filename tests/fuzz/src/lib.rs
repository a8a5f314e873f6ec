//! What the targets share: second opinions that owe nothing to the code under test.

pub mod answer;
pub mod lines;

use serde_json::Value;

/// The text as `serde_json` reads it by itself, which keeps the last of two equal keys.
pub fn second_opinion(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// How many members the objects of a JSON text have together: its colons outside of strings. A tree holds an equal key
/// once, so a text of which it has fewer members has one twice.
pub fn json_members(text: &str) -> usize {
    let (mut in_string, mut escaped, mut colons) = (false, false, 0);
    for byte in text.bytes() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}
