//! Modern clients and legacy servers: a server's request holds the call until its client comes back.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use witgate_gateway::tenant::{Group, Inbound, Lasting, Outcome, Tenant};
use witgate_policy::{Payload, Pipeline, Reason};

use super::peer::{self, Heard, Peer};
use super::rounds::{ELICIT, accept, called, guarded, one, refused, result, retry, send};
use super::support::{self, ask, group, inbound, text};
use super::{LEGACY, MODERN};

fn form(message: &str) -> Value {
    json!({"message": message, "requestedSchema": {}, "_meta": {"progressToken": 1, "k": 2}})
}

/// Calls, lets the server ask one thing, and gives back what the client got.
async fn held(tenant: &Arc<Tenant>, peer: &mut Peer, call: &Value) -> (Heard, Value) {
    let request = send(tenant, called(call));
    let heard = peer.heard("tools/call").await;
    heard.ask("q1", ELICIT, &form("who?"));
    (heard, result(request.await.expect("no panic")))
}

fn call() -> Value {
    json!({"name": "x", "arguments": {"a": 1}})
}

#[tokio::test]
async fn a_server_s_request_holds_the_call_until_the_retry_answers_it() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    assert_eq!(asked["resultType"], "input_required");
    let params = json!({"message": "who?", "requestedSchema": {}, "_meta": {"k": 2}});
    assert_eq!(asked["inputRequests"], json!({"request-1": {"method": ELICIT, "params": params}}));
    let retried = send(&tenant, retry(&call(), &asked, &json!({"request-1": accept("Ada"), "other": {}})));
    assert_eq!(peer.answered("q1").await["result"], accept("Ada"));
    // It asks on.
    heard.ask("q2", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1}));
    let again = result(retried.await.expect("no panic"));
    assert_eq!(again["inputRequests"]["request-2"]["method"], "sampling/createMessage");
    let retried = send(&tenant, retry(&call(), &again, &json!({"request-2": {"role": "assistant"}})));
    assert_eq!(peer.answered("q2").await["result"]["role"], "assistant");
    heard.answer(&text("done"));
    let done = result(retried.await.expect("no panic"));
    assert_eq!((&done["content"][0]["text"], &done["resultType"]), (&json!("done"), &json!("complete")));
}

#[tokio::test]
async fn what_is_missing_is_asked_again_under_the_same_name() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    // Asked while its client was away.
    heard.ask("q2", "roots/list", &json!({}));
    heard.tell("notifications/message", &json!({"level": "info", "data": "lost"}));
    let again = result(ask(&tenant, retry(&call(), &asked, &json!({}))).await.0);
    assert_eq!(again["inputRequests"]["request-1"], asked["inputRequests"]["request-1"]);
    assert_ne!(again["requestState"], asked["requestState"]);
    let answers = json!({"request-1": accept("Ada"), "request-2": {"roots": []}});
    let retried = send(&tenant, retry(&call(), &again, &answers));
    assert_eq!(peer.answered("q1").await["result"], accept("Ada"));
    let mut request = retried;
    // The second question may have come after the retry; then it is asked now.
    let done = tokio::select! {
        answer = peer.answered("q2") => {
            assert_eq!(answer["result"], json!({"roots": []}));
            heard.answer(&text("done"));
            result(request.await.expect("no panic"))
        }
        asked = &mut request => {
            let asked = result(asked.expect("no panic"));
            let retried = send(&tenant, retry(&call(), &asked, &json!({"request-2": {"roots": []}})));
            assert_eq!(peer.answered("q2").await["result"], json!({"roots": []}));
            heard.answer(&text("done"));
            result(retried.await.expect("no panic"))
        }
    };
    assert_eq!(done["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_state_leads_back_once_and_only_its_own_call() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    let answers = json!({"request-1": accept("Ada")});
    let other = json!({"name": "x", "arguments": {"a": 2}});
    assert_eq!(refused(ask(&tenant, retry(&other, &asked, &answers)).await.0).0, Reason::Invalid);
    let shape = json!({"request-1": 7});
    assert_eq!(refused(ask(&tenant, retry(&call(), &asked, &shape)).await.0).0, Reason::Invalid, "it may mend that");
    let retried = send(&tenant, retry(&call(), &asked, &answers));
    peer.answered("q1").await;
    assert_eq!(refused(ask(&tenant, retry(&call(), &asked, &answers)).await.0).0, Reason::Invalid, "used");
    heard.answer(&text("done"));
    result(retried.await.expect("no panic"));
}

#[tokio::test]
async fn what_came_while_the_client_was_away_is_there_when_it_is_back() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    heard.answer(&text("done without you"));
    let retried = ask(&tenant, retry(&call(), &asked, &json!({"request-1": accept("Ada")}))).await.0;
    assert_eq!(result(retried)["content"][0]["text"], "done without you");
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    heard.fail(&json!({"code": -32603, "message": "broke"}));
    let retried = ask(&tenant, retry(&call(), &asked, &json!({"request-1": accept("Ada")}))).await.0;
    assert_eq!(result(retried)["message"], "broke");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_stays_away_is_cancelled() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let mut spec = support::spec(Pipeline::default(), vec![group("a", "", vec![transport])]);
    // Deadlines begin on the clock that is not paused, and the retry is to have time left on the one that is.
    spec.deadline = Duration::from_hours(1);
    let tenant = Arc::new(Tenant::new(spec));
    let begun = tokio::time::Instant::now();
    let (heard, asked) = held(&tenant, &mut peer, &call()).await;
    let cancelled = peer.heard("notifications/cancelled").await;
    assert_eq!(cancelled.params()["requestId"], heard.message["id"]);
    assert_eq!(begun.elapsed().as_secs(), Duration::from_mins(5).as_secs());
    let retried = ask(&tenant, retry(&call(), &asked, &json!({"request-1": accept("Ada")}))).await.0;
    assert_eq!(refused(retried).0, Reason::Invalid);
}

