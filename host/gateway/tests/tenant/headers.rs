//! Headers that mirror a call's arguments: they go by the tool's definition as it is now.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use witgate_gateway::tenant::{Inbound, Tenant};
use witgate_policy::json::Edit;
use witgate_policy::{Answer, Call, Identity, InputValidator, Payload, Pipeline, Reason, ValidateVerdict};

use super::support::{Log, Says, ask, asked, group, inbound, server, tenant, text};
use super::{LEGACY, MODERN, hook};

/// A server whose tool has its annotation renamed, silently, once it was listed so often; it refuses calls until the new
/// one was listed, where it looks at headers at all.
fn renaming(after: usize, looks: bool) -> (Arc<Tenant>, Log) {
    let listed = AtomicUsize::new(0);
    let (transport, log) = server(move |method, _| match method {
        "tools/list" => {
            let header = if listed.fetch_add(1, Ordering::Relaxed) < after { "Region" } else { "Zone" };
            let schema = json!({"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": header}}});
            let tools = json!([{"name": "x", "inputSchema": schema}]);
            Says::Result(json!({
                "resultType": "complete", "tools": tools, "ttlMs": 3_600_000, "cacheScope": "public",
            }))
        }
        "tools/call" if looks && listed.load(Ordering::Relaxed) <= after => Says::Error(-32020),
        "tools/call" => Says::Result(text("done")),
        _ => Says::Error(-32601),
    });
    (Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![transport])])), log)
}

fn call(header: &str) -> Inbound {
    let mut inbound = inbound(MODERN, "tools/call", &json!({"name": "x", "arguments": {"r": "eu"}}));
    inbound.param_headers = Some(vec![(header.to_owned(), "eu".to_owned())]);
    inbound
}

async fn outcome(tenant: &Tenant, inbound: Inbound) -> Result<Value, Reason> {
    let answer = ask(tenant, inbound).await.0.answer;
    answer.map(|answer| answer.payload().deserialize().expect("JSON")).map_err(|refusal| refusal.reason)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_knows_a_newer_definition_is_right() {
    let (tenant, log) = renaming(1, false);
    assert!(outcome(&tenant, call("mcp-param-region")).await.is_ok());
    // What was listed just now is believed, so that nobody makes the gate list at will.
    assert_eq!(outcome(&tenant, call("mcp-param-zone")).await.expect_err("refused"), Reason::HeaderMismatch);
    assert_eq!(asked(&log, "tools/list").len(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(outcome(&tenant, call("mcp-param-zone")).await.is_ok());
    assert_eq!(outcome(&tenant, call("mcp-param-region")).await.expect_err("refused"), Reason::HeaderMismatch);
    assert_eq!(asked(&log, "tools/list").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_other_headers_gets_them() {
    let (tenant, log) = renaming(1, true);
    let plain = || inbound(LEGACY, "tools/call", &json!({"name": "x", "arguments": {"r": "eu"}}));
    assert_eq!(outcome(&tenant, plain()).await.expect("an answer")["code"], -32020);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(outcome(&tenant, plain()).await.expect("an answer")["content"][0]["text"], "done");
    assert_eq!((asked(&log, "tools/list").len(), asked(&log, "tools/call").len()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn whoever_was_told_an_older_definition_is_told_the_new_one() {
    let (tenant, log) = renaming(2, false);
    let listed = async || {
        let mut inbound = inbound(MODERN, "tools/list", &json!({}));
        inbound.client.info = Some(Payload::of(&json!({"name": "another", "version": "1"})));
        let page = outcome(&tenant, inbound).await.expect("a list");
        page["tools"][0]["inputSchema"]["properties"]["r"]["x-mcp-header"].clone()
    };
    assert_eq!(listed().await, "Region");
    assert!(outcome(&tenant, call("mcp-param-region")).await.is_ok());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(listed().await, "Region", "its time is not over");
    assert!(outcome(&tenant, call("mcp-param-zone")).await.is_ok());
    assert_eq!(listed().await, "Zone");
    assert_eq!(asked(&log, "tools/list").len(), 4);
}

/// Sets another argument.
struct Edits;

impl InputValidator for Edits {
    fn validate<'a>(&'a self, _: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        Box::pin(async { Ok(ValidateVerdict::Edits(vec![Edit::set("/arguments/r", "\"us\"")])) })
    }
}

#[tokio::test]
async fn what_a_validator_edits_excuses_no_header() {
    let (transport, _) = server(|method, _| match method {
        "tools/list" => {
            let schema = json!({"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}});
            Says::Result(json!({"tools": [{"name": "x", "inputSchema": schema}]}))
        }
        _ => Says::Result(text("done")),
    });
    let validate = vec![hook::<dyn InputValidator>(Arc::new(Edits))];
    let tenant = tenant(Pipeline { validate, ..Pipeline::default() }, vec![group("a", "", vec![transport])]);
    assert!(outcome(&tenant, call("mcp-param-region")).await.is_ok());
    assert_eq!(outcome(&tenant, call("mcp-param-other")).await.expect_err("refused"), Reason::HeaderMismatch);
}
