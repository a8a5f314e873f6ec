//! One HTTP request: whether it is for us, for which tenant, and in which era it is spoken.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use witgate_policy::{Identity, Payload};

use super::guard::{self, Names, Wants};
use super::intake::{Intake, Room};
use super::modern;
use super::options::Options;
use super::reply::{self, Body};
use super::session::Sessions;
use crate::front::crew::Crew;
use crate::front::job::{self, Job};
use crate::gate::{Gate, Generation};
use crate::record::{self, TurnedAway};
use crate::tenant::{Inbound, Tenant};
use crate::wire::{
    ClientFacts, DecodeError, Flaw, Incoming, Meta, Reject, RequestId, decode, is_legacy, version_header,
};

/// All that the connections of one listener share.
pub(super) struct Front {
    pub(super) gate: Arc<Gate>,
    pub(super) names: Names,
    pub(super) intake: Intake,
    pub(super) sessions: Sessions,
    pub(super) crew: Crew,
    pub(super) options: Options,
}

/// Where a message came in, and what came with it.
pub(super) struct Entry {
    pub(super) generation: Arc<Generation>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) headers: HeaderMap,
    /// The client's address.
    pub(super) peer: Arc<str>,
    pub(super) wants: Wants,
    /// What the message takes while it is worked on.
    pub(super) _room: Room,
}

/// Turned away by the front, with what is known of it.
pub(super) struct Rejected {
    pub(super) id: Option<RequestId>,
    pub(super) reject: Reject,
    tenant: Option<Arc<str>>,
    told: Option<(ByteString, Option<String>)>,
}

impl Rejected {
    fn at(self, tenant: &Tenant) -> Self {
        Self { tenant: Some(tenant.name().clone()), ..self }
    }

    /// What it said of itself.
    fn of(self, method: ByteString, params: &Payload) -> Self {
        Self { told: Some((method, record::target(params))), ..self }
    }

    fn record(&self, peer: &str) -> TurnedAway {
        let (method, target) = self.told.clone().unzip();
        TurnedAway {
            tenant: self.tenant.clone(),
            peer: peer.to_string(),
            method: method.map(String::from),
            target: target.flatten(),
            code: self.reject.code(),
            status: Some(self.reject.status().as_u16()),
            cause: self.reject.to_string(),
        }
    }
}

impl From<Reject> for Rejected {
    fn from(reject: Reject) -> Self {
        Self { id: None, reject, tenant: None, told: None }
    }
}

impl From<DecodeError> for Rejected {
    fn from(error: DecodeError) -> Self {
        Self { id: error.id.clone(), ..Self::from(Reject::from(error)) }
    }
}

impl Front {
    /// Answers one HTTP request. Dropped by hyper when the client goes.
    pub(super) async fn exchange(&self, request: Request<hyper::body::Incoming>, peer: Arc<str>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let answered = self.route(parts, body, peer.clone()).await;
        answered.unwrap_or_else(|rejected| {
            self.gate.recorder().turned_away(&rejected.record(&peer));
            reply::reject(rejected.id.as_ref(), &rejected.reject)
        })
    }

    async fn route(
        &self,
        parts: Parts,
        body: hyper::body::Incoming,
        peer: Arc<str>,
    ) -> Result<Response<Body>, Rejected> {
        let generation = self.gate.generation();
        let path = parts.uri.path();
        let tenant = generation.at_path(path).or_else(|| generation.at_path(path.strip_suffix('/')?)).cloned();
        let Some(tenant) = tenant else {
            return Ok(self.elsewhere(&parts));
        };
        let taken = self.taken(&generation, &tenant, parts, body, peer).await;
        taken.map_err(|rejected| rejected.at(&tenant))
    }

    async fn taken(
        &self,
        generation: &Arc<Generation>,
        tenant: &Arc<Tenant>,
        parts: Parts,
        body: hyper::body::Incoming,
        peer: Arc<str>,
    ) -> Result<Response<Body>, Rejected> {
        self.names.check(&parts.uri, &parts.headers)?;
        let (generation, tenant, headers) = (generation.clone(), tenant.clone(), parts.headers);
        match parts.method {
            Method::POST => {
                let wants = guard::media(&headers)?;
                let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
                let taken = self.intake.read(body, length, &self.options).await?;
                let entry = Entry { generation, tenant, headers, peer, wants, _room: taken.room };
                match decode(taken.bytes.clone(), self.options.limits()) {
                    Ok(incoming) => self.message(entry, incoming).await,
                    Err(error) if error.flaw == Flaw::Batch => Box::pin(self.batch(entry, taken.bytes, error)).await,
                    Err(error) => Err(error.into()),
                }
            }
            Method::GET | Method::DELETE => {
                let taken = self.intake.read(body, Some(0), &self.options).await?;
                let wants = guard::accepted(&headers);
                let entry = Entry { generation, tenant, headers, peer, wants, _room: taken.room };
                let method = parts.method;
                let done = match method {
                    Method::GET => Box::pin(self.listen(entry)).await,
                    _ => Box::pin(self.end_session(entry)).await,
                };
                done.map_err(|reject| Rejected::from(reject).of(method.as_str().into(), &Payload::empty()))
            }
            _ => Err(Reject::HttpMethod.into()),
        }
    }

