//! Tasks of both eras: ids that lead back to their server, for their caller only; and what is spoken beyond the core.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_gateway::tenant::{Inbound, Outlet, Tenant};
use witgate_policy::{Pipeline, Reason};

use super::changes::{fed, note};
use super::peer::{self, Heard, Peer};
use super::rounds::{ByName, ELICIT, able, legacy_call, one, refused, result, send, shown};
use super::support::{ask, group, inbound, tenant, text};
use super::{LEGACY, MODERN, hook};

const RELATED: &str = "io.modelcontextprotocol/related-task";

fn extended(method: &str, params: &Value) -> Inbound {
    able(inbound(MODERN, method, params), &json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}))
}

fn core() -> (Arc<Tenant>, Peer) {
    let (transport, peer) = peer::legacy(&json!({"tools": {}, "tasks": {"list": {}, "cancel": {}}}));
    (one(transport), peer)
}

fn extension() -> (Arc<Tenant>, Peer) {
    let (transport, peer) = peer::modern(&json!({"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}));
    (one(transport), peer)
}

/// Sends a request, lets the server answer, and gives back what it heard and what the client got.
pub(super) async fn through(tenant: &Arc<Tenant>, peer: &mut Peer, inbound: Inbound, answer: &Value) -> (Value, Value) {
    let method = inbound.method.clone();
    let request = send(tenant, inbound);
    let heard = peer.heard(&method).await;
    heard.answer(answer);
    (heard.params().clone(), result(request.await.expect("no panic")))
}

#[tokio::test]
async fn a_core_task_has_one_id_for_its_client_and_another_for_its_server() {
    let (tenant, mut peer) = core();
    let call = inbound(LEGACY, "tools/call", &json!({"name": "x", "task": {"ttl": 1000}}));
    let (heard, made) =
        through(&tenant, &mut peer, call, &json!({"task": {"taskId": "own", "status": "working"}})).await;
    assert_eq!(heard["task"], json!({"ttl": 1000}));
    let id = made["task"]["taskId"].as_str().expect("an id").to_owned();
    assert_ne!(id, "own");
    for method in ["tasks/get", "tasks/cancel"] {
        let request = inbound(LEGACY, method, &json!({"taskId": id}));
        let (heard, state) = through(&tenant, &mut peer, request, &json!({"taskId": "own", "status": "working"})).await;
        assert_eq!((&heard["taskId"], &state["taskId"]), (&json!("own"), &json!(id)), "{method}");
    }
    let listed = json!({"tasks": [{"taskId": "other"}, {"taskId": "own"}], "nextCursor": "c"});
    let (_, list) = through(&tenant, &mut peer, inbound(LEGACY, "tasks/list", &json!({})), &listed).await;
    assert_eq!(list["tasks"], json!([{ "taskId": id }]), "another's is nobody's to see");
    let mut done = text("done");
    done["_meta"] = json!({RELATED: {"taskId": "own"}});
    let request = inbound(LEGACY, "tasks/result", &json!({"taskId": id}));
    let (_, got) = through(&tenant, &mut peer, request, &done).await;
    assert_eq!(got["_meta"][RELATED]["taskId"], json!(id));
    // A later call that belongs to it.
    let request = inbound(LEGACY, "tools/call", &json!({"name": "x", "_meta": {RELATED: {"taskId": id}}}));
    let (heard, _) = through(&tenant, &mut peer, request, &text("done")).await;
    assert_eq!(heard["_meta"][RELATED]["taskId"], "own");
}

#[tokio::test]
async fn what_a_task_asks_for_reaches_the_client_that_waits_for_its_result() {
    let (tenant, mut peer) = core();
    let call = legacy_call(&json!({"elicitation": {}}));
    let (_, made) = through(&tenant, &mut peer, call, &json!({"task": {"taskId": "own"}})).await;
    let id = &made["task"]["taskId"];
    let mut wait = legacy_call(&json!({"elicitation": {}}));
    wait.method = "tasks/result".into();
    wait.params = witgate_policy::Payload::of(&json!({ "taskId": id }));
    let mut client = super::rounds::Client::send(&tenant, wait);
    let heard = peer.heard("tasks/result").await;
    heard.ask("q", ELICIT, &json!({"message": "who?", "_meta": {RELATED: {"taskId": "own"}}}));
    let (ask, _, params) = client.asked().await;
    assert_eq!(&params["_meta"][RELATED]["taskId"], id);
    let answer = json!({"action": "decline", "_meta": {RELATED: {"taskId": id}}});
    client.answer(ask, witgate_gateway::upstream::Reply::Result(witgate_policy::Payload::of(&answer)));
    assert_eq!(peer.answered("q").await["result"]["_meta"][RELATED]["taskId"], "own");
    heard.answer(&text("done"));
    result(client.outcome.await.expect("no panic"));
}

#[tokio::test]
async fn a_task_of_the_extension_is_found_again_and_updated() {
    let (tenant, mut peer) = extension();
    let made = json!({"resultType": "task", "taskId": "own", "status": "working"});
    // A hint of the core's tasks, which this era does not have.
    let call = extended("tools/call", &json!({"name": "x", "task": {}}));
    let (heard, made) = through(&tenant, &mut peer, call, &made).await;
    assert_eq!(heard.get("task"), None);
    let id = made["taskId"].as_str().expect("an id").to_owned();
    let asks = json!({"k/1": {"method": ELICIT, "params": {"_meta": {RELATED: {"taskId": "own"}}}}});
    let state = json!({"resultType": "complete", "taskId": "own", "status": "input_required", "inputRequests": asks});
    let (heard, got) = through(&tenant, &mut peer, extended("tasks/get", &json!({"taskId": id})), &state).await;
    assert_eq!((&heard["taskId"], &got["taskId"]), (&json!("own"), &json!(id)));
    assert_eq!(got["inputRequests"]["k/1"]["params"]["_meta"][RELATED]["taskId"], json!(id));
    let update = extended("tasks/update", &json!({"taskId": id, "inputResponses": {"k/1": {"action": "accept"}}}));
    let (heard, ack) = through(&tenant, &mut peer, update, &json!({})).await;
    assert_eq!(heard["inputResponses"], json!({"k/1": {"action": "accept"}}));
    assert_eq!(ack, json!({"resultType": "complete"}));
    let bad = extended("tasks/update", &json!({"taskId": id, "inputResponses": {"k/1": 7}}));
    assert_eq!(refused(ask(&tenant, bad).await.0).0, Reason::Invalid);
}

/// A task of the extension: what its client calls it.
async fn made(tenant: &Arc<Tenant>, peer: &mut Peer, own: &str, who: &str) -> Value {
    let call = shown(extended("tools/call", &json!({"name": "x"})), who);
    through(tenant, peer, call, &json!({"resultType": "task", "taskId": own})).await.1["taskId"].clone()
}

/// The gate listens to a task at its server, which agrees to so many.
async fn listened(peer: &mut Peer, honoured: &Value) -> Heard {
    let heard = peer.heard("subscriptions/listen").await;
    let declared = &heard.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(*declared, json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}));
    told(&heard, "notifications/subscriptions/acknowledged", json!({ "notifications": honoured }));
    heard
}

/// Tells something within a subscription.
fn told(listened: &Heard, method: &str, mut params: Value) {
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": listened.message["id"]});
    listened.tell(method, &params);
}

fn listen(who: &str, ids: &[&Value]) -> Inbound {
    shown(extended("subscriptions/listen", &json!({"notifications": {"taskIds": ids}})), who)
}

#[tokio::test]
async fn a_client_is_told_what_becomes_of_its_own_tasks() {
    let (transport, mut peer) = peer::modern(&json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}));
    let pipeline = Pipeline { auth: vec![hook(Arc::new(ByName))], ..Pipeline::default() };
    let tenant = Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]));
    let [one, other] = [made(&tenant, &mut peer, "one", "ada").await, made(&tenant, &mut peer, "other", "ada").await];
    let foreign = made(&tenant, &mut peer, "foreign", "bob").await;
    let (outlet, mut heard) = Outlet::new(None);
    let (_fed, _stop) = fed(&tenant, outlet, listen("ada", &[&one, &foreign, &other, &json!("none")]));
    let first = listened(&mut peer, &json!({"taskIds": ["one"]})).await;
    assert_eq!(first.params()["notifications"], json!({"taskIds": ["one"]}));
    // The server does not agree to tell of this one.
    let second = listened(&mut peer, &json!({})).await;
    assert_eq!(second.params()["notifications"], json!({"taskIds": ["other"]}));
    let (method, params) = note(&mut heard).await;
    assert_eq!(method, "notifications/subscriptions/acknowledged");
    assert_eq!(params["notifications"], json!({"taskIds": [one]}));
    for id in ["foreign", "other", "one"] {
        told(&first, "notifications/tasks", json!({"taskId": id, "status": "completed", "result": {"x": 1.0}}));
    }
    let (method, params) = note(&mut heard).await;
    let marked = json!({"io.modelcontextprotocol/subscriptionId": 7});
    let want = json!({"taskId": one, "status": "completed", "result": {"x": 1.0}, "_meta": marked});
    assert_eq!((method.as_str(), params), ("notifications/tasks", want));
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_task_while_nobody_listened_is_asked_for() {
    let (tenant, mut peer) = extension();
    let id = made(&tenant, &mut peer, "own", "").await;
    let (outlet, mut heard) = Outlet::new(None);
    let (_fed, _stop) = fed(&tenant, outlet, listen("", &[&id]));
    let first = listened(&mut peer, &json!({"taskIds": ["own"]})).await;
    assert_eq!(note(&mut heard).await.0, "notifications/subscriptions/acknowledged");
    // The stream ends, and is opened again.
    first.answer(&json!({"resultType": "complete"}));
    listened(&mut peer, &json!({"taskIds": ["own"]})).await;
    let asked = peer.heard("tasks/get").await;
    assert_eq!(asked.params()["taskId"], "own");
    asked.answer(&json!({"resultType": "complete", "taskId": "own", "status": "working"}));
    let (method, params) = note(&mut heard).await;
    let marked = json!({"io.modelcontextprotocol/subscriptionId": 7});
    assert_eq!(method, "notifications/tasks");
    assert_eq!(params, json!({"taskId": id, "status": "working", "_meta": marked}));
}

