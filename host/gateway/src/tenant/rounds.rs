//! Calls of several rounds, in which the client is asked before its server can answer (2026-07-28, multi round-trip
//! requests), whichever era either of them is of:
//!
//! - modern client, modern server: the question passes, and its `requestState` is sealed around the server's;
//! - modern client, legacy server: what the server asks on its connection becomes such a question, the call is held,
//!   and the retry brings the answers to it;
//! - legacy client, modern server: the question becomes requests to the client, and the gate itself retries.

use futures_util::future::try_join_all;
use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use witgate_policy::json::Edit;
use witgate_policy::{Kind, Payload, Reason, Refusal, Sanitized, Stage, Validated};

use super::Tenant;
use super::ability::{ASKABLE, lacking};
use super::attempt::{Answered, Cargo, Ended, Way, asks_for_input, given_up};
use super::catalog::Book;
use super::held::{Held, PATIENCE};
use super::outlet::{Outlet, Told};
use super::shape::edited;
use super::spec::Group;
use super::state::{State, Wait, invalid, stale};
use super::talk::{Heard, error, withheld};
use crate::upstream::Reply;
use crate::wire::code;

/// More rounds than this is a server that never has enough.
const MOST_ROUNDS: u32 = 16;

/// Requests in one question: a person answers a few, a machine some more.
const MOST_REQUESTS: usize = 64;

/// Up to 2025-11-25, a server's error that asks for elicitations by URL before the same call (elicitation, URL
/// elicitation required).
const URL_ELICITATION_REQUIRED: &str = "-32042";

