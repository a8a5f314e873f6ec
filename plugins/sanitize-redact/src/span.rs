//! Stretches of a text that are to go.

use std::ops::Range;

/// The text with a replacement in place of each stretch; `None` when there are none.
pub(crate) fn replaced(text: &str, mut spans: Vec<Range<usize>>, replacement: &str) -> Option<String> {
    if spans.is_empty() {
        return None;
    }
    spans.sort_by_key(|span| (span.start, span.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some(mut span) = spans.next() {
        while let Some(next) = spans.next_if(|next| next.start < span.end) {
            span.end = span.end.max(next.end);
        }
        out.push_str(text.get(done..span.start).unwrap_or_default());
        out.push_str(replacement);
        done = span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Some(out)
}
