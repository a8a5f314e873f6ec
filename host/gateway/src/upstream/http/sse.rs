//! Server-sent events (WHATWG HTML, section 9.2), parsed as the bytes come in: in whichever pieces, and bounded.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderValue;

use crate::upstream::pipe::answered;

/// An event's id that is longer is not kept, and what follows it cannot be asked for again.
const ID_BYTES: usize = 1024;
/// The longest pause that a server may ask for.
const RETRY_MAX: Duration = Duration::from_hours(1);

/// An event is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an event of more than {0} bytes")]
pub(crate) struct TooLong(usize);

/// What an event is to MCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It carries a message.
    #[default]
    Message,
    /// It says where messages are to be sent (HTTP+SSE, 2024-11-05).
    Endpoint,
    /// Nothing.
    Foreign,
    /// A message that is too long, and the request that it seems to answer.
    TooLong(Option<u64>),
}

/// A buffer that has held more than this is not kept for the next line.
const PLACE_BYTES: usize = 16 << 10;

/// So many times too long an event may be before no more of it is read.
const ENDLESS: usize = 16;

/// What is kept of either end of an event that is too long: an id is there.
const ENDS_BYTES: usize = 512;

/// An event that is too long, while its end is awaited.
struct Long {
    head: Bytes,
    tail: Vec<u8>,
    gone: usize,
    /// Whether its current line has anything in it.
    in_line: bool,
}

impl Long {
    fn take(&mut self, bytes: &[u8]) {
        self.in_line |= !bytes.is_empty();
        self.gone += bytes.len();
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(ENDS_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(ENDS_BYTES));
    }
}

/// How far a stream has come: what is needed to go on behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The last event's id; `None` when it has none.
    pub(crate) id: Option<HeaderValue>,
    /// The pause that the server asks for.
    pub(crate) retry: Option<Duration>,
}

/// Takes bytes, gives events with their `data`.
pub(crate) struct Parser {
    max_bytes: usize,
    line: BytesMut,
    /// The data so far, each line with a line feed after it.
    data: BytesMut,
    kind: Kind,
    /// The id of the event that is being read.
    id: Option<HeaderValue>,
    place: Place,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    after_cr: bool,
    begun: bool,
    /// Whether an event that is too long hurts no other; it ends the stream otherwise.
    tolerant: bool,
    long: Option<Box<Long>>,
    ready: VecDeque<(Kind, Bytes)>,
}

impl Parser {
    /// `max_bytes` for one event.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self::at(Place::default(), max_bytes)
    }

    /// Of a stream that goes on at a place.
    pub(crate) fn at(place: Place, max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: BytesMut::new(),
            data: BytesMut::new(),
            kind: Kind::Message,
            id: place.id.clone(),
            place,
            after_cr: false,
            begun: false,
            tolerant: false,
            long: None,
            ready: VecDeque::new(),
        }
    }

    /// Of a stream that is shared by many requests: one event that is too long is told of and skipped.
    pub(crate) fn tolerant(max_bytes: usize) -> Self {
        Self { tolerant: true, ..Self::new(max_bytes) }
    }

    /// How far the stream has come.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The next complete message.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            if let (Kind::Message, data) = self.ready.pop_front()? {
                return Some(data);
            }
        }
    }

    /// The next complete event that means something.
    pub(crate) fn next_event(&mut self) -> Option<(Kind, Bytes)> {
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
        if self.long.is_none() {
            if self.line.len() + self.data.len() + bytes.len() <= self.max_bytes {
                self.line.extend_from_slice(bytes);
                return Ok(());
            }
            if !self.tolerant {
                return Err(TooLong(self.max_bytes));
            }
            self.long = Some(Box::new(self.let_go(bytes)));
        }
        let Some(long) = &mut self.long else { return Ok(()) };
        long.take(bytes);
        if long.gone > self.max_bytes.saturating_mul(ENDLESS) { Err(TooLong(self.max_bytes)) } else { Ok(()) }
    }

    /// The beginning of an event that is too long; all else of it goes.
    fn let_go(&mut self, more: &[u8]) -> Long {
        let mut head = std::mem::take(&mut self.data);
        let (line, more) = (std::mem::take(&mut self.line), &more[..more.len().min(ENDS_BYTES)]);
        let line = [&line[..line.len().min(ENDS_BYTES)], more].concat();
        head.truncate(ENDS_BYTES);
        head.extend_from_slice(line.strip_prefix(b"data:").unwrap_or(&line));
        Long { head: Bytes::copy_from_slice(&head), tail: Vec::new(), gone: 0, in_line: true }
    }

    fn end_line(&mut self) {
        if let Some(long) = &mut self.long {
            if !std::mem::take(&mut long.in_line) {
                let kind = Kind::TooLong(answered(&long.head, &long.tail));
                (self.long, self.kind) = (None, Kind::Message);
                self.place.id.clone_from(&self.id);
                self.ready.push_back((kind, Bytes::new()));
            }
            return;
        }
        // A buffer that was split keeps all of its place.
        let is_long = self.line.len() > PLACE_BYTES;
        let mut line = if is_long { std::mem::take(&mut self.line) } else { self.line.split() };
        if !std::mem::replace(&mut self.begun, true) && line.starts_with("\u{feff}".as_bytes()) {
            line.advance(3);
        }
        if line.is_empty() {
            self.end_event();
            return;
        }
        let field = line.split_to(memchr::memchr(b':', &line).unwrap_or(line.len()));
        let colon = line.iter().take(1).count();
        line.advance(if line.get(colon) == Some(&b' ') { colon + 1 } else { colon });
        let value = line;
        match &field[..] {
            b"data" => {
                if self.data.is_empty() {
                    self.data = value;
                } else {
                    self.data.extend_from_slice(&value);
                }
                self.data.extend_from_slice(b"\n");
            }
            b"event" => {
                self.kind = match &value[..] {
                    b"" | b"message" => Kind::Message,
                    b"endpoint" => Kind::Endpoint,
                    _ => Kind::Foreign,
                }
            }
            b"id" if !value.contains(&0) => {
                let named = !value.is_empty() && value.len() <= ID_BYTES;
                self.id = named.then(|| HeaderValue::from_bytes(&value).ok()).flatten();
            }
            b"retry" => self.place.retry = pause(&value).or(self.place.retry),
            // An empty field name is a comment.
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        data.truncate(data.len().saturating_sub(1));
        let kind = std::mem::take(&mut self.kind);
        self.place.id.clone_from(&self.id);
        // Empty data only says how far the stream has come.
        if kind != Kind::Foreign && !data.is_empty() {
            self.ready.push_back((kind, data.freeze()));
        }
    }
}

