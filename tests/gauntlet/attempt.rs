//! One attempt: a call that a hostile plugin is asked about, its answer, and its record.

use std::time::Duration;

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

/// How an attempt went: where it was stopped by a limit on time, the call's time divided by that limit.
pub(crate) type Outcome = Result<Option<f64>, Breach>;

/// Tries once.
pub(crate) async fn attempt(arena: &Arena, unit: &Unit, client: &mut Wire) -> Outcome {
    let tool = unit.tool(false);
    let from = arena.gate.process().lines();
    let answer = client.call(&tool, "{}").await;
    let leaks = arena.leaks_in(&answer.body);
    if !leaks.is_empty() {
        return Err(Breach::Leak(format!("{leaks:?} in {}", answer.body)));
    }
    let (record, step) = step(arena, unit, &tool, from).await?;
    match unit.row.end {
        End::Fault(labels) => {
            fault(&step, labels, unit.row.limit)?;
            refused(unit.kind, &answer)?;
        }
        End::Calm if step["verdict"] == "fault" => return Err(Breach::Escape(format!("a fault: {step}"))),
        End::Clean if step["verdict"] == "fault" => return Err(Breach::Leak(format!("it found something: {step}"))),
        End::Calm | End::Clean => {}
    }
    times(&record, &step)
}

/// The call's time by its record divided by the limit that the fault names, if that is one on time. The limits differ
/// from call to call: guest time grows with what the guest is asked about.
pub(crate) fn times(record: &Value, step: &Value) -> Outcome {
    let Some(why) = step["fault"].as_str().and_then(|fault| fault.strip_prefix("deadline: ")) else {
        return Ok(None);
    };
    let limit = why.split_once("its limit of ").and_then(|(_, rest)| duration(rest.split(' ').next()?));
    match (record["micros"].as_u64(), limit.filter(|limit| !limit.is_zero())) {
        (Some(micros), Some(limit)) => Ok(Some(Duration::from_micros(micros).div_duration_f64(limit))),
        _ => Err(Breach::Unexplained(format!("no time, or no limit on it, in {record}"))),
    }
}

/// What a duration's debug form says: `1.5ms`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

/// Lets the plugin answer, which ends its run of faults.
pub(crate) async fn calm(arena: &Arena, unit: &Unit, client: &mut Wire) -> Result<(), Breach> {
    let tool = unit.tool(true);
    let from = arena.gate.process().lines();
    client.call(&tool, "{}").await;
    let (_, step) = step(arena, unit, &tool, from).await?;
    if step["verdict"] == "fault" {
        return Err(Breach::Escape(format!("a fault where the guest does no harm: {step}")));
    }
    Ok(())
}

/// The record of the call, and the plugin's part in it.
async fn step(arena: &Arena, unit: &Unit, tool: &str, from: usize) -> Result<(Value, Value), Breach> {
    let is_it = |record: &Value| record["tenant"] == ATTACKED && record["target"] == tool;
    let record = arena.gate.record(tool, from, is_it).await;
    let steps = record["plugins"].as_array().cloned().unwrap_or_default();
    let step = steps.into_iter().rfind(|step| step["plugin"] == *unit.name);
    let step = step.ok_or_else(|| Breach::Unexplained(format!("the plugin is not in {record}")))?;
    let explained = step["stage"] == unit.kind.as_str() && step["digest"].as_str().is_some_and(|hex| hex.len() == 64);
    if explained { Ok((record, step)) } else { Err(Breach::Unexplained(step.to_string())) }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_compared_with_the_limit_that_the_fault_names() {
        let step = |fault: &str| json!({ "fault": fault });
        let of = |limit: &str| {
            times(
                &json!({ "micros": 3_000 }),
                &step(&format!("deadline: took longer than its limit of {limit} of guest time (`guest-time-ms`)")),
            )
        };
        assert_eq!(of("1.5ms"), Ok(Some(2.0)));
        assert_eq!(of("3ms"), Ok(Some(1.0)));
        assert_eq!(of("1s"), Ok(Some(0.003)));
        assert_eq!(of("500µs"), Ok(Some(6.0)));
        assert!(matches!(of("0ns"), Err(Breach::Unexplained(_))));
        assert!(matches!(of("soon"), Err(Breach::Unexplained(_))));
        assert!(matches!(times(&json!({}), &step("deadline: its limit of 1ms of")), Err(Breach::Unexplained(_))));
        assert_eq!(times(&json!({}), &step("trap: its limit of 1ms of")), Ok(None));
    }
}
