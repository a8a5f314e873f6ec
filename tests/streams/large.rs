//! Long messages, and the first byte of a stream.

use std::path::Path;

use serde_json::json;
use witgate_tests::echo::http::Server;
use witgate_tests::gate::Gate;
use witgate_tests::http::Connection;
use witgate_tests::wire::{Era, Wire};
use witgate_tests::{patiently, settings};

use crate::caller::Caller;
use crate::{memory, say};

const LONG: usize = 10 << 20;
/// How many times a message may be in memory at once: as it is read, as it is put together, as it is written.
const COPIES: f64 = 4.0;

/// Every way that a long result takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_results_pass_and_memory_is_bounded() {
    let echo = Path::new(env!("CARGO_BIN_EXE_echo"));
    let (old, new) = (Server::start("old", Era::Legacy).await, Server::start("new", Era::Modern).await);
    let upstreams = [
        ("child", settings::child("child", echo, &["child", "legacy"])),
        ("kid", settings::child("kid", echo, &["kid", "modern"])),
        ("old", settings::remote("old", old.url())),
        ("new", settings::remote("new", new.url())),
    ];
    for (name, upstream) in upstreams {
        for stream in [false, true] {
            if stream && matches!(name, "child" | "kid") {
                continue;
            }
            let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
            for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
                let process = gate.process().id();
                let arguments = |bytes: usize| json!({ "bytes": bytes, "stream": stream }).to_string();
                assert_eq!(client.call("large", &arguments(10)).await.text().len(), 10);
                let before = memory::resident(process);
                memory::forget_peak(process);
                let answer = client.call("large", &arguments(LONG)).await;
                assert_eq!(answer.text().len(), LONG, "{name}");
                #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
                let copies = memory::peak(process).saturating_sub(before) as f64 / LONG as f64;
                let how = if stream { "a stream" } else { "one message" };
                say(&format!("10 MiB from `{name}` as {how}: peak memory"), &format!("{copies:.1} × the message"));
                assert!(copies < COPIES, "{name}, {how}: {copies} times");
            }
        }
    }
}

/// More than the upstream may send is an error that says so.
#[tokio::test]
async fn what_is_too_long_names_the_limit() {
    let echo = Path::new(env!("CARGO_BIN_EXE_echo"));
    let server = Server::start("new", Era::Modern).await;
    let child = settings::child("child", echo, &["child", "legacy"]);
    for upstream in [child, settings::remote("new", server.url())] {
        let gate = Gate::start(&format!("anonymous = true\n{upstream}limits = {{ message-bytes = 65536 }}\n")).await;
        for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
            let answer = client.call("large", r#"{"bytes":100000}"#).await;
            assert!(answer.error_text().contains("message-bytes"), "{answer:#?}");
            assert_eq!(client.call("large", r#"{"bytes":1000}"#).await.text().len(), 1000);
        }
    }
}

/// The head of a stream and each of its events come while the server holds back the next.
#[tokio::test]
async fn the_first_byte_waits_for_nothing() {
    for upstream in [Era::Legacy, Era::Modern] {
        for era in [Era::Legacy, Era::Modern] {
            let server = Server::start("echo", upstream).await;
            let gate = Gate::start(&format!("anonymous = true\n{}", settings::remote("echo", server.url()))).await;
            let caller = Caller::new(gate.url(), era).await;
            let mut connection = caller.connect().await.expect("a connection");
            caller.call(&mut connection, "1", ("parts", &json!({})), Some("7")).await.expect("a request");
            let what = format!("a {era:?} client of a {upstream:?} server");
            let head = patiently(&format!("the head for {what}"), connection.head()).await.expect("a head");
            assert!(head.is_stream(), "{what}: {head:?}");
            for number in 1..=2 {
                server.stage().parts.send_replace(number);
                let event = next(&mut connection, &what).await;
                assert_eq!(event["params"], json!({ "progressToken": 7, "progress": number }), "{what}");
            }
            server.stage().parts.send_replace(3);
            assert_eq!(next(&mut connection, &what).await["result"]["content"][0]["text"], "whole", "{what}");
        }
    }
}

async fn next(connection: &mut Connection, what: &str) -> serde_json::Value {
    let event = patiently(&format!("an event for {what}"), connection.event()).await.expect("a stream");
    serde_json::from_str(&event.unwrap_or_else(|| panic!("the stream for {what} ended"))).expect("JSON")
}