/// A pause in milliseconds, in digits only.
fn pause(value: &[u8]) -> Option<Duration> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let milliseconds = digits.parse().ok()?;
    Some(Duration::from_millis(milliseconds).min(RETRY_MAX))
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

    #[test]
    fn where_many_share_a_stream_an_event_that_is_too_long_is_skipped_and_told_of() {
        let long = "x".repeat(50);
        let text = format!(
            "data: {{\"id\":7,\"result\":\"{long}\"}}\n\ndata: a\n\ndata: {{\"method\":\ndata: \"{long}\"}}\r\n\r\ndata: b\n\n"
        );
        for size in [1, 7, 30, 1000] {
            let mut parser = Parser::tolerant(40);
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                parser.push(piece).expect("an end in sight");
                assert!(parser.line.len() + parser.data.len() <= 40);
                events.extend(std::iter::from_fn(|| parser.next_event()));
            }
            let (long, message) = (|id| (Kind::TooLong(id), Bytes::new()), |text| (Kind::Message, Bytes::from(text)));
            assert_eq!(events, [long(Some(7)), message("a"), long(None), message("b")], "in pieces of {size}");
        }
        let mut endless = Parser::tolerant(100);
        let pushed: Result<Vec<()>, _> = (0..200).map(|_| endless.push(&[b'x'; 10])).collect();
        assert_eq!(pushed, Err(TooLong(100)));
    }

    #[test]
    fn a_place_is_the_last_whole_event_and_the_last_pause() {
        #[track_caller]
        fn check(text: &str, id: Option<&str>, retry_ms: Option<u64>) {
            let mut parser = Parser::new(2000);
            parser.push(text.as_bytes()).expect("short");
            let got = parser.place().id.as_ref().map(HeaderValue::as_bytes);
            assert_eq!(got, id.map(str::as_bytes), "{text:?}");
            assert_eq!(parser.place().retry, retry_ms.map(Duration::from_millis), "{text:?}");
        }
        check("id: 1\nretry: 500\ndata:\n\n", Some("1"), Some(500));
        check("id: 1\n\ndata: x\n\n", Some("1"), None);
        check("id: 1\n\nid: 2\ndata: unfinished\n", Some("1"), None);
        check("id: 1\n\nid\ndata: x\n\n", None, None);
        check("id: 1\n\nid: a\0b\n\n", Some("1"), None);
        check("id: ü\n\n", Some("ü"), None);
        check("id: a\u{7f}b\n\n", None, None);
        check(&format!("id: {}\n\n", "x".repeat(1025)), None, None);
        check("retry: 5\n\nretry: +7\n\nretry: 1.5\n\n", None, Some(5));
        check("retry: 99999999999\n\n", None, Some(3_600_000));
        check("event: other\nid: 3\ndata: x\n\n", Some("3"), None);
    }

    #[test]
    fn an_endpoint_is_an_event_of_its_own() {
        let mut parser = Parser::new(100);
        parser.push(b"event: endpoint\ndata: /m\n\nevent: ping\ndata: x\n\ndata: {}\n\n").expect("short");
        let events: Vec<_> = std::iter::from_fn(|| parser.next_event()).collect();
        assert_eq!(events, [(Kind::Endpoint, Bytes::from("/m")), (Kind::Message, Bytes::from("{}"))]);
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
