//! The gate's own log after a run: one JSON object a line, no control characters, no canary, no forged record, no panic.

use serde_json::Value;

use crate::arena::{Arena, NEIGHBOUR};
use crate::attempt::Breach;
use crate::figures::Figures;
use crate::logs;

/// Reads all of it.
pub(crate) fn read(arena: &Arena, figures: &mut Figures) {
    let lines = arena.gate.process().written(witgate_tests::process::Stream::Stderr, 0);
    let mut of_plugins = 0;
    for text in &lines {
        if text.contains("panicked at") {
            figures.abort(text.clone());
        }
        let line = serde_json::from_str::<Value>(text).unwrap_or_default();
        if let Err(breach) = judge(arena, text, &line) {
            figures.breach("the log", breach);
        }
        // The last call was cut off by the end of the load.
        if line["tenant"] == NEIGHBOUR
            && line["outcome"].is_string()
            && line["outcome"] != "ok"
            && line["outcome"] != "cancelled"
        {
            figures.neighbour_errors.insert(0, text.clone());
        }
        of_plugins += usize::from(logs::FLOODS.iter().any(|name| plugin(&line).starts_with(name)));
    }
    let allowed = figures.attempts * logs::LINES_A_CALL;
    if of_plugins == 0 || of_plugins > allowed {
        let what = format!("the floods wrote {of_plugins} lines, between 1 and {allowed} are right");
        figures.breach("the log", Breach::Escape(what));
    }
}

/// The plugin that a line is from; a record is from none.
fn plugin(line: &Value) -> &str {
    line["plugin"].as_str().unwrap_or_default()
}

fn judge(arena: &Arena, text: &str, line: &Value) -> Result<(), Breach> {
    let found = arena.canaries.found_in(text);
    if !found.is_empty() {
        return Err(Breach::Leak(format!("{found:?} in {text}")));
    }
    let hidden = |character: char| character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{200b}');
    if let Some(character) = text.chars().find(|character| hidden(*character)) {
        return Err(Breach::Escape(format!("{character:?} in {text}")));
    }
    if !line.is_object() {
        return Err(Breach::Escape(format!("no JSON object: {text}")));
    }
    if line["call"] == "forged" {
        return Err(Breach::Escape(format!("a forged record: {line}")));
    }
    // What a plugin said is a string in a line of the gate's, where escapes would be JSON's own.
    let message = line["message"].as_str().unwrap_or_default();
    if !plugin(line).is_empty() && message.chars().any(hidden) {
        return Err(Breach::Escape(format!("control characters of a plugin: {line}")));
    }
    Ok(())
}
