//! What is left of a text.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2_iter;
use witgate_sdk::Edit;

use crate::rules::{Rule, Rules};
use crate::walk::{self, Nesting};
use crate::{hidden, span, token};

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
    let stripped = hidden::strip(text, rules.has(Rule::Escapes), rules.has(Rule::Invisible));
    if depth == Depth::Name {
        return stripped;
    }
    if rules.has(Rule::NestedJson)
        && depth == Depth::Data
        && let Some(edits) = nested(rules, &stripped, nesting)
    {
        if edits.is_empty() {
            return stripped;
        }
        if let Some(cleaned) = walk::apply(&stripped, &edits) {
            return Cow::Owned(cleaned);
        }
    }
    let mut spans = Vec::new();
    token::find(rules, &stripped, &mut spans);
    for pattern in &rules.patterns {
        spans.extend(pattern.find_iter(&stripped).map(|found| found.range()));
    }
    if depth == Depth::Data && rules.has(Rule::Assignments) {
        assignments(rules, &stripped, &mut spans);
    }
    match span::replaced(&stripped, spans, &rules.replacement) {
        Some(replaced) => Cow::Owned(replaced),
        None => stripped,
    }
}

/// For text that is a JSON object or array: what has to change in it.
fn nested(rules: &Rules, text: &str, nesting: Nesting) -> Option<Vec<Edit>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    walk::nested_edits(rules, text, nesting.in_text()?).ok()
}

/// Adds the values of `name: value` and `name=value` where the name is one of a secret.
fn assignments(rules: &Rules, text: &str, spans: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    for at in memchr2_iter(b':', b'=', bytes) {
        let end = bytes[..at].iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        let end = bytes[..end].iter().rposition(|byte| !b"\"'`*".contains(byte)).map_or(0, |last| last + 1);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte) || !byte.is_ascii();
        let start = bytes[..end].iter().rposition(|byte| !is_name(byte)).map_or(0, |before| before + 1);
        if !rules.is_secret_field(&text[start..end]) {
            continue;
        }
        // A replacement that stands there is left alone, whatever marks it has in it.
        let value = value_after(text, at + 1).filter(|value| !text[value.start..].starts_with(&rules.replacement));
        spans.extend(value);
    }
}

/// The value that begins behind `from`: in quotes, or up to a blank or a mark.
fn value_after(text: &str, from: usize) -> Option<Range<usize>> {
    // `:=`, `==` and `=>` assign too.
    let tail = text[from..].trim_start_matches([' ', '\t', '=', '>', '*']);
    let start = text.len() - tail.len();
    if let Some(quote) = tail.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let len = tail[1..].find(quote).unwrap_or(tail.len() - 1);
        return (len > 0).then_some(start + 1..start + 1 + len);
    }
    let word_len =
        |tail: &str| tail.find(|c: char| c.is_whitespace() || ",;&)}]\"'<>".contains(c)).unwrap_or(tail.len());
    let mut len = word_len(tail);
    // A scheme is not yet the secret.
    if ["bearer", "basic", "token", "apikey", "digest"].iter().any(|scheme| tail[..len].eq_ignore_ascii_case(scheme)) {
        let blank = tail[len..].len() - tail[len..].trim_start_matches(' ').len();
        len += blank + word_len(&tail[len + blank..]);
    }
    (len > 0).then_some(start..start + len)
}
