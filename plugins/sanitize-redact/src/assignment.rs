//! `name: value` and `name=value` in text.

use std::ops::Range;

use crate::rules::Rules;

/// The value that the `:` or `=` at `at` assigns, where the name before it is one of a secret.
pub(crate) fn value(rules: &Rules, text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Most signs stand behind a name that is told from its end.
    if let Some(last) = bytes[..at].last_chunk::<3>()
        && last.iter().all(u8::is_ascii_alphanumeric)
        && !rules.may_end_secret(*last)
    {
        return None;
    }
    value_by_name(rules, text, at)
}

/// The same, by the whole name.
pub(crate) fn value_by_name(rules: &Rules, text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let end = bytes[..at].iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let end = bytes[..end].iter().rposition(|byte| !b"\"'`*".contains(byte)).map_or(0, |last| last + 1);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte) || !byte.is_ascii();
    let start = bytes[..end].iter().rposition(|byte| !is_name(byte)).map_or(0, |before| before + 1);
    if !rules.is_secret_field(&text[start..end]) {
        return None;
    }
    // A replacement that stands there is left alone, whatever marks it has in it.
    value_after(text, at + 1).filter(|value| !text[value.start..].starts_with(&rules.replacement))
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
