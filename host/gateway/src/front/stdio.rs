//! One client over a pair of byte streams: a message per line, both eras, many requests at once.
//!
//! Lines are taken in their order. What changes what later lines mean (`initialize`, notifications) ends before the next
//! line is read; requests run beside each other. Both eras cancel with `notifications/cancelled`: there is no stream of
//! a request's own that could be closed.

mod client;
mod lines;
mod talk;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use witgate_policy::json::Limits;

use self::client::{Client, Pipe};
use self::lines::{Line, Lines};
use super::crew::crew;
use crate::gate::Gate;
use crate::wire::Reject;
use crate::wire::encode::Line as Message;

/// Messages that wait for a slow reader; then answers wait, and notifications are lost.
const WRITES: usize = 64;

/// How long what is under way may take to end after the last line.
const DRAIN: Duration = Duration::from_secs(30);

/// Why the front of a client over stdio ended early.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The configuration has no such tenant.
    #[error("there is no tenant `{0}`")]
    Tenant(String),
    /// The client's messages could not be read.
    #[error("standard input cannot be read: {0}")]
    Read(#[source] io::Error),
}

/// Serves one client of a tenant until its input ends or `shutdown` is ready; then what is under way may end. `headers`
/// stand for those that an HTTP client would send; auth plugins see what the tenant lets them see.
pub async fn serve(
    gate: Arc<Gate>,
    tenant: &str,
    reader: impl AsyncRead + Unpin + Send,
    writer: impl AsyncWrite + Unpin + Send + 'static,
    headers: Vec<(String, Vec<u8>)>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), StdioError> {
    let Some(tenant) = gate.generation().named(tenant).map(|tenant| tenant.name().clone()) else {
        return Err(StdioError::Tenant(tenant.to_owned()));
    };
    let (crew, muster) = crew();
    let (out, outbox) = mpsc::channel(WRITES);
    let (gone, mut reader_gone) = mpsc::channel::<Infallible>(1);
    // Dropped when nothing can be written any more: then nothing needs to be read.
    crew.spawn(async move {
        write(writer, outbox).await;
        drop(gone);
    });
    let limits = Limits::default();
    let mut lines = Lines::new(reader, limits.bytes);
    let mut client = Client::new(Pipe { gate, tenant, headers, out, crew });
    let mut shutdown = pin!(shutdown);
    let mut stopped = false;
    let read = loop {
        let line: Line = tokio::select! {
            biased;
            () = &mut shutdown => {
                stopped = true;
                break Ok(());
            }
            _ = reader_gone.recv() => break Ok(()),
            line = lines.next() => match line {
                Ok(Some(line)) => line,
                Ok(None) => break Ok(()),
                Err(cause) => break Err(StdioError::Read(cause)),
            },
        };
        let taken = async {
            match line {
                Line::Whole(bytes) => client.line(bytes, limits).await,
                Line::TooLong => client.reject(None, None, &Reject::TooLarge { limit: limits.bytes }).await,
            }
        };
        tokio::select! {
            biased;
            () = &mut shutdown => {
                stopped = true;
                break Ok(());
            }
            () = taken => {}
        }
    };
    muster.stop();
    drop(client);
    let patience = async {
        // A client that closed its end may still read; the operator's stop comes before that.
        let stop = async { if stopped { std::future::pending().await } else { shutdown.await } };
        let _ = tokio::time::timeout(DRAIN, stop).await;
    };
    if !muster.gather(patience).await {
        tracing::warn!("requests were still under way when the time to end them was over");
    }
    read
}

/// Writes whole lines, one after the other; flushes when none waits.
async fn write(mut writer: impl AsyncWrite + Unpin, mut outbox: mpsc::Receiver<Message>) {
    while let Some(mut message) = outbox.recv().await {
        loop {
            let line = async {
                for piece in message.pieces() {
                    writer.write_all(&piece).await?;
                }
                writer.write_all(b"\n").await
            };
            if let Err(cause) = line.await {
                tracing::debug!(%cause, "the client reads no more");
                return;
            }
            match outbox.try_recv() {
                Ok(next) => message = next,
                Err(_) => break,
            }
        }
        if let Err(cause) = writer.flush().await {
            tracing::debug!(%cause, "the client reads no more");
            return;
        }
    }
}
