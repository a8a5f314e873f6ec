//! Lines of a byte stream, bounded.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What one read asks for at least.
const CHUNK_BYTES: usize = 16 << 10;
/// A buffer that has held a line of more than this is not kept for the next ones.
const PLACE_BYTES: usize = 256 << 10;
/// What is kept of either end of a line that is too long: an id is there.
const ENDS_BYTES: usize = 512;
/// So many times too long a line may be before no more of it is read.
const ENDLESS: usize = 16;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end.
    Whole(Bytes),
    /// Too long; its first and last bytes.
    Long { head: Bytes, tail: Bytes },
}

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// The line is longer than it may be.
    #[error("the server sent a message of more than {0} bytes")]
    TooLong(usize),
    /// Reading failed.
    #[error("the server's output cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads lines without their ends (`\n` or `\r\n`).
pub(crate) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    scanned: usize,
    max_bytes: usize,
    /// The head of a line that is too long, and the bytes of it that were let go.
    long: Option<(Bytes, usize)>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader, buffer: BytesMut::new(), scanned: 0, max_bytes, long: None }
    }

    /// The next line; `None` at the end. What stands at the end without a line feed is a line too.
    pub(crate) async fn next(&mut self) -> Result<Option<Line>, LineError> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
                let mut line = self.buffer.split_to(self.scanned + at + 1);
                self.scanned = 0;
                if line.len() > PLACE_BYTES {
                    self.buffer = BytesMut::from(&self.buffer[..]);
                }
                line.truncate(line.len() - 1);
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Ok(Some(self.checked(line.freeze())));
            }
            self.scanned = self.buffer.len();
            self.let_go()?;
            self.buffer.reserve(CHUNK_BYTES);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                self.scanned = 0;
                let rest = self.buffer.split().freeze();
                return Ok((!rest.is_empty()).then(|| self.checked(rest)));
            }
        }
    }

    /// Of a line that is too long already, only the ends are kept.
    fn let_go(&mut self) -> Result<(), LineError> {
        if self.long.is_none() && self.scanned > self.max_bytes {
            let head = Bytes::copy_from_slice(&self.buffer[..self.scanned.min(ENDS_BYTES)]);
            self.long = Some((head, 0));
        }
        if let Some((_, gone)) = &mut self.long
            && self.scanned > ENDS_BYTES
        {
            *gone += self.scanned - ENDS_BYTES;
            if *gone > self.max_bytes.saturating_mul(ENDLESS) {
                return Err(LineError::TooLong(self.max_bytes));
            }
            self.buffer = BytesMut::from(&self.buffer[self.scanned - ENDS_BYTES..]);
            self.scanned = self.buffer.len();
        }
        Ok(())
    }

    fn checked(&mut self, line: Bytes) -> Line {
        let end = |line: &Bytes| line.slice(line.len().saturating_sub(ENDS_BYTES)..);
        match self.long.take() {
            Some((head, _)) => Line::Long { head, tail: end(&line) },
            None if line.len() > self.max_bytes => {
                Line::Long { head: line.slice(..line.len().min(ENDS_BYTES)), tail: end(&line) }
            }
            None => Line::Whole(line),
        }
    }
}

/// The id of an answer of which only the ends are known: it stands before or behind the result. A server that is
/// tricked, or tricks, can only fail its own answers by it.
pub(crate) fn answered(head: &[u8], tail: &[u8]) -> Option<u64> {
    let head = std::str::from_utf8(head.split(|byte| !byte.is_ascii()).next()?).ok()?;
    let found = |name: &str| head.find(name);
    let asked = ["\"method\"", "\"params\""].into_iter().filter_map(found).min();
    let value = ["\"result\"", "\"error\""].into_iter().filter_map(found).min();
    // A request of the server's, whose id is not one of the gate's.
    if asked.is_some_and(|asked| value.is_none_or(|value| asked < value)) {
        return None;
    }
    let front = &head[..value.unwrap_or(0)];
    if front.contains("\"id\"") {
        return member_id(front);
    }
    // Members of scalars alone, behind the result: the text behind the last bracket that closes something.
    let tail = std::str::from_utf8(tail.rsplit(|byte| !byte.is_ascii()).next()?).ok()?;
    let object = tail.trim_end().strip_suffix('}')?;
    member_id(&object[object.rfind(['}', ']'])?..])
}

