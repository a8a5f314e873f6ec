//! One upstream, whatever carries its messages: connected at first use, asked only what its breaker lets through.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout_at};
use witgate_policy::secret::Secret;
use witgate_policy::store::Breaker;
use witgate_policy::{Candidate, Failure, Payload, Revision, Routed, UpstreamFacts};

use super::bridge::Bridge;
use super::connection::Connection as _;
use super::exchange::{Carrier, Listener, caller};
use super::gauge::{Gauge, Ticket};
use super::http::{self, Outlived, Sending, Shown};
use super::level::{SET_LEVEL, attune};
use super::pipe::{self, Pipe};
use super::place::Hold;
use super::pool::Pool;
use super::{
    Directly, Exchange, Failed, Outgoing, Reply, ServerFacts, Spawner, Spec, Subscription, Transport, Watch, meta,
    topics,
};
use crate::wire::ClientFacts;

/// One server behind the gate.
pub struct Upstream {
    spec: Arc<Spec>,
    gauge: Arc<Gauge>,
    link: Link,
}

/// How it is reached.
enum Link {
    /// By streams of lines.
    Pipe { pool: Arc<Pool<Pipe>>, spawner: Arc<dyn Spawner> },
    /// By requests of their own.
    Http { pool: Arc<Pool<http::Session>>, link: Arc<http::Link> },
    /// Not at all, for this reason.
    Broken(String),
}

impl Upstream {
    /// Connects to nothing yet; the first use does. A child is started on the thread that comes to it.
    pub fn new(spec: Spec, breaker: Arc<dyn Breaker>) -> Arc<Self> {
        Self::with_spawner(spec, breaker, Arc::new(Directly))
    }

    /// Likewise, with somebody else to start the child.
    pub fn with_spawner(spec: Spec, breaker: Arc<dyn Breaker>, spawner: Arc<dyn Spawner>) -> Arc<Self> {
        let spec = Arc::new(spec);
        let gauge = Arc::new(Gauge::new(breaker));
        let link = match &spec.transport {
            Transport::Http(http) => match http::Link::new(&spec, http, &gauge) {
                Ok(link) => Link::Http { pool: Pool::new(&gauge, spec.limits.sessions), link: Arc::new(link) },
                Err(why) => Link::Broken(why),
            },
            Transport::Stdio(_) | Transport::Builtin(_) | Transport::Sse(_) => {
                Link::Pipe { pool: Pool::new(&gauge, spec.limits.sessions), spawner }
            }
        };
        Arc::new(Self { spec, gauge, link })
    }

    /// What it is made of.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What a router is told of it.
    pub fn candidate(&self) -> Candidate {
        Candidate {
            id: self.spec.id.clone(),
            labels: self.spec.labels.clone(),
            healthy: self.gauge.healthy(),
            circuit: self.gauge.breaker().circuit(),
            in_flight: self.gauge.in_flight(),
            latency: self.gauge.latency(),
        }
    }

    /// What a credential plugin is told of it. The origin of one that is not reached by HTTP is `stdio:` or `builtin:`.
    pub fn facts(&self) -> UpstreamFacts {
        let origin = match &self.spec.transport {
            Transport::Http(http) | Transport::Sse(http) => http::origin(&http.url),
            Transport::Stdio(_) => "stdio:".to_owned(),
            Transport::Builtin(_) => "builtin:".to_owned(),
        };
        UpstreamFacts { id: self.spec.id.clone(), origin, labels: self.spec.labels.clone() }
    }

    /// What the server says of itself; connects if it must, within [`Timeouts::connect`](super::Timeouts).
    pub async fn server(&self, client: &ClientFacts, headers: &[(String, Secret)]) -> Result<ServerFacts, Failed> {
        let shown = self.shown(headers)?;
        if let Some(facts) = self.known(&shown, client) {
            return Ok(facts);
        }
        let mut ticket = self.gauge.admit()?;
        let facts = match &self.link {
            Link::Pipe { pool, spawner } => {
                self.pipe(pool, spawner, &shown, client, None).await.map(|hold| hold.connection.facts().clone())
            }
            Link::Http { pool, link } => {
                session(pool, link, &shown, client, None).await.map(|hold| hold.connection.facts().clone())
            }
            Link::Broken(why) => Err(Failed::not_sent(why)),
        };
        match &facts {
            Ok(_) => ticket.reached(),
            Err(failed) => ticket.failed(&failed.failure),
        }
        facts
    }

