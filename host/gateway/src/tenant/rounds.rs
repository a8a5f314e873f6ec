//! Calls of several rounds, in which the client is asked before its server can answer (2026-07-28, multi round-trip
//! requests), whichever era either of them is of:
//!
//! - modern client, modern server: the question passes, and its `requestState` is sealed around the server's;
//! - modern client, legacy server: what the server asks on its connection becomes such a question, the call is held,
//!   and the retry brings the answers to it;
//! - legacy client, modern server: the question becomes requests to the client, and the gate itself retries.

use futures_util::future::try_join_all;
use indexmap::IndexMap;
use serde_json::{Value, json};
use witgate_policy::json::Edit;
use witgate_policy::{Kind, Payload, Reason, Refusal, Sanitized, Stage, Validated};

use super::Tenant;
use super::ability::lacking;
use super::answers::{Answers, accepted, retried};
use super::asks::Told;
use super::attempt::{Answered, Cargo, Ended, Way, asks_for_input, given_up};
use super::held::{Held, PATIENCE, Token};
use super::inquiry::{Request, astray, by_url, identified, plain, requests};
use super::outlet::Outlet;
use super::shape::edited;
use super::spec::Group;
use super::state::{State, Wait, stale};
use super::talk::{Heard, error, withheld};
use super::task::{makes_task, takes_tasks};
use crate::upstream::Reply;
use crate::wire::code;

/// Up to 2025-11-25, a server's error that asks for elicitations by URL before the same call (elicitation, URL
/// elicitation required).
const URL_ELICITATION_REQUIRED: &str = "-32042";

/// More rounds than this is a server that never has enough.
const MOST_ROUNDS: u32 = 16;

/// A call that may take several rounds.
pub(super) struct Errand<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) validated: &'a Validated,
    /// The params as the client sent them.
    pub(super) asked: &'a Payload,
    pub(super) group: &'a Group,
    pub(super) way: &'a Way<'a>,
}

impl Errand<'_> {
    /// Sends the call, or goes on with it.
    pub(super) async fn run(&self, mut cargo: Cargo<'_>) -> Result<Sanitized, Refusal> {
        if !self.way.client.revision.is_modern() {
            return Box::pin(self.run_rounds(cargo)).await;
        }
        let state = self.tenant.unsealed(self.validated, self.asked)?;
        let only = match state {
            None => {
                if self.validated.call().params().get("/inputResponses").is_some() {
                    let amended = Box::pin(self.tenant.amended(self.validated, self.way)).await?;
                    cargo.params = edited(&cargo.params, &amended);
                }
                None
            }
            Some(state) => {
                let answers = Box::pin(self.tenant.answers(self.validated, self.way, &state)).await?;
                let own = match state.wait {
                    Wait::Held(number) => return Box::pin(self.resume(number, answers)).await,
                    Wait::Again => {
                        accepted(&answers)?;
                        None
                    }
                    Wait::Server(ref own) => own.as_deref(),
                };
                let answers = matches!(state.wait, Wait::Server(_)).then_some(&answers);
                cargo.params = retried(&cargo.params, answers, own);
                if self.group.upstream(&state.upstream).is_none() {
                    return Err(stale());
                }
                Some(state.upstream)
            }
        };
        match self.way.call(self.validated, self.group, &cargo, only.as_deref()).await? {
            Ended::Answered(answered) => self.finish(answered).await,
            Ended::Held(held) => Box::pin(self.settle(held)).await,
        }
    }

    /// What a modern client gets of its server's answer.
    async fn finish(&self, answered: Answered) -> Result<Sanitized, Refusal> {
        let upstream = answered.routed.upstream();
        let method = self.validated.call().method();
        let (question, server) = match &answered.reply {
            Reply::Result(result) if asks_for_input(result) => (result.clone(), true),
            Reply::Error(error) if error.get("/code") == Some(URL_ELICITATION_REQUIRED) => match by_url(error) {
                Some(question) => (question, false),
                None => return self.way.clean(self.validated, answered).await,
            },
            Reply::Result(result) if makes_task(result) && !takes_tasks(self.way.client) => {
                return self.tenant.lacks_tasks(self.validated, method).await;
            }
            _ => return self.way.clean(self.validated, answered).await,
        };
        let question =
            self.way.sanitized(self.validated, upstream, Kind::InputRequired, method.to_owned(), question).await?;
        let mut asked = IndexMap::new();
        for (key, Request { method, params }) in requests(question.payload())? {
            if let Some(needed) = lacking(&self.way.client.capabilities, &method, &params) {
                return self.tenant.lacks(self.validated, &method, &needed).await;
            }
            asked.insert(key, method);
        }
        let wait = if server { Wait::Server(question.payload().read("/requestState")) } else { Wait::Again };
        self.stated(question, &State::new(upstream, asked, wait))
    }

    /// A question with the gate's own state.
    fn stated(&self, question: Sanitized, state: &State) -> Result<Sanitized, Refusal> {
        let sealed = self.tenant.sealed(self.validated, self.asked, state)?;
        let state = Edit::set("/requestState", Payload::of(&sealed).as_str());
        Ok(question.renamed(|payload| edited(payload, &[state])))
    }
}

