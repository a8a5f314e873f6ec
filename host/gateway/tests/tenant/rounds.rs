//! Calls in which the client is asked before its server answers.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use witgate_gateway::tenant::{Asks, Heard, Inbound, Outcome, Outlet, Said, Tenant};
use witgate_gateway::upstream::Reply;
use witgate_gateway::wire::RequestId;
use witgate_policy::{
    Answer, AuthVerdict, Authenticator, Call, Identity, InputValidator, Kind, Message, OutputSanitizer, Payload,
    Pipeline, Presented, Reason, SanitizeVerdict, ValidateVerdict,
};

use super::peer::{self, Peer};
use super::support::{self, Records, ask, group, inbound, tenant};
use super::{LEGACY, MODERN, hook};

pub(super) const ELICIT: &str = "elicitation/create";

pub(super) fn able(mut inbound: Inbound, capabilities: &Value) -> Inbound {
    inbound.client.capabilities = Payload::of(capabilities);
    inbound
}

pub(super) fn called(params: &Value) -> Inbound {
    able(inbound(MODERN, "tools/call", params), &json!({"elicitation": {}, "sampling": {}, "roots": {}}))
}

pub(super) fn result(outcome: Outcome) -> Value {
    outcome.answer.expect("no refusal").payload().deserialize().expect("JSON")
}

pub(super) fn refused(outcome: Outcome) -> (Reason, String) {
    let refusal = outcome.answer.expect_err("a refusal");
    (refusal.reason, refusal.message)
}

/// Sends a request that runs beside the test.
pub(super) fn send(tenant: &Arc<Tenant>, inbound: Inbound) -> JoinHandle<Outcome> {
    let tenant = tenant.clone();
    tokio::spawn(async move { ask(&tenant, inbound).await.0 })
}

pub(super) fn one(transport: witgate_gateway::upstream::Transport) -> Arc<Tenant> {
    Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![transport])]))
}

fn question(state: Option<&str>) -> Value {
    let mut question = json!({
        "resultType": "input_required",
        "inputRequests": {"name": {"method": ELICIT, "params": {"message": "who?", "requestedSchema": {}}}},
    });
    if let Some(state) = state {
        question["requestState"] = json!(state);
    }
    question
}

pub(super) fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// The retry of a call that was asked something.
pub(super) fn retry(params: &Value, asked: &Value, responses: &Value) -> Inbound {
    let mut params = params.clone();
    params["requestState"] = asked["requestState"].clone();
    params["inputResponses"] = responses.clone();
    called(&params)
}

/// A server's question, as it came to a modern client.
async fn asked(tenant: &Arc<Tenant>, peer: &mut Peer, params: &Value, question: &Value) -> Value {
    let request = send(tenant, called(params));
    peer.heard("tools/call").await.answer(question);
    result(request.await.expect("no panic"))
}

#[tokio::test]
async fn a_modern_server_s_question_passes_with_a_state_that_leads_back() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let call = json!({"name": "x", "arguments": {"a": 1}});
    for state in [Some("opaque"), None] {
        let asked = asked(&tenant, &mut peer, &call, &question(state)).await;
        assert_eq!(asked["inputRequests"], question(None)["inputRequests"]);
        assert_ne!(asked["requestState"], json!(state), "it is sealed");
        let request = send(&tenant, retry(&call, &asked, &json!({"name": accept("Ada"), "other": {}})));
        let heard = peer.heard("tools/call").await;
        assert_eq!(heard.params()["requestState"], json!(state), "the server's own");
        assert_eq!(heard.params()["inputResponses"], json!({"name": accept("Ada")}), "what it asked for");
        heard.answer(&support::text("done"));
        assert_eq!(result(request.await.expect("no panic"))["content"][0]["text"], "done");
    }
}

#[tokio::test]
async fn answers_that_come_without_a_state_go_on_and_a_form_that_is_none_is_refused() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let answers = json!({"name": accept("Ada"), "other": {}});
    let request = send(&tenant, called(&json!({"name": "x", "inputResponses": answers})));
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["inputResponses"], answers);
    heard.answer(&question(Some("s")));
    let asked = result(request.await.expect("no panic"));
    let call = json!({"name": "x"});
    for responses in [json!({"name": 7}), json!([]), json!(null)] {
        let (outcome, ..) = ask(&tenant, retry(&call, &asked, &responses)).await;
        assert_eq!(refused(outcome).0, Reason::Invalid, "{responses}");
        let (outcome, ..) = ask(&tenant, called(&json!({"name": "x", "inputResponses": responses}))).await;
        assert_eq!(refused(outcome).0, Reason::Invalid, "{responses}");
    }
}

