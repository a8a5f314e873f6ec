//! What a call gets and leaves: documents, lines in the log, nothing else.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use witgate_policy::{Fault, Limits, SanitizeVerdict, Stage};
use witgate_sandbox::{PluginSpec, Sandbox, SandboxConfig};
use witgate_test_guests::{Guest, SANITIZE_PAYLOAD, endless_loop, pad, pass};

use crate::world::{Stuck, ask, call, identity, load, message, sandbox, soon, spec, waiting};

/// Answers `replace` with what `payload.get("/a")` gives.
fn echo() -> Vec<u8> {
    let body = format!(
        "(call $document.get {SANITIZE_PAYLOAD} (i32.const 2048) (i32.const 2) (i32.const 4096))
         (if (i32.eqz (i32.load8_u (i32.const 4096))) (then unreachable))
         (i32.store8 (global.get $answer) (i32.const 2))
         (i32.store offset=4 (global.get $answer) (i32.load offset=4 (i32.const 4096)))
         (i32.store offset=8 (global.get $answer) (i32.load offset=8 (i32.const 4096)))
         global.get $answer"
    );
    Guest::new(Stage::Sanitize).import("witgate:types/types@0.1.0").data(2048, "/a").decide(&body).build()
}

#[tokio::test]
async fn a_document_is_read_by_pointer_and_text_comes_back() {
    let plugin = load(&sandbox(), echo(), spec()).await.expect("loads");
    let plugin = plugin.output_sanitizer().expect("sanitize");
    let long = format!(r#"{{"b":1,"a":{{"x":"{}"}}}}"#, "ü".repeat(100_000));
    let payload = message(&long);
    let verdict = soon(plugin.sanitize(&call(), &identity(), &payload)).await.expect("a verdict");
    let SanitizeVerdict::Replace(text) = verdict else { panic!("{verdict:?}") };
    assert_eq!(Some(text.as_str()), payload.payload.get("/a"));
}

/// Remembers in a global and in memory that it was asked, and refuses if it remembers.
pub(crate) fn remembering() -> Vec<u8> {
    Guest::new(Stage::Route)
        .field("(global $asked (mut i32) (i32.const 0))")
        .decide(
            "(i32.store8 (global.get $answer) (i32.const 2))
             (if (i32.or (global.get $asked) (i32.load8_u (i32.const 7000)))
               (then (i32.store8 (global.get $answer) (i32.const 1))))
             (global.set $asked (i32.const 1))
             (i32.store8 (i32.const 7000) (i32.const 1))
             global.get $answer",
        )
        .build()
}

#[tokio::test]
async fn nothing_of_a_call_is_seen_by_the_next() {
    let plugin = load(&sandbox(), remembering(), spec()).await.expect("loads");
    for _ in 0..50 {
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
    }
}

/// Nor in the pool of runtimes, by whoever has a slot next, though a call writes to more than a slot keeps.
#[tokio::test]
async fn nothing_of_a_heavy_call_is_seen_by_the_next() {
    let writing = Guest::new(Stage::Route)
        .data(5000, "built in")
        .decide(
            "(i32.store8 (global.get $answer) (i32.const 2))
             (if (i32.or (i32.ge_u (memory.size) (i32.const 100)) (i32.ne (i32.load8_u (i32.const 5000)) (i32.const 98)))
               (then (i32.store8 (global.get $answer) (i32.const 1))))
             (drop (memory.grow (i32.const 160)))
             (if (i32.or (i32.load (i32.const 200000)) (i32.load (i32.const 9000000)))
               (then (i32.store8 (global.get $answer) (i32.const 1))))
             (memory.fill (i32.const 131072) (i32.const 255) (i32.const 9500000))
             (i32.store8 (i32.const 5000) (i32.const 0))
             global.get $answer",
        )
        .build_padded(1 << 20);
    let sandbox = sandbox();
    let first = load(&sandbox, writing, spec()).await.expect("loads");
    let second = load(&sandbox, pad(&remembering(), 1 << 20), spec()).await.expect("loads");
    for _ in 0..50 {
        assert_eq!(soon(ask(&first, Stage::Route)).await, Ok("abstain"));
        assert_eq!(soon(ask(&second, Stage::Route)).await, Ok("abstain"));
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_host_whole() {
    let sandbox = Sandbox::new(SandboxConfig { instances: 2, ..SandboxConfig::default() }).expect("a sandbox");
    let stuck = Arc::new(Stuck::default());
    let mut waits = PluginSpec { counters: stuck.clone(), ..spec() };
    waits.grants.counter = true;
    let waits = load(&sandbox, waiting(), waits).await.expect("loads");
    let limits = Limits { guest_time_ms: Some(600_000), wall_time_ms: 600_000, ..Limits::default() };
    let spins = load(&sandbox, endless_loop(Stage::Validate), PluginSpec { limits, ..spec() }).await.expect("loads");
    let good = load(&sandbox, pass(Stage::Validate), spec()).await.expect("loads");
    for _ in 0..20 {
        tokio::select! {
            fault = ask(&waits, Stage::Validate) => panic!("{fault:?}"),
            () = stuck.asked.notified() => {}
        }
        // One poll: to the guest's first tick.
        let mut spinning = Box::pin(ask(&spins, Stage::Validate));
        assert!(spinning.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(spinning);
        assert_eq!(soon(ask(&good, Stage::Validate)).await, Ok("accept"));
    }
}

#[tokio::test]
async fn a_call_waits_for_a_free_instance_and_not_for_ever() {
    let sandbox = Sandbox::new(SandboxConfig { instances: 1, ..SandboxConfig::default() }).expect("a sandbox");
    let mut waits = PluginSpec { counters: Arc::new(Stuck::default()), ..spec() };
    waits.grants.counter = true;
    waits.limits.wall_time_ms = 600_000;
    let waits = load(&sandbox, waiting(), waits).await.expect("loads");
    let limits = Limits { wall_time_ms: 20, ..Limits::default() };
    let good = load(&sandbox, pass(Stage::Validate), PluginSpec { limits, ..spec() }).await.expect("loads");
    let mut waiting = Box::pin(ask(&waits, Stage::Validate));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let fault = soon(ask(&good, Stage::Validate)).await.expect_err("no instance");
    assert!(matches!(&fault, Fault::Unavailable(why) if why.contains("no instance was free")), "{fault:?}");
    let mut patient = pin!(ask(&good, Stage::Validate));
    assert!(matches!(patient.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    drop(waiting);
    assert_eq!(soon(patient).await, Ok("accept"));
}

/// Collects the text of events.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "witgate::plugin"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().expect("no panic").push(text.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Logs 1,000 lines, through `wasi:logging` or standard error.
fn flood(import: &[&str], line: &str) -> Vec<u8> {
    let guest = import.iter().fold(Guest::new(Stage::Route), |guest, import| guest.import(import));
    let body = format!(
        "(local $n i32) (loop $more {line}
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $more (i32.lt_u (local.get $n) (i32.const 1000))))
         (i32.store8 (global.get $answer) (i32.const 2)) global.get $answer"
    );
    guest.data(2048, "a line\u{1b}[2J\nforged\n").decide(&body).build()
}

const LOG: &str = "(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 18))";

#[tokio::test]
async fn a_flood_of_lines_is_bounded_and_cleaned() {
    let plugin = load(&sandbox(), flood(&["wasi:logging/logging@0.1.0-draft"], LOG), spec()).await.expect("loads");
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
    drop(guard);
    let lines = lines.0.lock().expect("no panic");
    assert_eq!(lines.len(), 33, "{lines:?}");
    assert_eq!(lines[0], "a line [2J forged");
    assert_eq!(lines[32], "968 more lines of this call were dropped (`log-lines` = 32, `log-bytes` = 8192)");
}

#[tokio::test]
async fn standard_error_becomes_lines() {
    let imports = ["wasi:cli/stderr@0.2.12", "wasi:io/streams@0.2.12"];
    let write = "(call $output-stream.blocking-write-and-flush (call $get-stderr) (i32.const 2048) (i32.const 18)
        (i32.const 4096))";
    let plugin = load(&sandbox(), flood(&imports, write), spec()).await.expect("loads");
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    // Each round takes a handle and drops none, so the limit on handles ends it.
    assert!(soon(ask(&plugin, Stage::Route)).await.is_err());
    drop(guard);
    let lines = lines.0.lock().expect("no panic");
    assert_eq!(lines.len(), 33, "{lines:?}");
    assert_eq!(lines[..2], ["a line [2J", "forged"]);
}
