//! Every limit, told apart from every other: what a guest that passes it alone gets, by key and number.

use witgate_policy::{Fault, LimitKey, Limits, Stage};
use witgate_sandbox::{LoadError, PluginSpec};
use witgate_test_guests::{Guest, SANITIZE_PAYLOAD, component, pass};

use crate::world::{ask, load, sandbox, soon, spec};

/// A plugin that may ask for everything that is not a place.
fn granted(limits: Limits) -> PluginSpec {
    let mut spec = PluginSpec { limits, ..spec() };
    (spec.grants.counter, spec.grants.keyvalue, spec.grants.clocks) = (true, true, true);
    (spec.grants.random, spec.grants.config) = (true, true);
    spec
}

/// The guest passes the limit that `limits` sets, and only that.
async fn check(guest: Guest, kind: Stage, limits: Limits, key: LimitKey, limit: u64) {
    let plugin = load(&sandbox(), guest.build(), granted(limits)).await.expect("loads");
    let want = match key {
        LimitKey::MemoryBytes | LimitKey::TableElements | LimitKey::Stack => Fault::Memory { key, limit },
        _ => Fault::Limit { key, limit },
    };
    assert_eq!(soon(ask(&plugin, kind)).await, Err(want), "{key}");
    let roomy = load(&sandbox(), guest.build(), granted(Limits::default())).await.expect("loads");
    let answer = soon(ask(&roomy, kind)).await;
    assert!(answer.is_ok(), "{key}: the default has room: {answer:?}");
}

/// Runs `body` so many times and then abstains.
fn repeat(import: &[&str], times: u32, body: &str) -> Guest {
    let guest = import.iter().fold(Guest::new(Stage::Route), |guest, import| guest.import(import));
    guest.decide(&format!(
        "(local $n i32) (loop $more {body}
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const {times}))))
         (i32.store8 (global.get $answer) (i32.const 2)) global.get $answer"
    ))
}

/// Each way in counts, those of `wasmtime-wasi` too, where nothing of ours runs.
#[tokio::test]
async fn host_calls() {
    let ways: [(&[&str], &str); 9] = [
        (&["witgate:counter/counter@0.1.0"], "(call $read (i32.const 0) (i32.const 1) (i32.const 4096))"),
        (&["wasi:config/store@0.2.0-rc.1"], "(call $get (i32.const 0) (i32.const 1) (i32.const 4096))"),
        (
            &["wasi:logging/logging@0.1.0-draft"],
            "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        ),
        (&["wasi:clocks/monotonic-clock@0.2.12"], "(drop (call $now))"),
        (&["wasi:clocks/wall-clock@0.2.12"], "(call $now (i32.const 4096))"),
        (&["wasi:random/random@0.2.12"], "(drop (call $get-random-u64))"),
        (&["wasi:random/insecure-seed@0.2.12"], "(call $insecure-seed (i32.const 4096))"),
        (&["wasi:cli/environment@0.2.12"], "(call $get-environment (i32.const 4096))"),
        (
            &["wasi:cli/stdout@0.2.12", "wasi:io/streams@0.2.12"],
            "(if (i32.eqz (local.get $n)) (then (global.set $out (call $get-stdout))))
             (call $output-stream.check-write (global.get $out) (i32.const 4096))",
        ),
    ];
    for (imports, body) in ways {
        let guest = repeat(imports, 50, body).field("(global $out (mut i32) (i32.const 0))");
        let limits = Limits { host_calls: 49, ..Limits::default() };
        check(guest, Stage::Route, limits, LimitKey::HostCalls, 49).await;
    }
}

/// The host function is stopped at the call that is too many, not after it.
#[tokio::test]
async fn a_call_that_is_too_many_is_not_made() {
    let mut spec = granted(Limits { host_calls: 3, ..Limits::default() });
    let counters = std::sync::Arc::new(witgate_state::MemoryCounters::default());
    spec.counters = counters.clone();
    let guest = repeat(
        &["witgate:counter/counter@0.1.0"],
        10,
        "(call $add (i32.const 2048) (i32.const 1) (i32.const 1) (i32.const 60000) (i32.const 4096))",
    );
    let plugin = load(&sandbox(), guest.data(2048, "k").build(), spec).await.expect("loads");
    assert!(matches!(soon(ask(&plugin, Stage::Route)).await, Err(Fault::Limit { key: LimitKey::HostCalls, .. })));
    let space = witgate_policy::store::Space { tenant: "acme".into(), plugin: "guest".into() };
    let reading = witgate_policy::store::Counters::read(&*counters, &space, "k").await.expect("there");
    assert_eq!(reading.map(|reading| reading.value), Some(3));
}

#[tokio::test]
async fn bytes_in() {
    let read = format!(
        "(call $document.text {SANITIZE_PAYLOAD} (i32.const 4096)) (call $document.text {SANITIZE_PAYLOAD}
         (i32.const 4096)) global.get $answer"
    );
    let guest = Guest::new(Stage::Sanitize).import("witgate:types/types@0.1.0").decide(&read);
    let limits = Limits { bytes_in: 27, ..Limits::default() };
    // Two times `{"content":[]}`.
    check(guest, Stage::Sanitize, limits, LimitKey::BytesIn, 27).await;
}