#[tokio::test]
async fn a_reload_forgets_no_held_call() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let lasting = Arc::new(Lasting::new().expect("random bytes"));
    let mut spec = support::spec(Pipeline::default(), vec![group("a", "", vec![transport])]);
    spec.lasting = lasting.clone();
    let upstreams = spec.groups[0].upstreams.clone();
    let before = Arc::new(Tenant::new(spec));
    let (heard, asked) = held(&before, &mut peer, &call()).await;
    drop(before);
    let mut spec =
        support::spec(Pipeline::default(), vec![Group { name: "a".into(), prefix: String::new(), upstreams }]);
    spec.lasting = lasting;
    let after = Arc::new(Tenant::new(spec));
    let retried = send(&after, retry(&call(), &asked, &json!({"request-1": accept("Ada")})));
    assert_eq!(peer.answered("q1").await["result"], accept("Ada"));
    heard.answer(&text("done"));
    assert_eq!(result(retried.await.expect("no panic"))["content"][0]["text"], "done");
}

#[tokio::test]
async fn one_caller_holds_so_many_calls_and_no_more() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let mut all = Vec::new();
    for _ in 0..16 {
        all.push(held(&tenant, &mut peer, &call()).await);
    }
    let request = send(&tenant, called(&call()));
    peer.heard("tools/call").await.ask("q1", ELICIT, &form("who?"));
    assert_eq!(refused(request.await.expect("no panic")).0, Reason::Exhausted);
    let (heard, asked) = &all[0];
    let retried = send(&tenant, retry(&call(), asked, &json!({"request-1": accept("Ada")})));
    peer.answered("q1").await;
    heard.answer(&text("done"));
    result(retried.await.expect("no panic"));
    held(&tenant, &mut peer, &call()).await;
}

#[tokio::test]
async fn a_request_that_a_policy_withholds_is_answered_by_the_gate() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = guarded(transport);
    let request = send(&tenant, called(&call()));
    let heard = peer.heard("tools/call").await;
    heard.ask("q1", ELICIT, &form("your secret?"));
    assert_eq!(peer.answered("q1").await["error"], json!({"code": -31403, "message": "not that"}));
    heard.answer(&text("done"));
    assert_eq!(result(request.await.expect("no panic"))["content"][0]["text"], "done", "the call goes on");
}

#[tokio::test]
async fn who_declared_nothing_is_asked_nothing() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}, "completions": {}}));
    let tenant = one(transport);
    for plain in [inbound(MODERN, "tools/call", &call()), inbound(LEGACY, "tools/call", &call())] {
        let request = send(&tenant, plain);
        let heard = peer.heard("tools/call").await;
        heard.ask("q1", ELICIT, &form("who?"));
        assert_eq!(peer.answered("q1").await["error"]["code"], -32601);
        heard.answer(&text("done"));
        result(request.await.expect("no panic"));
    }
    // Nor where a result may not ask.
    let mut completion = called(&json!({"ref": {"type": "ref/prompt", "name": "x"}}));
    completion.method = "completion/complete".into();
    let request = send(&tenant, completion);
    let heard = peer.heard("completion/complete").await;
    heard.ask("q2", ELICIT, &form("who?"));
    assert_eq!(peer.answered("q2").await["error"]["code"], -32601);
    heard.answer(&json!({"completion": {"values": []}}));
    result(request.await.expect("no panic"));
}

/// The progress that a call's client was told.
async fn progress(tenant: &Arc<Tenant>, mut inbound: Inbound, token: &str) -> (Outcome, Vec<Value>) {
    let mut params: Value = inbound.params.deserialize().expect("JSON");
    params["_meta"] = json!({ "progressToken": token });
    inbound.params = Payload::of(&params);
    let (outcome, _, notes) = ask(tenant, inbound).await;
    (outcome, notes.iter().map(|note| note.payload().deserialize().expect("JSON")).collect())
}

#[tokio::test]
async fn progress_goes_on_under_the_token_of_the_retry() {
    let (transport, mut peer) = peer::legacy(&json!({"tools": {}}));
    let tenant = one(transport);
    let first = tokio::spawn({
        let tenant = tenant.clone();
        async move { progress(&tenant, called(&call()), "first").await }
    });
    let heard = peer.heard("tools/call").await;
    let own = heard.params()["_meta"]["progressToken"].clone();
    heard.tell("notifications/progress", &json!({"progressToken": own, "progress": 1}));
    heard.ask("q1", ELICIT, &form("who?"));
    let (outcome, told) = first.await.expect("no panic");
    assert_eq!(told, [json!({"progressToken": "first", "progress": 1})]);
    let asked = result(outcome);
    heard.tell("notifications/progress", &json!({"progressToken": own, "progress": 2}));
    let answers = json!({"request-1": accept("Ada")});
    let second = tokio::spawn({
        let (tenant, retry) = (tenant.clone(), retry(&call(), &asked, &answers));
        async move { progress(&tenant, retry, "second").await }
    });
    peer.answered("q1").await;
    heard.tell("notifications/progress", &json!({"progressToken": own, "progress": 3}));
    heard.answer(&text("done"));
    let (outcome, told) = second.await.expect("no panic");
    assert_eq!(result(outcome)["content"][0]["text"], "done");
    let of = |progress| json!({"progressToken": "second", "progress": progress});
    assert_eq!(told, [of(2), of(3)]);
}
