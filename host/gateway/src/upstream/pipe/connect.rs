//! From nothing to a connection whose era is known.
//!
//! `server/discover` goes first. A legacy server may answer it with any error, may not answer at all, or may end; a
//! modern one may be slow to start. So a probe without an answer is followed by `initialize`, and from then on both may
//! be answered: `initialize` with a result means legacy, else the probe decides. A server that ends at the probe is
//! started once more without it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use witgate_policy::{Failure, Payload};

use super::process::Process;
use super::supervise::{Tasks, read, supervise, write};
use super::table::Table;
use super::{Pipe, Shared, URGENT_MESSAGES, Wait, events, stderr};
use crate::builtin;
use crate::home;
use crate::upstream::board::{Board, Voice};
use crate::upstream::connection::{Era, Order};
use crate::upstream::envelope::Outcome;
use crate::upstream::exchange::{Heard, Listener};
use crate::upstream::facts::ServerFacts;
use crate::upstream::gauge::Gauge;
use crate::upstream::handshake::{
    Probe, discover_params, initialize_params, judge_discover, judge_initialize, listen_params,
};
use crate::upstream::http::Client;
use crate::upstream::spawn::{Spawner, Start, Started, why_not};
use crate::upstream::{Builtin, Failed, Spec, Transport, meta};

/// Bytes that an in-process server may be ahead of the gate's reading, and the other way round.
const DUPLEX_BYTES: usize = 64 << 10;

/// Connects within the time that the specification of the upstream gives it.
pub(crate) async fn connect(
    spec: Arc<Spec>,
    gauge: Arc<Gauge>,
    spawner: Arc<dyn Spawner>,
    order: Order,
) -> Result<Pipe, Failed> {
    let patience = spec.timeouts.connect;
    let late = || Failed::not_sent(format!("the server was not ready within {} ms", patience.as_millis()));
    let connected = timeout(patience, async {
        match attempt(&spec, &gauge, &*spawner, &order, order.known).await {
            Err(Attempt::Ended(_)) if order.known.is_none() => {
                attempt(&spec, &gauge, &*spawner, &order, Some(Era::Legacy)).await
            }
            other => other,
        }
    });
    let pipe = connected.await.map_err(|_| late())?.map_err(|e| match e {
        Attempt::Ended(why) | Attempt::Refused(why) => Failed::not_sent(why),
        Attempt::Failed(failed) => failed,
    })?;
    tracing::info!(upstream = %spec.id, revision = %pipe.facts.revision, "connected");
    Ok(pipe)
}

/// Why one attempt failed.
enum Attempt {
    /// The connection ended in the middle of it.
    Ended(String),
    /// It cannot be made, or the server wants none.
    Refused(String),
    /// HTTP says why there is none.
    Failed(Failed),
}

impl From<Failed> for Attempt {
    fn from(failed: Failed) -> Self {
        match failed.failure {
            Failure::NotSent(why) | Failure::NoReply(why) => Self::Ended(why),
            other => Self::Ended(other.label().to_owned()),
        }
    }
}

async fn attempt(
    spec: &Arc<Spec>,
    gauge: &Arc<Gauge>,
    spawner: &dyn Spawner,
    order: &Order,
    known: Option<Era>,
) -> Result<Pipe, Attempt> {
    let mut pipe = open(spec, gauge, spawner, order).await?;
    // The transport is older than any modern server.
    let known = if matches!(spec.transport, Transport::Sse(_)) { Some(Era::Legacy) } else { known };
    pipe.facts = shake(&pipe, known).await?;
    if pipe.facts.revision.is_modern() {
        pipe.shared.board.is_modern();
        listen(&pipe).await;
    }
    Ok(pipe)
}

/// Starts the server, and the tasks around it.
async fn open(spec: &Arc<Spec>, gauge: &Arc<Gauge>, spawner: &dyn Spawner, order: &Order) -> Result<Pipe, Attempt> {
    match &spec.transport {
        Transport::Stdio(stdio) => {
            let started = spawner.spawn(Start::new(stdio)).await;
            let Started { process, streams } = started.map_err(|cause| Attempt::Refused(why_not(stdio, &cause)))?;
            let errors = home::spawn(stderr::log(spec.id.clone(), streams.errors));
            let owned = Owned { process: Some(process), errors: Some(errors) };
            Ok(assemble(spec, gauge, order, streams.output, streams.input, owned))
        }
        Transport::Builtin(builtin) => {
            let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
            match builtin {
                Builtin::Leave => builtin::leave(theirs),
                Builtin::Other(server) => (server.0)(theirs),
            }
            let (output, input) = tokio::io::split(ours);
            Ok(assemble(spec, gauge, order, output, input, Owned::default()))
        }
        Transport::Sse(http) => {
            let client = Client::new(http, spec.timeouts.connect).map_err(Attempt::Refused)?;
            let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
            events::open(spec, client, &order.shown, theirs).await.map_err(http_says)?;
            let (output, input) = tokio::io::split(ours);
            Ok(assemble(spec, gauge, order, output, input, Owned::default()))
        }
        Transport::Http(_) => Err(Attempt::Refused("HTTP is not a stream of lines".to_owned())),
    }
}

