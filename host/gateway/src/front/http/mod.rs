//! Streamable HTTP of both eras, on one endpoint per tenant.
//!
//! A modern request (2026-07-28) says everything itself. A legacy one belongs to a session that an
//! `initialize` began. The answer is one JSON object unless a notification comes first; then it is a stream of events
//! that ends with the answer. A legacy client may listen with `GET`, and come back to a stream that broke.

mod answer;
mod batch;
mod events;
mod exchange;
mod guard;
mod intake;
mod legacy;
mod listen;
mod modern;
mod opening;
mod options;
mod reply;
mod room;
mod session;
mod stall;
mod streams;
mod tape;
mod workers;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::exchange::Front;
use self::guard::Names;
use self::intake::Intake;
use self::opening::Version;
pub use self::options::Options;
use self::session::{Limits, Sessions};
use self::stall::Stall;
use self::workers::Workers;
use super::crew::crew;
use crate::gate::Gate;
use crate::turn::Corked;

/// How often expired sessions are looked for.
const SWEEP: Duration = Duration::from_mins(1);

/// How long to wait after a failed `accept`, which mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 256;

/// Why a listener cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener is unusable.
    #[error("the listener has no address: {0}")]
    Listener(#[source] io::Error),
    /// There is no thread to serve with.
    #[error("a worker cannot start: {0}")]
    Worker(#[source] io::Error),
    /// A name that is none.
    #[error("`{entry}` in `{list}` is not {want}")]
    Name {
        /// `hosts` or `origins`.
        list: &'static str,
        /// What was written.
        entry: String,
        /// What would be right.
        want: &'static str,
    },
}

/// Serves until `shutdown` is ready, then stops accepting, lets what is under way end within [`Options::drain`], and
/// ends the rest.
pub async fn serve(
    gate: Arc<Gate>,
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let names = Names::new(&options, address.ip())?;
    let workers = Workers::start(options.workers).map_err(ServeError::Worker)?;
    let (crew, muster) = crew();
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(options.connections.min(Semaphore::MAX_PERMITS)));
    let limits = Limits {
        sessions: options.sessions,
        idle: options.session_idle,
        events_bytes: options.events_bytes,
        events_age: options.events_age,
    };
    let sessions = Sessions::new(gate.clone(), limits);
    let drain = options.drain;
    let intake = Intake::new(&options);
    let front = Arc::new(Front { gate, names, intake, sessions, crew, options });
    let mut sweep = tokio::time::interval(SWEEP);
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = sweep.tick() => front.sessions.sweep(),
            (stream, slot) = accept(&listener, &slots) => {
                let (serving, watcher) = (front.clone(), graceful.watcher());
                let serve = move |stream| connection(serving, stream, slot, watcher);
                if let Err(cause) = workers.spawn(&front.crew, stream, serve) {
                    tracing::warn!(%cause, "a connection could not be given to a worker");
                }
            }
        }
    }
    muster.stop();
    drop((listener, front));
    tokio::join!(graceful.shutdown(), async {
        if !muster.gather(tokio::time::sleep(drain)).await {
            tracing::warn!(?drain, "requests were still under way when the time to end them was over");
        }
    });
    Ok(())
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let slot = slots.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(front: Arc<Front>, stream: TcpStream, slot: Option<OwnedSemaphorePermit>, watcher: Watcher) {
    let Ok(peer) = stream.peer_addr() else { return };
    // Answers are small and awaited.
    let _ = stream.set_nodelay(true);
    let opening = tokio::time::timeout(front.options.header_time, opening::open(Corked::new(stream)));
    let Ok(Ok(Some((stream, version)))) = opening.await else { return };
    let io = TokioIo::new(Stall::new(stream, front.options.write_time));
    let (first_seen, header_time) = (Arc::new(AtomicBool::new(false)), front.options.header_time);
    let service = service_fn({
        let (front, first_seen) = (front.clone(), first_seen.clone());
        let peer: Arc<str> = peer.to_string().into();
        move |request| {
            let (front, peer) = (front.clone(), peer.clone());
            first_seen.store(true, Ordering::Relaxed);
            // Boxed, since hyper keeps the place of this future as long as the connection, and streams last.
            async move { Ok::<_, Infallible>(Box::pin(front.exchange(request, peer)).await) }
        }
    });
    let served = match version {
        Version::One => watcher.watch(http1(&front.options).serve_connection(io, service)).await,
        // Boxed, since most connections are not of this kind.
        Version::Two => {
            let mut serving = Box::pin(watcher.watch(http2(&front.options).serve_connection(io, service)));
            // hyper limits the time for the first request of HTTP/1 only.
            tokio::select! {
                served = &mut serving => served,
                () = tokio::time::sleep(header_time) => {
                    if !first_seen.load(Ordering::Relaxed) {
                        return;
                    }
                    serving.await
                }
            }
        }
    };
    if let Err(cause) = served {
        tracing::debug!(%peer, %cause, "a connection broke");
    }
    drop(slot);
}

fn http1(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_time)
        .max_buf_size(options.header_bytes.max(options::LEAST_HEADER_BYTES));
    builder
}

fn http2(options: &Options) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(options.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(options.keep_alive)
        .keep_alive_timeout(options.header_time);
    builder
}