/// Lets everybody in as who they say they are.
pub(super) struct ByName;

impl Authenticator for ByName {
    fn authenticate<'a>(&'a self, _: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let subject = presented.headers.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let identity = Identity { subject: subject.unwrap_or_default(), ..Identity::anonymous() };
        Box::pin(async move { Ok(AuthVerdict::Allow(identity)) })
    }
}

pub(super) fn shown(mut inbound: Inbound, who: &str) -> Inbound {
    inbound.presented.headers = vec![("authorization".to_owned(), who.as_bytes().to_vec())];
    inbound
}

#[tokio::test]
async fn a_state_is_of_one_call_and_one_caller() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let pipeline = Pipeline { auth: vec![hook(Arc::new(ByName))], ..Pipeline::default() };
    let tenant = Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]));
    let call = json!({"name": "x", "arguments": {"a": 1}});
    let request = send(&tenant, shown(called(&call), "ada"));
    peer.heard("tools/call").await.answer(&question(Some("s")));
    let asked = result(request.await.expect("no panic"));
    let answers = json!({"name": accept("Ada")});
    let mut words = Vec::new();
    let mut altered = asked.clone();
    altered["requestState"] = json!(format!("{}-TAMPERED", asked["requestState"].as_str().expect("a string")));
    let other = json!({"name": "x", "arguments": {"a": 2}});
    for (retry, who) in [
        (retry(&call, &asked, &answers), "bob"),
        (retry(&other, &asked, &answers), "ada"),
        (retry(&call, &altered, &answers), "ada"),
        (retry(&call, &json!({"requestState": 7}), &answers), "ada"),
    ] {
        let (outcome, ..) = ask(&tenant, shown(retry, who)).await;
        let (reason, message) = refused(outcome);
        assert_eq!(reason, Reason::Invalid);
        words.push(message);
    }
    words.dedup();
    assert_eq!(words.len(), 1, "nobody learns which it was: {words:?}");
    let request = send(&tenant, shown(retry(&call, &asked, &answers), "ada"));
    peer.heard("tools/call").await.answer(&support::text("done"));
    assert_eq!(result(request.await.expect("no panic"))["content"][0]["text"], "done");
}

/// Prefers what comes last.
struct Last;

impl witgate_policy::Router for Last {
    fn route<'a>(
        &'a self,
        _: &'a Call,
        _: &'a Identity,
        candidates: &'a [witgate_policy::Candidate],
    ) -> Answer<'a, witgate_policy::RouteVerdict> {
        let ids = candidates.iter().rev().map(|candidate| candidate.id.to_string()).collect();
        Box::pin(async move { Ok(witgate_policy::RouteVerdict::Order(ids)) })
    }
}

#[tokio::test]
async fn a_retry_goes_to_the_upstream_that_asked() {
    let (first, _first) = peer::modern(&json!({"tools": {}}));
    let (second, mut peer) = peer::modern(&json!({"tools": {}}));
    let groups = vec![group("a", "", vec![first, second])];
    let lasting = Arc::new(witgate_gateway::tenant::Lasting::new().expect("random bytes"));
    let mut spec = support::spec(Pipeline { route: vec![hook(Arc::new(Last))], ..Pipeline::default() }, groups);
    spec.lasting = lasting.clone();
    let upstreams = spec.groups[0].upstreams.clone();
    let before = Arc::new(Tenant::new(spec));
    let call = json!({"name": "x"});
    let asked = asked(&before, &mut peer, &call, &question(None)).await;
    // The next generation routes differently; it keeps what lasts.
    let mut spec = support::spec(Pipeline::default(), Vec::new());
    spec.groups.push(witgate_gateway::tenant::Group { name: "a".into(), prefix: String::new(), upstreams });
    spec.lasting = lasting;
    let after = Arc::new(Tenant::new(spec));
    let request = send(&after, retry(&call, &asked, &json!({"name": accept("Ada")})));
    peer.heard("tools/call").await.answer(&support::text("done"));
    assert_eq!(result(request.await.expect("no panic"))["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_server_asks_only_for_what_the_client_declared_and_only_where_it_may() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let request = send(&tenant, inbound(MODERN, "tools/call", &json!({"name": "x"})));
    peer.heard("tools/call").await.answer(&question(None));
    let error = result(request.await.expect("no panic"));
    assert_eq!(
        (&error["code"], &error["data"]),
        (&json!(-32021), &json!({"requiredCapabilities": {"elicitation": {}}}))
    );
    let odd = json!({"resultType": "input_required", "inputRequests": {"k": {"method": "tools/call"}}});
    let request = send(&tenant, called(&json!({"name": "x"})));
    peer.heard("tools/call").await.answer(&odd);
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Unavailable);
    let request = send(&tenant, inbound(MODERN, "completion/complete", &json!({"ref": {"name": "x"}})));
    peer.heard("completion/complete").await.answer(&question(None));
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Unavailable);
}