/// Statuses that ask for other credentials, or for patience, stay what they are.
fn http_says(failed: Failed) -> Attempt {
    match failed.failure {
        Failure::HttpStatus(401 | 403 | 407 | 429) => Attempt::Failed(failed),
        Failure::HttpStatus(code @ (404 | 405)) => Attempt::Refused(format!(
            "the server answered GET with HTTP {code}: it has no event stream of HTTP+SSE here; leave out \
             `transport = \"sse\"` if it speaks Streamable HTTP"
        )),
        Failure::HttpStatus(code) => Attempt::Refused(format!("the server answered GET with HTTP {code}")),
        Failure::NotSent(why) | Failure::NoReply(why) => Attempt::Refused(why),
        _ => Attempt::Failed(failed),
    }
}

/// What a child has beside its streams.
#[derive(Default)]
struct Owned {
    process: Option<Process>,
    errors: Option<tokio::task::JoinHandle<()>>,
}

fn assemble(
    spec: &Arc<Spec>,
    gauge: &Arc<Gauge>,
    order: &Order,
    output: impl AsyncRead + Unpin + Send + 'static,
    input: impl AsyncWrite + Unpin + Send + 'static,
    owned: Owned,
) -> Pipe {
    let (outbox, lines) = mpsc::channel(spec.limits.queue_messages.max(1));
    let (urgent, cries) = mpsc::channel(URGENT_MESSAGES);
    let (ending, ended) = watch::channel(false);
    let shared = Arc::new(Shared {
        spec: spec.clone(),
        gauge: gauge.clone(),
        table: Mutex::new(Table::new(spec.limits)),
        board: Board::new(order, voice(urgent)),
        closing: watch::Sender::new(false),
        proved: AtomicBool::new(false),
    });
    let Owned { process, errors } = owned;
    let reader = home::spawn(read(output, shared.clone()));
    let writer = home::spawn(write(input, shared.clone(), lines, cries));
    home::spawn(supervise(Tasks { process, reader, writer, errors }, shared.clone(), ending));
    let room = Arc::new(Semaphore::new(spec.limits.queue_bytes.min(Semaphore::MAX_PERMITS)));
    Pipe { shared, outbox, room, ended, facts: ServerFacts::unknown() }
}

/// Says a line to the server before all others. One that must not be lost waits for room; their number is bounded by what
/// the server may ask.
fn voice(urgent: mpsc::Sender<String>) -> Voice {
    Box::new(move |line, sure| {
        if let Err(TrySendError::Full(line)) = urgent.try_send(line)
            && sure
            && let Some(runtime) = home::runtime()
        {
            let urgent = urgent.clone();
            runtime.spawn(async move { urgent.send(line).await });
        }
    })
}

/// A request of the handshake: never cancelled.
async fn ask(pipe: &Pipe, method: &str, params: Payload) -> Result<Wait, Attempt> {
    let mut wait = pipe.ask(method, Listener::internal(), |_| Ok(params)).await?;
    wait.quiet = true;
    Ok(wait)
}

async fn shake(pipe: &Pipe, known: Option<Era>) -> Result<ServerFacts, Attempt> {
    if known == Some(Era::Legacy) {
        return initialize(pipe).await?.map_err(Attempt::Refused);
    }
    let mut probe = ask(pipe, "server/discover", discover_params()).await?;
    match timeout(pipe.shared.spec.timeouts.probe, probe.outcome()).await {
        Ok(outcome) => match judge_discover(&outcome?) {
            Probe::Modern(facts) => Ok(facts),
            Probe::Legacy => initialize(pipe).await?.map_err(Attempt::Refused),
            Probe::Incompatible(why) => Err(Attempt::Refused(why)),
        },
        Err(_) => both(pipe, probe).await,
    }
}

/// `initialize` while the probe may still be answered.
async fn both(pipe: &Pipe, mut probe: Wait) -> Result<ServerFacts, Attempt> {
    let mut found = None;
    let refused = {
        let mut initialized = std::pin::pin!(initialize(pipe));
        loop {
            tokio::select! {
                biased;
                facts = &mut initialized => match facts? {
                    Ok(facts) => return Ok(facts),
                    Err(why) => break why,
                },
                outcome = probe.outcome(), if found.is_none() => found = Some(judge_discover(&outcome?)),
                () = tokio::time::sleep(pipe.shared.spec.timeouts.probe), if matches!(found, Some(Probe::Modern(_))) => {
                    break "no answer to `initialize`".to_owned();
                }
            }
        }
    };
    let found = match found {
        Some(found) => found,
        None => judge_discover(&probe.outcome().await?),
    };
    match found {
        Probe::Modern(facts) => Ok(facts),
        Probe::Legacy => Err(Attempt::Refused(refused)),
        Probe::Incompatible(why) => Err(Attempt::Refused(why)),
    }
}

/// The legacy handshake. The inner error is the server's refusal.
async fn initialize(pipe: &Pipe) -> Result<Result<ServerFacts, String>, Attempt> {
    let outcome: Outcome =
        ask(pipe, "initialize", initialize_params(pipe.shared.board.declared())).await?.outcome().await?;
    let facts = judge_initialize(&outcome);
    if facts.is_ok() {
        pipe.notify("notifications/initialized", &Payload::empty()).await?;
    }
    Ok(facts)
}

/// Asks a modern server to tell when its lists change; legacy ones do so unasked.
async fn listen(pipe: &Pipe) {
    let Some(params) = listen_params(&pipe.facts) else { return };
    if let Ok(mut wait) = ask(pipe, "subscriptions/listen", params).await {
        // An error ends it, and the lists are then only as fresh as their `ttlMs`.
        home::spawn(async move {
            while let Ok(Heard::Note { method, params }) = wait.next().await {
                let limits = wait.limits();
                wait.board().note(&method, &meta::without_subscription(params, limits));
            }
        });
    }
}
