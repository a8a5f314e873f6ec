//! A plugin that can neither wait nor have an effect is called at once, and begun again in turns when it is slow. No
//! verdict, no effect and no neighbour shows it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use witgate_policy::{Fault, Grants, Limits, Stage};
use witgate_sandbox::{Plugin, PluginSpec, Sandbox, SandboxConfig};
use witgate_test_guests::{Guest, VALIDATE_PARAMS, endless_loop, pass};

use crate::world::{ask, compile, load, reuse, sandbox, soon, spec};

/// Computes for some ten milliseconds: longer than a call that is tried at once may last.
const SLOW: &str = "(global.set $left (i32.const 20000000))
    (loop $on
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (br_if $on (global.get $left)))";
const LEFT: &str = "(global $left (mut i32) (i32.const 0))";

fn patient(spec: PluginSpec) -> PluginSpec {
    PluginSpec { limits: Limits { guest_time_ms: Some(10_000), wall_time_ms: 60_000, ..Limits::default() }, ..spec }
}

/// Reads a parameter before and after it computes, and traps when it is not there.
fn slow_reader() -> Vec<u8> {
    let read = format!(
        "(call $document.get {VALIDATE_PARAMS} (i32.const 2048) (i32.const 5) (i32.const 4096))
         (if (i32.eqz (i32.load8_u (i32.const 4096))) (then unreachable))"
    );
    let decide = format!("{read} {SLOW} {read} (i32.store8 (global.get $answer) (i32.const 0)) global.get $answer");
    Guest::new(Stage::Validate)
        .import("witgate:types/types@0.1.0")
        .field(LEFT)
        .data(2048, "/name")
        .decide(&decide)
        .build()
}

#[tokio::test]
async fn a_slow_call_gets_its_answer() {
    for spec in [spec(), reuse(1)] {
        let plugin = load(&sandbox(), slow_reader(), patient(spec)).await.expect("loads");
        for _ in 0..3 {
            assert_eq!(soon(ask(&plugin, Stage::Validate)).await, Ok("accept"));
        }
    }
}

#[tokio::test]
async fn a_slow_configure_is_done() {
    let configure = format!("{SLOW} global.get $answer");
    let guest = Guest::new(Stage::Route).field(LEFT).configure(&configure).build();
    let plugin = load(&sandbox(), guest, patient(spec())).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
}

/// Counts, computes, and refuses when it counted more than once.
fn slow_counter() -> Vec<u8> {
    let decide = format!(
        "(call $add (i32.const 2048) (i32.const 3) (i32.const 1) (i32.const 60000) (i32.const 4096))
         {SLOW}
         (i32.store8 (global.get $answer) (i32.const 2))
         (if (i32.gt_u (i32.load offset=4 (i32.const 4096)) (i32.const 1))
           (then (i32.store8 (global.get $answer) (i32.const 1))))
         global.get $answer"
    );
    Guest::new(Stage::Route)
        .import("witgate:counter/counter@0.1.0")
        .field(LEFT)
        .data(2048, "key")
        .decide(&decide)
        .build()
}

#[tokio::test]
async fn what_has_an_effect_has_it_once() {
    let spec = PluginSpec { grants: Grants { counter: true, ..Grants::default() }, ..patient(spec()) };
    let plugin = load(&sandbox(), slow_counter(), spec).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
}

/// How often others got their turn until the future ended.
async fn turns<T>(future: impl Future<Output = T>) -> u32 {
    let (ended, turns) = (AtomicBool::new(false), AtomicU32::new(0));
    let neighbour = async {
        while !ended.load(Ordering::Relaxed) {
            turns.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    };
    let call = async {
        future.await;
        ended.store(true, Ordering::Relaxed);
    };
    tokio::join!(call, neighbour);
    turns.into_inner()
}

#[tokio::test]
async fn a_neighbour_on_the_same_thread_gets_its_turn() {
    let plugin = Arc::new(load(&sandbox(), endless_loop(Stage::Route), spec()).await.expect("loads"));
    let turns = soon(turns(ask(&plugin, Stage::Route))).await;
    assert!(turns > 2, "its time is ten ticks, and it yields at each: {turns}");
}

/// Whoever is given a place has to find an instance in it. This one takes a while to end, since it wrote much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_given_back_when_its_instance_is_gone() {
    let traps = "(drop (memory.grow (i32.const 31)))
        (memory.fill (i32.const 8192) (i32.const 1) (i32.const 2000000)) unreachable";
    let sandbox = Sandbox::new(SandboxConfig { instances: 1, ..SandboxConfig::default() }).expect("a sandbox");
    let good = load(&sandbox, pass(Stage::Route), patient(spec())).await.expect("loads");
    let bad = compile(&sandbox, Guest::new(Stage::Route).decide(traps).build()).await.expect("compiles");
    let ended = Arc::new(AtomicBool::new(false));
    let neighbour = tokio::spawn({
        let ended = ended.clone();
        async move {
            while !ended.load(Ordering::Relaxed) {
                assert_eq!(soon(ask(&good, Stage::Route)).await, Ok("abstain"));
            }
        }
    });
    for _ in 0..32 {
        let bad = Plugin::load(&sandbox, &bad, patient(spec())).await.expect("loads");
        // One more, and it would be in quarantine.
        for _ in 0..15 {
            let fault = soon(ask(&bad, Stage::Route)).await.expect_err("it traps");
            assert!(matches!(fault, Fault::Trap(_)), "{fault:?}");
        }
    }
    ended.store(true, Ordering::Relaxed);
    neighbour.await.expect("a neighbour");
}
