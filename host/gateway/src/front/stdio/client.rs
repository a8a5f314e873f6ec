use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use witgate_policy::json::Limits;
use witgate_policy::{Identity, Kind, Payload, Revision};

use super::talk;
use crate::front::answers::Answer;
use crate::front::crew::Crew;
use crate::front::flights::Flights;
use crate::front::job::{self, Ended, Job, SUBSCRIPTION, Work};
use crate::front::session_name;
use crate::front::standing::through_generations;
use crate::gate::Gate;
use crate::record::{self, TurnedAway};
use crate::tenant::{Asks, Inbound, Outlet};
use crate::wire::encode::{self, Line};
use crate::wire::{
    ClientFacts, DecodeError, Flaw, Incoming, Meta, Reject, RequestId, decode, decode_batch, handshake, lasting,
};

const PEER: &str = "stdio";

/// Where a client is, and the way to it.
#[derive(Clone)]
pub(super) struct Pipe {
    pub(super) gate: Arc<Gate>,
    pub(super) tenant: Arc<str>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) out: mpsc::Sender<Line>,
    pub(super) crew: Crew,
}

/// The one client of a stdio front.
pub(super) struct Client {
    pipe: Pipe,
    flights: Arc<Flights>,
    session: Option<Session>,
}

/// What an `initialize` agreed on, and who sent it.
struct Session {
    client: ClientFacts,
    owner: Arc<Identity>,
    asks: Arc<Asks>,
    /// What speaks outside of calls, once the client is ready.
    speaker: Option<AbortHandle>,
}

impl Client {
    pub(super) fn new(pipe: Pipe) -> Self {
        Self { pipe, flights: Flights::new(), session: None }
    }

    /// Takes one line. Returns when the next may be looked at, which for most requests is before they end.
    pub(super) async fn line(&mut self, bytes: Bytes, limits: Limits) {
        match decode(bytes.clone(), limits) {
            Ok(message) => self.take(message).await,
            Err(error) if error.flaw == Flaw::Batch && self.takes_batches() => match decode_batch(bytes, limits) {
                Ok(messages) => self.batch(messages).await,
                Err(error) => self.reject(error.id.clone().as_ref(), None, &error.into()).await,
            },
            Err(error) => self.reject(error.id.clone().as_ref(), None, &error.into()).await,
        }
    }

    async fn take(&mut self, message: Incoming) {
        match message {
            Incoming::Request { id, method, params } => {
                let told = (method.clone(), params.clone());
                if let Err(reject) = self.request(&id, method, params).await {
                    self.reject(Some(&id), Some(told), &reject).await;
                }
            }
            Incoming::Notification { method, params } => self.notification(method, params).await,
            Incoming::Response { id, message } => self.response(id, message),
        }
    }

    /// Tells the client what is wrong with what it sent.
    pub(super) async fn reject(&self, id: Option<&RequestId>, told: Option<(ByteString, Payload)>, reject: &Reject) {
        let (method, target) = told.map(|(method, params)| (method, record::target(&params))).unzip();
        self.pipe.gate.recorder().turned_away(&TurnedAway {
            tenant: Some(self.pipe.tenant.clone()),
            peer: PEER.to_owned(),
            method: method.map(String::from),
            target: target.flatten(),
            code: reject.code(),
            status: None,
            cause: reject.to_string(),
        });
        self.say(encode::error(id, &reject.error()).into()).await;
    }

    async fn request(&mut self, id: &RequestId, method: ByteString, params: Payload) -> Result<(), Reject> {
        if method == "initialize" && !is_modern(&method, &params) {
            return self.initialize(id, params).await;
        }
        if method == "logging/setLevel" && !is_modern(&method, &params) {
            return self.set_level(id, params).await;
        }
        let (work, said) = self.begin(id, method, params)?;
        let (out, id) = (self.pipe.out.clone(), id.clone());
        self.pipe.crew.spawn(async move {
            let ended = talk::until_ended(work, said, &out).await;
            if let Some(last) = job::last_message(Some(&id), &ended) {
                let _ = out.send(last).await;
            }
        });
        Ok(())
    }

