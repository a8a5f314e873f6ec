//! Instances that are kept: the operator's choice, within one plugin.

use witgate_policy::{Fault, Payload, Stage};
use witgate_test_guests::{Guest, SANITIZE_PAYLOAD, pass};

use crate::calls::remembering;
use crate::world::{ask, load, reuse, sandbox, soon};

#[tokio::test]
async fn a_kept_instance_keeps_its_state() {
    let plugin = load(&sandbox(), remembering(), reuse(1)).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
    for _ in 0..10 {
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("refuse"));
    }
}

#[tokio::test]
async fn each_plugin_has_its_own_instances() {
    let sandbox = sandbox();
    let first = load(&sandbox, remembering(), reuse(1)).await.expect("loads");
    let mut spec = reuse(1);
    spec.tenant = "other".into();
    let second = load(&sandbox, remembering(), spec).await.expect("loads");
    assert_eq!(soon(ask(&first, Stage::Route)).await, Ok("abstain"));
    assert_eq!(soon(ask(&second, Stage::Route)).await, Ok("abstain"), "another tenant of the same component");
}

/// A document is gone when its call ends, so one that a kept instance never drops does not use up its handles.
#[tokio::test]
async fn documents_that_are_not_dropped_do_not_add_up() {
    for kind in [Stage::Validate, Stage::Sanitize] {
        let mut spec = reuse(1);
        spec.limits.handles = 8;
        let plugin = load(&sandbox(), pass(kind), spec).await.expect("loads");
        for call in 0..50 {
            let verdict = soon(ask(&plugin, kind)).await;
            assert!(verdict.is_ok(), "{kind}, call {call}: {verdict:?}");
        }
    }
}

/// The first document of an instance has its text in its own call only.
#[tokio::test]
async fn a_document_of_an_earlier_call_has_no_text() {
    let guest = Guest::new(Stage::Sanitize)
        .import("witgate:types/types@0.1.0")
        .field("(global $first (mut i32) (i32.const 0))")
        .decide(&format!(
            "(if (i32.eqz (global.get $first)) (then (global.set $first {SANITIZE_PAYLOAD})))
             (drop (call $document.size (global.get $first)))
             global.get $answer"
        ));
    let plugin = load(&sandbox(), guest.build(), reuse(1)).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Sanitize)).await, Ok("pass"));
    let fault = soon(ask(&plugin, Stage::Sanitize)).await.expect_err("it is gone");
    assert!(fault.to_string().contains("after the end of the call"), "{fault}");
}

/// Traps at every third call of an instance.
#[tokio::test]
async fn after_a_trap_comes_a_fresh_instance() {
    let guest = Guest::new(Stage::Route).field("(global $asked (mut i32) (i32.const 0))").decide(
        "(global.set $asked (i32.add (global.get $asked) (i32.const 1)))
         (if (i32.eq (global.get $asked) (i32.const 3)) (then unreachable))
         (i32.store8 (global.get $answer) (i32.const 2)) global.get $answer",
    );
    let plugin = load(&sandbox(), guest.build(), reuse(1)).await.expect("loads");
    for _ in 0..4 {
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
        assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
        assert!(matches!(soon(ask(&plugin, Stage::Route)).await, Err(Fault::Trap(_))));
    }
}

/// `configure` ran once for each instance, with the settings.
#[tokio::test]
async fn configure_comes_before_the_first_decision_and_never_after() {
    let guest = Guest::new(Stage::Route)
        .import("witgate:types/types@0.1.0")
        .field("(global $configured (mut i32) (i32.const 0))")
        .configure(
            "(if (i32.ne (call $document.size (local.get 0)) (i32.const 9)) (then unreachable))
             (global.set $configured (i32.add (global.get $configured) (i32.const 1)))
             global.get $answer",
        )
        .decide(
            "(if (i32.ne (global.get $configured) (i32.const 1)) (then unreachable))
             (i32.store8 (global.get $answer) (i32.const 2)) global.get $answer",
        );
    for instances in [0, 1] {
        let mut spec = reuse(instances);
        spec.settings = Payload::parse_str(r#"{"a":"x"}"#).expect("JSON");
        let plugin = load(&sandbox(), guest.build(), spec).await.expect("loads");
        for _ in 0..3 {
            assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
        }
    }
}
