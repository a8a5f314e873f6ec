use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use witgate_policy::{Identity, Kind, Payload, Revision};

use crate::front::crew::Crew;
use crate::front::flights::Flights;
use crate::front::job::{self, Ended, Job, Work};
use crate::gate::Gate;
use crate::tenant::{Inbound, Said};
use crate::wire::{ClientFacts, Incoming, Meta, Reject, RequestId, encode};

/// The one client of a stdio front.
pub(super) struct Client {
    gate: Arc<Gate>,
    tenant: Arc<str>,
    headers: Vec<(String, Vec<u8>)>,
    out: mpsc::Sender<Bytes>,
    crew: Crew,
    flights: Arc<Flights>,
    /// What an `initialize` agreed on, and who sent it.
    session: Option<(ClientFacts, Identity)>,
}

impl Client {
    pub(super) fn new(
        gate: Arc<Gate>,
        tenant: Arc<str>,
        headers: Vec<(String, Vec<u8>)>,
        out: mpsc::Sender<Bytes>,
        crew: Crew,
    ) -> Self {
        Self { gate, tenant, headers, out, crew, flights: Flights::new(), session: None }
    }

    /// Takes one message. Returns when the next may be looked at, which for most requests is before they end.
    pub(super) async fn take(&mut self, message: Incoming) {
        match message {
            Incoming::Request { id, method, params } => {
                if let Err(reject) = self.request(&id, method, params).await {
                    self.reject(Some(&id), &reject).await;
                }
            }
            Incoming::Notification { method, params } => self.notification(method, params).await,
            // Servers' requests come to clients with a later issue; until then nobody waits for this.
            Incoming::Response { .. } => {}
        }
    }

    /// Tells the client what is wrong with what it sent.
    pub(super) async fn reject(&self, id: Option<&RequestId>, reject: &Reject) {
        tracing::info!(code = reject.code(), cause = %reject, "a message was turned away");
        self.say(encode::error(id, &reject.error())).await;
    }

    async fn request(&mut self, id: &RequestId, method: String, params: Payload) -> Result<(), Reject> {
        let modern = is_modern(&method, &params);
        if method == "initialize" && !modern {
            return self.initialize(id, params).await;
        }
        let (client, owner) = if modern {
            (Meta::of(&params).client()?, None)
        } else {
            match &self.session {
                Some((client, owner)) => (client.clone(), Some(owner.clone())),
                // A legacy client may ask whether anybody is there before it says who it is.
                None if method == "ping" => (ClientFacts::of_initialize(&Payload::empty()), None),
                None => return Err(Reject::NotInitialized),
            }
        };
        let flight = self.flights.begin(id)?;
        let level = (method == "logging/setLevel" && owner.is_some()).then(|| params.read("/level")).flatten();
        let mut job = self.job((method, params), client, owner)?;
        job.inbound.id = Some(id.clone());
        let (work, mut notes) = job.request(Some(flight));
        if let Some(level) = level {
            // What it changes counts for the next line.
            let ended = work.await;
            if agreed(&ended)
                && let Some((client, _)) = &mut self.session
            {
                client.log_level = Some(level);
            }
            return self.end(id, ended).await;
        }
        let (out, id) = (self.out.clone(), id.clone());
        self.crew.spawn(async move { run(id, work, &mut notes, out).await });
        Ok(())
    }

    async fn initialize(&mut self, id: &RequestId, params: Payload) -> Result<(), Reject> {
        let mut client = ClientFacts::of_initialize(&params);
        let (work, notes) = self.job(("initialize".to_owned(), params), client.clone(), None)?.request(None);
        drop(notes);
        let ended = work.await;
        if agreed(&ended)
            && let Ended::Answered { answer: Ok(answer), identity } = &ended
        {
            let named = answer.payload().read::<String>("/protocolVersion").and_then(|text| Revision::parse(&text));
            client.revision = named.filter(|revision| !revision.is_modern()).unwrap_or(client.revision);
            self.session = Some((client, identity.clone().unwrap_or_else(Identity::anonymous)));
        }
        self.end(id, ended).await
    }

    async fn notification(&mut self, method: String, params: Payload) {
        let modern = is_modern(&method, &params) || self.session.is_none();
        let (client, owner) = match &self.session {
            Some((client, owner)) if !modern => (client.clone(), Some(owner.clone())),
            _ => (Meta::of(&params).of_notification(), None),
        };
        let cancelled = (method == "notifications/cancelled").then(|| params.read("/requestId")).flatten();
        let Ok(job) = self.job((method, params), client, owner) else { return };
        // A notification has no answer, so a refusal is for the record only.
        if job.notification().await.is_ok()
            && let Some(id) = cancelled
        {
            self.flights.cancel(&id);
        }
    }

    /// The tenant is looked up anew: a reload may have changed it.
    fn job(
        &self,
        (method, params): (String, Payload),
        client: ClientFacts,
        owner: Option<Identity>,
    ) -> Result<Job, Reject> {
        let generation = self.gate.generation();
        let tenant = generation.named(&self.tenant).cloned().ok_or(Reject::Gone)?;
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let presented = job::presented(&tenant, headers, "stdio".to_owned());
        let inbound = Inbound { id: None, method, params, client, presented, owner, param_headers: None };
        Ok(Job { gate: self.gate.clone(), generation, tenant, inbound })
    }

    async fn end(&self, id: &RequestId, ended: Ended) -> Result<(), Reject> {
        if let Some(message) = job::last_message(id, &ended) {
            self.say(message).await;
        }
        Ok(())
    }

    async fn say(&self, message: Bytes) {
        // A client that reads no more is noticed by the writer.
        let _ = self.out.send(message).await;
    }
}

fn is_modern(method: &str, params: &Payload) -> bool {
    method == "server/discover" || Meta::of(params).names_modern()
}

fn agreed(ended: &Ended) -> bool {
    matches!(ended, Ended::Answered { answer: Ok(answer), .. } if answer.kind() != Kind::Error)
}

/// Writes what a request says, and its answer after that.
async fn run(id: RequestId, mut work: Work, notes: &mut mpsc::Receiver<Said>, out: mpsc::Sender<Bytes>) {
    let ended = loop {
        tokio::select! {
            biased;
            Some(said) = notes.recv() => drop(job::message(&said).map(|message| out.try_send(message))),
            ended = &mut work => break ended,
        }
    };
    while let Ok(said) = notes.try_recv() {
        if let Some(message) = job::message(&said)
            && !matches!(ended, Ended::Cancelled)
        {
            // A full outbox loses notifications, never the answer.
            let _ = out.try_send(message);
        }
    }
    if let Some(message) = job::last_message(&id, &ended) {
        let _ = out.send(message).await;
    }
}
