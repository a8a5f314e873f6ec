//! Lines of a byte stream, bounded.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What one read asks for at least.
const CHUNK_BYTES: usize = 16 << 10;

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
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader, buffer: BytesMut::new(), scanned: 0, max_bytes }
    }

    /// The next line; `None` at the end. What stands at the end without a line feed is a line too.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, LineError> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
                let mut line = self.buffer.split_to(self.scanned + at + 1);
                self.scanned = 0;
                line.truncate(line.len() - 1);
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return self.checked(line.freeze());
            }
            self.scanned = self.buffer.len();
            if self.scanned > self.max_bytes {
                return Err(LineError::TooLong(self.max_bytes));
            }
            self.buffer.reserve(CHUNK_BYTES);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                self.scanned = 0;
                let rest = self.buffer.split().freeze();
                return if rest.is_empty() { Ok(None) } else { self.checked(rest) };
            }
        }
    }

    fn checked(&self, line: Bytes) -> Result<Option<Bytes>, LineError> {
        if line.len() > self.max_bytes { Err(LineError::TooLong(self.max_bytes)) } else { Ok(Some(line)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], max_bytes: usize) -> (Vec<String>, Option<String>) {
        let mut lines = Lines::new(text, max_bytes);
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => found.push(String::from_utf8_lossy(&line).into_owned()),
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
    async fn a_line_that_is_too_long_ends_the_reading() {
        for text in [&b"ok\n0123456789a\nb"[..], b"ok\n0123456789abcdef", b"ok\n0123456789a"] {
            let (found, error) = lines(text, 10).await;
            assert_eq!(found, ["ok"]);
            assert_eq!(error.as_deref(), Some("the server sent a message of more than 10 bytes"));
        }
        assert_eq!(lines(b"0123456789\n", 10).await.0, ["0123456789"]);
    }
}
