//! What a client answers to what it was asked, where the answers come with a request of its own.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use witgate_policy::json::Edit;
use witgate_policy::{Payload, Refusal, Validated};

use super::Tenant;
use super::attempt::Way;
use super::catalog::Book;
use super::shape::edited;
use super::state::{State, invalid};

/// The client's answers to what it was asked, by key, as the validators accepted them.
pub(super) type Answers = IndexMap<String, Payload>;

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

    /// The answers that a retry brings to what was asked; what was not asked for is ignored.
    pub(super) async fn answers(
        &self,
        validated: &Validated,
        way: &Way<'_>,
        state: &State,
    ) -> Result<Answers, Refusal> {
        let params = validated.call().params();
        let given = answers_of(params)?;
        let mut answers = Answers::new();
        for (key, method) in &state.asked {
            let Some(answer) = given.get(key.as_str()) else { continue };
            let answer = object(params, key, answer)?;
            answers.insert(key.clone(), self.answer(validated, way, method, answer).await?);
        }
        Ok(answers)
    }

    /// What the validators change in answers to questions that the gate does not remember: a server without a state
    /// takes them with any call, and a task's are asked for elsewhere.
    pub(super) async fn amended(&self, validated: &Validated, way: &Way<'_>) -> Result<Vec<Edit>, Refusal> {
        let params = validated.call().params();
        let mut edits = Vec::new();
        for (key, answer) in answers_of(params)? {
            let answer = object(params, &key, answer)?;
            let judged = self.answer(validated, way, question_of(&answer), answer.clone()).await?;
            if judged != answer {
                let token = key.replace('~', "~0").replace('/', "~1");
                edits.push(Edit::set(format!("/inputResponses/{token}"), judged.as_str()));
            }
        }
        Ok(edits)
    }
}

/// The members of `inputResponses`, as they stand.
fn answers_of(params: &Payload) -> Result<IndexMap<String, &RawValue>, Refusal> {
    let Some(text) = params.get("/inputResponses") else { return Ok(IndexMap::new()) };
    serde_json::from_str(text).map_err(|_| invalid("`inputResponses` has to be an object of answers"))
}

fn object(params: &Payload, key: &str, answer: &RawValue) -> Result<Payload, Refusal> {
    let answer = params.part(answer);
    if answer.is_object() {
        return Ok(answer);
    }
    Err(invalid(format!("the answer to `{key}` in `inputResponses` has to be an object")))
}

/// What a client answered, told by its form.
fn question_of(answer: &Payload) -> &'static str {
    match () {
        () if answer.get("/action").is_some() => "elicitation/create",
        () if answer.get("/roots").is_some() => "roots/list",
        () => "sampling/createMessage",
    }
}

/// The params of a retry: with these answers and this state, and no others.
pub(super) fn retried(params: &Payload, answers: Option<&Answers>, state: Option<&str>) -> Payload {
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

/// A call that waits for its client to do something is not made again before the client has.
pub(super) fn accepted(answers: &Answers) -> Result<(), Refusal> {
    if !answers.is_empty() && answers.values().all(|answer| answer.get("/action") == Some("\"accept\"")) {
        return Ok(());
    }
    Err(invalid("what the server needs first was not accepted, so the call is not made again"))
}
