//! Without the gate: the harness, the clients and the servers get along, so that whatever fails elsewhere is the gate's.

use serde_json::{Value, json};
use witgate_tests::client::{Client, raw_server};
use witgate_tests::pipe::Pipe;
use witgate_tests::reports::Reports;
use witgate_tests::server::Server;
use witgate_tests::wire::{Era, Wire};

#[tokio::test]
async fn the_raw_server_answers_a_raw_client() {
    let reports = Reports::listen().await;
    for (name, era) in [("legacy", Era::Legacy), ("modern", Era::Modern)] {
        let server = Server::raw(name, &reports, &["--era", name]).await;
        let mut over_http = match era {
            Era::Modern => Wire::modern(server.url()),
            Era::Legacy => Wire::legacy(server.url()).await,
        };
        let mut over_stdio = Pipe::open(raw_server(&["stdio", "--era", name]), era).await;
        for tool in ["odd", "plain", "broken"] {
            let (one, other) = (over_http.call(tool, "{}").await, over_stdio.call(tool, "{}").await);
            assert_eq!(one.result_text(), other.result_text(), "{name} {tool}");
        }
        assert_eq!(over_http.call("fail", "{}").await.error_text(), over_stdio.call("fail", "{}").await.error_text());
        let steps = over_http.call_with_progress("steps", "t").await;
        assert_eq!(steps.notifications("notifications/progress").len(), 3, "{steps:#?}");
        assert!(over_stdio.close().await.0.success());
    }
}

#[tokio::test]
async fn the_raw_server_sees_a_client_go() {
    let reports = Reports::listen().await;
    let server = Server::raw("raw", &reports, &["--era", "modern"]).await;
    let mut client = Wire::modern(server.url());
    let call = tokio::spawn(async move { client.call("wait", "{}").await });
    reports.nth("waiting", 1).await;
    call.abort();
    reports.nth("cancelled", 1).await;

    let mut client = Wire::modern(server.url());
    let call = tokio::spawn(async move { client.call("wait", "{}").await });
    reports.nth("waiting", 2).await;
    reports.release().await;
    assert_eq!(call.await.expect("no panic").text(), "plain");
    drop(server);
    reports.nth("gone", 1).await;
}

#[tokio::test]
async fn clients_walk_through_servers() {
    let (notes, everything) = tokio::join!(Server::notes(), Server::everything());
    let plan = |url: &str, tool: &str, arguments: Value| json!({ "url": url, "call": { "name": tool, "arguments": arguments } });
    for client in [Client::Python, Client::TypeScript1, Client::TypeScript2] {
        let report = client.walk(&plan(notes.url(), "add", json!({ "a": 2, "b": 3 }))).await;
        assert_eq!(report["call"]["content"][0]["text"], "5", "{client:?}: {report:#}");
        let report = client.walk(&plan(everything.url(), "echo", json!({ "message": "hi" }))).await;
        assert_eq!(report["call"]["content"][0]["text"], "Echo: hi", "{client:?}: {report:#}");
    }
}
