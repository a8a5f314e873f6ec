//! Long messages, and the first byte of a stream.

use std::path::Path;

use serde_json::json;
use witgate_tests::echo::http::Server;
use witgate_tests::gate::{Gate, command, configured};
use witgate_tests::http::Connection;
use witgate_tests::pipe::Pipe;
use witgate_tests::wire::{Era, Wire};
use witgate_tests::{patiently, settings};

use crate::caller::Caller;
use crate::{memory, say};

const LONG: usize = 10 << 20;
/// How many times a message may be in memory at once: as it is read, as it is put together, as it is written.
const COPIES: f64 = 4.0;

/// Memory before and at the most of one long call, as a multiple of the message.
struct Gauge {
    process: u32,
    before: usize,
}

impl Gauge {
    fn begin(process: u32) -> Self {
        memory::forget_peak(process);
        Self { process, before: memory::resident(process) }
    }

    fn end(self, what: &str) {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let copies = memory::peak(self.process).saturating_sub(self.before) as f64 / LONG as f64;
        say(&format!("10 MiB from {what}: peak memory"), &format!("{copies:.1} × the message"));
        assert!(copies < COPIES, "{what}: {copies} times");
    }
}

fn arguments(bytes: usize, stream: bool) -> String {
    json!({ "bytes": bytes, "stream": stream }).to_string()
}

/// Every way that a long result takes: each transport of an upstream, both fronts, both eras of a client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_results_pass_and_memory_is_bounded() {
    let echo = Path::new(env!("CARGO_BIN_EXE_echo"));
    let (old, new) = (Server::start("old", Era::Legacy).await, Server::start("new", Era::Modern).await);
    let upstreams = [
        ("a legacy child", settings::child("u", echo, &["child", "legacy"]), false),
        ("a modern child", settings::child("u", echo, &["kid", "modern"]), false),
        ("HTTP+SSE", settings::remote_sse("u", &old.sse_url()), false),
        ("legacy HTTP, JSON", settings::remote("u", old.url()), false),
        ("legacy HTTP, a stream", settings::remote("u", old.url()), true),
        ("modern HTTP, JSON", settings::remote("u", new.url()), false),
        ("modern HTTP, a stream", settings::remote("u", new.url()), true),
    ];
    for (name, upstream, stream) in upstreams {
        let configuration = format!("anonymous = true\n{upstream}");
        let gate = Gate::start(&configuration).await;
        for (era, mut client) in [("modern", Wire::modern(gate.url())), ("legacy", Wire::legacy(gate.url()).await)] {
            assert_eq!(client.call("large", &arguments(10, stream)).await.text().len(), 10);
            let gauge = Gauge::begin(gate.process().id());
            assert_eq!(client.call("large", &arguments(LONG, stream)).await.text().len(), LONG, "{name}");
            gauge.end(&format!("{name} to a {era} client"));
        }
        let (_folder, file) = configured(&configuration);
        let mut stdio = command();
        stdio.arg("stdio").arg("--config").arg(&file);
        let mut pipe = Pipe::open(stdio, Era::Legacy).await;
        assert_eq!(pipe.call("large", &arguments(10, stream)).await.text().len(), 10);
        let gauge = Gauge::begin(pipe.process().id());
        assert_eq!(pipe.call("large", &arguments(LONG, stream)).await.text().len(), LONG, "{name}");
        gauge.end(&format!("{name} to a client over stdio"));
    }
}

/// More than the upstream may send is an error that says so, and takes nothing from the calls beside it.
#[tokio::test]
async fn what_is_too_long_names_the_limit() {
    let echo = Path::new(env!("CARGO_BIN_EXE_echo"));
    let (old, new) = (Server::start("old", Era::Legacy).await, Server::start("new", Era::Modern).await);
    for upstream in [
        settings::child("child", echo, &["child", "legacy"]),
        settings::remote_sse("old", &old.sse_url()),
        settings::remote("old", old.url()),
        settings::remote("new", new.url()),
    ] {
        let gate = Gate::start(&format!("anonymous = true\n{upstream}limits = {{ message-bytes = 65536 }}\n")).await;
        for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
            let answer = client.call("large", r#"{"bytes":100000}"#).await;
            assert!(answer.error_text().contains("message-bytes"), "{upstream}: {answer:#?}");
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
