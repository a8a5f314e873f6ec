//! Tasks of 2025-11-25 where several clients share a server, and several servers a client: whose is which.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_gateway::tenant::{Inbound, Outlet, Said};
use witgate_gateway::upstream::Reply;
use witgate_policy::{Payload, Pipeline, Revision};

use super::peer;
use super::rounds::{ByName, Client, able, one, result, send, shown};
use super::support::{Records, group, inbound, tenant, text};
use super::tasks::through;
use super::{LEGACY, hook};

const STATUS: &str = "notifications/tasks/status";

fn within(session: &str, mut inbound: Inbound) -> Inbound {
    inbound.client.session = Some(session.into());
    inbound
}

fn making(session: &str) -> Inbound {
    within(session, inbound(LEGACY, "tools/call", &json!({"name": "x", "task": {}})))
}

#[tokio::test]
async fn a_list_of_tasks_has_the_caller_s_own() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}, "tasks": {"list": {}}}));
    let pipeline = Pipeline { auth: vec![hook(Arc::new(ByName))], ..Pipeline::default() };
    let tenant = Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]));
    let mut all = Vec::new();
    let mut ids = Vec::new();
    for (who, session) in [("ada", "1"), ("bob", "2"), ("anonymous", "3"), ("anonymous", "4")] {
        let task = json!({"taskId": format!("own-{session}")});
        let (_, made) =
            through(&tenant, &mut peer, shown(making(session), who), &json!({ "task": task.clone() })).await;
        ids.push(made["task"]["taskId"].clone());
        all.push(task);
    }
    for (who, session, want) in [
        ("ada", "9", vec![&ids[0]]),
        ("bob", "1", vec![&ids[1]]),
        ("anonymous", "3", vec![&ids[2]]),
        ("anonymous", "9", vec![]),
        ("eve", "1", vec![]),
    ] {
        let list = shown(within(session, inbound(LEGACY, "tasks/list", &json!({}))), who);
        let (_, list) = through(&tenant, &mut peer, list, &json!({"tasks": all, "nextCursor": "c"})).await;
        let got: Vec<&Value> = list["tasks"].as_array().expect("tasks").iter().map(|task| &task["taskId"]).collect();
        assert_eq!((got, &list["nextCursor"]), (want, &json!("c")), "{who} {session}");
    }
}

#[tokio::test]
async fn how_a_task_stands_is_told_where_it_was_made() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {"listChanged": true}, "tasks": {}}));
    let tenant = one(transport);
    let mut heard = Vec::new();
    let mut standing = Vec::new();
    for session in ["one", "two"] {
        let (tenant, listens) = (tenant.clone(), within(session, inbound(LEGACY, "GET", &json!({}))));
        let (outlet, said) = Outlet::new(Some(Arc::default()));
        standing.push(tokio::spawn(async move { tenant.stand(1, &Records::default(), listens, &outlet).await }));
        heard.push(said);
    }
    let connection = peer.heard("notifications/initialized").await;
    let own = json!({"taskId": "own"});
    let (_, made) = through(&tenant, &mut peer, making("two"), &json!({ "task": own.clone() })).await;
    connection.tell(STATUS, &own);
    connection.tell("notifications/tools/list_changed", &json!({}));
    for (said, want) in heard.iter_mut().zip([None, Some(&made["task"]["taskId"])]) {
        let mut told = Vec::new();
        loop {
            let Some(Said::Note(note)) = said.recv().await else { panic!("nothing is asked") };
            if note.method() != STATUS {
                break;
            }
            told.push(note.payload().read::<Value>("/taskId").expect("an id"));
        }
        assert_eq!(told.first(), want);
    }
}

#[tokio::test]
async fn how_a_client_s_task_stands_is_told_to_its_server() {
    let (a, mut asks) = peer::legacy(&json!({"tools": {}}));
    let (b, mut other) = peer::legacy(&json!({"tools": {}}));
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]));
    let can = json!({"sampling": {}, "tasks": {"requests": {"sampling": {"createMessage": {}}}}});
    let says = |method: &str, params: &Value| within("s", able(inbound(LEGACY, method, params), &can));
    let mut client = Client::send(&tenant, says("tools/call", &json!({"name": "a__x"})));
    let call = asks.heard("tools/call").await;
    call.ask("q", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1, "task": {"ttl": 1000}}));
    let (ask, _, params) = client.asked().await;
    assert_eq!(params["task"], json!({"ttl": 1000}));
    client.answer(ask, Reply::Result(Payload::of(&json!({"task": {"taskId": "c1", "status": "working"}}))));
    assert_eq!(asks.answered("q").await["result"]["task"]["taskId"], "c1");
    for _ in 0..2 {
        let beside = Client::send(&tenant, says("tools/call", &json!({"name": "b__x"})));
        let heard = other.any().await;
        let heard = if heard.message["method"] == "notifications/initialized" { other.any().await } else { heard };
        assert_eq!(heard.message["method"], "tools/call", "it knows nothing of the task");
        heard.answer(&text("done"));
        result(beside.outcome.await.expect("no panic"));
        for task in ["c2", "c1"] {
            let told = says(STATUS, &json!({"taskId": task, "status": "completed"}));
            tenant.notification(1, &Records::default(), told).await.expect("taken");
        }
        assert_eq!(asks.heard(STATUS).await.params()["taskId"], "c1");
    }
    call.answer(&text("done"));
    result(client.outcome.await.expect("no panic"));
}

#[tokio::test]
async fn an_older_client_makes_no_tasks() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}, "tasks": {}}));
    let tenant = one(transport);
    for (revision, want) in [(Revision::V2025_06_18, None), (LEGACY, Some(&json!({})))] {
        let call = Inbound { ..inbound(revision, "tools/call", &json!({"name": "x", "task": {}})) };
        let request = send(&tenant, call);
        let heard = peer.heard("tools/call").await;
        assert_eq!(heard.params().get("task"), want, "{revision}");
        heard.answer(&text("done"));
        result(request.await.expect("no panic"));
    }
}
