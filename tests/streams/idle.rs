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

#[derive(Clone, Copy)]
enum Kind {
    /// A legacy session whose client has no connection open.
    Resting,
    /// A legacy session with its standing stream.
    Standing,
    /// A modern client that listens.
    Listening,
}

impl Kind {
    /// What one may cost, in bytes, in a build that is not optimized: what a session is; with a stream, the two buffers
    /// that hyper has for each connection, and two tasks.
    fn most_bytes(self) -> usize {
        match self {
            Self::Resting => 8 << 10,
            Self::Standing | Self::Listening => 48 << 10,
        }
    }
}

/// Opens one and waits until the gate has begun it.
async fn open(url: &str, kind: Kind) -> Option<Connection> {
    let era = if matches!(kind, Kind::Listening) { Era::Modern } else { Era::Legacy };
    let caller = Caller::new(url, era).await;
    if matches!(kind, Kind::Resting) {
        return None;
    }
    let mut connection = caller.connect().await.expect("a connection");
    match kind {
        Kind::Listening => caller.listen(&mut connection).await.expect("a request"),
        Kind::Standing | Kind::Resting => caller.stand(&mut connection, None).await.expect("a request"),
    }
    let head = connection.head().await.expect("a head");
    assert!(head.status() == 200 && head.is_stream(), "{head:?}");
    Some(connection)
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
    say(&format!("{what}: how many"), &streams.len().to_string());
    say(&format!("{what}: memory of the gate for each"), &format!("{each} bytes"));
    say(&format!("{what}: descriptors of the gate"), &descriptors.to_string());

    for mut client in [Wire::modern(&url), Wire::legacy(&url).await] {
        assert_eq!(client.call("echo", r#"{"nonce":"n"}"#).await.text(), "echo n");
    }
    assert!(each < kind.most_bytes(), "{each} bytes for each of {count}");
    assert!(descriptors <= count + AT_ONCE * 2, "{descriptors} descriptors for {count} streams");
    drop((first, streams));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sessions_cost_little() {
    check(Kind::Resting, "idle legacy sessions without a stream").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_streams_cost_little() {
    check(Kind::Standing, "idle legacy sessions with a standing stream").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_listeners_cost_little() {
    check(Kind::Listening, "idle modern listeners").await;
}
