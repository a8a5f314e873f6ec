//! What servers ask of legacy clients, and the answers' way back.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::support::{Ask, Reply, Site, events, initialize, soon, test};

/// A session of a client that can be asked, with its id.
async fn session(site: &Site) -> String {
    let mut hello = initialize("2025-11-25");
    hello["params"]["capabilities"] = json!({"elicitation": {}});
    site.send(Ask::json(&hello)).await.header("mcp-session-id").expect("a session").to_owned()
}

/// Reads on until a message comes.
async fn message(body: &mut Incoming) -> Value {
    loop {
        let frame = soon(body.frame()).await.expect("a frame").expect("no error").into_data().expect("data");
        if let Some(message) = events(std::str::from_utf8(&frame).expect("UTF-8")).pop() {
            return message;
        }
    }
}

/// A call whose tool asks; gives the stream behind the question, and the question.
async fn asked(site: &Site, id: &str) -> (Incoming, Value) {
    let params = json!({"name": "talk", "arguments": {"ask": true, "notes": 0}});
    let mut body = soon(Ask::legacy(id, 1, "tools/call", &params).send(site.address)).await.into_body();
    let question = message(&mut body).await;
    assert_eq!((&question["method"], &question["params"]["message"]), (&json!("elicitation/create"), &json!("who?")));
    (body, question)
}

fn answer<'a>(session: &str, id: &Value, body: &Value) -> Ask<'a> {
    let mut message = json!({"jsonrpc": "2.0", "id": id});
    message.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    Ask::json(&message).with("mcp-session-id", session)
}

#[tokio::test]
async fn a_question_comes_on_the_stream_of_its_call_and_its_answer_goes_back() {
    let site = Site::open().await;
    let id = session(&site).await;
    for body in [
        json!({"result": {"action": "accept", "content": {"who": "me"}}}),
        json!({"error": {"code": -1, "message": "no"}}),
    ] {
        let (mut stream, question) = asked(&site, &id).await;
        let accepted = site.send(answer(&id, &question["id"], &body)).await;
        assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));
        let told = message(&mut stream).await["result"]["structuredContent"].take();
        let member = if body.get("result").is_some() { "result" } else { "error" };
        assert_eq!(told[member], body[member], "{told}");
        assert_eq!(site.send(answer(&id, &question["id"], &body)).await.status, 202, "one that is late is taken");
    }
}

#[tokio::test]
async fn nobody_else_answers_a_question() {
    let site = Site::open().await;
    let (id, other) = (session(&site).await, session(&site).await);
    let (mut stream, question) = asked(&site, &id).await;
    let accept = json!({"result": {"action": "accept", "content": {}}});
    let foreign = site.send(answer(&id, &question["id"], &accept).with("authorization", "bob")).await;
    assert_eq!(foreign.refused(), (403, -31403));
    assert_eq!(site.send(answer(&other, &question["id"], &accept)).await.status, 202, "it answers nothing");
    let decline = json!({"result": {"action": "decline"}});
    assert_eq!(site.send(answer(&id, &question["id"], &decline)).await.status, 202);
    assert_eq!(message(&mut stream).await["result"]["structuredContent"]["result"]["action"], "decline");
}

#[tokio::test]
async fn an_answer_that_a_validator_refuses_is_an_error_for_both() {
    let site = Site::open().await;
    let id = session(&site).await;
    let (mut stream, question) = asked(&site, &id).await;
    let mut bad = test("forbidden");
    bad["action"] = "accept".into();
    let refused = site.send(answer(&id, &question["id"], &json!({ "result": bad }))).await;
    assert_eq!(refused.refused(), (403, -31403));
    let told = message(&mut stream).await["result"]["structuredContent"].take();
    assert!(told["error"]["message"].as_str().expect("an error").contains("gateway"), "{told}");
}

#[tokio::test]
async fn a_question_is_read_again_by_who_comes_back() {
    let site = Site::open().await;
    let id = session(&site).await;
    let (stream, question) = asked(&site, &id).await;
    drop(stream);
    let back = Ask::legacy(&id, 1, "", &json!({})).by("GET").with("last-event-id", "1-0");
    let mut stream = soon(back.send(site.address)).await.into_body();
    assert_eq!(message(&mut stream).await, question);
    let decline = json!({"result": {"action": "decline"}});
    assert_eq!(site.send(answer(&id, &question["id"], &decline)).await.status, 202);
    let rest = soon(stream.collect()).await.expect("the rest").to_bytes();
    assert!(String::from_utf8_lossy(&rest).contains("decline"));
}

#[tokio::test]
async fn who_takes_no_stream_cannot_be_asked() {
    let site = Site::open().await;
    let id = session(&site).await;
    let params = json!({"name": "talk", "arguments": {"ask": true, "notes": 0}});
    let ask = Ask::legacy(&id, 1, "tools/call", &params).with("accept", "application/json");
    let reply: Reply = site.send(ask).await;
    assert!(reply.json()["result"]["structuredContent"]["error"]["code"].is_i64(), "{reply:?}");
}

#[tokio::test]
async fn a_capability_that_a_validator_took_away_is_none() {
    let site = Site::open().await;
    let mut hello = initialize("2025-11-25");
    hello["params"]["capabilities"] = json!({"elicitation": {}});
    hello["params"]["_meta"] = test("mute")["_meta"].clone();
    let id = site.send(Ask::json(&hello)).await.header("mcp-session-id").expect("a session").to_owned();
    let params = json!({"name": "talk", "arguments": {"ask": true, "notes": 0}});
    let told = site.send(Ask::legacy(&id, 1, "tools/call", &params)).await.json();
    assert_eq!(told["result"]["structuredContent"]["error"]["code"], -32601, "{told}");
}
