//! Batches, which 2025-03-26 alone had.

use serde_json::{Value, json};

use crate::support::{Ask, Reply, Site, session, soon, test};

fn batch<'a>(session: &str, messages: &Value) -> Ask<'a> {
    Ask::json(messages).with("mcp-session-id", session)
}

fn ping(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "ping"})
}

/// The answers by their ids, which need not come in order.
fn by_id(answers: &Value, id: i64) -> &Value {
    let mut answers = answers.as_array().expect("an array").iter();
    answers.find(|answer| answer["id"] == id).expect("an answer")
}

#[tokio::test]
async fn a_batch_is_answered_by_a_batch() {
    let site = Site::open().await;
    let id = session(&site, "2025-03-26").await;
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let late = json!({"jsonrpc": "2.0", "id": 77, "result": {}});
    let all = json!([ping(1), note, late, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, ping(3)]);
    let reply = site.send(batch(&id, &all)).await;
    assert_eq!((reply.status, reply.json().as_array().map(Vec::len)), (200, Some(3)));
    assert_eq!(by_id(&reply.json(), 1)["result"], json!({}));
    assert_eq!(by_id(&reply.json(), 2)["result"]["tools"][0]["name"], "talk");
    let quiet = site.send(batch(&id, &json!([note, late]))).await;
    assert_eq!((quiet.status, quiet.text.as_str()), (202, ""));
    assert_eq!(site.send(batch(&id, &json!([note])).with("authorization", "bob")).await.refused(), (403, -31403));
}

#[tokio::test]
async fn what_a_batch_says_on_its_way_comes_on_one_stream() {
    let site = Site::open().await;
    let id = session(&site, "2025-03-26").await;
    let talk = |id: i64| {
        let params = json!({"name": "talk", "_meta": {"progressToken": id}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    };
    let response = soon(batch(&id, &json!([talk(1), ping(2)])).send(site.address)).await;
    site.world.release_tool.notify_one();
    let events = Reply::read(response).await.events();
    assert_eq!(events[0]["params"]["progressToken"], 1, "{events:?}");
    let answers = Value::from(events[1..].to_vec());
    assert_eq!(by_id(&answers, 1)["result"]["content"][0]["text"], "done");
    assert_eq!(by_id(&answers, 2)["result"], json!({}));
}

#[tokio::test]
async fn one_message_of_a_batch_spoils_no_other() {
    let site = Site::open().await;
    let id = session(&site, "2025-03-26").await;
    let hello = json!({"jsonrpc": "2.0", "id": 4, "method": "initialize", "params": {}});
    let denied = json!({"jsonrpc": "2.0", "id": 5, "method": "ping", "params": test("forbidden")});
    let all = json!([ping(1), ping(1), [ping(2)], hello, denied, {"jsonrpc": "2.0", "id": 6}]);
    let answers = site.send(batch(&id, &all)).await.json();
    let code = |id: i64| by_id(&answers, id)["error"]["code"].as_i64();
    assert_eq!([code(4), code(5), code(6)], [Some(-32600), Some(-31403), Some(-32600)], "{answers}");
    let all = answers.as_array().expect("an array");
    assert_eq!(all.len(), 6);
    let nameless: Vec<_> = all.iter().filter(|answer| answer.get("id").is_none()).collect();
    assert_eq!(nameless.len(), 1);
    assert_eq!(nameless[0]["error"]["code"], -32600, "a batch in a batch");
    assert!(all.iter().any(|answer| answer["id"] == 1 && answer["result"].is_object()));
    assert!(all.iter().any(|answer| answer["id"] == 1 && answer["error"]["code"] == -32600), "the id is taken");
}

#[tokio::test]
async fn what_is_no_batch_is_turned_away() {
    let site = Site::open().await;
    let id = session(&site, "2025-03-26").await;
    let many: Vec<_> = (0..65).map(ping).collect();
    for none in [json!([]), Value::from(many)] {
        assert_eq!(site.send(batch(&id, &none)).await.refused(), (400, -32600));
    }
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let id = session(&site, revision).await;
        assert_eq!(site.send(batch(&id, &json!([ping(1)]))).await.refused(), (400, -32600), "{revision}");
    }
    assert_eq!(site.send(batch("", &json!([ping(1)]))).await.refused(), (400, -32600));
    assert_eq!(site.send(batch("guessed", &json!([ping(1)]))).await.refused(), (404, -31404), "begin anew");
}
