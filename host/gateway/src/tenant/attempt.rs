//! Sending a routed call, as often as the retry strategies and the clamp allow, and sanitizing what comes back.

use std::sync::PoisonError;
use std::time::Instant;

use witgate_policy::{
    Attempt, Failure, Kind, Message, Next, Payload, Reason, Refusal, Routed, Sanitized, Stage, Validated, Why,
};

use super::journal::Visits;
use super::spec::Group;
use super::{Outlet, Tenant};
use crate::upstream::{Event, Failed, Outgoing, Reply};
use crate::wire::ClientFacts;

/// What goes along with a message on its way.
pub(super) struct Way<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) client: &'a ClientFacts,
    /// Where notifications go; `None` for the gate's own lookups, whose notifications are nobody's.
    pub(super) outlet: Option<&'a Outlet>,
    pub(super) visits: Visits,
}

/// What is sent, beside the evidence.
pub(super) struct Cargo<'a> {
    pub(super) params: Payload,
    pub(super) tool: Option<&'a Payload>,
    /// A second call does no more than the first.
    pub(super) idempotent: bool,
    pub(super) read_only: bool,
}

impl Cargo<'_> {
    /// A call that only reads.
    pub(super) fn reading(params: Payload) -> Self {
        Self { params, tool: None, idempotent: true, read_only: true }
    }
}

/// An answer that was not sanitized yet, with the evidence of where it comes from.
pub(super) struct Answered {
    pub(super) routed: Routed,
    pub(super) reply: Reply,
    /// Made by a retry strategy, not by the upstream.
    pub(super) fallback: bool,
}

impl Way<'_> {
    /// Routes a validated call within a group and sends it.
    pub(super) async fn send(
        &self,
        validated: &Validated,
        group: &Group,
        cargo: &Cargo<'_>,
    ) -> Result<Answered, Refusal> {
        let pipeline = &self.tenant.spec().pipeline;
        let mut routed = pipeline.route(validated, &group.candidates()).await?;
        pipeline.budget.deposit();
        let started = Instant::now();
        let mut number = 1;
        loop {
            let outcome = self.try_once(&routed, group, cargo).await?;
            let (failed, reply) = match outcome {
                Ok(reply) => match failure_of(&reply).filter(|_| !pipeline.retry.is_empty()) {
                    Some(failure) => (Failed::from(failure), Some(reply)),
                    None => return Ok(Answered { routed, reply, fallback: false }),
                },
                Err(failed) => (failed, None),
            };
            let attempt = describe(&routed, &failed, cargo, number, started);
            match pipeline.retry(&mut routed, &attempt).await {
                Next::Again { delay } => {
                    tokio::time::sleep(delay).await;
                    number += 1;
                }
                Next::Fallback(result) => {
                    return Ok(Answered { routed, reply: Reply::Result(result), fallback: true });
                }
                Next::GiveUp => {
                    let reply = reply.or(failed.error.map(Reply::Error));
                    return match reply {
                        Some(reply) => Ok(Answered { routed, reply, fallback: false }),
                        None => Err(given_up(&routed, &failed.failure)),
                    };
                }
            }
        }
    }

    /// One attempt. A credential that the upstream refuses (HTTP 401: not processed) is renewed once.
    async fn try_once(
        &self,
        routed: &Routed,
        group: &Group,
        cargo: &Cargo<'_>,
    ) -> Result<Result<Reply, Failed>, Refusal> {
        let id = routed.upstream();
        let Some(upstream) = group.upstream(id) else {
            return Err(Refusal::new(Stage::Route, Reason::Unavailable, format!("the upstream `{id}` is gone")));
        };
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
        let credentials = &self.tenant.credentials;
        let mut why = Why::First;
        loop {
            let headers = credentials.headers(self.tenant, routed, upstream, why).await?;
            let outgoing =
                Outgoing { client: self.client, params: cargo.params.clone(), tool: cargo.tool, headers: &headers };
            let result = match upstream.send(routed, outgoing).await {
                Ok(exchange) => self.listen(routed, exchange).await,
                Err(failed) => Err(failed),
            };
            match result {
                Err(Failed { failure: Failure::HttpStatus(401), .. })
                    if why == Why::First && self.tenant.spec().pipeline.has_credential(id) =>
                {
                    why = Why::Rejected;
                }
                result => return Ok(result),
            }
        }
    }

    /// Waits for the answer and passes notifications on as they come.
    async fn listen(&self, routed: &Routed, mut exchange: crate::upstream::Exchange) -> Result<Reply, Failed> {
        loop {
            match exchange.next().await? {
                Event::Reply(reply) => return Ok(reply),
                Event::Notification { method, params } => self.notify(routed, method, params).await,
                Event::Opened | Event::Request { .. } | Event::Withdrawn { .. } => {}
            }
        }
    }

    /// A notification that is withheld, or that the client does not take, is dropped; the record tells.
    async fn notify(&self, routed: &Routed, method: String, payload: Payload) {
        let Some(outlet) = self.outlet.filter(|outlet| !outlet.is_closed()) else { return };
        let upstream = Some(routed.upstream().clone());
        let message = Message { kind: Kind::Notification, method, upstream, payload };
        if let Ok(sanitized) = self.tenant.spec().pipeline.sanitize(routed.into(), message).await {
            outlet.tell(sanitized);
        }
    }

    /// Sanitizes an answer.
    pub(super) async fn sanitize(&self, answered: Answered, listing: bool) -> Result<Sanitized, Refusal> {
        let Answered { routed, reply, fallback } = answered;
        let (kind, payload) = match reply {
            Reply::Error(payload) => (Kind::Error, payload),
            Reply::Result(payload) if asks_for_input(&payload) => (Kind::InputRequired, payload),
            Reply::Result(payload) if listing => (Kind::Listing, payload),
            Reply::Result(payload) => (Kind::Result, payload),
        };
        if kind == Kind::InputRequired && !self.client.revision.is_modern() {
            let message = "the server asks for input in a way that this revision of the protocol does not have";
            return Err(Refusal::new(Stage::Sanitize, Reason::Unavailable, message));
        }
        let upstream = (!fallback).then(|| routed.upstream().clone());
        let message = Message { kind, method: routed.call().method().to_owned(), upstream, payload };
        self.tenant.spec().pipeline.sanitize((&routed).into(), message).await
    }
}

