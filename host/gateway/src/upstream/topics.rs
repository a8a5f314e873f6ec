//! The resources that clients of one connection are subscribed to, each once at the server, whatever the number of
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
use super::handshake::listen_to;
use super::place::Busy;
use super::{Failed, Reply, meta};

/// Subscribed resources of one connection; more than a client that watches a whole tree has.
const TOPICS: usize = 4096;
/// Before a stream that ended is opened again; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// The subscriptions of one connection, and of those that take its place.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<String, Topic>>);

struct Topic {
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

/// One client's interest in a resource; ends when dropped, and at the server with the last one.
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
    uri: String,
    state: Arc<tokio::sync::Mutex<State>>,
}

/// Subscribes a client, on a connection in its place.
pub(crate) async fn subscribe<T: Connection>(
    connection: &Arc<T>,
    busy: Busy<T>,
    uri: String,
    params: &Payload,
) -> Result<(Reply, Option<Subscription>), Failed> {
    let share = busy.topics().enter(uri, &busy)?;
    let state = share.state.clone();
    let mut state = state.lock().await;
    if state.reply.is_none()
        && let Err(error) = state.tell(connection, &share.uri, params).await?
    {
        return Ok((Reply::Error(error), None));
    }
    let reply = Reply::Result(state.reply.clone().unwrap_or_else(Payload::empty));
    drop(state);
    Ok((reply, Some(Subscription { _end: Box::new(share) })))
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Topic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter<T: Connection>(&self, uri: String, busy: &Busy<T>) -> Result<Share<T>, Failed> {
        let mut topics = self.lock();
        if topics.len() >= TOPICS && !topics.contains_key(&uri) {
            return Err(Failed::not_sent(format!("{TOPICS} resources of this server are subscribed to already")));
        }
        let topic = topics.entry(uri.clone()).or_insert_with(|| Topic { clients: 0, state: Arc::default() });
        topic.clients += 1;
        Ok(Share { busy: busy.clone(), uri, state: topic.state.clone() })
    }

    /// Whether somebody is interested; if not, it is forgotten.
    fn settle(&self, uri: &str) -> bool {
        let mut topics = self.lock();
        let wanted = topics.get(uri).is_some_and(|topic| topic.clients > 0);
        if !wanted {
            topics.remove(uri);
        }
        wanted
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Tells a new connection all of them.
    pub(crate) async fn renew<T: Connection>(&self, connection: &Arc<T>) {
        let all: Vec<_> = self.lock().iter().map(|(uri, topic)| (uri.clone(), topic.state.clone())).collect();
        for (uri, state) in all {
            let mut state = state.lock().await;
            *state = State::default();
            let params = Payload::of(&json!({ "uri": uri }));
            // One that cannot be had any more is nobody's failure now; its clients were told that they missed something.
            if self.settle(&uri) && !matches!(state.tell(connection, &uri, &params).await, Ok(Ok(()))) {
                tracing::debug!(%uri, "a subscription was not taken by the new connection");
            }
        }
    }
}

impl<T: Connection> Drop for Share<T> {
    fn drop(&mut self) {
        let last = {
            let mut topics = self.busy.topics().lock();
            let Some(topic) = topics.get_mut(&self.uri) else { return };
            topic.clients -= 1;
            topic.clients == 0
        };
        // Outside a runtime there is no connection left to say it on.
        let (true, Ok(runtime)) = (last, tokio::runtime::Handle::try_current()) else { return };
        let (busy, uri, state) = (self.busy.clone(), self.uri.clone(), self.state.clone());
        runtime.spawn(async move {
            let mut state = state.lock().await;
            // Somebody else may have come in the meantime.
            if !busy.topics().settle(&uri) {
                state.untell(busy.connection(), &uri).await;
            }
        });
    }
}

impl State {
    /// Tells the server. The inner error is its own.
    async fn tell<T: Connection>(
        &mut self,
        connection: &Arc<T>,
        uri: &str,
        params: &Payload,
    ) -> Result<Result<(), Payload>, Failed> {
        self.told = true;
        let outcome = if connection.facts().revision.is_modern() {
            let (begun, begins) = oneshot::channel();
            let task = tokio::spawn(listen(connection.clone(), listen_to(uri), begun));
            self.stream = Some(Stream(task.abort_handle()));
            begins.await.unwrap_or_else(|_| Err(Failed::no_reply("the stream of the subscription was broken off")))?
        } else {
            outcome(connection, "resources/subscribe", params.clone()).await?
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

    async fn untell<T: Connection>(&mut self, connection: Option<Arc<T>>, uri: &str) {
        let State { told, stream, .. } = std::mem::take(self);
        let legacy = connection.filter(|connection| told && !connection.facts().revision.is_modern());
        drop(stream);
        if let Some(connection) = legacy {
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

/// Listens at a modern server, as long as somebody is interested and the connection lasts. Says once how it began.
async fn listen<T: Connection>(connection: Arc<T>, params: Payload, begun: oneshot::Sender<Result<Outcome, Failed>>) {
    let mut begun = Some(begun);
    let mut pause = PAUSE;
    loop {
        let mut stream = match connection.clone().request("subscriptions/listen", params.clone()).await {
            Ok(stream) => stream,
            Err(failed) => match begun.take() {
                Some(begun) => return drop(begun.send(Err(failed))),
                None => return,
            },
        };
        loop {
            match stream.next().await {
                Ok(Heard::Note { method, .. }) if method == "notifications/subscriptions/acknowledged" => {
                    pause = PAUSE;
                    begun.take().map(|begun| begun.send(Ok(Outcome::Result(Payload::empty()))));
                }
                Ok(Heard::Note { method, params }) => {
                    connection.note(&method, &meta::without_subscription(params, Limits::default()));
                }
                Ok(Heard::End(outcome)) => match begun.take() {
                    Some(begun) => return drop(begun.send(Ok(outcome))),
                    None => break,
                },
                Ok(_) => {}
                Err(failed) => match begun.take() {
                    Some(begun) => return drop(begun.send(Err(failed))),
                    None => break,
                },
            }
        }
        if !connection.alive() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        connection.lapse();
    }
}
