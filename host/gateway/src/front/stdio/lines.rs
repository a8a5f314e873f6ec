//! Bytes to lines, none longer than it may be.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// What a client wrote up to a line break.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With something on it, without its break.
    Whole(Bytes),
    /// More than is taken; it was skipped.
    TooLong,
}

/// The lines of a reader. Empty ones are left out. What was read is kept when [`next`](Self::next) is dropped.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self { reader: BufReader::new(reader), line: Vec::new(), limit, skipping: false }
    }

    /// The next line; `None` at the end. A last line needs no break.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let bytes = self.reader.fill_buf().await?;
            let (part, end) = match memchr::memchr(b'\n', bytes) {
                Some(at) => (&bytes[..at], Some(at + 1)),
                None => (bytes, None),
            };
            let at_end = bytes.is_empty();
            // One more than is allowed, for the carriage return of a CRLF.
            if self.line.len() + part.len() > self.limit + 1 {
                self.skipping = true;
            }
            if self.skipping {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let used = end.unwrap_or(part.len());
            self.reader.consume(used);
            if end.is_none() && !at_end {
                continue;
            }
            if let Some(line) = self.finish() {
                return Ok(Some(line));
            }
            if at_end {
                return Ok(None);
            }
        }
    }

    fn finish(&mut self) -> Option<Line> {
        if std::mem::take(&mut self.skipping) {
            return Some(Line::TooLong);
        }
        let line = Bytes::from(std::mem::take(&mut self.line));
        let trimmed = line.trim_ascii();
        (!trimmed.is_empty()).then(|| Line::Whole(line.slice_ref(trimmed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_whole_and_bounded() {
        async fn check(text: &[u8], want: &[Line]) {
            // In one piece, and byte by byte.
            let mut whole = Lines::new(text, 8);
            let (mut one, mut there) = tokio::io::duplex(1);
            let fed = text.to_vec();
            let feeding = tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut there, &fed).await });
            let mut pieces = Lines::new(&mut one, 8);
            for want in want {
                assert_eq!(whole.next().await.expect("a line").as_ref(), Some(want));
                assert_eq!(pieces.next().await.expect("a line").as_ref(), Some(want));
            }
            assert_eq!(whole.next().await.expect("the end"), None);
            assert_eq!(pieces.next().await.expect("the end"), None);
            feeding.await.expect("a task").expect("fed");
        }
        let line = |text: &'static str| Line::Whole(Bytes::from_static(text.as_bytes()));
        check(b"", &[]).await;
        check(b"\n \r\n\n", &[]).await;
        check(b"a\r\n bc \nd", &[line("a"), line("bc"), line("d")]).await;
        check(b"12345678\n12345678\r\n", &[line("12345678"), line("12345678")]).await;
        check(b"1234567890\nb\n", &[Line::TooLong, line("b")]).await;
        check(b"12345678901234567890", &[Line::TooLong]).await;
    }
}
