use wasmtime::component::{ComponentType, Lower};
use witgate_policy::{Answer, Call, Candidate, Circuit, Identity, RouteVerdict, Router, Stage, answer};

use super::words;
use crate::bindings::route::Route;
use crate::bindings::route::exports::witgate::route::router as wit;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

/// `candidate`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Choice<'a> {
    id: &'a str,
    labels: Vec<words::Claim<'a>>,
    healthy: bool,
    circuit: wit::Circuit,
    #[component(name = "in-flight")]
    in_flight: u32,
    #[component(name = "latency-us")]
    latency_us: Option<u32>,
}

impl Contract for Route {
    const KIND: Stage = Stage::Route;
    const DECIDES: &'static str = "route";
    type Told<'a> = (words::Call<'a>, words::Identity<'a>, Vec<Choice<'a>>);
    type Said = (wit::Verdict,);
}

impl Router for Runner<Route> {
    fn route<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        candidates: &'a [Candidate],
    ) -> Answer<'a, RouteVerdict> {
        let caller = Caller::Known(identity);
        let told = || candidates.iter().map(candidate).collect();
        Box::pin(self.ask(
            caller,
            0,
            move |_| Ok((words::call(call), words::identity(identity), told())),
            |(said,)| answer::route(verdict(said), candidates.len()),
        ))
    }
}

fn candidate(candidate: &Candidate) -> Choice<'_> {
    let circuit = match candidate.circuit {
        Circuit::Closed => wit::Circuit::Closed,
        Circuit::HalfOpen => wit::Circuit::HalfOpen,
        Circuit::Open => wit::Circuit::Open,
    };
    let micros = |time: std::time::Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    Choice {
        id: &candidate.id,
        labels: words::claims(&candidate.labels),
        healthy: candidate.healthy,
        circuit,
        in_flight: candidate.in_flight,
        latency_us: candidate.latency.map(micros),
    }
}

fn verdict(verdict: wit::Verdict) -> RouteVerdict {
    match verdict {
        wit::Verdict::Order(ids) => RouteVerdict::Order(ids),
        wit::Verdict::Refuse(refusal) => RouteVerdict::Refuse(words::refusal(refusal, Stage::Route)),
        wit::Verdict::Abstain => RouteVerdict::Abstain,
    }
}
