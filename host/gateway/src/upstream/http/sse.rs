//! Server-sent events (WHATWG HTML, section 9.2), parsed as the bytes come in: in whichever pieces, and bounded.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// An event is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an event of more than {0} bytes")]
pub(crate) struct TooLong(usize);

/// Takes bytes, gives the `data` of `message` events.
pub(crate) struct Parser {
    max_bytes: usize,
    line: BytesMut,
    /// The data so far, each line with a line feed after it.
    data: BytesMut,
    /// The event's type is one that MCP does not use.
    foreign: bool,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    after_cr: bool,
    begun: bool,
    ready: VecDeque<Bytes>,
}

impl Parser {
    /// `max_bytes` for one event.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: BytesMut::new(),
            data: BytesMut::new(),
            foreign: false,
            after_cr: false,
            begun: false,
            ready: VecDeque::new(),
        }
    }

    /// The next complete event's data.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// Takes the next piece of the stream.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(at) = memchr::memchr2(b'\n', b'\r', bytes) else {
                return self.extend(bytes);
            };
            self.extend(&bytes[..at])?;
            self.after_cr = bytes[at] == b'\r';
            bytes = &bytes[at + 1..];
            self.end_line();
        }
        Ok(())
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + bytes.len() > self.max_bytes {
            return Err(TooLong(self.max_bytes));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) {
        let mut line = self.line.split().freeze();
        if !std::mem::replace(&mut self.begun, true) && line.starts_with("\u{feff}".as_bytes()) {
            line = line.slice(3..);
        }
        if line.is_empty() {
            self.end_event();
            return;
        }
        let (field, value) = match memchr::memchr(b':', &line) {
            Some(at) => (&line[..at], line.slice(at + 1..)),
            None => (&line[..], Bytes::new()),
        };
        let value = if value.first() == Some(&b' ') { value.slice(1..) } else { value };
        match field {
            b"data" => {
                self.data.extend_from_slice(&value);
                self.data.extend_from_slice(b"\n");
            }
            b"event" => self.foreign = !value.is_empty() && value != "message",
            // Ids are for resuming, `retry` too; an empty field name is a comment.
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let mut data = self.data.split();
        data.truncate(data.len().saturating_sub(1));
        // Empty data only primes a client that could resume.
        if !std::mem::take(&mut self.foreign) && !data.is_empty() {
            self.ready.push_back(data.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]], max_bytes: usize) -> Result<Vec<String>, TooLong> {
        let mut parser = Parser::new(max_bytes);
        let mut found = Vec::new();
        for piece in pieces {
            parser.push(piece)?;
            found.extend(std::iter::from_fn(|| parser.next()).map(|data| String::from_utf8_lossy(&data).into_owned()));
        }
        Ok(found)
    }

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        assert_eq!(events(&[text.as_bytes()], 1000).expect("short"), want, "{text:?}");
        for at in 0..=text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            assert_eq!(events(&[a, b], 1000).expect("short"), want, "{text:?} at {at}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(events(&bytes, 1000).expect("short"), want, "{text:?} byte by byte");
    }

    #[test]
    fn events_are_what_the_standard_says_however_they_are_cut() {
        check("data: a\n\n", &["a"]);
        check("data: a\r\n\r\ndata:b\r\rdata:  c\n\n", &["a", "b", " c"]);
        check("data: a\r\ndata: b\r\n\r\n", &["a\nb"]);
        check("\u{feff}data: x\n\n", &["x"]);
        check(": comment\nid: 1\nretry: 5\ndata: {\ndata: }\n\n", &["{\n}"]);
        check("id: 0\ndata:\n\ndata: y\n\n", &["y"]);
        check("event: endpoint\ndata: /old\n\nevent: message\ndata: z\n\n", &["z"]);
        check("data\ndata: w\n\n", &["\nw"]);
        check("data: unfinished\n", &[]);
        check("data: é: ü\n\n", &["é: ü"]);
    }

    #[test]
    fn an_event_that_is_too_long_is_refused_before_it_ends() {
        assert_eq!(events(&[b"data: 0123456789"], 15), Err(TooLong(15)));
        assert_eq!(events(&[b"data: 0123456\n", b"data: 0"], 13), Err(TooLong(13)));
        assert!(events(&[b"data: 012\n\ndata: 345\n\ndata: 678\n\n"], 13).is_ok());
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "(data|event|id)?[: \\r\\na-c]{0,40}", cuts in prop::collection::vec(0usize..50, 0..6)) {
            let whole = events(&[text.as_bytes()], 1000).expect("short");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(events(&pieces, 1000).expect("short"), whole);
        }
    }
}
