//! Which HTTP a client speaks, by the first bytes of its connection. They are read here rather than by hyper's own
//! detection, which gives them on by themselves: each connection would double its buffer to read on behind them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The preface of HTTP/2 begins so, and no method of HTTP/1 does (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI";

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A connection of which the first bytes were looked at.
pub(super) struct Opened<S> {
    stream: S,
    /// Those that nobody has read yet.
    first: [u8; PREFACE.len()],
    unread: usize,
}

/// Reads as much as tells the version; `None` when the client leaves before that.
pub(super) async fn open<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Option<(Opened<S>, Version)>> {
    let mut first = [0; PREFACE.len()];
    let mut unread = 0;
    while unread < first.len() && PREFACE.starts_with(&first[..unread]) {
        match stream.read(&mut first[unread..]).await? {
            0 => return Ok(None),
            read => unread += read,
        }
    }
    let version = if first == PREFACE { Version::Two } else { Version::One };
    Ok(Some((Opened { stream, first, unread }, version)))
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unread == 0 {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let taken = self.unread.min(into.remaining());
        into.put_slice(&self.first[..taken]);
        self.first.copy_within(taken.., 0);
        self.unread -= taken;
        // With what follows them, if it is there.
        match Pin::new(&mut self.stream).poll_read(cx, into) {
            Poll::Pending => Poll::Ready(Ok(())),
            read @ Poll::Ready(_) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn the_version_is_told_by_the_first_bytes_and_none_is_lost() {
        async fn check(pieces: &[&str], want: Option<Version>) {
            let (ours, mut theirs) = tokio::io::duplex(100);
            let sent = pieces.concat();
            let pieces: Vec<String> = pieces.iter().map(ToString::to_string).collect();
            let sending = tokio::spawn(async move {
                for piece in pieces {
                    theirs.write_all(piece.as_bytes()).await.expect("it is read");
                    tokio::task::yield_now().await;
                }
            });
            let opened = open(ours).await.expect("a connection");
            assert_eq!(opened.as_ref().map(|(_, version)| *version), want, "{sent}");
            let Some((mut opened, _)) = opened else { return };
            let mut read = String::new();
            opened.read_to_string(&mut read).await.expect("the rest");
            assert_eq!(read, sent);
            sending.await.expect("sent");
        }
        check(&["POST /mcp"], Some(Version::One)).await;
        check(&["P", "OST /mcp"], Some(Version::One)).await;
        check(&["PR", "X"], Some(Version::One)).await;
        check(&["GET /"], Some(Version::One)).await;
        check(&["PRI * HTTP/2.0"], Some(Version::Two)).await;
        check(&["P", "R", "I", " * HTTP/2.0"], Some(Version::Two)).await;
        check(&[], None).await;
        check(&["PR"], None).await;
    }

    #[tokio::test]
    async fn what_is_there_is_read_at_once_behind_the_first_bytes() {
        let (mut opened, _) = open(&b"POST /mcp HTTP/1.1"[..]).await.expect("bytes").expect("a client");
        let mut buffer = [0; 64];
        let read = opened.read(&mut buffer).await.expect("bytes");
        assert_eq!(&buffer[..read], b"POST /mcp HTTP/1.1");
        let (mut opened, _) = open(&b"GET /"[..]).await.expect("bytes").expect("a client");
        let mut small = [0; 2];
        opened.read_exact(&mut small).await.expect("bytes");
        assert_eq!(&small, b"GE");
    }
}
