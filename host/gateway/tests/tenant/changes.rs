//! What servers say outside of calls: subscriptions of modern clients, standing streams of legacy ones.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use witgate_gateway::tenant::{Asks, Heard, Inbound, Outcome, Outlet, Said, Tenant};
use witgate_gateway::upstream::{Http, Reply, Transport};
use witgate_gateway::wire::RequestId;
use witgate_policy::{
    Answer, Call, Identity, Kind, Message, OutputSanitizer, Payload, Pipeline, Reason, Refusal, SanitizeVerdict, Stage,
};

use super::chatty::Chatty;
use super::support::{Records, answer, ask, group, inbound, tenant};
use super::{LEGACY, MODERN, hook};

/// Nothing here takes long but what never comes.
const SOON: Duration = Duration::from_secs(10);

fn all() -> Value {
    json!({
        "tools": {"listChanged": true}, "prompts": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true}, "logging": {},
    })
}

async fn said(heard: &mut Heard) -> Said {
    tokio::time::timeout(SOON, heard.recv()).await.expect("in time").expect("somebody speaks")
}

/// The next notification: its method and params.
pub(super) async fn note(heard: &mut Heard) -> (String, Value) {
    match said(heard).await {
        Said::Note(note) => (note.method().to_owned(), note.payload().deserialize().expect("JSON")),
        other => panic!("not a notification: {other:?}"),
    }
}

fn listen(filter: &Value) -> Inbound {
    inbound(MODERN, "subscriptions/listen", &json!({ "notifications": filter }))
}

/// Feeds a subscription in the background.
pub(super) fn fed(
    tenant: &Arc<Tenant>,
    outlet: Outlet,
    inbound: Inbound,
) -> (tokio::task::JoinHandle<Outcome>, watch::Sender<bool>) {
    let (tenant, (stop, stopping)) = (tenant.clone(), watch::channel(false));
    let outlet = outlet.until(stopping);
    let fed = async move { tenant.request(1, &Records::default(), inbound, &outlet).await };
    (tokio::spawn(fed), stop)
}

fn changed(list: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": format!("notifications/{list}/list_changed"), "params": {"_meta": {"x": 1}}})
}

#[tokio::test]
async fn a_subscription_is_acknowledged_fed_and_ended_in_good_order() {
    let (a, a_says) = Chatty::new(json!({"tools": {"listChanged": true}}));
    let (b, b_says) = Chatty::new(json!({"prompts": {"listChanged": true}}));
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]));
    let (outlet, mut heard) = Outlet::new(None);
    let filter = json!({"toolsListChanged": true, "promptsListChanged": false, "resourcesListChanged": true});
    let (fed, stop) = fed(&tenant, outlet, listen(&filter));
    let id = json!({"io.modelcontextprotocol/subscriptionId": 7});
    let (method, params) = note(&mut heard).await;
    assert_eq!(method, "notifications/subscriptions/acknowledged");
    assert_eq!(params, json!({"notifications": {"toolsListChanged": true}, "_meta": id}));
    b_says.say(&changed("prompts"));
    b_says.say(&changed("resources"));
    a_says.say(&changed("tools"));
    let (method, params) = note(&mut heard).await;
    assert_eq!(method, "notifications/tools/list_changed", "what was not asked for, or not honoured, is not told");
    assert_eq!(params["_meta"], json!({"x": 1, "io.modelcontextprotocol/subscriptionId": 7}));
    stop.send_replace(true);
    let outcome = tokio::time::timeout(SOON, fed).await.expect("in time").expect("ends");
    let last = outcome.answer.expect("a result");
    assert_eq!(last.payload().deserialize::<Value>().expect("JSON"), json!({"resultType": "complete", "_meta": id}));
}