    /// A request that runs when it is polled, and what it says.
    fn begin(&self, id: &RequestId, method: ByteString, params: Payload) -> Result<(Work, talk::Said), Reject> {
        let lasts = method == SUBSCRIPTION && is_modern(&method, &params);
        // Neither may keep the line that it came in.
        let (method, params) =
            if lasts { (ByteString::from_static(SUBSCRIPTION), lasting(&params)?) } else { (method, params) };
        let (client, owner, asks) = self.speaks(&method, &params)?;
        let flight = self.flights.begin(id)?;
        let mut job = self.pipe.job((method, params), client, owner)?;
        job.inbound.id = Some(id.clone());
        let (outlet, said) = Outlet::new(asks);
        let work = if lasts {
            job.subscription(Some(flight), outlet, self.pipe.crew.stop())
        } else {
            job.request(Some(flight), outlet)
        };
        Ok((work, said))
    }

    /// As whom the client speaks in a request.
    #[expect(clippy::type_complexity, reason = "three things that are taken apart at once")]
    fn speaks(
        &self,
        method: &str,
        params: &Payload,
    ) -> Result<(ClientFacts, Option<Arc<Identity>>, Option<Arc<Asks>>), Reject> {
        if is_modern(method, params) {
            return Ok((Meta::of(params).client()?, None, None));
        }
        match &self.session {
            Some(Session { client, owner, asks, .. }) => Ok((client.clone(), Some(owner.clone()), Some(asks.clone()))),
            // A legacy client may ask whether anybody is there before it says who it is.
            None if method == "ping" => Ok((ClientFacts::of_initialize(&Payload::empty()), None, None)),
            None => Err(Reject::NotInitialized),
        }
    }

    /// What it changes counts for the next line.
    async fn set_level(&mut self, id: &RequestId, params: Payload) -> Result<(), Reject> {
        let (work, said) = self.begin(id, ByteString::from_static("logging/setLevel"), params)?;
        drop(said);
        let ended = work.await;
        if agreed(&ended)
            && let (Ended::Answered { params: Some(params), .. }, Some(session)) = (&ended, &mut self.session)
        {
            session.client.log_level = params.read("/level");
        }
        self.end(id, &ended).await;
        Ok(())
    }

    async fn initialize(&mut self, id: &RequestId, params: Payload) -> Result<(), Reject> {
        let params = handshake(&params)?;
        let mut client = ClientFacts { session: Some(session_name(PEER)), ..ClientFacts::of_initialize(&params) };
        let mut job = self.pipe.job(("initialize".into(), params), client.clone(), None)?;
        job.inbound.id = Some(id.clone());
        let (outlet, _) = Outlet::new(None);
        let ended = job.request(None, outlet).await;
        let superseded = if agreed(&ended)
            && let Ended::Answered { answer: Ok(answer), identity, params: Some(params) } = &ended
        {
            // What the validators left of what it says of itself.
            client = ClientFacts { session: client.session, ..ClientFacts::of_initialize(params) };
            let named = answer.payload().read::<String>("/protocolVersion").and_then(|text| Revision::parse(&text));
            client.revision = named.filter(|revision| !revision.is_modern()).unwrap_or(client.revision);
            let owner = identity.clone().unwrap_or_else(|| Arc::new(Identity::anonymous()));
            self.session.replace(Session { client, owner, asks: Arc::default(), speaker: None })
        } else {
            let owner = Arc::new(Identity::anonymous());
            Some(Session { client, owner, asks: Arc::default(), speaker: None })
        };
        if let Some(session) = superseded {
            session.close(&self.pipe);
        }
        self.end(id, &ended).await;
        Ok(())
    }

    async fn notification(&mut self, method: ByteString, params: Payload) {
        let modern = is_modern(&method, &params);
        let (client, owner) = match &self.session {
            Some(session) if !modern => (session.client.clone(), Some(session.owner.clone())),
            _ => (Meta::of(&params).of_notification(), None),
        };
        let Ok(job) = self.pipe.job((method.clone(), params), client, owner) else { return };
        // A notification has no answer, so a refusal is for the record only.
        let Ok(params) = job.notification().await else { return };
        match (&*method, &mut self.session) {
            ("notifications/cancelled", _) => {
                if let Some(id) = params.read("/requestId") {
                    self.flights.cancel(&id);
                }
            }
            ("notifications/progress", Some(session)) => session.asks.progress(&params),
            ("notifications/initialized", Some(session)) if !modern => session.stand(&self.pipe),
            _ => {}
        }
    }