    /// Sends a request; connects if it must. Everything is over at the call's deadline.
    pub async fn send(&self, routed: &Routed, outgoing: Outgoing<'_>) -> Result<Exchange, Failed> {
        self.check(routed)?;
        let shown = self.shown(outgoing.headers)?;
        let waiting = self.gauge.in_flight() as usize;
        if waiting >= self.spec.limits.in_flight {
            return Err(Failed::not_sent(format!("{waiting} requests already wait for this server")));
        }
        let mut ticket = self.gauge.admit()?;
        let deadline = deadline(routed.call().time_left());
        let bridge = Bridge::new(self.spec.limits.message, &outgoing);
        match self.start(routed, &outgoing, &bridge, &shown, deadline).await {
            Ok(carrier) => Ok(Exchange::new(carrier, ticket, deadline)),
            Err(failed) => {
                // What is wrong with the message says nothing of the server, whose breaker must not learn it.
                if !bridge.failed.load(Relaxed) {
                    ticket.failed(&failed.failure);
                }
                Err(failed)
            }
        }
    }

    async fn start(
        &self,
        routed: &Routed,
        outgoing: &Outgoing<'_>,
        bridge: &Bridge<'_>,
        shown: &Shown,
        deadline: Instant,
    ) -> Result<Carrier, Failed> {
        let method = routed.call().method();
        let has_token = meta::token(&outgoing.params).is_some();
        let params = |revision: Revision, id: u64| bridge.params(revision, has_token.then_some(id));
        let caller = caller(routed);
        let listener = || Listener::of(caller, outgoing.client, &outgoing.params);
        let unready = || Failed::not_sent("the call's time was over before the server was ready");
        match &self.link {
            Link::Pipe { pool, spawner } => {
                let hold = self.pipe(pool, spawner, shown, outgoing.client, Some(caller));
                let hold = timeout_at(deadline, hold).await.map_err(|_| unready())??;
                timeout_at(deadline, attune(&hold, outgoing.client)).await.map_err(|_| unready())?;
                let Hold { connection: pipe, busy } = hold;
                let revision = pipe.facts().revision;
                if method == SET_LEVEL {
                    busy.set_level(&params(revision, 0)?);
                }
                let request = pipe.ask(method, listener(), |id| params(revision, id));
                let stuck = || Failed::not_sent("the server does not read what it is sent");
                let wait = timeout_at(deadline, request).await.map_err(|_| stuck())??;
                Ok(Carrier::Pipe(wait, pipe, busy))
            }
            Link::Http { pool, link } => {
                let hold = || session(pool, link, shown, outgoing.client, Some(caller));
                let mut ready = false;
                let answer = timeout_at(deadline, async {
                    let first = hold().await?;
                    attune(&first, outgoing.client).await;
                    if method == SET_LEVEL {
                        first.busy.set_level(&params(first.connection.facts.revision, 0)?);
                    }
                    ready = true;
                    let sending = Sending { method, params: &params, tool: outgoing.tool, listener: &listener };
                    send(pool, link, &sending, first, hold).await
                });
                let answer = answer.await;
                answer.unwrap_or_else(|_| Err(if ready { Failure::Timeout.into() } else { unready() }))
            }
            Link::Broken(why) => Err(Failed::not_sent(why)),
        }
    }

