//! Harm ends in one fault, within bounded time, and the plugin's next call is served.

use std::time::Duration;

use witgate_policy::{Fault, LimitKey, Limits, Stage};
use witgate_sandbox::{Condition, PluginSpec};
use witgate_test_guests::{Guest, endless_loop, memory_bomb, pass, stack_bomb, trap};

use crate::world::{Stuck, ask, load, reuse, sandbox, soon, spec, waiting};

/// Each kind's bad plugin ends in the fault each time it is asked, beside a neighbour in the same sandbox that is not
/// disturbed.
async fn check(make: fn(Stage) -> Vec<u8>, spec: fn() -> PluginSpec, is: fn(&Fault) -> bool) {
    let sandbox = sandbox();
    for kind in Stage::ALL {
        let bad = load(&sandbox, make(kind), spec()).await.expect("loads");
        let good = load(&sandbox, pass(kind), spec()).await.expect("loads");
        for _ in 0..3 {
            let fault = soon(ask(&bad, kind)).await.expect_err("harm");
            assert!(is(&fault), "{kind}: {fault:?}");
            assert!(soon(ask(&good, kind)).await.is_ok(), "{kind}: a neighbour");
        }
    }
}

#[tokio::test]
async fn a_trap_ends_in_a_fault_for_each_kind() {
    check(trap, spec, |fault| matches!(fault, Fault::Trap(why) if why.contains("unreachable"))).await;
}

#[tokio::test]
async fn an_endless_loop_ends_in_a_fault_for_each_kind() {
    check(endless_loop, spec, |fault| matches!(fault, Fault::Deadline { key: LimitKey::GuestTime, .. })).await;
}

#[tokio::test]
async fn a_memory_bomb_ends_in_a_fault_for_each_kind() {
    let is = |fault: &Fault| *fault == Fault::Memory { key: LimitKey::MemoryBytes, limit: 16 << 20 };
    check(memory_bomb, spec, is).await;
}

#[tokio::test]
async fn a_stack_bomb_ends_in_a_fault_for_each_kind() {
    check(stack_bomb, spec, |fault| matches!(fault, Fault::Memory { key: LimitKey::Stack, .. })).await;
}

#[tokio::test]
async fn a_kept_instance_that_failed_is_never_asked_again() {
    check(trap, || reuse(2), |fault| matches!(fault, Fault::Trap(_))).await;
    check(endless_loop, || reuse(2), |fault| matches!(fault, Fault::Deadline { .. })).await;
}

/// The guest counts in the host, so that it does harm the first time only.
#[tokio::test]
async fn the_next_call_on_the_same_plugin_is_served() {
    let guest = Guest::new(Stage::Validate)
        .import("witgate:counter/counter@0.1.0")
        .data(2048, "k")
        // add("k", 1, 60000): the first call reads 1 and traps, later ones accept.
        .decide(
            "(call $add (i32.const 2048) (i32.const 1) (i32.const 1) (i32.const 60000) (i32.const 4096))
             (if (i32.eq (i32.load offset=4 (i32.const 4096)) (i32.const 1)) (then unreachable))
             global.get $answer",
        );
    let sandbox = sandbox();
    let mut spec = reuse(1);
    spec.grants.counter = true;
    let plugin = load(&sandbox, guest.build(), spec).await.expect("loads");
    assert!(matches!(soon(ask(&plugin, Stage::Validate)).await, Err(Fault::Trap(_))));
    assert_eq!(soon(ask(&plugin, Stage::Validate)).await, Ok("accept"));
}

#[tokio::test]
async fn a_trap_says_where() {
    let guest = Guest::new(Stage::Route).field("(func $divide unreachable)").decide("call $divide unreachable");
    let plugin = load(&sandbox(), guest.build(), spec()).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("a trap");
    assert!(fault.to_string().contains("(in divide"), "{fault}");
}

#[tokio::test]
async fn a_table_bomb_ends_in_a_fault() {
    let guest = Guest::new(Stage::Route).field("(table $t 1 funcref)").decide(
        "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable",
    );
    let plugin = load(&sandbox(), guest.build(), spec()).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("a bomb");
    assert_eq!(fault, Fault::Memory { key: LimitKey::TableElements, limit: 20_000 });
}

#[tokio::test]
async fn memory_of_another_size_is_the_operators_to_give() {
    let mut large = spec();
    large.limits.memory_bytes = Some(64 << 20);
    let grow = "(if (i32.eq (i32.const -1) (memory.grow (i32.const 800))) (then unreachable)) global.get $answer";
    let wasm = Guest::new(Stage::Validate).decide(grow).build();
    let sandbox = sandbox();
    let plugin = load(&sandbox, wasm.clone(), large).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Validate)).await, Ok("accept"));
    let plugin = load(&sandbox, wasm, spec()).await.expect("loads");
    assert!(matches!(soon(ask(&plugin, Stage::Validate)).await, Err(Fault::Memory { .. })));
}

