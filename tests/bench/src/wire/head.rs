//! The first line and the headers of a message.

use anyhow::{Context as _, Result, bail};
use memchr::memmem;

/// What of a head matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// As `POST /mcp HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) first: &'a str,
    /// Bytes of the head with its empty line.
    pub(crate) length: usize,
    /// Bytes of the body.
    pub(crate) body: usize,
    headers: &'a str,
}

impl<'a> Head<'a> {
    /// The head at the start of `bytes`; `None` as long as it is not whole.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            if bytes.len() > 64 * 1024 {
                bail!("a head of more than 64 KiB");
            }
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
        let (first, headers) = text.split_once("\r\n").unwrap_or((text, ""));
        let mut head = Self { first, length: end + 4, body: 0, headers };
        if let Some(length) = head.get("content-length") {
            head.body = length.parse().context("a length that is no number")?;
        } else if head.get("transfer-encoding").is_some() {
            bail!("a body without a length: {first}");
        }
        Ok(Some(head))
    }

    /// A header's value; the name in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers.split("\r\n").filter_map(|line| line.split_once(':'));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// Head and body together.
    pub(crate) fn whole(&self) -> usize {
        self.length + self.body
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_says_how_long_its_message_is() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One:  1 \r\n\r\n{}";
        let head = Head::parse(bytes).unwrap().unwrap();
        assert_eq!((head.status(), head.whole(), head.get("x-one")), (200, bytes.len(), Some("1")));
        assert_eq!(Head::parse(&bytes[..40]).unwrap(), None);
        Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap_err();
    }
}
