//! A connection whose short writes are collected, and sent at the end of its worker's turn.
//!
//! Its writer sees nothing of it, for what the system takes is not there yet either: an error comes with what is written,
//! flushed or shut down next. Where the peer does not read, the writer is woken and waits as it would without this: after
//! the system refused something, nothing is collected until it takes all again. What the system had not taken when a
//! connection is dropped without a shutdown is lost, as what its writer had still to write is.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The longest that is collected. What is longer is not copied, and pays for its own way.
const MOST_BYTES: usize = 16 << 10;

/// A connection whose short writes are sent at the end of its worker's turn; at once on a thread that has none.
pub(crate) struct Corked(Arc<Mutex<Wire>>);

struct Wire {
    stream: TcpStream,
    collected: Vec<u8>,
    /// How much of that is sent.
    sent: usize,
    /// Whether the system did not take all of what it was given last.
    full: bool,
    /// Why no more could be sent.
    broken: Option<io::Error>,
    /// The task of who wrote what was collected.
    writer: Option<Waker>,
}

/// One of the connections that have collected something in a turn.
pub(super) struct Line(Arc<Mutex<Wire>>);

impl Line {
    /// Sends what was collected, and gives the buffer back. Who wrote it is told of what went wrong.
    pub(super) fn send(self) {
        let mut wire = lock(&self.0);
        match wire.send() {
            Ok(true) => super::keep(std::mem::take(&mut wire.collected)),
            Ok(false) => wire.wake(),
            Err(cause) => {
                wire.broken = Some(cause);
                wire.wake();
            }
        }
    }
}

impl Wire {
    /// Sends as much as the system takes; whether that is all. What cannot be sent is gone.
    fn send(&mut self) -> io::Result<bool> {
        let sent = loop {
            let rest = self.collected.get(self.sent..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.stream.try_write(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(sent) => self.sent += sent,
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => break Err(cause),
            }
        };
        self.sent = 0;
        self.collected.clear();
        sent.map(|()| true)
    }

    /// Sends all that was collected.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(cause) = self.broken.take() {
            return Poll::Ready(Err(cause));
        }
        while !self.send()? {
            ready!(self.stream.poll_write_ready(cx))?;
        }
        self.collected = Vec::new();
        Poll::Ready(Ok(()))
    }

    fn wake(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// Whether it waits for its peer to read, or for somebody to hear that it is broken.
    fn is_stuck(&self) -> bool {
        self.sent > 0 || self.broken.is_some() || !self.collected.is_empty() && self.writer.is_none()
    }

    /// Collects something for the end of the turn. `false`: it has to be sent now, after what was collected before.
    fn collect(
        &mut self,
        cx: &Context<'_>,
        pieces: &[IoSlice<'_>],
        length: usize,
        line: impl FnOnce() -> Line,
    ) -> bool {
        if self.full || self.is_stuck() || self.collected.len() + length > MOST_BYTES {
            return false;
        }
        if self.collected.is_empty() {
            let Some(buffer) = super::at_end(line) else { return false };
            self.collected = buffer;
        }
        match &mut self.writer {
            Some(writer) => writer.clone_from(cx.waker()),
            None => self.writer = Some(cx.waker().clone()),
        }
        for piece in pieces {
            self.collected.extend_from_slice(piece);
        }
        true
    }
}

impl Corked {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let wire = Wire { stream, collected: Vec::new(), sent: 0, full: false, broken: None, writer: None };
        Self(Arc::new(Mutex::new(wire)))
    }
}

impl AsyncRead for Corked {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Corked {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut wire = lock(&self.0);
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if wire.collect(cx, pieces, length, || Line(self.0.clone())) {
            return Poll::Ready(Ok(length));
        }
        ready!(wire.drain(cx))?;
        let written = Pin::new(&mut wire.stream).poll_write_vectored(cx, pieces);
        wire.full = !matches!(written, Poll::Ready(Ok(written)) if written == length);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = lock(&self.0);
        if wire.is_stuck() { wire.drain(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = lock(&self.0);
        ready!(wire.drain(cx))?;
        Pin::new(&mut wire.stream).poll_shutdown(cx)
    }
}

fn lock(wire: &Mutex<Wire>) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}