    /// What is no tenant's: probes, which come from machines with names of their own, and nothing else.
    fn elsewhere(&self, parts: &Parts) -> Response<Body> {
        let probe = matches!(parts.method, Method::GET | Method::HEAD);
        match parts.uri.path() {
            "/health/live" if probe => reply::json(StatusCode::OK, Bytes::from_static(br#"{"status":"live"}"#)),
            _ => match self.names.check(&parts.uri, &parts.headers) {
                Ok(()) => reply::json(
                    StatusCode::NOT_FOUND,
                    Bytes::from_static(br#"{"error":"there is no MCP endpoint at this path; the gate prints the paths of its endpoints when it starts"}"#),
                ),
                Err(reject) => reply::reject(None, &reject),
            },
        }
    }

    /// What is not a request of the modern era is boxed, so that those take no memory for it.
    async fn message(&self, entry: Entry, incoming: Incoming) -> Result<Response<Body>, Rejected> {
        match incoming {
            Incoming::Request { id, method, params } => {
                let mut asked = Asked { id, method, params };
                let answered = match asked.is_modern(&entry.headers) {
                    Ok(true) => match modern::agreed(&entry, &mut asked) {
                        Ok(client) => return Ok(self.modern_request(entry, asked, client).await),
                        Err(reject) => Err(reject),
                    },
                    Ok(false) if asked.method == "initialize" => Box::pin(self.initialize(entry, asked.clone())).await,
                    Ok(false) => Box::pin(self.legacy_request(entry, asked.clone())).await,
                    Err(reject) => Err(reject),
                };
                let Asked { id, method, params } = asked;
                answered.map_err(|reject| Rejected { id: Some(id), ..Rejected::from(reject).of(method, &params) })
            }
            Incoming::Notification { method, params } => {
                let taken = match names_modern(&entry.headers, &params) {
                    Ok(true) => Ok(Box::pin(self.modern_notification(entry, method.clone(), params.clone())).await),
                    Ok(false) => Box::pin(self.legacy_notification(entry, method.clone(), params.clone())).await,
                    Err(reject) => Err(reject),
                };
                taken.map_err(|reject| Rejected::from(reject).of(method, &params))
            }
            Incoming::Response { id, message } => {
                if names_modern(&entry.headers, &Payload::empty())? {
                    return Err(Reject::Response.into());
                }
                Ok(Box::pin(self.legacy_response(entry, &id, &message)).await?)
            }
        }
    }

    /// The message as its tenant takes it.
    pub(super) fn job(
        &self,
        entry: &Entry,
        (method, params): (ByteString, Payload),
        client: ClientFacts,
        owner: Option<Arc<Identity>>,
    ) -> Job {
        let headers = entry.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let presented = job::presented(&entry.tenant, headers, &entry.peer);
        let param_headers = client.revision.is_modern().then(|| param_headers(&entry.headers));
        let inbound = Inbound { id: None, method, params, client, presented, owner, param_headers };
        let (gate, generation) = (self.gate.clone(), entry.generation.clone());
        Job { gate, generation, tenant: entry.tenant.clone(), inbound }
    }
}

/// A request as it came.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) id: RequestId,
    pub(super) method: ByteString,
    pub(super) params: Payload,
}

impl Asked {
    /// How a client opens decides the era (2026-07-28, versioning): a message that names a modern version in `_meta` is
    /// modern, and so is one that only modern clients send; `initialize` otherwise selects legacy semantics, whatever
    /// version it asks for.
    fn is_modern(&self, headers: &HeaderMap) -> Result<bool, Reject> {
        match &*self.method {
            "initialize" => Ok(Meta::of(&self.params).names_modern()),
            "server/discover" => Ok(true),
            _ => names_modern(headers, &self.params),
        }
    }
}

/// Whether header or `_meta` name a revision without sessions.
fn names_modern(headers: &HeaderMap, params: &Payload) -> Result<bool, Reject> {
    let by_header = version_header(headers)?.is_some_and(|version| !is_legacy(version));
    Ok(by_header || Meta::of(params).names_modern())
}

/// The `Mcp-Param-*` headers. What is no text becomes a replacement character, which no header may have, so that it is
/// refused where the header is looked at.
fn param_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mirrored = headers.iter().filter(|(name, _)| name.as_str().starts_with("mcp-param-"));
    mirrored
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
