//! Sending a routed call, as often as the retry strategies and the clamp allow, and sanitizing what comes back.

use std::sync::Arc;
use std::time::Instant;

use witgate_policy::{
    Attempt, Failure, Kind, Message, Next, Payload, Provenance, Reason, Refusal, Routed, Sanitized, Stage, Validated,
    Why,
};

use super::catalog::Item;
use super::held::{Dialog, Held};
use super::journal::Visits;
use super::pages::Keeping;
use super::spec::Group;
use super::talk::Heard;
use super::{Outlet, Tenant};
use crate::turn;
use crate::upstream::{Failed, Outgoing, Reply};
use crate::wire::{ClientFacts, code};

/// A server may ask for input only in answer to few methods (2026-07-28, multi round-trip requests).
const MISPLACED: &str = "the server asks for input where the protocol does not have it";

/// What goes along with a message on its way.
pub(super) struct Way<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) client: &'a ClientFacts,
    /// Where notifications go; `None` for the gate's own lookups, whose notifications are nobody's.
    pub(super) outlet: Option<&'a Outlet>,
    pub(super) visits: Visits,
    pub(super) begun: tokio::time::Instant,
}

impl<'a> Way<'a> {
    pub(super) fn new(tenant: &'a Tenant, client: &'a ClientFacts, outlet: Option<&'a Outlet>, visits: Visits) -> Self {
        Self { tenant, client, outlet, visits, begun: tokio::time::Instant::now() }
    }

    /// The same for a client of whom other things are known.
    pub(super) fn of<'b>(&'b self, client: &'b ClientFacts) -> Way<'b> {
        Way { client, visits: self.visits.clone(), ..*self }
    }
}

/// What is sent, beside the evidence.
pub(super) struct Cargo<'a> {
    pub(super) params: Payload,
    pub(super) tool: Option<&'a Item>,
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

/// How a call ended, for now.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub(super) enum Ended {
    Answered(Answered),
    /// Its client has to come back with answers.
    Held(Held),
}