#[tokio::test]
async fn a_subscription_that_a_new_generation_takes_over_is_not_acknowledged_twice() {
    let (a, _) = Chatty::new(all());
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![a])]));
    let (outlet, mut heard) = Outlet::new(None);
    let filter = json!({"toolsListChanged": true});
    let (first, _stop) = fed(&tenant, outlet.clone(), listen(&filter));
    assert_eq!(note(&mut heard).await.0, "notifications/subscriptions/acknowledged");
    first.abort();
    let (_second, _stop) = fed(&tenant, outlet, listen(&filter));
    let (method, params) = note(&mut heard).await;
    assert_eq!(method, "notifications/tools/list_changed");
    assert_eq!(params["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let (a, _) = Chatty::new(all());
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
    let (outcome, ..) = ask(&tenant, inbound(MODERN, "subscriptions/listen", &json!({}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::Invalid);
    let (outcome, ..) = ask(&tenant, inbound(LEGACY, "subscriptions/listen", &json!({"notifications": {}}))).await;
    assert_eq!(outcome.answer.expect_err("refused").reason, Reason::UnknownMethod);
}

/// Withholds what is of one method, marks the rest.
struct Censor(&'static str);

impl OutputSanitizer for Censor {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, message: &'a Message) -> Answer<'a, SanitizeVerdict> {
        Box::pin(async move {
            let refusal = Refusal::new(Stage::Sanitize, Reason::Forbidden, "no");
            if message.method == self.0 {
                return Ok(SanitizeVerdict::Withhold(refusal));
            }
            Ok(SanitizeVerdict::Edits(vec![witgate_policy::json::Edit::set(
                "/seen",
                format!("\"{:?}\"", message.kind),
            )]))
        })
    }
}

fn censored(method: &'static str, transport: Transport) -> Arc<Tenant> {
    let sanitize = vec![hook::<dyn OutputSanitizer>(Arc::new(Censor(method)))];
    Arc::new(tenant(Pipeline { sanitize, ..Pipeline::default() }, vec![group("a", "", vec![transport])]))
}

/// A legacy client of a session, which can be asked.
fn legacy(capabilities: &Value) -> Inbound {
    let mut inbound = inbound(LEGACY, "GET", &json!({}));
    inbound.client.session = Some("s".into());
    inbound.client.capabilities = Payload::of(capabilities);
    inbound
}

/// Stands by in the background.
fn standing(tenant: &Arc<Tenant>, outlet: Outlet, inbound: Inbound) -> tokio::task::JoinHandle<Refusal> {
    let tenant = tenant.clone();
    tokio::spawn(async move { tenant.stand(1, &Records::default(), inbound, &outlet).await })
}

#[tokio::test]
async fn a_legacy_client_is_told_of_changes_as_sanitizers_left_them() {
    let (a, a_says) = Chatty::new(all());
    let tenant = censored("notifications/prompts/list_changed", a);
    let (outlet, mut heard) = Outlet::new(None);
    let _standing = standing(&tenant, outlet, legacy(&json!({})));
    a_says.heard(|message| message["method"] == "notifications/initialized").await;
    a_says.say(&changed("prompts"));
    a_says.say(&changed("tools"));
    let (method, params) = note(&mut heard).await;
    assert_eq!(method, "notifications/tools/list_changed");
    assert_eq!(params["seen"], format!("{:?}", Kind::Notification));
}

#[tokio::test]
async fn a_server_asks_outside_of_calls_and_is_answered() {
    let (a, a_says) = Chatty::new(all());
    let tenant = censored("sampling/createMessage", a);
    let asks = Arc::new(Asks::default());
    let (outlet, mut heard) = Outlet::new(Some(asks.clone()));
    let _standing = standing(&tenant, outlet, legacy(&json!({"roots": {}, "sampling": {}})));
    a_says.heard(|message| message["method"] == "notifications/initialized").await;
    a_says.say(&json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"}));
    let Said::Ask { id, request } = said(&mut heard).await else { panic!("it is asked") };
    assert_eq!((request.method(), request.kind()), ("roots/list", Kind::ServerRequest));
    assert!(request.payload().get("/seen").is_some());
    let answered = asks.take(&RequestId::Number(id)).expect("open");
    answered.deliver(Reply::Result(Payload::of(&json!({"roots": []}))));
    assert_eq!(a_says.heard(|message| message["id"] == "r").await["result"], json!({"roots": []}));
    a_says.say(&json!({"jsonrpc": "2.0", "id": "s", "method": "sampling/createMessage", "params": {"messages": []}}));
    assert_eq!(a_says.heard(|message| message["id"] == "s").await["error"]["message"], "no");
}

#[tokio::test]
async fn other_roots_are_told_to_those_who_know_the_client() {
    let (a, a_says) = Chatty::new(all());
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![a])]));
    let roots = json!({"roots": {"listChanged": true}});
    let changed =
        |capabilities: &Value| Inbound { method: "notifications/roots/list_changed".into(), ..legacy(capabilities) };
    let (outlet, _heard) = Outlet::new(Some(Arc::default()));
    let _standing = standing(&tenant, outlet, legacy(&roots));
    a_says.heard(|message| message["method"] == "notifications/initialized").await;
    let records = Records::default();
    tenant.notification(1, &records, changed(&json!({}))).await.expect("taken");
    tenant.notification(1, &records, changed(&roots)).await.expect("taken");
    a_says.heard(|message| message["method"] == "notifications/roots/list_changed").await;
    let visits: Vec<_> = records.0.lock().expect("records").iter().map(|record| record.upstreams.len()).collect();
    assert_eq!(visits, [0, 1]);
    let handshake = a_says.heard(|message| message["method"] == "initialize").await;
    assert_eq!(handshake["params"]["capabilities"], roots);
}

#[tokio::test]
async fn servers_are_told_the_most_verbose_level_and_once_more_when_they_come_back() {
    let (a, a_says) = Chatty::new(all());
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![a])]));
    let set = async |session: &str, level: &str| {
        let mut inbound = inbound(LEGACY, "logging/setLevel", &json!({ "level": level }));
        inbound.client.session = Some(session.into());
        ask(&tenant, inbound).await.0.answer
    };
    let told = async |level: &str| a_says.heard(|message| message["params"]["level"] == level).await;
    assert_eq!(set("one", "error").await.expect("set").payload().as_str(), "{}");
    told("error").await;
    set("two", "info").await.expect("set");
    told("info").await;
    tenant.farewell("two");
    set("one", "emergency").await.expect("set");
    told("emergency").await;
    a_says.hang_up();
    // The connection may still be there for a moment.
    while ask(&tenant, inbound(LEGACY, "tools/list", &json!({}))).await.0.answer.is_err() {}
    told("emergency").await;
    assert_eq!(set("one", "loud").await.expect_err("none of the levels").reason, Reason::Invalid);
}

#[tokio::test]
async fn a_missing_server_is_named() {
    let (good, _) = Chatty::new(all());
    // Nobody listens on this port.
    let bad = Transport::Http(Http { url: "http://127.0.0.1:1/mcp".into(), headers: Vec::new() });
    let tenant = tenant(Pipeline::default(), vec![group("good", "good", vec![good]), group("bad", "bad", vec![bad])]);
    for (revision, method) in [(LEGACY, "initialize"), (MODERN, "server/discover")] {
        let hello = answer(&tenant, revision, method, json!({"protocolVersion": "1999-01-01"})).await;
        assert_eq!(hello["_meta"]["dev.witgate/unavailable"], json!(["bad"]), "{method}");
        assert_eq!(hello["capabilities"], all());
        assert!(method != "initialize" || hello["protocolVersion"] == "2025-11-25");
    }
}