#[tokio::test]
async fn an_answer_outside_the_contract_is_a_fault() {
    let sandbox = sandbox();
    // A discriminant that no case has, an answer outside memory, a message that is no UTF-8.
    let bodies = [
        ("(i32.store8 (global.get $answer) (i32.const 9)) global.get $answer", "discriminant"),
        ("i32.const -8", "out of bounds"),
        (
            "(i32.store8 (global.get $answer) (i32.const 2))
             (i32.store8 offset=4 (global.get $answer) (i32.const 1))
             (i32.store offset=8 (global.get $answer) (i32.const 4096))
             (i32.store offset=12 (global.get $answer) (i32.const 2))
             (i32.store16 (i32.const 4096) (i32.const 0xffff)) global.get $answer",
            "utf-8",
        ),
    ];
    for (body, part) in bodies {
        let plugin = load(&sandbox, Guest::new(Stage::Validate).decide(body).build(), spec()).await.expect("loads");
        let fault = soon(ask(&plugin, Stage::Validate)).await.expect_err("nonsense");
        assert!(matches!(&fault, Fault::BadVerdict(why) if why.contains(part)), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_copied() {
    let mut small = spec();
    small.limits.bytes_out = 1000;
    let edits = "(i32.store8 (global.get $answer) (i32.const 1))
        (i32.store offset=4 (global.get $answer) (i32.const 32768))
        (i32.store offset=8 (global.get $answer) (i32.const 1000)) global.get $answer";
    let sandbox = sandbox();
    let wasm = Guest::new(Stage::Validate).decide(edits).build();
    let plugin = load(&sandbox, wasm.clone(), small).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Validate)).await.expect_err("too long");
    assert_eq!(fault, Fault::Limit { key: LimitKey::BytesOut, limit: 1000 });
    let plugin = load(&sandbox, wasm, spec()).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Validate)).await.expect_err("too many");
    assert_eq!(fault.to_string(), "answered outside the contract: the edits are 1000, 256 are allowed");
}

/// A guest that waits for the host does not compute, so only the clock on the wall can end it.
#[tokio::test]
async fn waiting_for_ever_ends_by_the_wall() {
    let mut spec = spec();
    spec.grants.counter = true;
    spec.limits = Limits { wall_time_ms: 50, ..Limits::default() };
    spec.counters = std::sync::Arc::new(Stuck::default());
    let plugin = load(&sandbox(), waiting(), spec).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Validate)).await.expect_err("stuck");
    assert_eq!(fault, Fault::Deadline { key: LimitKey::WallTime, limit: Duration::from_millis(50) });
}

#[tokio::test]
async fn faults_again_and_again_lead_to_quarantine() {
    let plugin = load(&sandbox(), trap(Stage::Sanitize), spec()).await.expect("loads");
    for _ in 0..16 {
        assert!(matches!(soon(ask(&plugin, Stage::Sanitize)).await, Err(Fault::Trap(_))));
    }
    let fault = soon(ask(&plugin, Stage::Sanitize)).await.expect_err("quarantine");
    assert!(matches!(&fault, Fault::Unavailable(why) if why.contains("in quarantine for this caller")), "{fault:?}");
    let health = &plugin.health()[0];
    assert_eq!((health.kind, health.condition), (Stage::Sanitize, Condition::Partly { callers: 1 }));
    assert_eq!((health.calls, health.faults, health.refused, health.faults_in_a_row), (16, 16, 1, 16));
    let last = health.last_fault.as_ref().expect("a fault");
    assert_eq!((last.label, last.text.as_str()), ("trap", "trapped: wasm `unreachable` instruction executed"));
}

/// A hook that is told of no caller has one quarantine for all.
#[tokio::test]
async fn a_hook_without_callers_closes_to_all() {
    let plugin = load(&sandbox(), trap(Stage::Retry), spec()).await.expect("loads");
    for _ in 0..17 {
        assert!(soon(ask(&plugin, Stage::Retry)).await.is_err());
    }
    assert!(matches!(plugin.health()[0].condition, Condition::Quarantined { .. }), "{:?}", plugin.health());
}

/// A component with a runtime inside runs in another engine, under the same rules.
#[tokio::test]
async fn a_heavy_component_is_bounded_too() {
    let heavy = |guest: Guest| guest.build_padded(1 << 20);
    let sandbox = sandbox();
    let bad = [
        ("unreachable", "trapped: wasm `unreachable` instruction executed"),
        (
            "(loop $again (br $again)) unreachable",
            "took longer than its limit of 250ms of guest time (`guest-time-ms`)",
        ),
        (
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            "asked for more memory (`memory-bytes` = 134217728) than its limit allows",
        ),
        ("(drop (i32.load (i32.const 0xfffffff0))) unreachable", "trapped: out of bounds memory access"),
    ];
    for (body, want) in bad {
        let plugin = load(&sandbox, heavy(Guest::new(Stage::Route).decide(body)), spec()).await.expect("loads");
        let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("harm").to_string();
        assert!(fault.starts_with(want), "{fault}");
    }
    let plugin = load(&sandbox, heavy(Guest::new(Stage::Route)), spec()).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
}

/// The thread that stops guests sleeps when nobody needs it, and is there again when somebody does.
#[tokio::test]
async fn an_idle_sandbox_still_stops_a_loop() {
    let sandbox = sandbox();
    let plugin = load(&sandbox, endless_loop(Stage::Route), spec()).await.expect("loads");
    while !sandbox.is_idle() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(soon(ask(&plugin, Stage::Route)).await, Err(Fault::Deadline { .. })));
    assert!(!sandbox.is_idle());
}