/// Refuses Eve, and calls Bob Robert.
struct Names;

impl InputValidator for Names {
    fn validate<'a>(&'a self, call: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        let verdict = match (call.method(), call.params().get("/content/name")) {
            (ELICIT, Some("\"Eve\"")) => {
                let reason = Reason::Forbidden;
                ValidateVerdict::Refuse(witgate_policy::Refusal::new(witgate_policy::Stage::Validate, reason, "no"))
            }
            (ELICIT, Some("\"Bob\"")) => {
                ValidateVerdict::Edits(vec![witgate_policy::json::Edit::set("/content/name", "\"Robert\"")])
            }
            _ => ValidateVerdict::Accept,
        };
        Box::pin(async move { Ok(verdict) })
    }
}

#[tokio::test]
async fn each_answer_is_judged_by_itself() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let pipeline = Pipeline { validate: vec![hook(Arc::new(Names))], ..Pipeline::default() };
    let tenant = Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]));
    let call = json!({"name": "x"});
    let asked = asked(&tenant, &mut peer, &call, &question(None)).await;
    let (outcome, ..) = ask(&tenant, retry(&call, &asked, &json!({"name": accept("Eve")}))).await;
    assert_eq!(refused(outcome).0, Reason::Forbidden);
    let request = send(&tenant, retry(&call, &asked, &json!({"name": accept("Bob")})));
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["inputResponses"]["name"], accept("Robert"));
    heard.answer(&support::text("done"));
    result(request.await.expect("no panic"));
    // Without a state, which tells the question, the form of the answer does.
    let stateless = |name| called(&json!({"name": "x", "inputResponses": {"name": accept(name)}}));
    assert_eq!(refused(ask(&tenant, stateless("Eve")).await.0).0, Reason::Forbidden);
    let request = send(&tenant, stateless("Bob"));
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["inputResponses"]["name"], accept("Robert"));
    heard.answer(&support::text("done"));
    result(request.await.expect("no panic"));
}

/// A legacy client under way: what it is told, and where its answers go.
pub(super) struct Client {
    asks: Arc<Asks>,
    said: Heard,
    pub(super) outcome: JoinHandle<Outcome>,
}

impl Client {
    pub(super) fn send(tenant: &Arc<Tenant>, inbound: Inbound) -> Self {
        let asks = Arc::new(Asks::default());
        let (outlet, said) = Outlet::new(Some(asks.clone()));
        let tenant = tenant.clone();
        let outcome = tokio::spawn(async move { tenant.request(1, &Records::default(), inbound, &outlet).await });
        Self { asks, said, outcome }
    }

    /// What it is asked next.
    pub(super) async fn asked(&mut self) -> (i64, String, Value) {
        loop {
            match self.said.recv().await.expect("something is said") {
                Said::Ask { id, request } => {
                    assert_eq!(request.kind(), Kind::ServerRequest);
                    let params = request.payload().deserialize().expect("JSON");
                    return (id, request.method().to_owned(), params);
                }
                Said::Withdrawn { id } => panic!("{id} was withdrawn"),
                Said::Opened | Said::Note(_) => {}
            }
        }
    }

    pub(super) fn answer(&self, id: i64, answer: Reply) {
        self.asks.take(&RequestId::Number(id)).expect("an open question").deliver(answer);
    }
}

pub(super) fn legacy_call(capabilities: &Value) -> Inbound {
    let mut inbound = able(inbound(LEGACY, "tools/call", &json!({"name": "x"})), capabilities);
    inbound.client.session = Some("s".into());
    inbound
}