    /// Sends a notification; connects if it must. A modern server over HTTP knows none, and is sent none; nor is a legacy one
    /// on which the client's session left nothing yet.
    pub async fn notify(&self, routed: &Routed, outgoing: Outgoing<'_>) -> Result<(), Failed> {
        self.check(routed)?;
        let shown = self.shown(outgoing.headers)?;
        if !self.is_in_session(&shown, outgoing.client) {
            return Ok(());
        }
        let mut ticket: Ticket = self.gauge.admit()?;
        let deadline = deadline(routed.call().time_left());
        let method = routed.call().method();
        let bridge = Bridge::new(self.spec.limits.message, &outgoing);
        let sent = timeout_at(deadline, async {
            match &self.link {
                Link::Pipe { pool, spawner } => {
                    let hold = self.pipe(pool, spawner, &shown, outgoing.client, None).await?;
                    let revision = hold.connection.facts().revision;
                    hold.connection.notify(method, &bridge.params(revision, None)?).await
                }
                Link::Http { pool, link } => {
                    let hold = session(pool, link, &shown, outgoing.client, None).await?;
                    let revision = hold.connection.facts().revision;
                    if revision.is_modern() {
                        return Ok(());
                    }
                    link.notify(&hold.connection, method, &bridge.params(revision, None)?).await
                }
                Link::Broken(why) => Err(Failed::not_sent(why)),
            }
        })
        .await
        .unwrap_or_else(|_| Err(Failure::Timeout.into()));
        match &sent {
            Ok(()) => ticket.reached(),
            Err(_) if bridge.failed.load(Relaxed) => {}
            Err(failed) => ticket.failed(&failed.failure),
        }
        sent
    }

    /// Goes up whenever the server's lists may have changed: with each `list_changed`, and each new connection.
    pub fn list_version(&self) -> u64 {
        self.gauge.list_version()
    }

    /// Ends the connection: closes a child's input, waits, sends SIGTERM, waits, kills; ends HTTP sessions. Requests under
    /// way fail with [`Failure::NoReply`]. The next use connects again.
    pub async fn close(&self) {
        match &self.link {
            Link::Pipe { pool, .. } => pool.close().await,
            Link::Http { pool, .. } => pool.close().await,
            Link::Broken(_) => {}
        }
    }

    /// Ends what is kept for a client's session: its connection, if it has one of its own.
    pub fn forget(&self, session: &str) {
        match &self.link {
            Link::Pipe { pool, .. } => pool.forget(session),
            Link::Http { pool, .. } => pool.forget(session),
            Link::Broken(_) => {}
        }
    }

    /// Subscribes to the resource that `outgoing.params` name (`{"uri": …}`): `resources/subscribe` at a legacy server,
    /// a stream of `subscriptions/listen` at a modern one; once for all who share the connection. The changes come to
    /// [`Watch`]es as `notifications/resources/updated`. Or to a task of a modern server (`{"taskId": …}`), whose changes
    /// come as `notifications/tasks`. An answer that is an error brings no subscription.
    pub async fn subscribe(
        self: &Arc<Self>,
        routed: &Routed,
        outgoing: Outgoing<'_>,
    ) -> Result<(Reply, Option<Subscription>), Failed> {
        self.check(routed)?;
        let shown = self.shown(outgoing.headers)?;
        let Some(topic) = topics::Topic::of(&outgoing.params) else {
            let error = json!({ "code": -32602, "message": "`uri` is not a string" });
            return Ok((Reply::Error(Payload::of(&error)), None));
        };
        let mut ticket = self.gauge.admit()?;
        let bridge = Bridge::new(self.spec.limits.message, &outgoing);
        let subscribed = timeout_at(deadline(routed.call().time_left()), async {
            match &self.link {
                Link::Pipe { pool, spawner } => {
                    let hold = self.pipe(pool, spawner, &shown, outgoing.client, None).await?;
                    let params = bridge.plain(hold.connection.facts().revision)?;
                    topics::subscribe(&hold.connection, hold.busy, topic, &params).await
                }
                Link::Http { pool, link } => {
                    let hold = session(pool, link, &shown, outgoing.client, None).await?;
                    hold.connection.listen(link, true).await;
                    let params = bridge.plain(hold.connection.facts().revision)?;
                    topics::subscribe(&hold.connection, hold.busy, topic, &params).await
                }
                Link::Broken(why) => Err(Failed::not_sent(why)),
            }
        });
        let subscribed = subscribed.await.unwrap_or_else(|_| Err(Failure::Timeout.into()));
        match &subscribed {
            Ok(_) => ticket.reached(),
            Err(_) if bridge.failed.load(Relaxed) => {}
            Err(failed) => ticket.failed(&failed.failure),
        }
        subscribed
    }

