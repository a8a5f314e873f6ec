//! The way of a message through one tenant, with servers of both eras' manners in this process.

mod changes;
mod chatty;
mod client;
mod credential;
mod headers;
mod held;
mod hooks;
mod lists;
mod made;
mod pages;
mod peer;
mod rounds;
mod support;
mod tasks;
mod web;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use support::{Says, answer, ask, asked, group, inbound, server, tenant, text, tool, tools};
use witgate_gateway::tenant::Outlet;
use witgate_gateway::upstream::Transport;
use witgate_policy::{
    Again, Answer, Attempt, Call, Destination, Hook, Identity, InputValidator, Kind, Mode, OnFault, Payload, Pipeline,
    Reason, RetryDecision, RetryStrategy, Revision, ValidateVerdict, When,
};

const LEGACY: Revision = Revision::V2025_11_25;
const MODERN: Revision = Revision::V2026_07_28;

fn two() -> (witgate_gateway::tenant::Tenant, support::Log, support::Log) {
    let (a, log_a) = tools(&["read", "write"]);
    let (b, log_b) = tools(&["read"]);
    (tenant(Pipeline::default(), vec![group("files", "files", vec![a]), group("git", "git", vec![b])]), log_a, log_b)
}

fn names(list: &serde_json::Value) -> Vec<&str> {
    list["tools"].as_array().expect("tools").iter().map(|tool| tool["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn an_only_server_s_list_and_results_pass_as_they_are() {
    let (transport, _) = tools(&["read"]);
    let tenant = tenant(Pipeline::default(), vec![group("files", "", vec![transport])]);
    assert_eq!(answer(&tenant, LEGACY, "tools/list", json!({})).await, json!({"tools": [tool("read")]}));
    assert_eq!(answer(&tenant, LEGACY, "tools/call", json!({"name": "read"})).await, text("called \"read\""));
}

#[tokio::test]
async fn several_servers_lists_are_one_with_names_that_do_not_meet() {
    let (tenant, _, _) = two();
    let list = answer(&tenant, LEGACY, "tools/list", json!({"cursor": null})).await;
    assert_eq!(names(&list), ["files__read", "files__write", "git__read"]);
    let mut first = tool("read");
    first["name"] = json!("files__read");
    assert_eq!(list["tools"][0], first, "all but the name is the server's own");
}

#[tokio::test]
async fn a_call_goes_where_its_name_belongs() {
    let (tenant, files, git) = two();
    assert_eq!(answer(&tenant, LEGACY, "tools/call", json!({"name": "git__read"})).await, text("called \"read\""));
    assert!(asked(&files, "tools/call").is_empty());
    assert_eq!(asked(&git, "tools/call")[0]["name"], "read");
    let (outcome, record, _) = ask(&tenant, inbound(LEGACY, "tools/call", &json!({"name": "other__read"}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::UnknownTarget);
    assert_eq!((record.outcome, record.target.as_deref()), ("unknown-target", Some("other__read")));
}

#[tokio::test]
async fn a_server_that_is_down_does_not_take_the_others_with_it() {
    let (good, _) = tools(&["read"]);
    let (bad, _) = server(|_, _| Says::Hangup);
    let groups = vec![group("bad", "bad", vec![bad]), group("good", "good", vec![good])];
    let tenant = tenant(Pipeline::default(), groups);
    let list = answer(&tenant, LEGACY, "tools/list", json!({})).await;
    assert_eq!(names(&list), ["good__read"]);
    assert_eq!(list["_meta"]["dev.witgate/unavailable"], json!(["bad"]));
    let hello = answer(&tenant, LEGACY, "initialize", json!({"protocolVersion": "2025-06-18"})).await;
    assert_eq!(hello["protocolVersion"], "2025-06-18");
}

#[tokio::test]
async fn a_modern_client_gets_what_its_revision_demands_of_a_legacy_server() {
    let (tenant, _, _) = two();
    let list = answer(&tenant, MODERN, "tools/list", json!({})).await;
    assert_eq!(
        (&list["resultType"], &list["ttlMs"], &list["cacheScope"]),
        (&json!("complete"), &json!(0), &json!("private"))
    );
    let result = answer(&tenant, MODERN, "tools/call", json!({"name": "git__read"})).await;
    assert_eq!(result["resultType"], "complete");
    let discovered = answer(&tenant, MODERN, "server/discover", json!({})).await;
    assert_eq!(discovered["supportedVersions"][0], "2026-07-28");
    assert!(discovered["capabilities"]["tools"].is_object());
    for (revision, method) in [(MODERN, "ping"), (MODERN, "initialize"), (LEGACY, "server/discover"), (LEGACY, "nope")]
    {
        let (outcome, ..) = ask(&tenant, inbound(revision, method, &json!({}))).await;
        assert_eq!(outcome.answer.expect_err("refused").reason, Reason::UnknownMethod, "{revision} {method}");
    }
}

#[tokio::test]
async fn a_question_to_the_client_is_not_given_to_one_that_cannot_answer() {
    let (asks, _) = server(|_, _| Says::Result(json!({"resultType": "input_required", "inputRequests": {}})));
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![asks])]);
    let call = json!({"name": "x"});
    let (outcome, ..) = ask(&tenant, inbound(LEGACY, "tools/call", &call)).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::Unavailable);
    let (outcome, record, _) = ask(&tenant, inbound(MODERN, "tools/call", &call)).await;
    assert_eq!(outcome.answer.expect("passes").kind(), Kind::InputRequired);
    assert_eq!(record.outcome, "input-required");
}

