//! What a server says while a call is under way, and what it asks: told to the client as it comes, asked where the client
//! can be asked on the spot, noted where it has to come back for it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use tokio::time::Instant;
use witgate_policy::{Kind, Message, Payload, Reason, Refusal, Sanitized, Validated};

use super::asks::Asking;
use super::attempt::Way;
use super::held::{Dialog, PATIENCE};
use super::outlet::Outlet;
use super::questions::Questions;
use crate::upstream::{Event, Failed, Reply};
use crate::wire::code;

/// A call in which a client is asked ends here at the latest, whatever its server still wants to know.
const LONGEST: Duration = Duration::from_hours(1);

/// How the client of a call can be asked.
#[derive(Clone, Copy)]
enum Manner<'a> {
    /// On the spot: a legacy client.
    Now(&'a Outlet),
    /// By a result that asks for input: a modern client, for the methods that may have one.
    Later,
    /// Not at all.
    Never,
}

/// How listening ended.
pub(super) enum Heard {
    /// With the answer.
    Reply(Reply),
    /// With questions that the client has to come back for; they are noted.
    Questions,
}

/// Methods whose result may ask a modern client for input.
pub(super) fn may_ask(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

/// A server's request that nobody answers, in the gate's words.
pub(super) fn error(message: &str) -> Reply {
    error_of(code::UNAVAILABLE, message)
}

/// The same with a code that says more.
pub(super) fn error_of(code: i32, message: &str) -> Reply {
    Reply::Error(Payload::of(&json!({ "code": code, "message": message })))
}

/// A server's request that a policy withholds.
pub(super) fn withheld(refusal: &Refusal) -> Reply {
    match refusal.reason {
        Reason::Forbidden => error_of(code::FORBIDDEN, &refusal.message),
        _ => error(&refusal.message),
    }
}

impl Way<'_> {
    fn manner(&self, method: &str) -> Manner<'_> {
        match self.outlet {
            Some(_) if self.client.revision.is_modern() && may_ask(method) => Manner::Later,
            Some(outlet) if !self.client.revision.is_modern() && outlet.can_ask() => Manner::Now(outlet),
            _ => Manner::Never,
        }
    }

    /// Gives a call time for a person to answer, and its server time to go on then.
    pub(super) fn be_patient(&self, validated: &Validated) {
        let now = Instant::now();
        let wanted = now + PATIENCE + self.tenant.spec().deadline;
        validated.call().deadline().extend(wanted.min(self.begun + LONGEST).into_std());
    }

    /// Waits for the answer to a call; passes on what comes before it.
    pub(super) async fn listen(
        &self,
        validated: &Validated,
        upstream: &Arc<str>,
        dialog: &mut Dialog,
    ) -> Result<Heard, Failed> {
        let manner = self.manner(validated.call().method());
        let mut questions = Questions::default();
        loop {
            let event = tokio::select! {
                biased;
                (ask, told) = questions.next(), if !questions.is_empty() => {
                    match told {
                        Ok(progress) => dialog.exchange.notify("notifications/progress", &progress),
                        Err(Reply::Result(answer)) => {
                            let who = validated.identity();
                            let answer = self.tenant.inner_answer(who, self.client, upstream, &answer);
                            dialog.exchange.answer(&ask, Reply::Result(answer));
                        }
                        Err(error) => dialog.exchange.answer(&ask, error),
                    }
                    continue;
                }
                event = dialog.exchange.next() => event?,
            };
            match (event, manner) {
                (Event::Reply(reply), _) => return Ok(Heard::Reply(reply)),
                (Event::Notification { method, params }, _) => {
                    let note = dialog.addressed((method, params));
                    self.notify(validated, upstream, note).await;
                }
                (Event::Opened, _) => self.outlet.into_iter().for_each(Outlet::open),
                (Event::Withdrawn { ask }, _) => questions.withdraw(&ask),
                (Event::Request { ask, method, params }, Manner::Now(outlet)) => {
                    match self.ask(validated, upstream, outlet, (method, params)).await {
                        Ok(asking) => {
                            self.be_patient(validated);
                            dialog.exchange.extend(validated.call().deadline().at());
                            questions.add(ask, asking, Instant::now());
                        }
                        Err(answer) => dialog.exchange.answer(&ask, answer),
                    }
                }
                (event @ Event::Request { .. }, Manner::Later) => {
                    dialog.hear(Ok(event));
                    // What it asks in the same breath is asked together.
                    while dialog.ended.is_none() {
                        let Some(event) = dialog.exchange.next().now_or_never() else { break };
                        dialog.hear(event);
                    }
                    self.catch_up(validated, upstream, dialog).await;
                    if let Some(ended) = dialog.ended.take() {
                        return ended.map(Heard::Reply);
                    }
                    if !dialog.open.is_empty() {
                        return Ok(Heard::Questions);
                    }
                }
                (Event::Request { ask, .. }, Manner::Never) => {
                    dialog.exchange.answer(&ask, error_of(code::METHOD_NOT_FOUND, "the client cannot be asked here"));
                }
            }
        }
    }

    /// Asks the client what a server wants to know, or says what the server is answered instead.
    async fn ask(
        &self,
        validated: &Validated,
        upstream: &Arc<str>,
        outlet: &Outlet,
        (method, params): (String, Payload),
    ) -> Result<Asking, Reply> {
        let request = self.sanitized(validated, upstream, Kind::ServerRequest, method, params).await;
        let request = request.map_err(|refusal| withheld(&refusal))?;
        outlet.ask(request).await.ok_or_else(|| error("the client cannot be asked now"))
    }

    /// Says what was noted while there was nobody to say it to.
    pub(super) async fn catch_up(&self, validated: &Validated, upstream: &Arc<str>, dialog: &mut Dialog) {
        for note in std::mem::take(&mut dialog.notes) {
            let note = dialog.addressed(note);
            self.notify(validated, upstream, note).await;
        }
    }

    /// A notification that is withheld, or that the client does not take, is dropped; the record tells.
    async fn notify(&self, validated: &Validated, upstream: &Arc<str>, note: Option<(String, Payload)>) {
        let Some(outlet) = self.outlet.filter(|outlet| !outlet.is_closed()) else { return };
        let Some((method, params)) = note else { return };
        if let Ok(note) = self.sanitized(validated, upstream, Kind::Notification, method, params).await {
            outlet.tell(note);
        }
    }

    /// What a server says, as the client may have it.
    pub(super) async fn sanitized(
        &self,
        validated: &Validated,
        upstream: &Arc<str>,
        kind: Kind,
        method: String,
        payload: Payload,
    ) -> Result<Sanitized, Refusal> {
        let message = Message { kind, method: method.into(), upstream: Some(upstream.clone()), payload };
        let sanitized = self.tenant.spec().pipeline.sanitize(validated.into(), message).await?;
        Ok(self.tenant.outer_tasks(validated.identity(), self.client, sanitized))
    }
}