impl Way<'_> {
    /// Routes a validated call within a group and sends it.
    pub(super) async fn send(
        &self,
        validated: &Validated,
        group: &Group,
        cargo: &Cargo<'_>,
    ) -> Result<Answered, Refusal> {
        self.answered(validated, group, cargo, None).await
    }

    /// Routes a validated call within a group, or to the `only` upstream that may go on with it, and sends it.
    pub(super) async fn call(
        &self,
        validated: &Validated,
        group: &Group,
        cargo: &Cargo<'_>,
        only: Option<&str>,
    ) -> Result<Ended, Refusal> {
        let pipeline = &self.tenant.spec().pipeline;
        // Before what is routed by is looked at: each sees what those before it have begun.
        turn::in_step(validated.call().params().len()).await;
        let mut candidates = group.candidates();
        candidates.retain(|candidate| only.is_none_or(|only| *candidate.id == *only));
        let mut routed = pipeline.route(validated, &candidates).await?;
        let started = Instant::now();
        let mut number = 1;
        loop {
            let keeping = Keeping::of(self, &routed, group, cargo);
            if let Some(page) = keeping.as_ref().and_then(|keeping| keeping.page()) {
                return Ok(Ended::Answered(Answered { routed, reply: Reply::Result(page), fallback: false }));
            }
            if number == 1 {
                pipeline.budget.deposit();
            }
            let outcome = self.try_once(validated, &routed, group, cargo).await?;
            let (failed, reply) = match outcome {
                Ok((Heard::Questions, dialog)) => return Ok(Ended::Held(Held { routed, dialog })),
                Ok((Heard::Reply(reply), _)) => {
                    if let Some(keeping) = keeping {
                        keeping.answered(&reply);
                    }
                    let Some(failure) = failure_of(&reply).filter(|_| !pipeline.retry.is_empty()) else {
                        return Ok(Ended::Answered(Answered { routed, reply, fallback: false }));
                    };
                    (Failed::from(failure), Some(reply))
                }
                Err(failed) => {
                    if let (Some(keeping), Failure::HttpStatus(_)) = (keeping, &failed.failure) {
                        keeping.refused();
                    }
                    (failed, None)
                }
            };
            let attempt = describe(&routed, &failed, cargo, number, started);
            match pipeline.retry(&mut routed, &attempt).await {
                Next::Again { delay } => {
                    tokio::time::sleep(delay).await;
                    number += 1;
                }
                Next::Fallback(result) => {
                    let reply = Reply::Result(result);
                    return Ok(Ended::Answered(Answered { routed, reply, fallback: true }));
                }
                Next::GiveUp => {
                    return match reply {
                        Some(reply) => Ok(Ended::Answered(Answered { routed, reply, fallback: false })),
                        None => given_up(routed, failed).map(Ended::Answered),
                    };
                }
            }
        }
    }

    /// One attempt. A credential that the upstream refuses (HTTP 401: not processed) is renewed once; so are headers that
    /// it takes for others than the tool's definition asks for.
    async fn try_once(
        &self,
        validated: &Validated,
        routed: &Routed,
        group: &Group,
        cargo: &Cargo<'_>,
    ) -> Result<Result<(Heard, Dialog), Failed>, Refusal> {
        let id = routed.upstream();
        let Some(upstream) = group.upstream(id) else {
            return Err(Refusal::new(Stage::Route, Reason::Unavailable, format!("the upstream `{id}` is gone")));
        };
        self.visit(id);
        let credentials = &self.tenant.credentials;
        let mut why = Why::First;
        let mut redefined = None;
        loop {
            let tool = redefined.as_ref().or(cargo.tool);
            let headers = credentials.headers(self.tenant, routed, upstream, why).await?;
            let outgoing = Outgoing {
                client: self.client,
                params: cargo.params.clone(),
                tool: tool.and_then(Item::mirrored),
                headers: &headers,
            };
            let result = match upstream.send(routed, outgoing).await {
                Ok(exchange) => {
                    let mut dialog = Dialog::new(exchange);
                    self.listen(validated, id, &mut dialog).await.map(|heard| (heard, dialog))
                }
                Err(failed) => Err(failed),
            };
            if redefined.is_none() && validated.call().method() == "tools/call" && is_mismatch(&result) {
                let own = cargo.params.read("/name").unwrap_or_default();
                redefined = self.tenant.redefined(validated, group, own, tool, self).await;
                if redefined.is_some() {
                    continue;
                }
            }
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

    /// For the record.
    pub(super) fn visit(&self, upstream: &Arc<str>) {
        self.visits.push(upstream);
    }

    /// Like [`call`](Self::call), for what no client is asked for input to.
    pub(super) async fn answered(
        &self,
        validated: &Validated,
        group: &Group,
        cargo: &Cargo<'_>,
        only: Option<&str>,
    ) -> Result<Answered, Refusal> {
        match self.call(validated, group, cargo, only).await? {
            Ended::Answered(answered) => Ok(answered),
            Ended::Held(_) => Err(Refusal::new(Stage::Route, Reason::Unavailable, MISPLACED)),
        }
    }

    /// Sanitizes an answer.
    pub(super) async fn sanitize(&self, answered: Answered, listing: bool) -> Result<Sanitized, Refusal> {
        let Answered { routed, reply, fallback } = answered;
        self.cleaned((&routed).into(), &routed, reply, (fallback, listing)).await
    }

    /// Sanitizes the answer to a call that may have begun with another one.
    pub(super) async fn clean(&self, validated: &Validated, answered: Answered) -> Result<Sanitized, Refusal> {
        let Answered { routed, reply, fallback } = answered;
        self.cleaned(validated.into(), &routed, reply, (fallback, false)).await
    }

    async fn cleaned(
        &self,
        from: Provenance<'_>,
        routed: &Routed,
        reply: Reply,
        (fallback, listing): (bool, bool),
    ) -> Result<Sanitized, Refusal> {
        let (kind, payload) = match reply {
            Reply::Error(payload) => (Kind::Error, payload),
            Reply::Result(payload) if asks_for_input(&payload) => {
                return Err(Refusal::new(Stage::Sanitize, Reason::Unavailable, MISPLACED));
            }
            Reply::Result(payload) if listing => (Kind::Listing, payload),
            Reply::Result(payload) => (Kind::Result, payload),
        };
        let upstream = (!fallback).then(|| routed.upstream().clone());
        let message = Message { kind, method: routed.call().shared_method(), upstream, payload };
        turn::in_step(message.payload.len()).await;
        let sanitized = self.tenant.spec().pipeline.sanitize(from, message).await?;
        Ok(self.tenant.outer_tasks(routed.identity(), self.client, sanitized))
    }
}

/// Whether a server refuses a call for its headers (2026-07-28, streamable HTTP, client behavior).
fn is_mismatch(result: &Result<(Heard, Dialog), Failed>) -> bool {
    let Ok((Heard::Reply(Reply::Error(error)), _)) = result else { return false };
    error.read("/code") == Some(code::HEADER_MISMATCH)
}

/// Whether a result is a question to the client (2026-07-28, multi round-trip requests).
pub(super) fn asks_for_input(result: &Payload) -> bool {
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

/// What the client gets of a call that failed: the server's own error where it gave one.
pub(super) fn given_up(routed: Routed, failed: Failed) -> Result<Answered, Refusal> {
    match failed.error {
        Some(error) => Ok(Answered { routed, reply: Reply::Error(error), fallback: false }),
        None => Err(refused(&routed, failed)),
    }
}

fn refused(routed: &Routed, failed: Failed) -> Refusal {
    let (id, failure) = (routed.upstream(), &failed.failure);
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
    Refusal::new(Stage::Route, reason, failed.told.unwrap_or(message)).noted(note)
}