/// The client's answers to what it was asked, by key, as the validators accepted them.
type Answers = IndexMap<String, Payload>;

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
            return self.run_rounds(cargo).await;
        }
        let state = self.tenant.unsealed(self.validated, self.asked)?;
        let only = match state {
            None => {
                answers_of(self.validated.call().params())?;
                cargo.params = retried(&cargo.params, None, None);
                None
            }
            Some(state) => {
                let answers = self.answers(&state).await?;
                let own = match state.wait {
                    Wait::Held(number) => return self.resume(number, answers).await,
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
            Ended::Held(held) => self.settle(held).await,
        }
    }

    /// What a modern client gets of its server's answer.
    async fn finish(&self, answered: Answered) -> Result<Sanitized, Refusal> {
        let upstream = answered.routed.upstream();
        let method = self.validated.call().method().to_owned();
        let (question, server) = match &answered.reply {
            Reply::Result(result) if asks_for_input(result) => (result.clone(), true),
            Reply::Error(error) if error.get("/code") == Some(URL_ELICITATION_REQUIRED) => match by_url(error) {
                Some(question) => (question, false),
                None => return self.way.clean(self.validated, answered).await,
            },
            _ => return self.way.clean(self.validated, answered).await,
        };
        let question = self.way.sanitized(self.validated, upstream, Kind::InputRequired, method, question).await?;
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

    /// The answers that a retry brings to what was asked; what was not asked for is ignored.
    async fn answers(&self, state: &State) -> Result<Answers, Refusal> {
        let params = self.validated.call().params();
        let given = answers_of(params)?;
        let mut answers = Answers::new();
        for (key, method) in &state.asked {
            let Some(answer) = given.get(key.as_str()) else { continue };
            let answer = params.part(answer);
            if !answer.is_object() {
                return Err(invalid(format!("the answer to `{key}` in `inputResponses` has to be an object")));
            }
            answers.insert(key.clone(), self.tenant.answer(self.validated, self.way, method, answer).await?);
        }
        Ok(answers)
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
    /// Lets the validators judge what a client answers to a server, and gives back what they accepted.
    pub(super) async fn answer(
        &self,
        validated: &Validated,
        way: &Way<'_>,
        method: &str,
        answer: Payload,
    ) -> Result<Payload, Refusal> {
        let answering = validated.admitted().answering(method, answer);
        let judged = self.spec().pipeline.validate(answering, &Book { tenant: self, way }).await?;
        Ok(judged.call().params().clone())
    }

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

/// One of the requests in a question.
struct Request {
    method: String,
    params: Payload,
}

/// The requests of a question, by key.
fn requests(question: &Payload) -> Result<IndexMap<String, Request>, Refusal> {
    #[derive(serde::Deserialize)]
    struct Raw<'a> {
        method: String,
        #[serde(borrow, default)]
        params: Option<&'a RawValue>,
    }
    let Some(text) = question.get("/inputRequests") else { return Ok(IndexMap::new()) };
    let raw: IndexMap<String, Raw<'_>> =
        serde_json::from_str(text).map_err(|_| astray("asks for input in a form that is none"))?;
    if raw.len() > MOST_REQUESTS {
        return Err(astray("asks for more input at once than the gateway passes on"));
    }
    let request = |Raw { method, params }: Raw<'_>| {
        if !ASKABLE.contains(&method.as_str()) {
            return Err(astray(&format!("asks for `{method}`, which a result must not ask for")));
        }
        Ok(Request { method, params: params.map_or_else(Payload::empty, |params| question.part(params)) })
    };
    raw.into_iter().map(|(key, raw)| Ok((key, request(raw)?))).collect()
}

/// The members of `inputResponses`, as they stand.
fn answers_of(params: &Payload) -> Result<IndexMap<String, &RawValue>, Refusal> {
    let Some(text) = params.get("/inputResponses") else { return Ok(IndexMap::new()) };
    serde_json::from_str(text).map_err(|_| invalid("`inputResponses` has to be an object of answers"))
}

/// The params of a retry: with these answers and this state, and no others.
fn retried(params: &Payload, answers: Option<&Answers>, state: Option<&str>) -> Payload {
    let answers = answers.filter(|answers| !answers.is_empty()).map(|answers| {
        let raw: IndexMap<&str, &RawValue> = answers
            .iter()
            .filter_map(|(key, answer)| Some((key.as_str(), serde_json::from_str(answer.as_str()).ok()?)))
            .collect();
        Payload::of(&raw).as_str().to_owned()
    });
    let state = state.map(|state| Payload::of(state).as_str().to_owned());
    let edits: Vec<Edit> = [("/inputResponses", answers), ("/requestState", state)]
        .into_iter()
        .filter(|(pointer, value)| value.is_some() || params.get(pointer).is_some())
        .map(|(pointer, value)| Edit { pointer: pointer.to_owned(), value })
        .collect();
    edited(params, &edits)
}

/// A server's request without what belongs to its connection.
fn plain(params: &Payload) -> Payload {
    let there = ["/_meta/progressToken", "/task"].into_iter().filter(|pointer| params.get(pointer).is_some());
    edited(params, &there.map(Edit::remove).collect::<Vec<_>>())
}

/// An elicitation by URL has an id up to 2025-11-25, and none since.
fn identified(params: &Payload, call: &str, key: &str) -> Payload {
    if params.get("/mode") != Some("\"url\"") || params.get("/elicitationId").is_some() {
        return params.clone();
    }
    edited(params, &[Edit::set("/elicitationId", Payload::of(&format!("{call}-{key}")).as_str())])
}

/// A legacy server's error that asks for elicitations, as a result that does.
fn by_url(error: &Payload) -> Option<Payload> {
    let elicitations: Vec<Value> = error.read("/data/elicitations")?;
    let requests: serde_json::Map<String, Value> = elicitations
        .into_iter()
        .enumerate()
        .map(|(at, params)| {
            (format!("elicitation-{}", at + 1), json!({ "method": "elicitation/create", "params": params }))
        })
        .collect();
    let question = json!({ "resultType": "input_required", "inputRequests": requests });
    (!requests.is_empty()).then(|| Payload::of(&question))
}

/// A call that waits for its client to do something is not made again before the client has.
fn accepted(answers: &Answers) -> Result<(), Refusal> {
    if !answers.is_empty() && answers.values().all(|answer| answer.get("/action") == Some("\"accept\"")) {
        return Ok(());
    }
    Err(invalid("what the server needs first was not accepted, so the call is not made again"))
}

fn insatiable() -> Refusal {
    astray(&format!("asked for input {MOST_ROUNDS} times, which is as often as the gateway passes on"))
}

/// A server that does what the protocol does not have.
fn astray(what: &str) -> Refusal {
    Refusal::new(Stage::Route, Reason::Unavailable, format!("the server {what}"))
}
