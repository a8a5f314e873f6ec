//! `GET`: legacy clients that listen.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::json;
use witgate_gateway::front::http::Options;

use crate::support::{Ask, Reply, Site, ids, session, soon};

fn get<'a>(session: &str) -> Ask<'a> {
    Ask::legacy(session, 1, "", &json!({})).by("GET")
}

#[tokio::test]
async fn who_may_listen_and_who_may_not() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let site = &site;
    let check = async |ask: Ask<'_>, want: (u16, i64)| assert_eq!(site.send(ask).await.refused(), want);
    check(get(&id).with("mcp-protocol-version", "2026-07-28"), (405, -32600)).await;
    check(get(&id).with("mcp-protocol-version", "2025-06-18"), (400, -32600)).await;
    check(get(&id).with("mcp-session-id", ""), (400, -32600)).await;
    check(get("guessed"), (404, -31404)).await;
    check(get(&id).at("/other"), (404, -31404)).await;
    check(get(&id).with("accept", "application/json"), (406, -32600)).await;
    check(get(&id).with("authorization", ""), (401, -31401)).await;
    check(get(&id).with("authorization", "bob"), (403, -31403)).await;
    check(get(&id).with("origin", "https://evil.example"), (403, -31403)).await;
    check(Ask::modern(1, "subscriptions/listen", json!({})).with("accept", "application/json"), (406, -32600)).await;
}

#[tokio::test]
async fn a_standing_stream_begins_at_once_and_ends_with_its_session() {
    let site = Site::with(Options { keep_alive: Duration::from_millis(10), ..Options::default() }).await;
    let id = session(&site, "2025-11-25").await;
    let mut open = Vec::new();
    for number in 1..=4 {
        let response = soon(get(&id).with("accept", "text/event-stream").send(site.address)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let mut body = response.into_body();
        let first = soon(body.frame()).await.expect("a frame").expect("no error").into_data().expect("data");
        assert_eq!(ids(std::str::from_utf8(&first).expect("UTF-8")), [format!("{number}-0")]);
        let next = soon(body.frame()).await.expect("a frame").expect("no error").into_data().expect("data");
        assert_eq!(next, ": \n\n", "it is alive");
        open.push(body);
    }
    assert_eq!(site.send(get(&id)).await.refused(), (409, -31429));
    site.world.reload();
    let next = soon(open[0].frame()).await.expect("a frame");
    assert_eq!(next.expect("no error").into_data().expect("data"), ": \n\n", "a reload is not noticed");
    assert_eq!(site.send(Ask::legacy(&id, 1, "", &json!({})).by("DELETE")).await.status, 204);
    for body in open {
        soon(body.collect()).await.expect("it ends as it should");
    }
    assert_eq!(site.send(get(&id)).await.status, 404);
    let recorded = site.world.records.outcomes().into_iter().filter(|(method, _)| method == "GET");
    assert!(recorded.eq(std::iter::repeat_n(("GET".to_owned(), "ok"), 5)), "one for each, and none for the reload");
}

#[tokio::test]
async fn a_stop_ends_who_only_listens_at_once() {
    // A drain that would take longer than the test waits.
    let mut site = Site::with(Options { drain: Duration::from_mins(10), ..Options::default() }).await;
    let id = session(&site, "2025-11-25").await;
    let listening = soon(get(&id).send(site.address)).await;
    site.stop();
    assert_eq!(ids(&Reply::read(listening).await.text), ["1-0"]);
    site.stopped().await;
}
