//! One upstream, whatever carries its messages: connected at first use, asked only what its breaker lets through.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use witgate_policy::secret::Secret;
use witgate_policy::store::Breaker;
use witgate_policy::{Candidate, Failure, Payload, Revision, Routed, UpstreamFacts};

use super::exchange::{Carrier, Listener};
use super::gauge::{Gauge, Ticket};
use super::http::{self, Sending, Shown};
use super::lazy::Lazy;
use super::pipe::{self, Era, Pipe};
use super::{Directly, Exchange, Failed, Outgoing, ServerFacts, Spawner, Spec, Transport, meta};
use crate::wire::ClientFacts;

/// One server behind the gate.
pub struct Upstream {
    spec: Arc<Spec>,
    gauge: Arc<Gauge>,
    link: Link,
}

/// How it is reached.
enum Link {
    /// By a connection that all share.
    Pipe { pipe: Lazy<Pipe>, era: Arc<Mutex<Option<Era>>>, spawner: Arc<dyn Spawner> },
    /// By requests of their own.
    Http(Arc<http::Link>),
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
                Ok(link) => Link::Http(Arc::new(link)),
                Err(why) => Link::Broken(why),
            },
            Transport::Stdio(_) | Transport::Builtin(_) | Transport::Sse(_) => {
                Link::Pipe { pipe: Lazy::new(true), era: Arc::default(), spawner }
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
        // What one client may be told does not depend on it yet: a modern server's `server/discover` is asked once.
        let _ = client;
        let shown = self.shown(headers)?;
        if let Some(facts) = self.known(&shown) {
            return Ok(facts);
        }
        let mut ticket = self.gauge.admit()?;
        let facts = match &self.link {
            Link::Pipe { .. } => self.pipe().await.map(|pipe| pipe.facts().clone()),
            Link::Http(link) => link.session(&shown).await.map(|session| session.facts.clone()),
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
        let bridge = Bridge::new(self, &outgoing);
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
        let listener = || Listener::of(routed, outgoing.client, &outgoing.params);
        let unready = || Failed::not_sent("the call's time was over before the server was ready");
        match &self.link {
            Link::Pipe { .. } => {
                let pipe = timeout_at(deadline, self.pipe()).await.map_err(|_| unready())??;
                let revision = pipe.facts().revision;
                let request = pipe.request(method, listener(), |id| params(revision, id));
                let stuck = || Failed::not_sent("the server does not read what it is sent");
                let wait = timeout_at(deadline, request).await.map_err(|_| stuck())??;
                Ok(Carrier::Pipe(wait, pipe))
            }
            Link::Http(link) => {
                let session = timeout_at(deadline, link.session(shown)).await.map_err(|_| unready())??;
                let sending = Sending { method, params: &params, tool: outgoing.tool, listener: &listener };
                let answer = timeout_at(deadline, link.request(shown, session, &sending)).await;
                Ok(Carrier::Http(Box::new(answer.unwrap_or_else(|_| Err(Failure::Timeout.into()))?)))
            }
            Link::Broken(why) => Err(Failed::not_sent(why)),
        }
    }

    /// Sends a notification; connects if it must. A modern server over HTTP knows none, and is sent none.
    pub async fn notify(&self, routed: &Routed, outgoing: Outgoing<'_>) -> Result<(), Failed> {
        self.check(routed)?;
        let shown = self.shown(outgoing.headers)?;
        let mut ticket: Ticket = self.gauge.admit()?;
        let deadline = deadline(routed.call().time_left());
        let method = routed.call().method();
        let bridge = Bridge::new(self, &outgoing);
        let sent = timeout_at(deadline, async {
            match &self.link {
                Link::Pipe { .. } => {
                    let pipe = self.pipe().await?;
                    pipe.notify(method, &bridge.params(pipe.facts().revision, None)?).await
                }
                Link::Http(link) => {
                    let session = link.session(&shown).await?;
                    if session.facts.revision.is_modern() {
                        return Ok(());
                    }
                    link.notify(&shown, &session, method, &bridge.params(session.facts.revision, None)?).await
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
            Link::Pipe { pipe, .. } => {
                if let Some(pipe) = pipe.take() {
                    pipe.close().await;
                }
            }
            Link::Http(link) => link.close().await,
            Link::Broken(_) => {}
        }
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
        match &self.link {
            Link::Http(_) => Shown::new(headers),
            Link::Pipe { .. } | Link::Broken(_) => Ok(Shown::default()),
        }
    }

    /// What is known without asking.
    fn known(&self, shown: &Shown) -> Option<ServerFacts> {
        match &self.link {
            Link::Pipe { pipe, .. } => pipe.peek().map(|pipe| pipe.facts().clone()),
            Link::Http(link) => link.known_session(shown).map(|session| session.facts.clone()),
            Link::Broken(_) => None,
        }
    }

    /// The connection; connects if it must.
    async fn pipe(&self) -> Result<Arc<Pipe>, Failed> {
        let Link::Pipe { pipe, era, spawner } = &self.link else {
            return Err(Failed::not_sent("this server is not reached by a stream"));
        };
        pipe.get(|| {
            let (spec, gauge, era, spawner) = (self.spec.clone(), self.gauge.clone(), era.clone(), spawner.clone());
            async move {
                let known = *era.lock().unwrap_or_else(PoisonError::into_inner);
                let pipe = pipe::connect(spec, gauge, spawner, known).await;
                let found = pipe.as_ref().ok().map(|pipe| Era::of(pipe.facts().revision));
                *era.lock().unwrap_or_else(PoisonError::into_inner) = found;
                pipe
            }
        })
        .await
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Makes params right for a server, and remembers whether it could.
struct Bridge<'a> {
    params: &'a Payload,
    client: &'a ClientFacts,
    limits: witgate_policy::json::Limits,
    failed: AtomicBool,
}

impl<'a> Bridge<'a> {
    fn new(upstream: &Upstream, outgoing: &'a Outgoing<'_>) -> Self {
        let limits = upstream.spec.limits.message;
        Self { params: &outgoing.params, client: outgoing.client, limits, failed: AtomicBool::new(false) }
    }

    fn params(&self, revision: Revision, token: Option<u64>) -> Result<Payload, Failed> {
        meta::bridge(self.params, self.client, revision, token, self.limits).map_err(|e| {
            self.failed.store(true, Relaxed);
            Failed::not_sent(format!("`_meta` cannot be made right for the server: {e}"))
        })
    }
}

/// When a call must be over, on the clock that timers use.
fn deadline(left: Duration) -> Instant {
    Instant::now() + left
}
