//! What clients of one connection are subscribed to, resources and tasks, each once at the server, whatever the number of
//! clients: the first one subscribes, the last one unsubscribes, and a new connection is told all that are left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use witgate_policy::Payload;
use witgate_policy::json::Limits;

use super::connection::Connection;
use super::envelope::Outcome;
use super::exchange::Heard;
use super::handshake::{LISTENED_RESOURCES, LISTENED_TASKS, listen_to};
use super::place::Busy;
use super::{Failed, Reply, meta};
use crate::home;

/// Topics of one connection; more than a client that watches a whole tree has.
const TOPICS: usize = 4096;
/// Before a stream that ended is opened again; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// What one can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// A resource, by its URI.
    Resource(String),
    /// A task of the extension (SEP-2663), by its server's id. Only modern servers tell of those.
    Task(String),
}

impl Topic {
    /// What the params of a subscription name.
    pub(crate) fn of(params: &Payload) -> Option<Self> {
        let resource = params.read("/uri").map(Self::Resource);
        resource.or_else(|| params.read("/taskId").map(Self::Task))
    }

    /// The params of `subscriptions/listen` for it alone.
    fn wish(&self) -> Payload {
        match self {
            Self::Resource(uri) => listen_to(LISTENED_RESOURCES, uri),
            Self::Task(id) => listen_to(LISTENED_TASKS, id),
        }
    }

    /// Whether a server has acknowledged it. One that does not say what it acknowledges takes all.
    fn is_in(&self, acknowledged: &Payload) -> bool {
        if acknowledged.get("/notifications").is_none() {
            return true;
        }
        let (list, own) = match self {
            Self::Resource(uri) => (LISTENED_RESOURCES, uri),
            Self::Task(id) => (LISTENED_TASKS, id),
        };
        let honoured: Option<Vec<String>> = acknowledged.read(&format!("/notifications/{list}"));
        honoured.is_some_and(|honoured| honoured.contains(own))
    }
}

/// The subscriptions of one connection, and of those that take its place.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<Topic, Interest>>);

struct Interest {
    clients: usize,
    state: Arc<tokio::sync::Mutex<State>>,
}

/// What the server knows of a topic. Locked while it is told.
#[derive(Default)]
struct State {
    /// Its answer, once it has subscribed.
    reply: Option<Payload>,
    /// It may have subscribed.
    told: bool,
    /// A modern server's stream.
    stream: Option<Stream>,
}

