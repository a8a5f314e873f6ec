use witgate_policy::{Answer, Call, Candidate, Circuit, Fault, Identity, RouteVerdict, Router, Stage};

use super::{check, words};
use crate::bindings::route::Route;
use crate::bindings::route::exports::witgate::route::router as wit;
use crate::runner::Runner;

impl Router for Runner<Route> {
    fn route<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        candidates: &'a [Candidate],
    ) -> Answer<'a, RouteVerdict> {
        let (call, identity) = (words::call(call), words::identity(identity));
        let told: Vec<_> = candidates.iter().map(candidate).collect();
        Box::pin(self.ask(
            0,
            move |guest, store| {
                Box::pin(async move { guest.witgate_route_router().call_route(store, &call, &identity, &told).await })
            },
            |answer| verdict(answer, candidates.len()),
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

/// Whether an order names candidates only is the pipeline's to see; here, that it is no longer than it can be.
fn verdict(verdict: wit::Verdict, candidates: usize) -> Result<RouteVerdict, Fault> {
    Ok(match verdict {
        wit::Verdict::Order(ids) => {
            check::count("the ids of the order", ids.len(), candidates)?;
            let line = |id| check::line("an id", id, check::NAME_BYTES);
            RouteVerdict::Order(ids.into_iter().map(line).collect::<Result<_, _>>()?)
        }
        wit::Verdict::Refuse(refusal) => RouteVerdict::Refuse(words::refusal(refusal, Stage::Route)?),
        wit::Verdict::Abstain => RouteVerdict::Abstain,
    })
}
