//! The first minute: `witgate` with no configuration, and what its own words say to try.

use serde_json::{Value, json};
use witgate_tests::gate::Gate;
use witgate_tests::wire::{Era, Wire};

/// As the embedded configuration says.
const KEY: (&str, &str) = ("authorization", "Bearer witgate-demo-key");

fn client(gate: &Gate) -> Wire {
    Wire::new(gate.url(), Era::Modern, &[KEY])
}

#[tokio::test]
async fn a_stranger_is_challenged() {
    let gate = Gate::embedded().await;
    for wrong in [&[][..], &[("authorization", "Bearer wrong")][..]] {
        let answer = Wire::new(gate.url(), Era::Modern, wrong).request("tools/list", "{}").await;
        assert_eq!(answer.status, 401, "{answer:#?}");
        assert!(answer.headers["www-authenticate"].starts_with("Bearer"), "{answer:#?}");
        assert_eq!(answer.error()["code"], -31401, "{answer:#?}");
        assert!(!answer.body.contains("E001"), "{answer:#?}");
    }
    let mut legacy = Wire::new(gate.url(), Era::Legacy, &[]);
    let answer = legacy.request("initialize", &witgate_tests::wire::initialize().to_string()).await;
    assert_eq!(answer.status, 401, "{answer:#?}");
}

