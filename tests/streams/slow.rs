//! Clients that do not read, and servers that never end: neither is kept in memory.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use witgate_tests::echo::http::Server;
use witgate_tests::gate::Gate;
use witgate_tests::process::eventually;
use witgate_tests::settings;
use witgate_tests::wire::{Era, Wire};

use crate::caller::Caller;
use crate::{memory, say};

/// What each server sends, to each of so many clients that do not read.
const FLOOD_BYTES: usize = 32 << 20;
const READERS: usize = 4;
/// What all of them together may cost: notes that wait for their turn, twice over, and buffers of sockets.
const COST_BYTES: usize = READERS * (8 << 20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_costs_little() {
    let server = Server::start("echo", Era::Legacy).await;
    let gate = Gate::start(&format!("anonymous = true\n{}", settings::remote("echo", server.url()))).await;
    let process = gate.process().id();
    let caller = Caller::new(gate.url(), Era::Legacy).await;
    let mut warm = caller.connect().await.expect("a connection");
    caller.call(&mut warm, "0", ("flood", &json!({ "bytes": 1 << 20 })), None).await.expect("a request");
    warm.messages().await.expect("an answer");
    let before = memory::resident(process);
    memory::forget_peak(process);

    let mut connections = Vec::new();
    for id in 1..=READERS {
        let mut connection = caller.connect().await.expect("a connection");
        let arguments = json!({ "bytes": FLOOD_BYTES });
        caller.call(&mut connection, &id.to_string(), ("flood", &arguments), None).await.expect("a request");
        connections.push(connection);
    }
    // Either the gate reads on and forgets, or it stops reading: then nothing is written any more.
    let written = || server.stage().written.load(Ordering::Relaxed);
    let (mut last, mut still) = (0, 0);
    eventually("an end of the flood", || {
        still = if written() == last { still + 1 } else { 0 };
        last = written();
        *server.stage().ended.borrow() > READERS || still > 50
    })
    .await;
    let cost = memory::peak(process).saturating_sub(before);
    say("clients that do not read 32 MiB: memory of the gate for each", &format!("{} bytes", cost / READERS));
    assert!(cost < COST_BYTES, "{cost} bytes for {READERS} readers, of {} bytes", written());

    // Who reads at last gets the answer.
    for mut connection in connections {
        let (_, messages) = connection.messages().await.expect("an answer");
        let answer: &Value = messages.last().expect("an answer");
        assert_eq!(answer["result"]["content"][0]["text"], "flooded", "{answer}");
    }
}

#[tokio::test]
async fn an_event_that_never_ends_is_an_error() {
    for era in [Era::Legacy, Era::Modern] {
        let server = Server::start("echo", era).await;
        let upstream = settings::remote("echo", server.url()) + "limits = { message-bytes = 1048576 }\n";
        let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
        let mut client = Wire::modern(gate.url());
        let answer = client.call("endless", "{}").await;
        assert!(answer.error_text().contains("message-bytes"), "{answer:#?}");
        // The server sees that nobody listens any more.
        server.stage().ended(1).await;
        assert_eq!(client.call("echo", r#"{"nonce":"n"}"#).await.text(), "echo n");
    }
}
