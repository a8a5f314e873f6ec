use witgate_policy::{Answer, Call, Candidate, Circuit, Identity, RouteVerdict, Router, Stage, answer};

use super::words;
use crate::bindings::route::Route;
use crate::bindings::route::exports::witgate::route::router as wit;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl Router for Runner<Route> {
    fn route<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        candidates: &'a [Candidate],
    ) -> Answer<'a, RouteVerdict> {
        let caller = Caller::Known(identity);
        let (call, identity) = (words::call(call), words::identity(identity));
        let told: Vec<_> = candidates.iter().map(candidate).collect();
        Box::pin(self.ask(
            caller,
            0,
            move |guest, store| {
                Box::pin(async move { guest.witgate_route_router().call_route(store, &call, &identity, &told).await })
            },
            |said| answer::route(verdict(said), candidates.len()),
        ))
    }
}

fn candidate(candidate: &Candidate) -> wit::Candidate {
    let circuit = match candidate.circuit {
        Circuit::Closed => wit::Circuit::Closed,
        Circuit::HalfOpen => wit::Circuit::HalfOpen,
        Circuit::Open => wit::Circuit::Open,
    };
    let micros = |time: std::time::Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    wit::Candidate {
        id: candidate.id.to_string(),
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
