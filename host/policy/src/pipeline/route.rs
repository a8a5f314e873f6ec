use std::sync::Arc;

use crate::evidence::{Routed, Validated};
use crate::fault::Fault;
use crate::refusal::{Reason, Refusal};
use crate::trail::Stage;
use crate::verdict::{Candidate, Circuit, RouteVerdict};

use super::{Pipeline, ask, faulted, name};

const STAGE: Stage = Stage::Route;

impl Pipeline {
    /// Orders the upstreams that could answer: the first router that does not abstain decides, else the
    /// configuration's order stands. Those with an open circuit come last, whatever a router says.
    pub async fn route(&self, validated: &Validated, candidates: &[Candidate]) -> Result<Routed, Refusal> {
        let call = validated.call();
        if candidates.is_empty() {
            return Err(Refusal::new(STAGE, Reason::Unavailable, "no upstream serves this"));
        }
        let mut order = None;
        for hook in &self.route {
            let any = candidates.iter().any(|c| hook.when.holds(call.method(), call.target(), Some(&c.id)));
            if !any {
                continue;
            }
            let answer = hook.plugin.route(call, validated.identity(), candidates);
            let verdict = ask(STAGE, hook, call.trail(), answer, |verdict| match verdict {
                RouteVerdict::Order(_) => "order",
                RouteVerdict::Refuse(_) => "refuse",
                RouteVerdict::Abstain => "abstain",
            })
            .await?;
            match verdict {
                None | Some(RouteVerdict::Abstain) => {}
                Some(RouteVerdict::Refuse(refusal)) => return Err(refusal.by(STAGE, name(hook))),
                Some(RouteVerdict::Order(ids)) => match checked(&ids, candidates) {
                    Ok(ids) => {
                        order = Some(ids);
                        break;
                    }
                    Err(what) => faulted(STAGE, hook, call.trail(), &Fault::BadVerdict(what))?,
                },
            }
        }
        let mut order = order.unwrap_or_else(|| candidates.iter().map(|c| c.id.clone()).collect());
        let open = |id: &Arc<str>| candidates.iter().any(|c| c.id == *id && c.circuit == Circuit::Open);
        order.sort_by_key(open);
        Ok(Routed { validated: validated.clone(), order, at: 0 })
    }
}

/// A router's order, if it names candidates only, each once, and at least one.
fn checked(ids: &[String], candidates: &[Candidate]) -> Result<Vec<Arc<str>>, String> {
    if ids.is_empty() {
        return Err("an empty order".into());
    }
    let mut order: Vec<Arc<str>> = Vec::with_capacity(ids.len());
    for id in ids {
        let known = candidates.iter().find(|c| *c.id == **id).ok_or_else(|| format!("`{id}` is not a candidate"))?;
        if order.contains(&known.id) {
            return Err(format!("`{id}` comes twice"));
        }
        order.push(known.id.clone());
    }
    Ok(order)
}
