//! Connections that are one client's own, and what servers ask on them, over a stream of lines.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use witgate_gateway::upstream::{Event, Exchange, Limits, Reply, Spec, Standing, Transport, Upstream};
use witgate_gateway::wire::ClientFacts;
use witgate_policy::{Failure, Payload, Revision};

use crate::support::*;

use Revision::{V2025_11_25 as Legacy, V2026_07_28 as Modern};

/// An upstream, and the connections to it.
struct World {
    upstream: Arc<Upstream>,
    servers: UnboundedReceiver<Server>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let (builtin, servers) = scripted();
        let spec = Spec { limits, ..spec(Transport::Builtin(builtin)) };
        Self { upstream: Upstream::new(spec, Arc::new(Ledger::default())), servers }
    }

    /// A server that is known to be legacy, with the connection that all share.
    async fn legacy(limits: Limits) -> (Self, Server) {
        let mut world = Self::new(limits);
        let upstream = world.upstream.clone();
        let plain = ClientFacts { capabilities: Payload::empty(), ..client(Legacy) };
        let script = async {
            let mut server = world.servers.recv().await.expect("connected");
            server.be_legacy("2025-11-25").await;
            server
        };
        let (facts, server) = tokio::join!(upstream.server(&plain, &[]), script);
        facts.expect("connected");
        (world, server)
    }

    /// A call on a new connection; what was declared on it.
    async fn connect(&mut self, client: &ClientFacts, who: &'static str) -> (Exchange, Server, Value, Value) {
        let upstream = self.upstream.clone();
        let script = async {
            let mut server = soon(self.servers.recv()).await.expect("connected");
            let (id, declared) = server.expect("initialize").await;
            server.reply(&id, json!({ "protocolVersion": "2025-11-25", "capabilities": {} })).await;
            server.expect("notifications/initialized").await;
            let (id, _) = server.expect("tools/call").await;
            (server, declared, id)
        };
        let sent = send_of(client, who, &upstream, "tools/call", json!({ "name": "t" }));
        let (exchange, (server, declared, id)) = tokio::join!(sent, script);
        (exchange.expect("sent"), server, declared, id)
    }

    /// A call on a connection that is there.
    async fn call(&self, client: &ClientFacts, who: &'static str, server: &mut Server) -> (Exchange, Value) {
        let sent = send_of(client, who, &self.upstream, "tools/call", json!({ "name": "t" }));
        let exchange = soon(sent).await.expect("sent");
        (exchange, server.expect("tools/call").await.0)
    }
}

fn answer(value: &Value) -> Reply {
    Reply::Result(Payload::of(value))
}

async fn finish(mut exchange: Exchange, server: &mut Server, id: &Value) {
    server.reply(id, json!({})).await;
    result(&mut exchange).await.expect("answered");
}