#[tokio::test]
async fn a_listing_has_the_tools() {
    let gate = Gate::embedded().await;
    let answer = client(&gate).request("tools/list", "{}").await;
    let names = answer.names("tools");
    for name in ["list_employees", "get_leave_balance", "apply_leave", "get_employee_record"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
}

#[tokio::test]
async fn a_bad_employee_id_is_refused_with_its_pointer() {
    let gate = Gate::embedded().await;
    let answer = client(&gate).call("get_leave_balance", r#"{"employee_id":"Ada"}"#).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert_eq!(answer.result()["isError"], true, "{answer:#?}");
    assert!(answer.text().contains("/arguments/employee_id"), "{answer:#?}");
    let record = gate.record("the refusal", 0, |record| record["target"] == "get_leave_balance").await;
    assert_eq!(record["outcome"], "invalid", "{record:#}");
    assert_eq!(record["refusal"]["stage"], "validate", "{record:#}");
    assert_eq!(record["upstreams"], Value::Null, "{record:#}");
}

#[tokio::test]
async fn a_record_is_redacted() {
    let gate = Gate::embedded().await;
    let answer = client(&gate).call("get_employee_record", r#"{"employee_id":"E001"}"#).await;
    let result = answer.result();
    assert_eq!(result["structuredContent"]["name"], "Ada Lovelace", "{answer:#?}");
    for secret in ["correct-horse", "078-05-1", "sk_live_", "ada.lovelace@example.com"] {
        assert!(!answer.body.contains(secret), "{secret} came through: {answer:#?}");
        assert!(!gate.process().text().contains(secret), "{secret} is in the log");
    }
    for field in ["password", "ssn", "api_key"] {
        assert!(result["structuredContent"].get(field).is_some(), "{field} is gone, not redacted: {answer:#?}");
    }
}

#[tokio::test]
async fn one_line_of_the_log_says_who_decided_what() {
    let gate = Gate::embedded().await;
    // The first call of a tool makes the gate ask for its schema, which is routed too.
    client(&gate).call("get_employee_record", r#"{"employee_id":"E001"}"#).await;
    gate.record("the first call", 0, |record| record["target"] == "get_employee_record").await;
    let from = gate.process().lines();
    client(&gate).call("get_employee_record", r#"{"employee_id":"E001"}"#).await;
    let record = gate.record("the call", from, |record| record["target"] == "get_employee_record").await;
    assert_eq!(record["tenant"], "default", "{record:#}");
    assert_eq!(record["method"], "tools/call", "{record:#}");
    assert_eq!(record["subject"], "demo", "{record:#}");
    assert_eq!(record["upstreams"], json!(["leave"]), "{record:#}");
    assert_eq!(record["outcome"], "ok", "{record:#}");
    assert!(record["micros"].as_u64().is_some_and(|micros| micros > 0), "{record:#}");
    let steps = record["plugins"].as_array().cloned().unwrap_or_default();
    let verdicts: Vec<_> = steps.iter().map(|step| (&step["stage"], &step["plugin"], &step["verdict"])).collect();
    let want = [
        ("auth", "api-key", "allow"),
        ("validate", "schema", "accept"),
        ("validate", "rate", "accept"),
        ("route", "weighted", "order"),
        ("sanitize", "redact", "edit"),
    ];
    let want: Vec<_> =
        want.iter().map(|(stage, plugin, verdict)| (json!(stage), json!(plugin), json!(verdict))).collect();
    assert_eq!(verdicts, want.iter().map(|(stage, plugin, verdict)| (stage, plugin, verdict)).collect::<Vec<_>>());
    for step in &steps {
        assert!(step["micros"].is_u64(), "{step:#}");
        assert_eq!(step["digest"].as_str().map(str::len), Some(64), "{step:#}");
    }
}

#[tokio::test]
async fn leave_is_granted_and_counted() {
    let gate = Gate::embedded().await;
    let mut client = client(&gate);
    let leave = json!({ "employee_id": "E001", "start_date": "2026-12-21", "end_date": "2026-12-22" });
    let granted = client.call("apply_leave", &leave.to_string()).await.result();
    let balance = client.call("get_leave_balance", r#"{"employee_id":"E001"}"#).await.result();
    assert_eq!(balance["structuredContent"]["days_left"], granted["structuredContent"]["days_left"], "{granted:#}");
    assert_eq!(balance["structuredContent"]["granted"][0]["business_days"], 2, "{balance:#}");
}

#[tokio::test]
async fn a_rate_limit_is_hit() {
    let gate = Gate::embedded().await;
    let mut client = client(&gate);
    let mut answers = Vec::new();
    for _ in 0..21 {
        answers.push(client.call("list_employees", "{}").await);
    }
    let refused = answers.pop().expect("the last");
    assert!(answers.iter().all(|answer| answer.last().get("result").is_some()), "{answers:#?}");
    assert_eq!(refused.status, 200, "{refused:#?}");
    assert_eq!(refused.error()["code"], -31429, "{refused:#?}");
    let seconds: u32 = refused.headers["retry-after"].parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{refused:#?}");
    let millis = refused.error()["data"]["retryAfterMs"].as_u64().expect("milliseconds");
    assert!(millis <= 60_000, "{refused:#?}");
    // Lists do not count.
    assert!(!client.request("tools/list", "{}").await.names("tools").is_empty());
}

#[tokio::test]
async fn a_legacy_client_is_served_alike() {
    let gate = Gate::embedded().await;
    let mut client = Wire::new(gate.url(), Era::Legacy, &[KEY]);
    client.initialize().await;
    assert!(client.request("tools/list", "{}").await.names("tools").contains(&"list_employees".to_owned()));
    let answer = client.call("get_leave_balance", r#"{"employee_id":"nobody"}"#).await;
    assert_eq!(answer.result()["isError"], true, "{answer:#?}");
    let report = client.call_with_progress("annual_report", "t1").await;
    assert!(!report.notifications("notifications/progress").is_empty(), "{report:#?}");
}

#[tokio::test]
async fn it_says_what_to_try_and_ends_on_request() {
    let gate = Gate::embedded().await;
    let url = gate.url().to_owned();
    assert!(url.ends_with("/mcp"), "{url}");
    client(&gate).request("tools/list", "{}").await;
    let (status, text) = gate.stop().await;
    assert!(status.success(), "{status}: {text}");
    assert!(text.contains("curl"), "no command to try in:\n{text}");
}