/// A legacy server that waits for a modern client.
impl Errand<'_> {
    /// Gives the answers to the call that waits for them, and goes on with it.
    async fn resume(&self, number: u64, mut answers: Answers) -> Result<Sanitized, Refusal> {
        let mut held = self.tenant.spec().lasting.holding.take(number).await.ok_or_else(stale)?;
        self.way.visit(held.routed.upstream());
        let dialog = &mut held.dialog;
        dialog.exchange.extend(self.validated.call().deadline().at());
        dialog.open.retain(|question| match answers.shift_remove(&question.key) {
            Some(answer) => {
                let answer = self.tenant.inner_tasks(self.validated.identity(), &answer);
                dialog.exchange.answer(&question.ask, Reply::Result(answer));
                false
            }
            None => true,
        });
        dialog.token = Token::Retry(self.asked.get("/_meta/progressToken").map(str::to_owned));
        self.way.catch_up(self.validated, held.routed.upstream(), dialog).await;
        self.settle(held).await
    }

    /// Waits for the server, until it has answered or asks something that its client has to come back for.
    async fn settle(&self, mut held: Held) -> Result<Sanitized, Refusal> {
        loop {
            let ended = match held.dialog.ended.take() {
                Some(ended) => Some(ended),
                None if held.dialog.open.is_empty() => {
                    let upstream = held.routed.upstream();
                    match self.way.listen(self.validated, upstream, &mut held.dialog).await {
                        Ok(Heard::Reply(reply)) => Some(Ok(reply)),
                        Ok(Heard::Questions) => None,
                        Err(failed) => Some(Err(failed)),
                    }
                }
                None => None,
            };
            match ended {
                Some(Ok(reply)) => {
                    return self.finish(Answered { routed: held.routed, reply, fallback: false }).await;
                }
                Some(Err(failed)) => return self.finish(given_up(held.routed, failed)?).await,
                None => {}
            }
            let Some(question) = self.pose(&mut held).await? else { continue };
            let asked = held.dialog.open.iter().map(|open| (open.key.clone(), open.method.clone())).collect();
            let upstream = held.routed.upstream().clone();
            let number = self.tenant.spec().lasting.holding.hold(held)?;
            return self.stated(question, &State::new(&upstream, asked, Wait::Held(number)));
        }
    }

    /// The open questions as a result that asks for input; those that the client may not be asked are answered at once.
    async fn pose(&self, held: &mut Held) -> Result<Option<Sanitized>, Refusal> {
        let (upstream, dialog) = (held.routed.upstream(), &mut held.dialog);
        dialog.rounds += 1;
        if dialog.rounds > MOST_ROUNDS {
            return Err(insatiable());
        }
        let mut posed = serde_json::Map::new();
        let mut open = Vec::new();
        for question in std::mem::take(&mut dialog.open) {
            if lacking(&self.way.client.capabilities, &question.method, &question.params).is_some() {
                dialog.exchange.answer(&question.ask, error("the client did not declare this"));
                continue;
            }
            let (method, params) = (question.method.clone(), plain(&question.params));
            match self.way.sanitized(self.validated, upstream, Kind::ServerRequest, method, params).await {
                Ok(clean) => {
                    let params: Value = clean.payload().deserialize().unwrap_or_default();
                    posed.insert(question.key.clone(), json!({ "method": question.method, "params": params }));
                    open.push(question);
                }
                Err(refusal) => dialog.exchange.answer(&question.ask, withheld(&refusal)),
            }
        }
        if open.is_empty() {
            return Ok(None);
        }
        let method = self.validated.call().method().to_owned();
        let whole = Payload::of(&json!({ "resultType": "input_required", "inputRequests": posed }));
        let whole = self.way.sanitized(self.validated, upstream, Kind::InputRequired, method, whole).await?;
        let left = requests(whole.payload())?;
        for question in open {
            if left.contains_key(&question.key) {
                dialog.open.push(question);
            } else {
                dialog.exchange.answer(&question.ask, error("a policy of the gateway withholds this"));
            }
        }
        Ok((!dialog.open.is_empty()).then_some(whole))
    }
}

