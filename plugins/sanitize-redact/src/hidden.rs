//! What a terminal obeys and a reader does not see.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::CharIndices;

use crate::scan;

/// Without terminal escapes and other control characters (if `escapes`), and without invisible characters (if
/// `invisible`). Borrowed when there are none.
pub(crate) fn strip(text: &str, escapes: bool, invisible: bool) -> Cow<'_, str> {
    if !scan::is_suspicious(text) || !text.chars().any(may_hide) {
        return Cow::Borrowed(text);
    }
    strip_each(text, escapes, invisible)
}

/// The same, with a look at each character.
pub(crate) fn strip_each(text: &str, escapes: bool, invisible: bool) -> Cow<'_, str> {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if escapes && is_control(c) {
            skip_sequence(text, at, c, &mut rest);
        } else if !invisible || is_seen(c, kept.chars().next_back(), rest.peek().map(|(_, next)| *next)) {
            kept.push(c);
        }
    }
    if kept.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(kept) }
}

/// Whether a character could go, wherever it stands.
fn may_hide(c: char) -> bool {
    is_control(c) || !c.is_ascii() && !is_seen(c, None, None)
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
}

/// Goes past the sequence that the control character `c` at `at` begins (ECMA-48 section 5).
fn skip_sequence(text: &str, at: usize, c: char, rest: &mut Peekable<CharIndices>) {
    let (kind, body) = match (c, rest.peek()) {
        ('\u{1b}', Some((body, kind))) => (*kind, body + kind.len_utf8()),
        // C1: as ESC and the character 0x40 lower.
        ('\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}' | '\u{9e}' | '\u{9f}', Some((body, _))) => {
            (char::from(u8::try_from(u32::from(c) - 0x40).unwrap_or_default()), *body)
        }
        _ => return,
    };
    let tail = &text[body..];
    let end = match kind {
        // CSI: parameters and intermediates, one final character.
        '[' => {
            body + tail.find(|c| !(' '..='?').contains(&c)).map_or(tail.len(), |last| last + final_len(&tail[last..]))
        }
        // A string, up to its terminator. Without one nothing but the beginning is taken.
        ']' | 'P' | 'X' | '^' | '_' => body + string_len(tail),
        // Any other: intermediates, one final character.
        ' '..='/' => {
            body + tail.find(|c| !(' '..='/').contains(&c)).map_or(tail.len(), |last| last + final_len(&tail[last..]))
        }
        '0'..='~' => body,
        _ => at + c.len_utf8(),
    };
    while rest.next_if(|(position, _)| *position < end).is_some() {}
}

fn final_len(tail: &str) -> usize {
    usize::from(tail.starts_with(|c| ('0'..='~').contains(&c)))
}

/// A control string's length with its terminator: BEL, ST, or ESC and a backslash.
fn string_len(tail: &str) -> usize {
    let ends = [("\u{7}", 1), ("\u{9c}", 2), ("\u{1b}\\", 2)];
    ends.iter().filter_map(|(end, len)| tail.find(end).map(|at| at + len)).min().unwrap_or(0)
}

/// Whether a reader sees `c` where it stands.
fn is_seen(c: char, before: Option<char>, after: Option<char>) -> bool {
    match c {
        // Joiners: between emoji, and within scripts that are written with them (Arabic to Myanmar).
        '\u{200c}' | '\u{200d}' => {
            let joins_emoji = c == '\u{200d}' && before.is_some_and(is_emoji) && after.is_some_and(is_emoji);
            let shapes = |c: char| ('\u{600}'..='\u{109f}').contains(&c);
            joins_emoji || before.is_some_and(shapes) && after.is_some_and(shapes)
        }
        // Text or emoji style: once, behind what has both.
        '\u{fe0e}' | '\u{fe0f}' => {
            before.is_some_and(|c| !is_selector(c) && (is_emoji(c) || matches!(c, '#' | '*' | '0'..='9' | '©' | '®')))
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        _ => true,
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

/// Roughly: symbols and pictographs, and what may follow one within a sequence.
fn is_emoji(c: char) -> bool {
    is_selector(c) || matches!(c, '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}
