//! Streams that break, and legacy clients that come back to them.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use witgate_gateway::front::http::Options;

use crate::support::{Ask, Reply, Site, events, ids, session, soon};

async fn frame(body: &mut Incoming) -> String {
    let frame = soon(body.frame()).await.expect("a frame").expect("no error");
    String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8")
}

/// Calls the tool that says something first, and breaks the connection after that. Gives all that was read.
async fn broken(site: &Site, id: &str, events: usize) -> String {
    let params = json!({"name": "talk", "_meta": {"progressToken": "p"}});
    let mut body = soon(Ask::legacy(id, 1, "tools/call", &params).send(site.address)).await.into_body();
    let mut read = String::new();
    for _ in 0..events {
        read.push_str(&frame(&mut body).await);
    }
    read
}

fn back<'a>(session: &str, event: &str) -> Ask<'a> {
    Ask::legacy(session, 1, "", &json!({})).by("GET").with("last-event-id", event)
}

#[tokio::test]
async fn a_client_that_comes_back_reads_on_where_it_was() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let read = broken(&site, &id, 2).await;
    assert_eq!(ids(&read), ["1-0", "1-1"], "{read}");

    // From its first event, live until the answer.
    let coming = soon(back(&id, "1-0").send(site.address)).await;
    assert_eq!(coming.status(), 200);
    assert_eq!(coming.headers()["content-type"], "text/event-stream");
    site.world.release_tool.notify_one();
    let reply = Reply::read(coming).await;
    assert_eq!(ids(&reply.text), ["1-1", "1-2"]);
    assert_eq!(reply.events()[0]["method"], "notifications/progress");
    assert_eq!(reply.events()[1]["result"]["content"][0]["text"], "done");

    // Once more, after the answer was read by somebody: it may not have arrived.
    assert_eq!(ids(&site.send(back(&id, "1-1")).await.text), ["1-2"]);
    let over = site.send(back(&id, "1-2")).await;
    assert_eq!((over.status, over.text.as_str()), (200, ""), "nothing came after it, and nothing will");
}

#[tokio::test]
async fn who_comes_back_while_the_old_connection_seems_open_takes_its_place() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let params = json!({"name": "talk", "_meta": {"progressToken": "p"}});
    let mut old = soon(Ask::legacy(&id, 1, "tools/call", &params).send(site.address)).await.into_body();
    frame(&mut old).await;
    let new = soon(back(&id, "1-0").send(site.address)).await;
    let rest = soon(old.collect()).await.expect("the rest").to_bytes();
    assert!(!String::from_utf8_lossy(&rest).contains("result"), "the answer goes to one of them");
    site.world.release_tool.notify_one();
    assert_eq!(Reply::read(new).await.events().last().expect("an answer")["id"], 1);
}

#[tokio::test]
async fn a_stream_is_nobody_else_s_and_not_made_up() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    broken(&site, &id, 2).await;
    let other = session(&site, "2025-11-25").await;
    assert_eq!(site.send(back(&other, "1-0")).await.refused(), (400, -32600));
    assert_eq!(site.send(back(&id, "1-0").with("authorization", "bob")).await.refused(), (403, -31403));
    assert_eq!(site.send(back(&id, "1-0").with("authorization", "")).await.refused(), (401, -31401));
    for event in ["2-0", "1-2", "1", "0-0", "x", "-1-0"] {
        assert_eq!(site.send(back(&id, event)).await.refused(), (400, -32600), "{event}");
    }
    site.world.release_tool.notify_one();
}

#[tokio::test]
async fn a_request_that_is_an_answer_alone_needs_no_stream() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    site.send(Ask::legacy(&id, 1, "tools/list", &json!({}))).await.json();
    assert_eq!(site.send(back(&id, "1-0")).await.refused(), (400, -32600), "there was none");
}

#[tokio::test]
async fn older_clients_get_ids_and_no_event_without_data() {
    let site = Site::open().await;
    for (revision, want) in [("2025-06-18", vec!["1-1"]), ("2025-11-25", vec!["1-0", "1-1"])] {
        let id = session(&site, revision).await;
        let read = broken(&site, &id, want.len()).await;
        assert_eq!(ids(&read), want);
        assert_eq!(events(&read).len(), 1);
        site.world.release_tool.notify_one();
        assert_eq!(ids(&site.send(back(&id, "1-1")).await.text), ["1-2"]);
    }
    let modern = Ask::modern(1, "tools/call", json!({"name": "talk", "_meta": {"progressToken": "p"}}));
    site.world.release_tool.notify_one();
    assert_eq!(ids(&site.send(modern).await.text), [""; 0], "modern streams cannot be resumed");
}

#[tokio::test]
async fn what_there_is_no_room_for_is_not_kept() {
    let site = Site::with(Options { events_bytes: 0, ..Options::default() }).await;
    let id = session(&site, "2025-11-25").await;
    let params = json!({"name": "talk", "_meta": {"progressToken": "p"}});
    let response = soon(Ask::legacy(&id, 1, "tools/call", &params).send(site.address)).await;
    site.world.release_tool.notify_one();
    let read = Reply::read(response).await;
    assert_eq!(read.events().len(), 2, "who stays misses nothing");
    let again = site.send(back(&id, "1-0")).await;
    assert_eq!((again.status, again.text.as_str()), (200, ""), "it was read already");
}