#[tokio::test]
async fn a_resource_is_read_where_it_is_listed_or_where_a_template_fits() {
    let with = |uri: &'static str, template: &'static str| {
        server(move |method, params| match method {
            "resources/list" => Says::Result(json!({"resources": [{"uri": uri, "name": "n"}]})),
            "resources/templates/list" => {
                Says::Result(json!({"resourceTemplates": [{"uriTemplate": template, "name": "n"}]}))
            }
            "resources/read" => Says::Result(json!({"contents": [{"uri": params["uri"], "text": uri}]})),
            _ => Says::Error(-32601),
        })
    };
    let (a, _) = with("a://1", "a://{id}");
    let (b, _) = with("b://1", "b://{+path}");
    let tenant = tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    for (uri, owner) in [("a://1", "a://1"), ("b://1", "b://1"), ("b://x/y", "b://1"), ("a://7", "a://1")] {
        let read = answer(&tenant, LEGACY, "resources/read", json!({"uri": uri})).await;
        assert_eq!(read["contents"][0]["text"], owner, "{uri}");
    }
    let (outcome, ..) = ask(&tenant, inbound(LEGACY, "resources/read", &json!({"uri": "c://1"}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::UnknownTarget);
}

struct Strict;

impl InputValidator for Strict {
    fn validate<'a>(&'a self, _: &'a Call, _: &'a Identity, tool: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        Box::pin(async move {
            assert!(tool.expect("the definition").get("/inputSchema").is_some());
            Ok(ValidateVerdict::Accept)
        })
    }
}

pub(crate) fn hook<P: ?Sized>(plugin: Arc<P>) -> Hook<P> {
    let (mode, on_fault) = (Mode::Enforce, OnFault::Deny);
    Hook { name: "p".into(), digest: "00".into(), when: When::default(), mode, on_fault, plugin }
}

#[tokio::test]
async fn validators_see_the_definition_and_an_unlisted_tool_is_unknown() {
    let (transport, log) = tools(&["read"]);
    let validate: Vec<Hook<dyn InputValidator>> = vec![hook(Arc::new(Strict))];
    let tenant = tenant(Pipeline { validate, ..Pipeline::default() }, vec![group("a", "", vec![transport])]);
    answer(&tenant, LEGACY, "tools/call", json!({"name": "read"})).await;
    answer(&tenant, LEGACY, "tools/call", json!({"name": "read"})).await;
    let (outcome, ..) = ask(&tenant, inbound(LEGACY, "tools/call", &json!({"name": "hidden"}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::UnknownTarget);
    assert_eq!(asked(&log, "tools/list").len(), 1, "a listing is asked for once");
    assert_eq!(asked(&log, "tools/call").len(), 2);
}

struct Elsewhere;

impl RetryStrategy for Elsewhere {
    fn decide<'a>(&'a self, _: &'a Call, _: &'a Attempt) -> Answer<'a, RetryDecision> {
        let again = Again { delay: Duration::ZERO, destination: Destination::Other };
        Box::pin(async move { Ok(RetryDecision::Again(again)) })
    }
}

fn failing(read_only: bool) -> (Transport, support::Log) {
    server(move |method, _| match method {
        "tools/list" => {
            let mut tool = tool("t");
            tool["annotations"]["readOnlyHint"] = json!(read_only);
            Says::Result(json!({ "tools": [tool] }))
        }
        "tools/call" => Says::Hangup,
        _ => Says::Error(-32601),
    })
}

#[tokio::test]
async fn only_what_had_no_effect_is_tried_elsewhere() {
    for read_only in [true, false] {
        let (bad, _) = failing(read_only);
        let (good, log) = tools(&["t"]);
        let pipeline = Pipeline { retry: vec![hook(Arc::new(Elsewhere))], ..Pipeline::default() };
        let tenant = tenant(pipeline, vec![group("g", "", vec![bad, good])]);
        let (outcome, record, _) = ask(&tenant, inbound(LEGACY, "tools/call", &json!({"name": "t"}))).await;
        let tried: Vec<&str> = record.upstreams.iter().map(|upstream| &**upstream).collect();
        if read_only {
            assert!(outcome.answer.is_ok());
            assert_eq!(tried, ["g-0", "g-1"]);
        } else {
            assert_eq!(outcome.answer.expect_err("refused").reason, Reason::Unavailable);
            assert_eq!(tried, ["g-0"]);
            assert!(asked(&log, "tools/call").is_empty());
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_recorded_as_cancelled() {
    let (silent, _) = server(|_, _| Says::Nothing);
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![silent])]);
    let records = support::Records::default();
    let (outlet, _inlet) = Outlet::new(None);
    let mut request =
        Box::pin(tenant.request(1, &records, inbound(LEGACY, "tools/call", &json!({"name": "x"})), &outlet));
    assert!(tokio::time::timeout(Duration::from_millis(1), &mut request).await.is_err());
    drop(request);
    let record = records.only();
    assert_eq!((record.outcome, record.subject.as_deref()), ("cancelled", Some("anonymous")));
}

#[tokio::test]
async fn a_session_is_its_owner_s() {
    let (tenant, ..) = two();
    let mut stolen = inbound(LEGACY, "tools/list", &json!({}));
    stolen.owner = Some(Arc::new(Identity { subject: "alice".into(), ..Identity::anonymous() }));
    let (outcome, record, _) = ask(&tenant, stolen).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::Forbidden);
    assert_eq!(record.subject.as_deref(), Some("anonymous"));
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let (silent, _) = server(|_, _| Says::Nothing);
    let mut spec = support::spec(Pipeline::default(), vec![group("a", "", vec![silent])]);
    spec.deadline = Duration::from_millis(50);
    let tenant = witgate_gateway::tenant::Tenant::new(spec);
    let (outcome, record, _) = ask(&tenant, inbound(LEGACY, "tools/list", &json!({}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::Timeout);
    assert_eq!(record.outcome, "timeout");
}