/// What it writes to the host counts, and what it answers, and what it only says that it writes.
#[tokio::test]
async fn bytes_out() {
    let log = "(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 32768) (i32.const 5000))";
    let guest = repeat(&["wasi:logging/logging@0.1.0-draft"], 1, log);
    let limits = || Limits { bytes_out: 4000, ..Limits::default() };
    check(guest, Stage::Route, limits(), LimitKey::BytesOut, 4000).await;
    let replace = "(i32.store8 (global.get $answer) (i32.const 2))
        (i32.store offset=4 (global.get $answer) (i32.const 32768))
        (i32.store offset=8 (global.get $answer) (i32.const 5000)) global.get $answer";
    check(Guest::new(Stage::Sanitize).decide(replace), Stage::Sanitize, limits(), LimitKey::BytesOut, 4000).await;
    // A list of 2^28 edits that would be 4 GiB here.
    let edits = "(i32.store8 (global.get $answer) (i32.const 1))
        (i32.store offset=4 (global.get $answer) (i32.const 32768))
        (i32.store offset=8 (global.get $answer) (i32.const 0x0fffffff)) global.get $answer";
    let guest = Guest::new(Stage::Sanitize).decide(edits).build();
    let plugin = load(&sandbox(), guest, spec()).await.expect("loads");
    assert!(soon(ask(&plugin, Stage::Sanitize)).await.is_err());
}

#[tokio::test]
async fn edits() {
    let edits = "(i32.store8 (global.get $answer) (i32.const 1))
        (i32.store offset=4 (global.get $answer) (i32.const 16384))
        (i32.store offset=8 (global.get $answer) (i32.const 11)) global.get $answer";
    for kind in [Stage::Validate, Stage::Sanitize] {
        let limits = Limits { edits: 10, ..Limits::default() };
        check(Guest::new(kind).decide(edits), kind, limits, LimitKey::Edits, 10).await;
    }
}

/// Handles of resources of the host's, of the standard library's, and of pollables that wait.
#[tokio::test]
async fn handles() {
    let ways: [(&[&str], &str); 3] = [
        (&["wasi:keyvalue/store@0.2.0-draft"], "(call $open (i32.const 0) (i32.const 0) (i32.const 4096))"),
        (&["wasi:cli/stdout@0.2.12"], "(drop (call $get-stdout))"),
        (&["wasi:clocks/monotonic-clock@0.2.12"], "(drop (call $subscribe-duration (i64.const 1000000000000)))"),
    ];
    for (imports, body) in ways {
        let limits = Limits { handles: 10, ..Limits::default() };
        check(repeat(imports, 11, body), Stage::Route, limits, LimitKey::Handles, 10).await;
    }
}

