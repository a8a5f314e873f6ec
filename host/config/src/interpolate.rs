//! `${VAR}` in a configuration's strings.
//!
//! Only values are filled in, and only after the file was parsed, so that no value of a variable can become a key or
//! end a string. What a variable holds is not looked at again.

use super::Cause;
use super::document::{Document, Node, Value};
use crate::diagnostic::{Mark, Problem, Problems, Source};

/// One string's pieces. `${secret:NAME}` is text: it is for the host, later, and only in the settings of plugins.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `$${`, which stands for `${`.
    Escape,
    Variable {
        name: &'a str,
        default: Option<&'a str>,
        written: &'a str,
    },
    /// Begins with `${` and is none of these.
    Malformed(&'a str),
}

/// A variable that has no value.
#[derive(Debug)]
struct Unset {
    name: String,
    mark: Mark,
}

/// Fills in all variables of a file. Every unset variable is reported, in one problem, with every place.
pub(super) fn interpolate(document: &mut Document, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), Problems> {
    let source = document.source().clone();
    let mut work = Work { source: &source, lookup, unset: Vec::new(), problems: Problems::default() };
    work.node(document.root_mut(), false, 0);
    let Work { unset, mut problems, .. } = work;
    if !unset.is_empty() {
        let mut lines: Vec<_> =
            unset.iter().map(|unset| format!("{} ({})", unset.name, source.location(unset.mark.span.start))).collect();
        lines.dedup();
        let cause = Cause::Unset { count: lines.len(), variables: lines.join(", ") };
        let marks = unset.into_iter().map(|unset| unset.mark).collect();
        problems.push(Problem::new(cause).marked(&source, marks));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

struct Work<'a> {
    source: &'a Source,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    unset: Vec<Unset>,
    problems: Problems,
}

impl Work<'_> {
    /// `in_settings`: below a plugin's `settings`, where `${secret:NAME}` may stand.
    fn node(&mut self, node: &mut Node, in_settings: bool, depth: usize) {
        match &mut node.value {
            Value::Text(text) => {
                let span = node.span.clone();
                if let Some(filled) = self.text(text, span.start..span.end, in_settings) {
                    *text = filled;
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.node(item, in_settings, depth + 1);
                }
            }
            Value::Table(entries) => {
                for entry in entries {
                    let in_settings = in_settings || (depth > 0 && entry.key == "settings");
                    self.node(&mut entry.node, in_settings, depth + 1);
                }
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {}
        }
    }

    /// The text with its variables filled in; `None` when there is nothing to do.
    fn text(&mut self, text: &str, span: std::ops::Range<usize>, in_settings: bool) -> Option<String> {
        if !text.contains("${") {
            return None;
        }
        let mut filled = String::with_capacity(text.len());
        let mut from = span.start;
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Escape => filled.push_str("${"),
                Piece::Variable { name, default, written } => {
                    if let Some(value) = (self.lookup)(name).or(default.map(Into::into)) {
                        filled.push_str(&value);
                    } else {
                        let mark = self.find(written, &mut from, span.end, "not set");
                        self.unset.push(Unset { name: name.to_owned(), mark });
                    }
                }
                Piece::Malformed(written) if in_settings && is_secret(written) => filled.push_str(written),
                Piece::Malformed(written) => {
                    let mark = self.find(written, &mut from, span.end, "here");
                    let cause = if is_secret(written) { Cause::SecretOutside } else { Cause::BadVariable };
                    self.problems.push(Problem::new(cause).marked(self.source, vec![mark]));
                }
            }
        }
        Some(filled)
    }

    /// Where a piece stands in the file: what is written differs from the string's text by its escapes only.
    fn find(&self, written: &str, from: &mut usize, end: usize, label: &str) -> Mark {
        let text = self.source.text().get(*from..end).unwrap_or_default();
        let start = text.find(written).map_or(*from, |at| *from + at);
        let length = if text.contains(written) { written.len() } else { end - *from };
        *from = start + length;
        Mark::new(start..start + length, label)
    }
}

fn is_secret(written: &str) -> bool {
    written.starts_with("${secret:") && written.ends_with('}')
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            pieces.push(Piece::Text(before));
            pieces.push(Piece::Escape);
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Text(&rest[..at]));
        let from = &rest[at..];
        let Some(end) = from.find('}') else {
            pieces.push(Piece::Malformed(from));
            return pieces;
        };
        let written = &from[..=end];
        let inside = &from[2..end];
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        pieces.push(if is_name(name) { Piece::Variable { name, default, written } } else { Piece::Malformed(written) });
        rest = &from[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// IEEE Std 1003.1 section 8.1, without its upper case rule.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