#[tokio::test(start_paused = true)]
async fn who_can_be_asked_has_a_connection_of_its_own_that_declares_what_it_declared() {
    let (mut world, mut shared) = World::legacy(Limits::default()).await;
    let one = asked(Legacy, "one");
    let (exchange, mut own, declared, id) = world.connect(&one, "alice").await;
    assert_eq!(declared["capabilities"], value(&one.capabilities));
    finish(exchange, &mut own, &id).await;
    let (exchange, id) = world.call(&one, "alice", &mut own).await;
    finish(exchange, &mut own, &id).await;
    let (exchange, mut other, _, id) = world.connect(&asked(Legacy, "two"), "alice").await;
    finish(exchange, &mut other, &id).await;
    for revision in [Legacy, Modern] {
        let plain = ClientFacts { capabilities: Payload::empty(), ..asked(revision, "three") };
        let (exchange, id) = world.call(&plain, "alice", &mut shared).await;
        finish(exchange, &mut shared, &id).await;
    }
    world.upstream.forget("one");
    assert_eq!(own.hear().await, None, "a session that ended takes its connection along");
    let (exchange, id) = world.call(&asked(Legacy, "two"), "alice", &mut other).await;
    finish(exchange, &mut other, &id).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_one_calls_and_then_its_callers() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let client = asked(Modern, "");
    let (first, mut a, declared, first_id) = world.connect(&client, "alice").await;
    assert_eq!(declared["capabilities"], value(&client.capabilities));
    let (second, mut b, _, second_id) = world.connect(&client, "alice").await;
    finish(first, &mut a, &first_id).await;
    let (third, third_id) = world.call(&client, "alice", &mut a).await;
    let (bobs, mut c, _, bobs_id) = world.connect(&client, "bob").await;
    finish(second, &mut b, &second_id).await;
    finish(third, &mut a, &third_id).await;
    finish(bobs, &mut c, &bobs_id).await;
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(31)).await;
    }
    for mut server in [a, b, c] {
        assert_eq!(server.hear().await, None, "nobody came back for it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_up_is_not_used_again() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let client = asked(Modern, "");
    let (exchange, mut server, _, id) = world.connect(&client, "alice").await;
    drop(exchange);
    assert_eq!(server.expect("notifications/cancelled").await.1["requestId"], id);
    assert_eq!(server.hear().await, None);
    let (exchange, mut server, _, id) = world.connect(&client, "alice").await;
    finish(exchange, &mut server, &id).await;
}

#[tokio::test(start_paused = true)]
async fn idle_connections_make_room_and_those_at_work_do_not() {
    let (mut world, mut shared) = World::legacy(Limits { sessions: 2, ..Limits::default() }).await;
    let (one, mut first, _, id) = world.connect(&asked(Legacy, "one"), "alice").await;
    let (two, mut second, _, second_id) = world.connect(&asked(Legacy, "two"), "alice").await;
    assert_eq!(shared.hear().await, None, "it was idle");
    let three = send_of(&asked(Legacy, "three"), "alice", &world.upstream, "tools/call", json!({})).await;
    match three.expect_err("both are at work").failure {
        Failure::NotSent(why) => assert!(why.contains("all 2 connections") && why.contains("`sessions`"), "{why}"),
        other => panic!("{other:?}"),
    }
    finish(one, &mut first, &id).await;
    let (three, mut third, _, third_id) = world.connect(&asked(Legacy, "three"), "alice").await;
    assert_eq!(first.hear().await, None);
    finish(two, &mut second, &second_id).await;
    finish(three, &mut third, &third_id).await;
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_has_one_connection_for_all() {
    let mut world = World::new(Limits::default());
    let upstream = world.upstream.clone();
    let script = async {
        let mut server = world.servers.recv().await.expect("connected");
        server.be_modern().await;
        server.expect("tools/call").await;
        server.expect("tools/call").await;
        server
    };
    let (one, two) = (asked(Legacy, "one"), asked(Modern, ""));
    let calls = async {
        let first = send_of(&one, "alice", &upstream, "tools/call", json!({ "name": "t" })).await.expect("sent");
        let second = send_of(&two, "bob", &upstream, "tools/call", json!({ "name": "t" })).await.expect("sent");
        (first, second)
    };
    let (_server, _exchanges) = tokio::join!(script, calls);
    assert!(world.servers.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_to_the_latest_call_and_its_answer_back() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let client = asked(Legacy, "s");
    let (mut first, mut server, _, first_id) = world.connect(&client, "alice").await;
    let (mut second, second_id) = world.call(&client, "alice", &mut server).await;
    for (id, method, mode) in [
        (json!("q"), "elicitation/create", "form"),
        (json!(7), "sampling/createMessage", ""),
        (json!(1.5), "roots/list", ""),
        (json!(-1), "elicitation/create", "url"),
    ] {
        server.ask(&id, method, json!({ "mode": mode })).await;
        let (ask, got, params) = question(&mut second).await;
        assert_eq!((got.as_str(), params), (method, json!({ "mode": mode })));
        first.answer(&ask, answer(&json!({ "mine": false })));
        second.notify("notifications/progress", &Payload::of(&json!({ "progressToken": 1, "progress": 1 })));
        second.answer(&ask, answer(&json!({ "ok": [1.0] })));
        second.answer(&ask, answer(&json!({ "twice": true })));
        server.expect("notifications/progress").await;
        let want = json!({ "jsonrpc": "2.0", "id": id, "result": { "ok": [1.0] } });
        assert_eq!(server.hear().await, Some(want));
    }
    finish(second, &mut server, &second_id).await;
    server.ask(&json!(8), "roots/list", json!({})).await;
    let (ask, ..) = question(&mut first).await;
    let error = json!({ "code": -1, "message": "declined" });
    first.answer(&ask, Reply::Error(Payload::of(&error)));
    assert_eq!(server.hear().await, Some(json!({ "jsonrpc": "2.0", "id": 8, "error": error })));
    finish(first, &mut server, &first_id).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_back_is_not_answered() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let (mut exchange, mut server, _, id) = world.connect(&asked(Legacy, "s"), "alice").await;
    server.ask(&json!("q"), "roots/list", json!({})).await;
    let (ask, ..) = question(&mut exchange).await;
    server.note("notifications/cancelled", json!({ "requestId": "other" })).await;
    server.note("notifications/cancelled", json!({ "requestId": "q" })).await;
    match soon(exchange.next()).await.expect("taken back") {
        Event::Withdrawn { ask: which } => assert_eq!(which, ask),
        other => panic!("{other:?}"),
    }
    exchange.answer(&ask, answer(&json!({})));
    server.say(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
    assert_eq!(server.hear().await.expect("only the ping is answered")["id"], "p");
    finish(exchange, &mut server, &id).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_answered_at_once() {
    let (mut world, mut shared) = World::legacy(Limits::default()).await;
    let client =
        ClientFacts { capabilities: Payload::parse_str(r#"{"elicitation":{}}"#).expect("JSON"), ..asked(Legacy, "s") };
    let (_exchange, mut own, ..) = world.connect(&client, "alice").await;
    for (method, params) in [
        ("sampling/createMessage", json!({})),
        ("roots/list", json!({})),
        ("elicitation/create", json!({ "mode": "url" })),
        ("tools/list", json!({})),
    ] {
        own.ask(&json!(1), method, params).await;
        assert_eq!(own.hear().await.expect("answered")["error"]["code"], -32601, "{method}");
    }
    own.ask(&json!({}), "elicitation/create", json!({})).await;
    assert_eq!(own.hear().await.expect("answered")["error"]["code"], -32600);
    shared.ask(&json!(1), "elicitation/create", json!({})).await;
    assert_eq!(shared.hear().await.expect("answered")["error"]["code"], -32601);
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_call_are_bounded() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let (_exchange, mut server, ..) = world.connect(&asked(Legacy, "s"), "alice").await;
    for id in 0..64 {
        server.ask(&json!(id), "roots/list", json!({})).await;
    }
    server.ask(&json!(64), "roots/list", json!({})).await;
    let refused = server.hear().await.expect("answered");
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(64), &json!(-32603)));
}

#[tokio::test(start_paused = true)]
async fn without_a_call_a_request_goes_to_who_listens_or_to_nobody() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let client = asked(Legacy, "s");
    let mut stranger = world.upstream.watch(&asked(Legacy, "other"), &[]).await.expect("watched");
    let mut watch = world.upstream.watch(&client, &[]).await.expect("watched");
    let (exchange, mut server, _, id) = world.connect(&client, "alice").await;
    finish(exchange, &mut server, &id).await;
    server.ask(&json!("q"), "roots/list", json!({ "a": 1 })).await;
    match soon(watch.next()).await {
        Standing::Request { ask, method, params } => {
            assert_eq!((method.as_str(), value(&params)), ("roots/list", json!({ "a": 1 })));
            watch.answer(&ask, answer(&json!({ "roots": [] })));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.hear().await, Some(json!({ "jsonrpc": "2.0", "id": "q", "result": { "roots": [] } })));
    server.ask(&json!("r"), "roots/list", json!({})).await;
    let Standing::Request { ask, .. } = soon(watch.next()).await else { panic!("a request") };
    server.note("notifications/cancelled", json!({ "requestId": "r" })).await;
    match soon(watch.next()).await {
        Standing::Withdrawn { ask: which } => assert_eq!(which, ask),
        other => panic!("{other:?}"),
    }
    server.ask(&json!("s"), "roots/list", json!({})).await;
    assert!(matches!(soon(watch.next()).await, Standing::Request { .. }));
    drop(watch);
    assert_eq!(server.hear().await.expect("nobody is left")["error"]["code"], -32603);
    server.ask(&json!("t"), "roots/list", json!({})).await;
    assert_eq!(server.hear().await.expect("nobody is there")["error"]["code"], -32603);
    assert!(tokio::time::timeout(Duration::from_secs(1), stranger.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ended_forgets_what_it_was_asked() {
    let (mut world, _shared) = World::legacy(Limits::default()).await;
    let client = asked(Legacy, "s");
    let (mut exchange, mut server, _, id) = world.connect(&client, "alice").await;
    server.ask(&json!("q"), "roots/list", json!({})).await;
    let (ask, ..) = question(&mut exchange).await;
    server.reply(&id, json!({})).await;
    result(&mut exchange).await.expect("answered");
    exchange.answer(&ask, answer(&json!({})));
    let (exchange, id) = world.call(&client, "alice", &mut server).await;
    finish(exchange, &mut server, &id).await;
}