#[tokio::test]
async fn who_did_not_declare_the_extension_is_told_so() {
    let (tenant, _peer) = extension();
    let undeclared = inbound(MODERN, "subscriptions/listen", &json!({"notifications": {"taskIds": ["x"]}}));
    let error = result(ask(&tenant, undeclared).await.0);
    let needed = json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}});
    assert_eq!((&error["code"], &error["data"]), (&json!(-32021), &needed));
}

#[tokio::test]
async fn an_id_that_is_none_or_another_s_leads_nowhere() {
    let (transport, mut peer) = peer::modern(&json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}));
    let pipeline = Pipeline { auth: vec![hook(Arc::new(ByName))], ..Pipeline::default() };
    let tenant = Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]));
    let call = shown(extended("tools/call", &json!({"name": "x"})), "ada");
    let (_, made) = through(&tenant, &mut peer, call, &json!({"resultType": "task", "taskId": "own"})).await;
    for (id, who) in [(made["taskId"].clone(), "bob"), (json!("own"), "ada"), (json!(7), "ada")] {
        let request = shown(extended("tasks/get", &json!({ "taskId": id })), who);
        assert_eq!(refused(ask(&tenant, request).await.0).0, Reason::Invalid, "{id} {who}");
    }
    let undeclared = inbound(MODERN, "tasks/get", &json!({ "taskId": made["taskId"] }));
    let error = result(ask(&tenant, undeclared).await.0);
    let needed = json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}});
    assert_eq!((&error["code"], &error["data"]), (&json!(-32021), &needed));
}