#[tokio::test]
async fn a_modern_server_s_question_becomes_requests_to_a_legacy_client() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {"url": {}}, "roots": {}})));
    let heard = peer.heard("tools/call").await;
    let declared = &heard.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(declared, &json!({"elicitation": {"url": {}}, "roots": {}}));
    heard.answer(&json!({
        "resultType": "input_required", "requestState": "own",
        "inputRequests": {
            "a": {"method": ELICIT, "params": {"mode": "url", "message": "go", "url": "https://x.example/"}},
            "b": {"method": "roots/list"},
        },
    }));
    for _ in 0..2 {
        let (id, method, params) = client.asked().await;
        let answer = if method == ELICIT {
            assert!(params["elicitationId"].is_string(), "this revision has one");
            json!({"action": "accept"})
        } else {
            json!({"roots": []})
        };
        client.answer(id, Reply::Result(Payload::of(&answer)));
    }
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["requestState"], "own");
    assert_eq!(heard.params()["inputResponses"], json!({"a": {"action": "accept"}, "b": {"roots": []}}));
    heard.answer(&json!({"resultType": "input_required", "requestState": "later"}));
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["requestState"], "later");
    assert_eq!(heard.params().get("inputResponses"), None);
    heard.answer(&support::text("done"));
    assert_eq!(result(client.outcome.await.expect("no panic"))["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_legacy_client_that_cannot_answer_is_told_what_it_lacks() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let client = Client::send(&tenant, legacy_call(&json!({"roots": {}})));
    peer.heard("tools/call").await.answer(&question(None));
    let (reason, message) = refused(client.outcome.await.expect("no panic"));
    assert_eq!(reason, Reason::Unavailable);
    assert!(message.contains(r#"{"elicitation":{}}"#), "{message}");
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {}})));
    peer.heard("tools/call").await.answer(&question(None));
    let (id, ..) = client.asked().await;
    client.answer(id, Reply::Error(Payload::of(&json!({"code": -1, "message": "no"}))));
    assert_eq!(refused(client.outcome.await.expect("no panic")).0, Reason::Unavailable);
    // Nobody to be asked, so nothing is declared.
    let request = send(&tenant, legacy_call(&json!({"elicitation": {}})));
    let heard = peer.heard("tools/call").await;
    assert_eq!(heard.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"], json!({}));
    heard.answer(&question(None));
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Unavailable);
}

#[tokio::test]
async fn a_server_that_never_has_enough_is_not_asked_for_ever() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = one(transport);
    let client = Client::send(&tenant, legacy_call(&json!({})));
    for _ in 0..16 {
        peer.heard("tools/call").await.answer(&json!({"resultType": "input_required", "requestState": "again"}));
    }
    let (reason, message) = refused(client.outcome.await.expect("no panic"));
    assert_eq!(reason, Reason::Unavailable);
    assert!(message.contains("16 times"), "{message}");
}

#[tokio::test]
async fn a_legacy_error_that_wants_an_elicitation_first_is_a_question_to_a_modern_client() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let call = json!({"name": "x"});
    let wanted = json!({"mode": "url", "elicitationId": "e", "url": "https://x.example/", "message": "go"});
    let error = json!({"code": -32042, "message": "first", "data": {"elicitations": [wanted]}});
    let urls = json!({"elicitation": {"url": {}}});
    let request = send(&tenant, able(called(&call), &urls));
    peer.heard("tools/call").await.fail(&error);
    let asked = result(request.await.expect("no panic"));
    assert_eq!(asked["inputRequests"]["elicitation-1"], json!({"method": ELICIT, "params": wanted}));
    let declined = retry(&call, &asked, &json!({"elicitation-1": {"action": "decline"}}));
    let (outcome, ..) = ask(&tenant, able(declined, &urls)).await;
    assert_eq!(refused(outcome).0, Reason::Invalid);
    let request = send(&tenant, able(retry(&call, &asked, &json!({"elicitation-1": {"action": "accept"}})), &urls));
    let heard = peer.heard("tools/call").await;
    assert_eq!((heard.params().get("requestState"), heard.params().get("inputResponses")), (None, None));
    heard.answer(&support::text("done"));
    assert_eq!(result(request.await.expect("no panic"))["content"][0]["text"], "done");
    // Who cannot open URLs is told so; a legacy client gets the error as it is.
    let request = send(&tenant, called(&call));
    peer.heard("tools/call").await.fail(&error);
    assert_eq!(result(request.await.expect("no panic"))["code"], -32021);
    let request = send(&tenant, inbound(LEGACY, "tools/call", &call));
    peer.heard("tools/call").await.fail(&error);
    assert_eq!(result(request.await.expect("no panic")), error);
    // One that wants none is no more than an error, whose code this era must not see.
    let request = send(&tenant, able(called(&call), &urls));
    peer.heard("tools/call").await.fail(&json!({"code": -32042, "message": "first"}));
    assert_eq!(result(request.await.expect("no panic"))["code"], -32603);
}