/// Whether a result is a question to the client (2026-07-28, multi round-trip requests).
fn asks_for_input(result: &Payload) -> bool {
    result.get("/resultType") == Some("\"input_required\"")
}

/// What a retry strategy may want to know of an answer.
fn failure_of(reply: &Reply) -> Option<Failure> {
    match reply {
        Reply::Error(error) => {
            let code = error.read("/code").unwrap_or_default();
            Some(Failure::RpcError { code, message: error.read("/message").unwrap_or_default() })
        }
        Reply::Result(result) => (result.get("/isError") == Some("true")).then_some(Failure::ToolError),
    }
}

fn describe(routed: &Routed, failed: &Failed, cargo: &Cargo<'_>, number: u32, started: Instant) -> Attempt {
    Attempt {
        number,
        upstream: routed.upstream().clone(),
        others: u32::try_from(routed.others()).unwrap_or(u32::MAX),
        elapsed: started.elapsed(),
        time_left: routed.call().time_left(),
        read_only: cargo.read_only,
        idempotent: cargo.idempotent,
        failure: failed.failure.clone(),
        retry_after: failed.retry_after,
        chance: fastrand::u32(..),
    }
}

fn given_up(routed: &Routed, failure: &Failure) -> Refusal {
    let id = routed.upstream();
    let (reason, message, note) = match failure {
        Failure::NotSent(cause) => {
            (Reason::Unavailable, format!("the upstream `{id}` cannot be reached"), cause.clone())
        }
        Failure::NoReply(cause) => {
            let message = format!("the upstream `{id}` broke off before it answered; the call may have had an effect");
            (Reason::Unavailable, message, cause.clone())
        }
        Failure::HttpStatus(status) => {
            let message = format!("the upstream `{id}` did not accept the call");
            (Reason::Unavailable, message, format!("HTTP status {status}"))
        }
        Failure::Timeout => {
            (Reason::Timeout, format!("the upstream `{id}` did not answer in time"), failure.label().to_owned())
        }
        Failure::CircuitOpen => {
            let message = format!("the upstream `{id}` has failed too often and is left alone for a moment");
            (Reason::Unavailable, message, failure.label().to_owned())
        }
        Failure::RpcError { .. } | Failure::ToolError => {
            (Reason::Unavailable, format!("the upstream `{id}` failed"), failure.label().to_owned())
        }
    };
    Refusal::new(Stage::Route, reason, message).noted(note)
}