#[tokio::test]
async fn a_method_that_a_revision_or_a_server_does_not_have_is_unknown() {
    let (tenant, _peer) = extension();
    for method in ["tasks/result", "tasks/list"] {
        let request = extended(method, &json!({"taskId": "x"}));
        assert_eq!(refused(ask(&tenant, request).await.0).0, Reason::UnknownMethod, "{method}");
    }
    let (plain, _peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(plain);
    for method in ["tasks/get", "tasks/update", "example.com/x", "elicitation/create"] {
        let request = inbound(LEGACY, method, &json!({"taskId": "x"}));
        assert_eq!(refused(ask(&tenant, request).await.0).0, Reason::UnknownMethod, "{method}");
    }
}

#[tokio::test]
async fn what_an_only_server_s_extensions_say_passes_through() {
    let (transport, mut peer) = peer::legacy(&json!({"experimental": {"x": {}}}));
    let tenant = one(transport);
    let request = inbound(LEGACY, "example.com/x", &json!({"a": 1.0}));
    let (heard, got) = through(&tenant, &mut peer, request, &json!({"b": 1e2})).await;
    assert_eq!((heard, got), (json!({"a": 1.0}), json!({"b": 1e2})));
    let note = inbound(LEGACY, "notifications/example.com/y", &json!({"c": 1}));
    tenant.notification(1, &super::support::Records::default(), note).await.expect("no refusal");
    assert_eq!(peer.heard("notifications/example.com/y").await.params(), &json!({"c": 1}));
    // Those of the core end at the gate.
    let note = inbound(LEGACY, "notifications/initialized", &json!({}));
    tenant.notification(1, &super::support::Records::default(), note).await.expect("no refusal");
    let request = inbound(LEGACY, "example.com/z", &json!({}));
    let request = send(&tenant, request);
    let next = peer.any().await;
    assert_eq!(next.message["method"], "example.com/z");
    next.answer(&json!({}));
    result(request.await.expect("no panic"));
    // Of several servers it is nobody's.
    let (other, _other) = peer::legacy(&json!({"experimental": {"x": {}}}));
    let (first, _first) = peer::legacy(&json!({"experimental": {"x": {}}}));
    let several = Arc::new(super::support::tenant(
        Pipeline::default(),
        vec![group("a", "a", vec![first]), group("b", "b", vec![other])],
    ));
    let request = inbound(LEGACY, "example.com/x", &json!({}));
    assert_eq!(refused(ask(&several, request).await.0).0, Reason::UnknownMethod);
}

#[tokio::test]
async fn of_several_servers_the_only_one_that_speaks_more_is_meant() {
    let tasks = "io.modelcontextprotocol/tasks";
    let (plain, _plain) = peer::modern(&json!({"extensions": {tasks: {}}}));
    let (legacy, _legacy) = peer::legacy(&json!({"experimental": {"x": {}}}));
    let (speaking, mut peer) = peer::modern(&json!({"extensions": {tasks: {}, "com.example/x": {}}}));
    let groups = vec![group("a", "a", vec![plain]), group("b", "b", vec![legacy]), group("c", "c", vec![speaking])];
    let tenant = Arc::new(tenant(Pipeline::default(), groups));
    let request = inbound(MODERN, "com.example/do", &json!({"a": 1.0}));
    let (heard, got) = through(&tenant, &mut peer, request, &json!({"b": 1e2})).await;
    assert_eq!((&heard["a"], &got["b"]), (&json!(1.0), &json!(1e2)));
}

#[tokio::test]
async fn a_task_is_no_answer_to_who_takes_none() {
    let (tenant, mut peer) = extension();
    let task = json!({"resultType": "task", "taskId": "own", "status": "working"});
    let call = inbound(MODERN, "tools/call", &json!({"name": "x"}));
    let (_, error) = through(&tenant, &mut peer, call, &task).await;
    assert_eq!(error["code"], -32021);
    let request = send(&tenant, inbound(LEGACY, "tools/call", &json!({"name": "x"})));
    peer.heard("tools/call").await.answer(&task);
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Unavailable);
}