/// Whatever is never dropped is gone with the call, so the next has all of it again; an instance that is kept has what
/// its earlier calls left.
#[tokio::test]
async fn dropped_handles_do_not_count() {
    let body = "(drop (call $get-stdout))";
    let limits = Limits { handles: 10, ..Limits::default() };
    let guest = repeat(&["wasi:cli/stdout@0.2.12"], 4, body).build();
    let plugin = load(&sandbox(), guest.clone(), granted(limits.clone())).await.expect("loads");
    for _ in 0..5 {
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
    }
    let reuse = std::num::NonZeroU32::new(1);
    let plugin = load(&sandbox(), guest, PluginSpec { reuse, ..granted(limits) }).await.expect("loads");
    let mut last = Ok("");
    for _ in 0..5 {
        last = soon(ask(&plugin, Stage::Route)).await;
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last, Err(Fault::Limit { key: LimitKey::Handles, limit: 10 }));
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"), "a fresh one follows");
}

/// Waiting for a day is ended by the wall, not by the processor time that it does not use.
#[tokio::test]
async fn wall_time_covers_polls() {
    let body = "(call $pollable.block (call $subscribe-duration (i64.const 86400000000000)))";
    let guest = repeat(&["wasi:clocks/monotonic-clock@0.2.12", "wasi:io/poll@0.2.12"], 1, body);
    let limits = Limits { wall_time_ms: 30, ..Limits::default() };
    let plugin = load(&sandbox(), guest.build(), granted(limits)).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("waits");
    assert_eq!(fault.limit(), Some(LimitKey::WallTime), "{fault}");
}

/// What would make the host do a lot at once is refused, or cut to a piece.
#[tokio::test]
async fn one_call_moves_a_piece_at_most() {
    let streams = ["wasi:cli/stdout@0.2.12", "wasi:cli/stdin@0.2.12", "wasi:io/streams@0.2.12"];
    let all = "(i64.const 0x7fffffffffffffff)";
    for body in [
        format!("(call $input-stream.read (call $get-stdin) {all} (i32.const 4096))"),
        format!("(call $input-stream.blocking-read (call $get-stdin) {all} (i32.const 4096))"),
        format!("(call $input-stream.blocking-skip (call $get-stdin) {all} (i32.const 4096))"),
        format!("(call $output-stream.splice (call $get-stdout) (call $get-stdin) {all} (i32.const 4096))"),
    ] {
        let plugin = load(&sandbox(), repeat(&streams, 1, &body).build(), spec()).await.expect("loads");
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"), "{body}");
    }
    for body in [
        format!("(call $output-stream.write-zeroes (call $get-stdout) {all} (i32.const 4096))"),
        format!("(call $output-stream.blocking-write-zeroes-and-flush (call $get-stdout) {all} (i32.const 4096))"),
    ] {
        let plugin = load(&sandbox(), repeat(&streams, 1, &body).build(), spec()).await.expect("loads");
        let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("too much");
        assert!(matches!(fault, Fault::Trap(_)), "{fault:?}");
    }
    let random = format!("(call $get-random-bytes {all} (i32.const 4096))");
    let guest = repeat(&["wasi:random/random@0.2.12"], 1, &random);
    let plugin = load(&sandbox(), guest.build(), granted(Limits::default())).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("too much");
    assert!(matches!(&fault, Fault::Trap(why) if why.contains("exceeds limit 65536")), "{fault:?}");
}

