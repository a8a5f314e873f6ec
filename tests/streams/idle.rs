//! Streams on which nothing happens: what each costs the gate, which serves on.

use futures_util::StreamExt as _;
use witgate_tests::echo::http::Server;
use witgate_tests::gate::Gate;
use witgate_tests::http::Connection;
use witgate_tests::settings;
use witgate_tests::wire::{Era, Wire};

use crate::caller::Caller;
use crate::{memory, number, say};

/// How many are opened at once.
const AT_ONCE: usize = 16;
/// What one may cost, in bytes: several buffers of a connection and what a session is, in a build that is not optimized,
/// and far below what a thread or a buffer of messages for each would be.
const COST_BYTES: usize = 128 << 10;

#[derive(Clone, Copy)]
enum Kind {
    /// A legacy session with its standing stream.
    Standing,
    /// A modern client that listens.
    Listening,
}

/// Opens one and waits until the gate has begun it.
async fn open(url: &str, kind: Kind) -> Connection {
    let era = if matches!(kind, Kind::Standing) { Era::Legacy } else { Era::Modern };
    let caller = Caller::new(url, era).await;
    let mut connection = caller.connect().await.expect("a connection");
    match kind {
        Kind::Standing => caller.stand(&mut connection, None).await.expect("a request"),
        Kind::Listening => caller.listen(&mut connection).await.expect("a request"),
    }
    let head = connection.head().await.expect("a head");
    assert!(head.status() == 200 && head.is_stream(), "{head:?}");
    connection
}

async fn check(kind: Kind, what: &str) {
    let count = number("STREAMS_IDLE", 500);
    // Each takes a descriptor of the gate and one of this process, beside some of their own.
    assert!(memory::most_descriptors() > count + 200, "`ulimit -n` is too small for {count} streams");
    let server = Server::start("echo", Era::Modern).await;
    let room = format!("[server]\nconnections = {}\nsessions = {}\n", count + 1000, (count + 1000) * 10);
    let gate = Gate::start(&format!("anonymous = true\n{}{room}", settings::remote("echo", server.url()))).await;
    let (url, process) = (gate.url().to_owned(), gate.process().id());
    // What is made at first use is there before the process is looked at.
    let first: Vec<_> = futures_util::stream::iter(0..AT_ONCE).then(|_| open(&url, kind)).collect().await;
    let (memory_before, descriptors_before) = (memory::resident(process), memory::descriptors(process));
    let opening = futures_util::stream::iter(0..count).map(|_| open(&url, kind));
    let streams: Vec<_> = opening.buffer_unordered(AT_ONCE).collect().await;
    let each = memory::resident(process).saturating_sub(memory_before) / count;
    let descriptors = memory::descriptors(process).saturating_sub(descriptors_before);
    say(&format!("{what}: streams"), &streams.len().to_string());
    say(&format!("{what}: memory of the gate for each"), &format!("{each} bytes"));
    say(&format!("{what}: descriptors of the gate"), &descriptors.to_string());

    for mut client in [Wire::modern(&url), Wire::legacy(&url).await] {
        assert_eq!(client.call("echo", r#"{"nonce":"n"}"#).await.text(), "echo n");
    }
    assert!(each < COST_BYTES, "{each} bytes for each of {count}");
    assert!(descriptors <= count + AT_ONCE * 2, "{descriptors} descriptors for {count} streams");
    drop((first, streams));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sessions_cost_little() {
    check(Kind::Standing, "idle legacy sessions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_listeners_cost_little() {
    check(Kind::Listening, "idle modern listeners").await;
}
