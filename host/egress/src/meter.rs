use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tally::Tally;

/// A socket whose every byte is counted, those of TLS too.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    inner: S,
    tally: Arc<Tally>,
}

impl<S> Metered<S> {
    pub(crate) fn new(inner: S, tally: Arc<Tally>) -> Self {
        Self { inner, tally }
    }
}

fn spent() -> io::Error {
    io::Error::other("the call may move no more bytes")
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        let fits = this.tally.moved(buffer.filled().len().saturating_sub(before));
        Poll::Ready(if fits { Ok(()) } else { Err(spent()) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    /// What is too much is not sent.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let room = usize::try_from(this.tally.bytes_left()).unwrap_or(usize::MAX);
        if room == 0 && !bytes.is_empty() {
            this.tally.overdraw();
            return Poll::Ready(Err(spent()));
        }
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, &bytes[..bytes.len().min(room)]))?;
        this.tally.moved(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
