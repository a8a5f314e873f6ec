//! Answers and streams over HTTP, and the end of a front.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use witgate_gateway::front::http::Options;

use crate::support::{Ask, Reply, Site, events, session, soon, test};

fn talk() -> Value {
    json!({"name": "talk", "_meta": {"progressToken": "p"}})
}

async fn frame(body: &mut Incoming) -> String {
    let frame = soon(body.frame()).await.expect("a frame").expect("no error");
    String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn an_answer_that_comes_first_is_json_over_http_1_and_2() {
    let site = Site::open().await;
    for ask in [Ask::modern(1, "tools/list", json!({})), Ask::modern(1, "tools/list", json!({})).over_h2()] {
        let reply = site.send(ask).await;
        assert_eq!((reply.status, &reply.json()["result"]["tools"][0]["name"]), (200, &json!("talk")));
    }
    let reply = site.send(Ask::modern(1, "tools/list", json!({})).with("accept", "text/event-stream")).await;
    assert_eq!(reply.events()[0]["result"]["tools"][0]["name"], "talk");
}

#[tokio::test]
async fn a_notification_that_comes_first_makes_a_stream_at_once() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    for ask in [Ask::modern(1, "tools/call", talk()), Ask::legacy(&id, 1, "tools/call", &talk())] {
        let response = soon(ask.send(site.address)).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut body = response.into_body();
        let mut note = frame(&mut body).await;
        if note.starts_with("retry: ") {
            assert_eq!(note, "retry: 1000\nid: 1-0\ndata: \n\n");
            note = frame(&mut body).await;
        }
        assert_eq!(note.matches("data: ").count(), 1, "one line of data: {note}");
        let note = events(&note).remove(0);
        assert_eq!(note["method"], "notifications/progress");
        assert_eq!(note["params"]["progressToken"], "p");
        site.world.release_tool.notify_one();
        let answer = events(&frame(&mut body).await).remove(0);
        assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(1), &json!("done")));
        assert!(soon(body.frame()).await.is_none(), "the answer ends the stream");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_streams_gets_the_answer_alone() {
    let site = Site::open().await;
    site.world.release_tool.notify_one();
    let reply = site.send(Ask::modern(1, "tools/call", talk()).with("accept", "application/json")).await;
    assert_eq!(reply.json()["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_flood_of_notifications_loses_some_of_them_and_never_the_answer() {
    let site = Site::open().await;
    let mut params = talk();
    params["arguments"] = json!({"notes": 20_000});
    let response = soon(Ask::modern(1, "tools/call", params).send(site.address)).await;
    site.world.release_tool.notify_one();
    let events = Reply::read(response).await.events();
    let (answer, notes) = events.split_last().expect("events");
    assert_eq!(answer["result"]["content"][0]["text"], "done");
    assert!(notes.iter().all(|note| note["method"] == "notifications/progress"));
}

#[tokio::test]
async fn an_idle_stream_shows_that_it_is_alive() {
    let site = Site::with(Options { keep_alive: Duration::from_millis(10), ..Options::default() }).await;
    let mut body = soon(Ask::modern(1, "tools/call", talk()).send(site.address)).await.into_body();
    assert!(frame(&mut body).await.starts_with("event"));
    assert_eq!(frame(&mut body).await, ": \n\n");
    site.world.release_tool.notify_one();
    let rest = soon(body.collect()).await.expect("the rest").to_bytes();
    assert_eq!(events(std::str::from_utf8(&rest).expect("UTF-8")).len(), 1);
}

#[tokio::test]
async fn the_end_of_a_modern_stream_cancels() {
    let site = Site::open().await;
    drop(soon(Ask::modern(1, "tools/call", talk()).send(site.address)).await);
    let recorded = async {
        while site.world.records.outcomes().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    soon(recorded).await;
    assert_eq!(site.world.records.outcomes(), [("tools/call".to_owned(), "cancelled")]);
}

#[tokio::test]
async fn the_end_of_a_legacy_stream_does_not() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    drop(soon(Ask::legacy(&id, 1, "tools/call", &talk()).send(site.address)).await);
    let taken = site.send(Ask::legacy(&id, 1, "ping", &json!({}))).await;
    assert_eq!(taken.refused(), (200, -32600), "it still is under way");
    site.world.release_tool.notify_one();
    let ended = async {
        while !site.world.records.outcomes().contains(&("tools/call".to_owned(), "ok")) {
            tokio::task::yield_now().await;
        }
    };
    soon(ended).await;
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_end() {
    let mut site = Site::open().await;
    let asking = tokio::spawn(Ask::modern(1, "server/discover", test("hold")).send(site.address));
    site.world.held().await;
    site.stop();
    // New connections are refused from the moment on that the listener is gone.
    soon(async { while TcpStream::connect(site.address).await.is_ok() {} }).await;
    assert!(!site.has_stopped());
    site.world.strings.release.notify_one();
    let reply = Reply::read(soon(asking).await.expect("a response")).await;
    assert!(reply.json()["result"].is_object());
    site.stopped().await;
}

#[tokio::test]
async fn a_stop_ends_what_does_not_end() {
    let mut site = Site::with(Options { drain: Duration::from_millis(20), ..Options::default() }).await;
    let id = session(&site, "2025-11-25").await;
    // One whose client waits, one whose client is gone.
    let waiting = tokio::spawn(Ask::modern(1, "server/discover", test("hold")).send(site.address));
    site.world.held().await;
    let address = site.address;
    let gone = tokio::spawn(async move { Ask::legacy(&id, 1, "ping", &test("hold")).send(address).await });
    site.world.held().await;
    gone.abort();
    site.stop();
    assert_eq!([site.world.end().await, site.world.end().await], ["dropped", "dropped"]);
    assert!(soon(waiting).await.is_err(), "the connection broke");
    site.stopped().await;
}

#[tokio::test]
async fn a_large_result_comes_whole_as_json_and_as_an_event() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let size = 10 << 20;
    for notes in [0, 1] {
        let params =
            json!({"name": "talk", "arguments": {"size": size, "notes": notes}, "_meta": {"progressToken": 1}});
        for ask in [Ask::modern(1, "tools/call", params.clone()), Ask::legacy(&id, 1, "tools/call", &params)] {
            let reply = site.send(ask).await;
            let answer = if notes == 0 { reply.json() } else { reply.events().pop().expect("an answer") };
            let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
            assert!(text.len() == size && text.bytes().all(|b| b == b'x'));
        }
    }
}