/// Withholds what asks for a secret, wherever it is asked.
struct NoSecrets;

impl OutputSanitizer for NoSecrets {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, message: &'a Message) -> Answer<'a, SanitizeVerdict> {
        let secret = message.payload.as_str().contains("secret");
        let refusal = witgate_policy::Refusal::new(witgate_policy::Stage::Sanitize, Reason::Forbidden, "not that");
        let verdict = if secret { SanitizeVerdict::Withhold(refusal) } else { SanitizeVerdict::Pass };
        Box::pin(async move { Ok(verdict) })
    }
}

pub(super) fn guarded(transport: witgate_gateway::upstream::Transport) -> Arc<Tenant> {
    let pipeline = Pipeline { sanitize: vec![hook(Arc::new(NoSecrets))], ..Pipeline::default() };
    Arc::new(tenant(pipeline, vec![group("a", "", vec![transport])]))
}

#[tokio::test]
async fn a_question_that_a_policy_withholds_reaches_nobody() {
    let (transport, mut peer) = peer::modern(&json!({"tools": {}}));
    let tenant = guarded(transport);
    let secret = json!({
        "resultType": "input_required",
        "inputRequests": {"k": {"method": ELICIT, "params": {"message": "your secret?"}}},
    });
    let request = send(&tenant, called(&json!({"name": "x"})));
    peer.heard("tools/call").await.answer(&secret);
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Forbidden);
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {}})));
    peer.heard("tools/call").await.answer(&secret);
    assert_eq!(refused(client.outcome.await.expect("no panic")).0, Reason::Forbidden);
    assert!(client.said.recv().await.is_none(), "it was not asked");
}

#[tokio::test]
async fn a_legacy_server_s_requests_reach_its_legacy_client_while_the_call_runs() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {}, "sampling": {}})));
    let heard = peer.heard("tools/call").await;
    heard.ask("q1", ELICIT, &json!({"message": "who?", "_meta": {"progressToken": "own"}}));
    heard.ask("q2", "sampling/createMessage", &json!({"messages": []}));
    let (first, method, params) = client.asked().await;
    assert_eq!((method.as_str(), &params["_meta"]["progressToken"]), (ELICIT, &json!(first)));
    let (second, method, _) = client.asked().await;
    assert_eq!(method, "sampling/createMessage");
    // The later one is answered first; progress carries the server's own token.
    client.answer(second, Reply::Result(Payload::of(&json!({"role": "assistant"}))));
    assert_eq!(peer.answered("q2").await["result"]["role"], "assistant");
    client.asks.progress(&Payload::of(&json!({"progressToken": first, "progress": 1})));
    let progress = peer.heard("notifications/progress").await;
    assert_eq!(progress.params(), &json!({"progressToken": "own", "progress": 1}));
    client.answer(first, Reply::Error(Payload::of(&json!({"code": -1, "message": "no"}))));
    assert_eq!(peer.answered("q1").await["error"]["code"], -1);
    heard.answer(&support::text("done"));
    assert_eq!(result(client.outcome.await.expect("no panic"))["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_request_that_is_taken_back_is_withdrawn_at_the_client() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {}})));
    let heard = peer.heard("tools/call").await;
    heard.ask("q1", ELICIT, &json!({"message": "who?"}));
    let (asked, ..) = client.asked().await;
    heard.tell("notifications/cancelled", &json!({"requestId": "q1"}));
    match client.said.recv().await.expect("something is said") {
        Said::Withdrawn { id } => assert_eq!(id, asked),
        other => panic!("{other:?}"),
    }
    heard.answer(&support::text("done"));
    result(client.outcome.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn a_person_has_time_to_answer_and_not_for_ever() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let begun = tokio::time::Instant::now();
    let mut client = Client::send(&tenant, legacy_call(&json!({"elicitation": {}})));
    let heard = peer.heard("tools/call").await;
    heard.ask("q1", ELICIT, &json!({"message": "who?"}));
    client.asked().await;
    assert_eq!(peer.answered("q1").await["error"]["code"], -31504);
    assert_eq!(begun.elapsed().as_secs(), 300);
    heard.answer(&support::text("done"));
    assert_eq!(result(client.outcome.await.expect("no panic"))["content"][0]["text"], "done", "in the deadline's time");
}