/// The same of a line that is there, and no message.
pub(super) fn answered_by(line: &[u8]) -> Option<u64> {
    answered(&line[..line.len().min(ENDS_BYTES)], &line[line.len().saturating_sub(ENDS_BYTES)..])
}

fn member_id(text: &str) -> Option<u64> {
    let value = text[text.find("\"id\"")? + 4..].trim_start().strip_prefix(':')?.trim_start();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], max_bytes: usize) -> (Vec<String>, Option<String>) {
        let mut lines = Lines::new(text, max_bytes);
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(Line::Whole(line))) => found.push(String::from_utf8_lossy(&line).into_owned()),
                Ok(Some(Line::Long { head, tail })) => found.push(format!("long {} {}", head.len(), tail.len())),
                Ok(None) => return (found, None),
                Err(e) => return (found, Some(e.to_string())),
            }
        }
    }

    #[tokio::test]
    async fn lines_end_where_they_say() {
        let got = lines(b"a\r\n\nbc\nd", 10).await;
        assert_eq!(got, (vec!["a".to_owned(), String::new(), "bc".to_owned(), "d".to_owned()], None));
    }

    #[tokio::test]
    async fn of_a_line_that_is_too_long_only_the_ends_are_kept() {
        for text in [&b"ok\n0123456789a\nb"[..], b"ok\n0123456789a"] {
            let (found, error) = lines(text, 10).await;
            assert_eq!((&found[..2], error), (&["ok".to_owned(), "long 11 11".to_owned()][..], None));
        }
        assert_eq!(lines(b"0123456789\n", 10).await.0, ["0123456789"]);
        let long = [b"x".repeat(100_000), b"\nnext".to_vec()].concat();
        assert_eq!(lines(&long, 20_000).await.0, ["long 512 512", "next"]);
    }

    #[tokio::test]
    async fn a_line_that_does_not_end_ends_the_reading() {
        let (found, error) = lines(&b"x".repeat(1_000_000), 10_000).await;
        assert!(found.is_empty());
        assert_eq!(error.as_deref(), Some("the server sent a message of more than 10000 bytes"));
    }

    #[test]
    fn whose_answer_was_too_long_is_known_by_its_ends() {
        #[track_caller]
        fn check(head: &str, tail: &str, want: Option<u64>) {
            assert_eq!(answered(head.as_bytes(), tail.as_bytes()), want, "{head} … {tail}");
        }
        check(r#"{"jsonrpc":"2.0","id":7,"result":{"id":9"#, "}}", Some(7));
        check(r#"{"jsonrpc":"2.0","id" : 7 ,"result":{"ü"#, "}}", Some(7));
        check(r#"{"result":{"content":[{"id":3"#, r#""ü"}]},"jsonrpc":"2.0","id":12}"#, Some(12));
        check(r#"{"result":{"id":3"#, r#"}, "id": 12, "jsonrpc": "2.0" } "#, Some(12));
        check(r#"{"jsonrpc":"2.0","id":"7","result":{"#, "}}", None);
        check(r#"{"jsonrpc":"2.0","method":"m","params":{"id":1"#, "}}", None);
        check(r#"{"jsonrpc":"2.0","x":"yyy"#, "yyy\"}", None);
        check(r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"x":"y"#, "y\"}}", None);
        check(r#"{"method":"m","params":{"x":"y"#, r#"y"},"id":7,"jsonrpc":"2.0"}"#, None);
    }
}