/// A piece is written and what is longer is not, whatever `bytes-out` allows and whatever is behind the stream: the host
/// would work on it, or keep it, without an end in sight.
#[tokio::test]
async fn one_write_is_a_piece_at_most() {
    let streams = ["wasi:cli/stdout@0.2.12", "wasi:io/streams@0.2.12"];
    let files = ["wasi:filesystem/preopens@0.2.12", "wasi:filesystem/types@0.2.12", "wasi:io/streams@0.2.12"];
    let stdout = "(global.set $out (call $get-stdout))";
    // Opens a new file in the only folder. Answers are written from address 4,096 on.
    let file = "(call $get-directories (i32.const 4096))
        (call $descriptor.open-at (i32.load (i32.load (i32.const 4096))) (i32.const 0) (i32.const 2048) (i32.const 3)
          (i32.const 1) (i32.const 2) (i32.const 4112))
        (if (i32.load8_u (i32.const 4112)) (then unreachable))
        (call $descriptor.write-via-stream (i32.load (i32.const 4116)) (i64.const 0) (i32.const 4128))
        (if (i32.load8_u (i32.const 4128)) (then unreachable))
        (global.set $out (i32.load (i32.const 4132)))";
    for (imports, open) in [(&streams[..], stdout), (&files[..], file)] {
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().canonicalize().expect("a folder");
        let write = async |bytes: u32| {
            let body = format!(
                "(drop (memory.grow (i32.const 128))) {open}
                 (call $output-stream.write (global.get $out) (i32.const 8192) (i32.const {bytes}) (i32.const 4144))
                 (if (i32.load8_u (i32.const 4144)) (then unreachable))
                 (call $output-stream.blocking-flush (global.get $out) (i32.const 4144))"
            );
            let guest = repeat(imports, 1, &body).field("(global $out (mut i32) (i32.const 0))").data(2048, "new");
            let mut spec = spec();
            let files = witgate_policy::Folder {
                host: host.clone(),
                guest: "/data".into(),
                writable: true,
                quota_bytes: 1 << 30,
            };
            spec.grants.files = vec![files];
            let plugin = load(&sandbox(), guest.build(), spec).await.expect("loads");
            soon(ask(&plugin, Stage::Route)).await
        };
        assert_eq!(write(64 << 10).await, Ok("abstain"), "{open}");
        for bytes in [(64 << 10) + 1, 8_000_000] {
            let fault = write(bytes).await.expect_err("too much");
            assert!(matches!(&fault, Fault::Trap(why) if why.contains("than `check-write` allows")), "{fault:?}");
        }
        let there = std::fs::metadata(host.join("new")).map_or(0, |file| file.len());
        assert!(there <= 64 << 10, "{open}: {there} bytes are there");
    }
}

/// What a component needs to exist at all is found when it is loaded.
async fn refused(guest: &Guest, limits: Limits, key: LimitKey, limit: u64) {
    for wasm in [guest.build(), guest.build_padded(1 << 20)] {
        let spec = PluginSpec { limits: limits.clone(), ..spec() };
        let refused = load(&sandbox(), wasm.clone(), spec).await.expect_err("too much");
        let LoadError::SelfTest { fault, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*fault, Fault::Memory { key, limit }, "{refused}");
    }
}

#[tokio::test]
async fn what_an_instance_needs_is_refused_at_load() {
    let plain = || Guest::new(Stage::Route);
    let limits = Limits { memory_bytes: Some(65535), ..Limits::default() };
    refused(&plain(), limits, LimitKey::MemoryBytes, 65535).await;
    let limits = Limits { table_elements: Some(500), ..Limits::default() };
    refused(&plain().field("(table 501 funcref)"), limits, LimitKey::TableElements, 500).await;
    let limits = Limits { tables: 2, ..Limits::default() };
    let tables = "(table 1 funcref) (table 1 funcref) (table 1 funcref)";
    refused(&plain().field(tables), limits, LimitKey::Tables, 2).await;
    // An import makes the linker add a shim and what fills its table.
    let limits = Limits { core_instances: 1, ..Limits::default() };
    refused(&plain().import("wasi:cli/environment@0.2.12"), limits, LimitKey::CoreInstances, 1).await;
}

