use std::time::Duration;

use witgate_policy::{Again, Answer, Attempt, Call, Destination, Failure, RetryDecision, RetryStrategy};

use super::words;
use crate::bindings::retry::Retry;
use crate::bindings::retry::exports::witgate::retry::strategy as wit;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl RetryStrategy for Runner<Retry> {
    fn decide<'a>(&'a self, call: &'a Call, tried: &'a Attempt) -> Answer<'a, RetryDecision> {
        let caller = Caller::Unknown;
        let (call, tried) = (words::call(call), attempt(tried));
        Box::pin(self.ask(
            caller,
            0,
            move |guest, store| {
                Box::pin(async move { guest.witgate_retry_strategy().call_decide(store, &call, &tried).await })
            },
            |answer| Ok(decision(answer)),
        ))
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
