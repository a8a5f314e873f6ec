//! What is left of a text.

use std::borrow::Cow;
use std::ops::Range;

use witgate_sdk::Edit;

use crate::rules::{Rule, Rules};
use crate::walk::{self, Nesting};
use crate::{hidden, scan, span};

/// How thoroughly a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// A name that others refer to: hidden characters only.
    Name,
    /// An explanation: secrets too, but `password: …` explains a parameter.
    Prose,
    /// Anything.
    Data,
}

/// The text without hidden characters and secrets. Borrowed when there are none.
pub(crate) fn clean<'a>(rules: &Rules, text: &'a str, depth: Depth, nesting: Nesting) -> Cow<'a, str> {
    if rules.patterns.is_empty() && is_harmless(text) {
        return Cow::Borrowed(text);
    }
    if depth == Depth::Name || looks_nested(text) {
        let stripped = strip(rules, text);
        return if depth == Depth::Name { stripped } else { clean_stripped(rules, stripped, depth, nesting) };
    }
    let found = scan::find(rules, text, depth == Depth::Data);
    if found.suspicious {
        match strip(rules, text) {
            Cow::Borrowed(_) => {}
            stripped @ Cow::Owned(_) => return clean_stripped(rules, stripped, depth, nesting),
        }
    }
    replaced(rules, Cow::Borrowed(text), found.spans)
}

/// Whether a text is too short and too plain for anything to be in it: what has a form is longer, or has one of the signs.
fn is_harmless(text: &str) -> bool {
    text.len() < SHORTEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'@' | b':' | b'='))
}

/// A social security number.
const SHORTEST: usize = 11;

fn clean_stripped<'a>(rules: &Rules, text: Cow<'a, str>, depth: Depth, nesting: Nesting) -> Cow<'a, str> {
    if rules.has(Rule::NestedJson)
        && depth == Depth::Data
        && let Some(edits) = nested(rules, &text, nesting)
    {
        if edits.is_empty() {
            return text;
        }
        if let Some(cleaned) = walk::apply(&text, &edits) {
            return Cow::Owned(cleaned);
        }
    }
    let found = scan::find(rules, &text, depth == Depth::Data);
    replaced(rules, text, found.spans)
}

fn replaced<'a>(rules: &Rules, text: Cow<'a, str>, mut spans: Vec<Range<usize>>) -> Cow<'a, str> {
    for pattern in &rules.patterns {
        spans.extend(pattern.find_iter(&text).map(|found| found.range()));
    }
    match span::replaced(&text, spans, &rules.replacement) {
        Some(replaced) => Cow::Owned(replaced),
        None => text,
    }
}

fn strip<'a>(rules: &Rules, text: &'a str) -> Cow<'a, str> {
    hidden::strip(text, rules.has(Rule::Escapes), rules.has(Rule::Invisible))
}

/// Whether it begins as a JSON object or array does.
fn looks_nested(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// For text that is a JSON object or array: what has to change in it.
fn nested(rules: &Rules, text: &str, nesting: Nesting) -> Option<Vec<Edit>> {
    if !looks_nested(text) {
        return None;
    }
    walk::nested_edits(rules, text, nesting.in_text()?).ok()
}
