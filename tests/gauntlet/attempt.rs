//! One attempt: a call that a hostile plugin is asked about, its answer, and its record.

use std::time::{Duration, Instant};

use serde_json::Value;
use witgate_test_guests::Stage;
use witgate_tests::answer::Answer;
use witgate_tests::wire::Wire;

use crate::arena::{ATTACKED, Arena};
use crate::row::{End, Unit};

/// What an attempt got that it should not have got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Breach {
    /// The attempt did not end as its row says.
    Escape(String),
    /// Something that was planted came out, or something that is nobody's business.
    Leak(String),
    /// It was refused, and the record does not say by whom or why.
    Unexplained(String),
}

/// Tries once. The answer's time counts from before the call to after its last byte.
pub(crate) async fn attempt(arena: &Arena, unit: &Unit, client: &mut Wire) -> Result<Duration, Breach> {
    let tool = unit.tool(false);
    let from = arena.gate.process().lines();
    let began = Instant::now();
    let answer = client.call(&tool, "{}").await;
    let took = began.elapsed();
    let leaks = arena.leaks_in(&answer.body);
    if !leaks.is_empty() {
        return Err(Breach::Leak(format!("{leaks:?} in {}", answer.body)));
    }
    let step = step(arena, unit, &tool, from).await?;
    match unit.row.end {
        End::Fault(labels) => {
            fault(&step, labels, unit.row.limit)?;
            refused(unit.kind, &answer)?;
        }
        End::Calm if step["verdict"] == "fault" => return Err(Breach::Escape(format!("a fault: {step}"))),
        End::Clean if step["verdict"] == "fault" => return Err(Breach::Leak(format!("it found something: {step}"))),
        End::Calm | End::Clean => {}
    }
    Ok(took)
}

/// Lets the plugin answer, which ends its run of faults.
pub(crate) async fn calm(arena: &Arena, unit: &Unit, client: &mut Wire) -> Result<(), Breach> {
    let tool = unit.tool(true);
    let from = arena.gate.process().lines();
    client.call(&tool, "{}").await;
    let step = step(arena, unit, &tool, from).await?;
    if step["verdict"] == "fault" {
        return Err(Breach::Escape(format!("a fault where the guest does no harm: {step}")));
    }
    Ok(())
}

/// The plugin's part in the record of the call.
async fn step(arena: &Arena, unit: &Unit, tool: &str, from: usize) -> Result<Value, Breach> {
    let is_it = |record: &Value| record["tenant"] == ATTACKED && record["target"] == tool;
    let record = arena.gate.record(tool, from, is_it).await;
    let steps = record["plugins"].as_array().cloned().unwrap_or_default();
    let step = steps.into_iter().rfind(|step| step["plugin"] == *unit.name);
    let step = step.ok_or_else(|| Breach::Unexplained(format!("the plugin is not in {record}")))?;
    let explained = step["stage"] == unit.kind.as_str() && step["digest"].as_str().is_some_and(|hex| hex.len() == 64);
    if explained { Ok(step) } else { Err(Breach::Unexplained(step.to_string())) }
}

fn fault(step: &Value, labels: &[&str], limit: Option<&str>) -> Result<(), Breach> {
    if step["verdict"] != "fault" {
        return Err(Breach::Escape(format!("no fault: {step}")));
    }
    let fault = step["fault"].as_str().unwrap_or_default();
    let (label, why) = fault.split_once(": ").unwrap_or_default();
    if why.is_empty() {
        return Err(Breach::Unexplained(step.to_string()));
    }
    if limit.is_some_and(|key| !why.contains(&format!("`{key}`"))) {
        return Err(Breach::Unexplained(format!("not the limit {limit:?}: {step}")));
    }
    if labels.contains(&label) { Ok(()) } else { Err(Breach::Escape(format!("not {labels:?}: {step}"))) }
}

/// What the client is told. A retry strategy is asked when something has failed already, which then stands; a
/// credential belongs to an upstream, and without one the upstream is out of reach.
fn refused(kind: Stage, answer: &Answer) -> Result<(), Breach> {
    let last: Value = answer.messages.last().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let as_it_should = match kind {
        Stage::Retry => last["result"]["isError"] == true,
        Stage::Credential => last["error"]["code"] == -31503 && last["error"]["data"]["reason"] == "unavailable",
        _ => last["error"]["code"] == -31500 && last["error"]["data"]["reason"] == "fault",
    };
    if as_it_should { Ok(()) } else { Err(Breach::Escape(format!("the client was told {}", answer.body))) }
}