/// A modern server that waits for a legacy client.
impl Errand<'_> {
    async fn run_rounds(&self, mut cargo: Cargo<'_>) -> Result<Sanitized, Refusal> {
        let mut only = None;
        for _ in 0..MOST_ROUNDS {
            let answered = match self.way.call(self.validated, self.group, &cargo, only.as_deref()).await? {
                Ended::Answered(answered) => answered,
                // A legacy client is asked on the spot.
                Ended::Held(held) => return self.settle(held).await,
            };
            match &answered.reply {
                Reply::Result(result) if asks_for_input(result) => {
                    let (answers, state) = self.inquire(&answered, result.clone()).await?;
                    cargo.params = retried(&cargo.params, answers.as_ref(), state.as_deref());
                    only = Some(answered.routed.upstream().to_string());
                }
                Reply::Result(result) if makes_task(result) => {
                    return Err(astray("answered with a task, and this client takes none of that kind"));
                }
                _ => return self.way.clean(self.validated, answered).await,
            }
        }
        Err(insatiable())
    }

    /// Asks the client all that a server wants to know. Gives back its answers, and the server's own state.
    async fn inquire(
        &self,
        answered: &Answered,
        question: Payload,
    ) -> Result<(Option<Answers>, Option<String>), Refusal> {
        let upstream = answered.routed.upstream();
        let method = self.validated.call().method().to_owned();
        let question = self.way.sanitized(self.validated, upstream, Kind::InputRequired, method, question).await?;
        let (requests, state) = (requests(question.payload())?, question.payload().read("/requestState"));
        if requests.is_empty() {
            return if state.is_some() { Ok((None, state)) } else { Err(astray("asks for input, but not for which")) };
        }
        let outlet = self.way.outlet.filter(|outlet| outlet.can_ask());
        let outlet = outlet.ok_or_else(|| astray("asks for input, and this client takes no stream to be asked on"))?;
        for Request { method, params } in requests.values() {
            if let Some(needed) = lacking(&self.way.client.capabilities, method, params) {
                return Err(astray(&format!("needs the client's capability {needed}, which it did not declare")));
            }
        }
        self.way.be_patient(self.validated);
        let asking = requests.into_iter().map(|(key, request)| self.ask(outlet, upstream, key, request));
        Ok((Some(try_join_all(asking).await?.into_iter().collect()), state))
    }

    /// One request to the client, with its answer.
    async fn ask(
        &self,
        outlet: &Outlet,
        upstream: &std::sync::Arc<str>,
        key: String,
        Request { method, params }: Request,
    ) -> Result<(String, Payload), Refusal> {
        let params = identified(&params, self.validated.call().id(), &key);
        let request = self.way.sanitized(self.validated, upstream, Kind::ServerRequest, method.clone(), params).await?;
        let answer = async {
            let mut asking = outlet.ask(request).await?;
            loop {
                match asking.next().await? {
                    // There is nobody to tell: the server has ended its part of the call.
                    Told::Progress(_) => {}
                    Told::Answer(answer) => return Some(answer),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Some(Reply::Result(answer))) => Ok((key, answer)),
            Ok(Some(Reply::Error(error))) => {
                let message = format!("the client answered `{method}` with an error, so the call cannot go on");
                Err(Refusal::new(Stage::Route, Reason::Unavailable, message).noted(error.as_str()))
            }
            Ok(None) => Err(astray("asks for input, and the client cannot be asked now")),
            Err(_) => {
                let message = format!("the client did not answer `{method}` within {PATIENCE:?}");
                Err(Refusal::new(Stage::Route, Reason::Timeout, message))
            }
        }
    }
}

impl Tenant {
    /// Tells a modern client which capability it lacks.
    pub(super) async fn lacks(&self, validated: &Validated, what: &str, needed: &Value) -> Result<Sanitized, Refusal> {
        let error = json!({
            "code": code::MISSING_CAPABILITY,
            "message": format!("`{what}` needs a capability that the client did not declare"),
            "data": { "requiredCapabilities": needed },
        });
        self.say(validated, Kind::Error, Payload::of(&error)).await
    }
}

fn insatiable() -> Refusal {
    astray(&format!("asked for input {MOST_ROUNDS} times, which is as often as the gateway passes on"))
}