struct Stream(AbortHandle);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One client's interest in a resource or a task; ends when dropped, and at the server with the last one.
pub struct Subscription {
    _end: Box<dyn Send + Sync>,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// One client's share in a topic. It keeps the connection's place, which is not given to others.
struct Share<T: Connection> {
    busy: Busy<T>,
    topic: Topic,
    state: Arc<tokio::sync::Mutex<State>>,
}

/// Subscribes a client, on a connection in its place.
pub(crate) async fn subscribe<T: Connection>(
    connection: &Arc<T>,
    busy: Busy<T>,
    topic: Topic,
    params: &Payload,
) -> Result<(Reply, Option<Subscription>), Failed> {
    let share = busy.topics().enter(topic, &busy)?;
    let state = share.state.clone();
    let mut state = state.lock().await;
    if state.reply.is_none()
        && let Err(error) = state.tell(connection, &share.topic, params).await?
    {
        return Ok((Reply::Error(error), None));
    }
    let reply = Reply::Result(state.reply.clone().unwrap_or_else(Payload::empty));
    drop(state);
    Ok((reply, Some(Subscription { _end: Box::new(share) })))
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Interest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter<T: Connection>(&self, topic: Topic, busy: &Busy<T>) -> Result<Share<T>, Failed> {
        let mut topics = self.lock();
        if topics.len() >= TOPICS && !topics.contains_key(&topic) {
            return Err(Failed::not_sent(format!("{TOPICS} things of this server are subscribed to already")));
        }
        let interest = topics.entry(topic.clone()).or_insert_with(|| Interest { clients: 0, state: Arc::default() });
        interest.clients += 1;
        Ok(Share { busy: busy.clone(), topic, state: interest.state.clone() })
    }

    /// Whether somebody is interested; if not, it is forgotten.
    fn settle(&self, topic: &Topic) -> bool {
        let mut topics = self.lock();
        let wanted = topics.get(topic).is_some_and(|interest| interest.clients > 0);
        if !wanted {
            topics.remove(topic);
        }
        wanted
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Tells a new connection all of them.
    pub(crate) async fn renew<T: Connection>(&self, connection: &Arc<T>) {
        let all: Vec<_> = self.lock().iter().map(|(topic, interest)| (topic.clone(), interest.state.clone())).collect();
        for (topic, state) in all {
            let mut state = state.lock().await;
            *state = State::default();
            let params = match &topic {
                Topic::Resource(uri) => Payload::of(&json!({ "uri": uri })),
                Topic::Task(id) => Payload::of(&json!({ "taskId": id })),
            };
            // One that cannot be had any more is nobody's failure now; its clients were told that they missed something.
            if self.settle(&topic) && !matches!(state.tell(connection, &topic, &params).await, Ok(Ok(()))) {
                tracing::debug!(?topic, "a subscription was not taken by the new connection");
            }
        }
    }
}

impl<T: Connection> Drop for Share<T> {
    fn drop(&mut self) {
        let last = {
            let mut topics = self.busy.topics().lock();
            let Some(interest) = topics.get_mut(&self.topic) else { return };
            interest.clients -= 1;
            interest.clients == 0
        };
        // Outside a runtime there is no connection left to say it on.
        let (true, Some(runtime)) = (last, home::runtime()) else { return };
        let (busy, topic, state) = (self.busy.clone(), self.topic.clone(), self.state.clone());
        runtime.spawn(async move {
            let mut state = state.lock().await;
            // Somebody else may have come in the meantime.
            if !busy.topics().settle(&topic) {
                state.untell(busy.connection(), &topic).await;
            }
        });
    }
}

impl State {
    /// Tells the server. The inner error is its own.
    async fn tell<T: Connection>(
        &mut self,
        connection: &Arc<T>,
        topic: &Topic,
        params: &Payload,
    ) -> Result<Result<(), Payload>, Failed> {
        self.told = true;
        let outcome = if connection.facts().revision.is_modern() {
            let (begun, begins) = oneshot::channel();
            let task = home::spawn(listen(connection.clone(), topic.clone(), begun));
            self.stream = Some(Stream(task.abort_handle()));
            begins.await.unwrap_or_else(|_| Err(Failed::no_reply("the stream of the subscription was broken off")))?
        } else if matches!(topic, Topic::Resource(_)) {
            outcome(connection, "resources/subscribe", params.clone()).await?
        } else {
            refused("a server of this era tells of no task on request")
        };
        match outcome {
            Outcome::Result(result) => self.reply = Some(result),
            Outcome::Error(error) => {
                *self = Self::default();
                return Ok(Err(error));
            }
            Outcome::Neither => return Err(Failed::no_reply("the server answered with neither a result nor an error")),
        }
        Ok(Ok(()))
    }

    async fn untell<T: Connection>(&mut self, connection: Option<Arc<T>>, topic: &Topic) {
        let State { told, stream, .. } = std::mem::take(self);
        let legacy = connection.filter(|connection| told && !connection.facts().revision.is_modern());
        drop(stream);
        if let (Some(connection), Topic::Resource(uri)) = (legacy, topic) {
            // Whatever it says, nothing is left to be done.
            let _ = outcome(&connection, "resources/unsubscribe", Payload::of(&json!({ "uri": uri }))).await;
        }
    }
}

/// Sends a request of the gate's own, and waits for its end.
pub(super) async fn outcome<T: Connection>(
    connection: &Arc<T>,
    method: &'static str,
    params: Payload,
) -> Result<Outcome, Failed> {
    let mut request = connection.clone().request(method, params).await?;
    loop {
        if let Heard::End(outcome) = request.next().await? {
            return Ok(outcome);
        }
    }
}

/// An answer that no server gave.
fn refused(why: &str) -> Outcome {
    Outcome::Error(Payload::of(&json!({ "code": -32602, "message": why })))
}

/// Listens at a modern server, as long as somebody is interested and the connection lasts. Says once how it began.
async fn listen<T: Connection>(connection: Arc<T>, topic: Topic, begun: oneshot::Sender<Result<Outcome, Failed>>) {
    let mut begun = Some(begun);
    let mut pause = PAUSE;
    loop {
        let request = connection.clone().request("subscriptions/listen", topic.wish()).await;
        let ended = match request {
            Ok(stream) => hear(&connection, stream, &topic, &mut begun).await,
            Err(failed) => Err(failed),
        };
        match (begun.take(), ended) {
            (Some(begun), Ok(Ended::Unheard(outcome))) => return drop(begun.send(Ok(outcome))),
            (Some(begun), Err(failed)) => return drop(begun.send(Err(failed))),
            // What the server does not take any more it is not asked for again.
            (None, Ok(Ended::Unheard(Outcome::Error(_)))) => return,
            (_, Ok(Ended::Heard)) => pause = PAUSE,
            (None, _) => {}
        }
        if !connection.alive() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// How a stream ended.
enum Ended {
    /// After it was acknowledged.
    Heard,
    /// Before that.
    Unheard(Outcome),
}

/// Passes on what a stream brings, until it ends.
async fn hear<T: Connection>(
    connection: &Arc<T>,
    mut stream: super::exchange::Own,
    topic: &Topic,
    begun: &mut Option<oneshot::Sender<Result<Outcome, Failed>>>,
) -> Result<Ended, Failed> {
    let mut acknowledged = false;
    loop {
        match stream.next().await {
            Ok(Heard::Note { method, params }) if method == "notifications/subscriptions/acknowledged" => {
                if !topic.is_in(&params) {
                    return Ok(Ended::Unheard(refused("the server does not tell of this")));
                }
                acknowledged = true;
                match begun.take() {
                    Some(begun) => drop(begun.send(Ok(Outcome::Result(Payload::empty())))),
                    // It takes the place of one that ended, and in between something may have been missed.
                    None => connection.lapse(),
                }
            }
            Ok(Heard::Note { method, params }) => {
                connection.note(&method, &meta::without_subscription(params, Limits::default()));
            }
            Ok(Heard::End(_)) | Err(_) if acknowledged => return Ok(Ended::Heard),
            Ok(Heard::End(outcome)) => return Ok(Ended::Unheard(outcome)),
            Ok(_) => {}
            Err(failed) => return Err(failed),
        }
    }
}