    /// Listens to what the server says outside of calls on the connection that is this client's. Where there is one
    /// already, nothing is missed from the return on.
    pub async fn watch(&self, client: &ClientFacts, headers: &[(String, Secret)]) -> Result<Watch, Failed> {
        let shown = self.shown(headers)?;
        Ok(match &self.link {
            Link::Pipe { pool, .. } => Watch::new(&pool.crowds, &shown, client),
            Link::Http { pool, link } => {
                let watch = Watch::new(&pool.crowds, &shown, client);
                if let Some(session) = pool.shared(&shown) {
                    session.listen(link, true).await;
                }
                watch
            }
            Link::Broken(_) => Watch::deaf(),
        })
    }

    /// A call goes where it was routed, and nowhere else.
    fn check(&self, routed: &Routed) -> Result<(), Failed> {
        if *routed.upstream() == self.spec.id {
            return Ok(());
        }
        Err(Failed::not_sent(format!("the call was routed to `{}`, not to `{}`", routed.upstream(), self.spec.id)))
    }

    /// Credentials are for HTTP; there is nobody to show them to on a pipe.
    fn shown(&self, headers: &[(String, Secret)]) -> Result<Shown, Failed> {
        match &self.spec.transport {
            Transport::Http(_) | Transport::Sse(_) => Shown::new(headers),
            Transport::Stdio(_) | Transport::Builtin(_) => Ok(Shown::default()),
        }
    }

    /// What is known without asking.
    fn known(&self, shown: &Shown, client: &ClientFacts) -> Option<ServerFacts> {
        match &self.link {
            Link::Pipe { pool, .. } => pool.known(shown, client).map(|pipe| pipe.facts().clone()),
            Link::Http { pool, .. } => pool.known(shown, client).map(|session| session.facts.clone()),
            Link::Broken(_) => None,
        }
    }

    fn is_in_session(&self, shown: &Shown, client: &ClientFacts) -> bool {
        match &self.link {
            Link::Pipe { pool, .. } => pool.is_in_session(shown, client),
            Link::Http { pool, .. } => pool.is_in_session(shown, client),
            Link::Broken(_) => true,
        }
    }

    /// The connection for a client; connects if it must.
    async fn pipe(
        &self,
        pool: &Arc<Pool<Pipe>>,
        spawner: &Arc<dyn Spawner>,
        shown: &Shown,
        client: &ClientFacts,
        caller: Option<u64>,
    ) -> Result<Hold<Pipe>, Failed> {
        let make = |order| pipe::connect(self.spec.clone(), self.gauge.clone(), spawner.clone(), order);
        pool.get(shown, client, caller, make).await
    }
}

/// The session for a client; shakes hands if there is none.
async fn session(
    pool: &Arc<Pool<http::Session>>,
    link: &Arc<http::Link>,
    shown: &Shown,
    client: &ClientFacts,
    caller: Option<u64>,
) -> Result<Hold<http::Session>, Failed> {
    pool.get(shown, client, caller, |order| http::connect(link.clone(), order)).await
}

/// Sends a request in a session. When the server has forgotten the session, or another server is there now, the request
/// was not processed, and is sent once more in a new one.
async fn send<F>(
    pool: &Pool<http::Session>,
    link: &Arc<http::Link>,
    sending: &Sending<'_>,
    mut hold: Hold<http::Session>,
    again: impl Fn() -> F,
) -> Result<Carrier, Failed>
where
    F: Future<Output = Result<Hold<http::Session>, Failed>>,
{
    let mut answer = link.attempt(&hold.connection, sending).await;
    if let Some(why) = answer.as_ref().err().and_then(|failed| http::outlived(failed, &hold.connection)) {
        if why == Outlived::Replaced {
            pool.forget_era();
        }
        hold.connection.outlive();
        drop(hold);
        hold = again().await?;
        answer = link.attempt(&hold.connection, sending).await;
    }
    let answer = answer.or_else(|failed| link.own_error(failed, sending))?;
    Ok(Carrier::Http(Box::new(answer), hold.busy))
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// When a call must be over, on the clock that timers use.
fn deadline(left: Duration) -> Instant {
    Instant::now() + left
}
