//! The embedded default's server, as the gate reaches it.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_gateway::upstream::{Builtin, Event, Transport, Upstream};
use witgate_policy::Revision;

use crate::support::*;

fn leave() -> (Arc<Upstream>, Arc<Ledger>) {
    upstream(Transport::Builtin(Builtin::Leave))
}

async fn ask(upstream: &Upstream, method: &str, params: Value) -> Value {
    let mut exchange = send(upstream, method, params).await.expect("sent");
    result(&mut exchange).await.expect("answered").0
}

async fn tool(upstream: &Upstream, name: &str, arguments: Value) -> Value {
    ask(upstream, "tools/call", json!({ "name": name, "arguments": arguments })).await
}

#[tokio::test]
async fn it_is_a_modern_server() {
    let (upstream, _) = leave();
    let facts = upstream.server(&client(Revision::V2026_07_28), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2026_07_28);
    assert!(facts.has("/tools") && facts.has("/prompts") && facts.has("/resources"));
    assert_eq!(value(&facts.info.expect("it says who it is"))["name"], "witgate-leave");
    assert!(facts.instructions.is_some_and(|text| text.contains("E001")));
    assert_eq!(upstream.candidate().in_flight, 0);
}

#[tokio::test]
async fn its_tools_say_what_they_take_and_do() {
    let (upstream, _) = leave();
    let tools = ask(&upstream, "tools/list", json!({})).await;
    let named = |name: &str| {
        let tools = tools["tools"].as_array().expect("a list");
        tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("{name} is there")).clone()
    };
    assert_eq!(named("get_leave_balance")["inputSchema"]["properties"]["employee_id"]["pattern"], r"^E\d{3}$");
    let apply = named("apply_leave");
    assert_eq!(apply["inputSchema"]["properties"]["start_date"]["format"], "date");
    assert_eq!(apply["inputSchema"]["required"], json!(["employee_id", "start_date", "end_date"]));
    assert_eq!(apply["annotations"]["readOnlyHint"], false);
    assert_eq!(apply["annotations"]["idempotentHint"], false);
    for name in ["list_employees", "get_leave_balance", "get_employee_record", "annual_report"] {
        assert_eq!(named(name)["annotations"]["readOnlyHint"], true, "{name}");
        assert!(named(name)["outputSchema"].is_object(), "{name}");
    }
    assert!(!tools.to_string().contains("uint32"), "clients warn of formats that JSON Schema does not know");
}

#[tokio::test]
async fn leave_is_granted_while_there_is_some() {
    let (upstream, ledger) = leave();
    let who = json!({ "employee_id": "E003" });
    assert_eq!(tool(&upstream, "get_leave_balance", who.clone()).await["structuredContent"]["days_left"], 3);
    let dates = json!({ "employee_id": "E003", "start_date": "2026-11-23", "end_date": "2026-11-24" });
    let granted = tool(&upstream, "apply_leave", dates.clone()).await;
    assert_eq!(granted["structuredContent"]["granted"][0]["business_days"], 2);
    let refused = tool(&upstream, "apply_leave", dates).await;
    assert_eq!(refused["isError"], true, "{refused}");
    assert!(refused["content"][0]["text"].as_str().is_some_and(|text| text.contains("overlaps")));
    assert_eq!(tool(&upstream, "get_leave_balance", who).await["structuredContent"]["days_left"], 1);
    assert_eq!(ledger.told(), ["answered"; 4]);
}

#[tokio::test]
async fn its_record_has_something_to_redact() {
    let (upstream, _) = leave();
    let record = tool(&upstream, "get_employee_record", json!({ "employee_id": "E001" })).await;
    let record = &record["structuredContent"];
    for field in ["password", "ssn", "api_key", "email", "name"] {
        assert!(record[field].is_string(), "{field} in {record}");
    }
}

#[tokio::test]
async fn it_has_a_resource_and_a_prompt() {
    let (upstream, _) = leave();
    let resources = ask(&upstream, "resources/list", json!({})).await;
    assert_eq!(resources["resources"][0]["uri"], "leave://policy");
    let policy = ask(&upstream, "resources/read", json!({ "uri": "leave://policy" })).await;
    assert!(policy["contents"][0]["text"].as_str().is_some_and(|text| text.contains("business days")));
    let missing = ask(&upstream, "resources/read", json!({ "uri": "leave://x" })).await;
    assert!(missing["error"]["code"].is_i64(), "{missing}");
    let prompt = json!({ "name": "plan_leave", "arguments": { "employee_id": "E002" } });
    let prompt = ask(&upstream, "prompts/get", prompt).await;
    assert!(prompt["messages"][0]["content"]["text"].as_str().is_some_and(|text| text.contains("E002")));
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_of_its_progress() {
    let (upstream, _) = leave();
    let params = json!({
        "name": "annual_report", "arguments": { "steps": 3 }, "_meta": { "progressToken": "mine" },
    });
    let mut exchange = send(&upstream, "tools/call", params).await.expect("sent");
    let (report, notes) = result(&mut exchange).await.expect("answered");
    assert_eq!(report["structuredContent"]["steps"], 3);
    let seen: Vec<_> =
        notes.iter().map(|note| (&note["params"]["progressToken"], &note["params"]["progress"])).collect();
    let mine = json!("mine");
    assert_eq!(seen, [(&mine, &json!(1.0)), (&mine, &json!(2.0)), (&mine, &json!(3.0))]);
}

#[tokio::test(start_paused = true)]
async fn a_report_can_be_cancelled_and_the_server_goes_on() {
    let (upstream, ledger) = leave();
    let params = json!({
        "name": "annual_report", "arguments": { "steps": 100, "step_ms": 100 }, "_meta": { "progressToken": 1 },
    });
    let mut exchange = send(&upstream, "tools/call", params).await.expect("sent");
    assert!(matches!(soon(exchange.next()).await.expect("progress"), Event::Notification { .. }));
    drop(exchange);
    let balance = tool(&upstream, "get_leave_balance", json!({ "employee_id": "E001" })).await;
    assert_eq!(balance["structuredContent"]["days_left"], 25);
    assert_eq!(ledger.told(), ["released", "answered"]);
}
