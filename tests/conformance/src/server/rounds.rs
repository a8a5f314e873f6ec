//! Tools and a prompt that need input before they answer (`input_required`). What they need in each round is in
//! `fixtures/inputs.json`; the round is in the state that the client brings back, signed.

use rmcp::ErrorData;
use rmcp::model::{ClientCapabilities, InputRequest, InputRequiredResult, InputResponses, RequestStateCodec};

use super::fixtures;

/// Nothing here is worth protecting: any key of this length will do.
const KEY: &[u8] = b"no secret, since nothing depends on it";

/// Which of them bring their state back.
const WITH_STATE: [&str; 4] = [
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
];

/// A request for input, or what was brought.
pub(crate) enum Round {
    Needs(InputRequiredResult),
    Has(InputResponses),
}

/// What a request brought for the round it is in.
pub(crate) struct Brought<'a> {
    pub(crate) responses: Option<InputResponses>,
    pub(crate) state: Option<&'a str>,
    pub(crate) capabilities: ClientCapabilities,
}

impl Brought<'_> {
    /// What is still needed for `name`, or all that was brought.
    pub(crate) fn round(self, name: &str) -> Result<Round, ErrorData> {
        let with_state = WITH_STATE.contains(&name);
        let round = if with_state { self.state.map_or(Ok(None), |state| opened(state).map(Some))? } else { None };
        let responses = self.responses.unwrap_or_default();
        let current = round.unwrap_or(0);
        let Some(mut needed) = fixtures::inputs(name, current)? else { return Ok(Round::Has(responses)) };
        if name == "test_input_required_result_capabilities" {
            needed.retain(|_, request| declares(&self.capabilities, request));
        }
        let answered = needed.keys().all(|key| responses.get(key).is_some_and(serde_json::Value::is_object));
        if !answered || (with_state && round.is_none()) {
            return Ok(Round::Needs(InputRequiredResult::new(Some(needed), sealed(with_state, current)?)));
        }
        match fixtures::inputs(name, current + 1)? {
            Some(next) => Ok(Round::Needs(InputRequiredResult::new(Some(next), sealed(with_state, current + 1)?))),
            None => Ok(Round::Has(responses)),
        }
    }
}

fn declares(capabilities: &ClientCapabilities, request: &InputRequest) -> bool {
    match request {
        InputRequest::CreateMessage(_) => capabilities.sampling.is_some(),
        InputRequest::Elicitation(_) => capabilities.elicitation.is_some(),
        InputRequest::ListRoots(_) => capabilities.roots.is_some(),
        _ => false,
    }
}

fn sealed(with_state: bool, round: usize) -> Result<Option<String>, ErrorData> {
    let seal = || RequestStateCodec::new_unchecked(KEY).seal_json(&round);
    with_state.then(seal).transpose().map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn opened(state: &str) -> Result<usize, ErrorData> {
    let opened = RequestStateCodec::new_unchecked(KEY).open_json(state);
    opened.map_err(|_| ErrorData::invalid_params("requestState is not what this server sealed", None))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brought<'a>(keys: &[&str], state: Option<&'a str>) -> Brought<'a> {
        let responses = keys.iter().map(|key| ((*key).to_owned(), json!({ "action": "accept" }))).collect();
        Brought { responses: Some(responses), state, capabilities: ClientCapabilities::default() }
    }

    fn needs(brought: Brought<'_>, name: &str) -> Option<InputRequiredResult> {
        match brought.round(name).expect("a round") {
            Round::Needs(result) => Some(result),
            Round::Has(_) => None,
        }
    }

    #[test]
    fn a_second_round_follows_the_first() {
        let name = "test_input_required_result_multi_round";
        let first = needs(brought(&[], None), name).expect("the first");
        let second = needs(brought(&["step1"], first.request_state.as_deref()), name).expect("the second");
        assert!(second.input_requests.expect("questions").contains_key("step2"));
        assert!(needs(brought(&["step2"], second.request_state.as_deref()), name).is_none());
    }

    #[test]
    fn what_is_missing_is_asked_for_again() {
        let name = "test_input_required_result_elicitation";
        assert!(needs(brought(&["other"], None), name).is_some());
        assert!(needs(brought(&["user_name", "other"], None), name).is_none());
    }

    #[test]
    fn a_state_that_is_not_ours_is_refused() {
        let brought = brought(&["confirm"], Some("rs1.made.up"));
        assert!(brought.round("test_input_required_result_tampered_state").is_err());
    }
}
