use std::time::Duration;

use witgate_policy::{Again, Answer, Attempt, Call, Destination, Failure, RetryDecision, RetryStrategy, Stage};

use super::words;
use crate::bindings::retry::Retry;
use crate::bindings::retry::exports::witgate::retry::strategy as wit;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl Contract for Retry {
    const KIND: Stage = Stage::Retry;
    const DECIDES: &'static str = "decide";
    type Told<'a> = (words::Call<'a>, wit::Attempt);
    type Said = (wit::Decision,);
}

impl RetryStrategy for Runner<Retry> {
    fn decide<'a>(&'a self, call: &'a Call, tried: &'a Attempt) -> Answer<'a, RetryDecision> {
        let caller = Caller::Unknown;
        Box::pin(self.ask(caller, 0, move |_| Ok((words::call(call), attempt(tried))), |(said,)| Ok(decision(said))))
    }
}

fn attempt(attempt: &Attempt) -> wit::Attempt {
    wit::Attempt {
        number: attempt.number,
        upstream: attempt.upstream.to_string(),
        others: attempt.others,
        elapsed_ms: words::millis(attempt.elapsed),
        deadline_ms: words::millis(attempt.time_left),
        read_only: attempt.read_only,
        idempotent: attempt.idempotent,
        failure: failure(&attempt.failure),
        retry_after_ms: attempt.retry_after.map(words::millis),
        chance: attempt.chance,
    }
}

fn failure(failure: &Failure) -> wit::Failure {
    match failure {
        Failure::NotSent(why) => wit::Failure::NotSent(why.clone()),
        Failure::NoReply(why) => wit::Failure::NoReply(why.clone()),
        Failure::HttpStatus(status) => wit::Failure::HttpStatus(*status),
        Failure::RpcError { code, message } => {
            wit::Failure::RpcError(wit::RpcError { code: *code, message: message.clone() })
        }
        Failure::ToolError => wit::Failure::ToolError,
        Failure::Timeout => wit::Failure::Timeout,
        Failure::CircuitOpen => wit::Failure::CircuitOpen,
    }
}

/// Nothing to refuse: the pipeline clamps a further attempt, and parses a fallback.
fn decision(decision: wit::Decision) -> RetryDecision {
    match decision {
        wit::Decision::GiveUp => RetryDecision::GiveUp,
        wit::Decision::Again(again) => RetryDecision::Again(Again {
            delay: Duration::from_millis(again.delay_ms.into()),
            destination: match again.destination {
                wit::Destination::Same => Destination::Same,
                wit::Destination::Other => Destination::Other,
            },
        }),
        wit::Decision::Fallback(text) => RetryDecision::Fallback(text),
    }
}