/// What is above the ceiling of every plugin is refused before there is an instance, with the key that says so.
#[tokio::test]
async fn what_no_plugin_may_have_does_not_compile() {
    let many = |module: &str, count: usize| {
        let instances = "(core instance (instantiate $m))".repeat(count);
        component(&format!("(component (core module $m {module}) {instances})"))
    };
    // One component may have a thousand instances itself, by the limits of the format.
    let instances = "(core instance (instantiate $m))".repeat(600);
    let nested = component(&format!(
        "(component (component $c (core module $m) {instances}) (instance (instantiate $c)) (instance (instantiate $c)))"
    ));
    for (wasm, words) in [
        (many("(memory 16385)", 1), "`memory-bytes` is 1073741824 at most"),
        (many("(table 100001 funcref)", 1), "`table-elements` is 100000 at most"),
        (many("(memory 1)", 65), "`memories` is 64 at most"),
        (many(&"(memory 1)".repeat(65), 1), "`memories` is 64 at most"),
        (many("(table 1 funcref)", 65), "`tables` is 64 at most"),
        (many(&"(table 1 funcref)".repeat(65), 1), "`tables` is 64 at most"),
        (nested, "`core-instances` is 1024 at most"),
    ] {
        let refused = load(&sandbox(), wasm, spec()).await.expect_err("too much").to_string();
        assert!(refused.contains("does not compile") && refused.contains(words), "{words}: {refused}");
    }
    // Its growth would pass by the limiter.
    let refused = load(&sandbox(), many("(memory 1 2 shared)", 1), spec()).await.expect_err("shared").to_string();
    assert!(refused.contains("threads"), "{refused}");
}

/// Who has as many memories as eight others takes the room of eight.
#[tokio::test]
async fn a_component_of_many_parts_counts_as_many() {
    let tables = |count: usize| Guest::new(Stage::Route).field(&"(table 1 funcref)".repeat(count)).build();
    let share = witgate_sandbox::Share::new(3, 1);
    let limits = Limits { wall_time_ms: 50, ..Limits::default() };
    for (count, fits) in [(2, true), (6, true), (7, false)] {
        let spec = PluginSpec { limits: limits.clone(), share: share.clone(), ..spec() };
        let loaded = load(&sandbox(), tables(count), spec).await;
        assert_eq!(loaded.is_ok(), fits, "{count} tables: {loaded:?}");
        if let Err(refused) = loaded {
            assert!(refused.to_string().contains("of its share"), "{refused}");
        }
    }
}

/// A tenant whose plugins hold all of its share waits for itself, and nobody else does.
#[tokio::test]
async fn a_share_is_a_tenants_own() {
    use crate::world::{Stuck, waiting};
    use std::future::Future;
    use std::task::{Context, Waker};
    let sandbox = sandbox();
    let share = witgate_sandbox::Share::new(1, 1);
    let mut stuck = granted(Limits { wall_time_ms: 600_000, ..Limits::default() });
    stuck.counters = std::sync::Arc::new(Stuck::default());
    stuck.share = share.clone();
    let stuck = load(&sandbox, waiting(), stuck).await.expect("loads");
    let hasty = Limits { wall_time_ms: 20, ..Limits::default() };
    let same = PluginSpec { limits: hasty.clone(), share, ..spec() };
    let same = load(&sandbox, pass(Stage::Validate), same).await.expect("loads");
    let other = load(&sandbox, pass(Stage::Validate), PluginSpec { limits: hasty, ..spec() }).await.expect("loads");
    let mut holds = Box::pin(ask(&stuck, Stage::Validate));
    assert!(holds.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let fault = soon(ask(&same, Stage::Validate)).await.expect_err("the share is full").to_string();
    assert!(fault.contains("the plugins of the tenant use all 1 of its share"), "{fault}");
    assert_eq!(soon(ask(&other, Stage::Validate)).await, Ok("accept"), "a neighbour");
    drop(holds);
    assert_eq!(soon(ask(&same, Stage::Validate)).await, Ok("accept"));
}

/// Instances that are kept and idle hold up nobody.
#[tokio::test]
async fn an_idle_instance_gives_way() {
    let sandbox = sandbox();
    let share = witgate_sandbox::Share::new(1, 1);
    let reuse = std::num::NonZeroU32::new(4);
    let keeps = PluginSpec { reuse, share: share.clone(), ..spec() };
    let keeps = load(&sandbox, pass(Stage::Route), keeps).await.expect("loads");
    let fresh = load(&sandbox, pass(Stage::Validate), PluginSpec { share, ..spec() }).await.expect("loads");
    for _ in 0..3 {
        assert_eq!(soon(ask(&keeps, Stage::Route)).await, Ok("abstain"));
        assert_eq!(soon(ask(&fresh, Stage::Validate)).await, Ok("accept"));
    }
}