    /// Judged beside what comes next: an answer changes nothing for later lines.
    fn response(&self, id: RequestId, message: Payload) {
        let Some(session) = &self.session else { return };
        let (client, owner, asks) = (session.client.clone(), session.owner.clone(), session.asks.clone());
        let pipe = self.pipe.clone();
        self.pipe.crew.spawn(async move {
            let Some(answer) = Answer::of(&asks, &id, &message) else { return };
            if let Ok(job) = pipe.job((answer.method.clone(), answer.params()), client, Some(owner)) {
                // The record tells of a refusal, and whoever asked learns of it.
                let _ = answer.deliver(job).await;
            }
        });
    }

    fn takes_batches(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.client.revision == Revision::V2025_03_26)
    }

    /// A batch (2025-03-26): its requests run beside each other and are answered together.
    async fn batch(&mut self, messages: Vec<Result<Incoming, DecodeError>>) {
        let mut running = Vec::new();
        for message in messages {
            let (id, begun) = match message {
                Ok(Incoming::Request { id, method, .. }) if method == "initialize" => {
                    (Some(id), Err(Reject::InitializeInBatch))
                }
                Ok(Incoming::Request { id, method, params }) => {
                    let begun = self.begin(&id, method, params);
                    (Some(id), begun)
                }
                Ok(other) => {
                    self.take(other).await;
                    continue;
                }
                Err(error) => (error.id.clone(), Err(error.into())),
            };
            running.push((id, begun));
        }
        if running.is_empty() {
            return;
        }
        let out = self.pipe.out.clone();
        self.pipe.crew.spawn(async move {
            let all = running.into_iter().map(async |(id, begun)| {
                let ended = match begun {
                    Ok((work, said)) => talk::until_ended(work, said, &out).await,
                    Err(reject) => Ended::Rejected(reject),
                };
                job::last_message(id.as_ref(), &ended)
            });
            let answers: Vec<Line> = join_all(all).await.into_iter().flatten().collect();
            if !answers.is_empty() {
                let _ = out.send(encode::batch(answers)).await;
            }
        });
    }

    async fn end(&self, id: &RequestId, ended: &Ended) {
        if let Some(message) = job::last_message(Some(id), ended) {
            self.say(message).await;
        }
    }

    async fn say(&self, message: Line) {
        // A client that reads no more is noticed by the writer.
        let _ = self.pipe.out.send(message).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.close(&self.pipe);
        }
    }
}

impl Pipe {
    /// The tenant is looked up anew: a reload may have changed it.
    fn job(
        &self,
        (method, params): (ByteString, Payload),
        client: ClientFacts,
        owner: Option<Arc<Identity>>,
    ) -> Result<Job, Reject> {
        let generation = self.gate.generation();
        let tenant = generation.named(&self.tenant).cloned().ok_or(Reject::Gone)?;
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let presented = job::presented(&tenant, headers, &PEER.into());
        let inbound = Inbound { id: None, method, params, client, presented, owner, param_headers: None };
        Ok(Job { gate: self.gate.clone(), generation, tenant, inbound })
    }
}

impl Session {
    /// The client is ready: what servers say outside of calls comes to it from now on.
    fn stand(&mut self, pipe: &Pipe) {
        if self.speaker.is_some() {
            return;
        }
        let method = ("notifications/initialized".into(), Payload::empty());
        let Ok(job) = pipe.job(method, self.client.clone(), Some(self.owner.clone())) else { return };
        let recurring = job.recurring();
        let (outlet, mut said) = Outlet::new(Some(self.asks.clone()));
        let (out, stop) = (pipe.out.clone(), pipe.crew.stop());
        self.speaker = Some(pipe.crew.spawn(async move {
            let begin = || recurring.job().map(|job| job.stand(outlet.clone()));
            let speaking = through_generations(&recurring.gate, stop, begin);
            if let Some(refusal) = Box::pin(talk::until(speaking, &mut said, &out)).await {
                tracing::debug!(cause = refusal.message, "nothing is said outside of calls any more");
            }
        }));
    }

    fn close(self, pipe: &Pipe) {
        if let Some(speaker) = self.speaker {
            speaker.abort();
        }
        if let Some(name) = &self.client.session {
            pipe.gate.farewell(&pipe.tenant, name);
        }
    }
}

fn is_modern(method: &str, params: &Payload) -> bool {
    method == "server/discover" || Meta::of(params).names_modern()
}

fn agreed(ended: &Ended) -> bool {
    matches!(ended, Ended::Answered { answer: Ok(answer), .. } if answer.kind() != Kind::Error)
}
