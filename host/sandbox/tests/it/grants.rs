//! Authority: what is not granted is not there, and what is granted is bounded and one's own.

use std::sync::Arc;

use insta::assert_snapshot;
use witgate_policy::{Fault, Grants, LimitKey, Limits, Stage};
use witgate_sandbox::PluginSpec;
use witgate_state::MemoryCounters;
use witgate_test_guests::{Guest, VALIDATE_PARAMS};

use crate::world::{ask, load, sandbox, soon, spec};

async fn refused(kind: Stage, imports: &[&str]) -> String {
    let guest = imports.iter().fold(Guest::new(kind), |guest, import| guest.import(import));
    load(&sandbox(), guest.build(), spec()).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn an_import_that_was_not_granted_is_named_with_its_grant() {
    assert_snapshot!(refused(Stage::Validate, &["wasi:random/random@0.2.12"]).await, @"plugin `guest` imports `wasi:random/random@0.2.12`, which it was not granted; add `random = true` under [plugin.grants]");
    let two = ["witgate:counter/counter@0.1.0", "wasi:clocks/wall-clock@0.2.12"];
    assert_snapshot!(refused(Stage::Validate, &two).await, @"plugin `guest` imports `witgate:counter/counter@0.1.0`, which it was not granted; add `counter = true` under [plugin.grants]; and `wasi:clocks/wall-clock@0.2.12`, which it was not granted; add `clocks = true` under [plugin.grants]");
}

#[tokio::test]
async fn an_import_above_a_kinds_ceiling_cannot_be_granted() {
    assert_snapshot!(refused(Stage::Sanitize, &["wasi:http/outgoing-handler@0.2.12"]).await, @"plugin `guest` imports `wasi:http/types@0.2.12`: no grant can allow that for a sanitize plugin");
    assert_snapshot!(refused(Stage::Retry, &["wasi:http/outgoing-handler@0.2.12"]).await, @"plugin `guest` imports `wasi:http/types@0.2.12`: no grant can allow that for a retry plugin");
    assert_snapshot!(refused(Stage::Auth, &["wasi:sockets/instance-network@0.2.12"]).await, @"plugin `guest` imports `wasi:sockets/network@0.2.12`: no grant can allow that for an auth plugin");
    assert_snapshot!(refused(Stage::Auth, &["wasi:keyvalue/batch@0.2.0-draft"]).await, @"plugin `guest` imports `wasi:keyvalue/batch@0.2.0-draft`, which this gate does not have");
}

/// Counts one key and refuses from the second call on: the answer shows what the counter holds.
fn counting() -> Vec<u8> {
    Guest::new(Stage::Route)
        .import("witgate:counter/counter@0.1.0")
        .data(2048, "key")
        .decide(
            "(call $add (i32.const 2048) (i32.const 3) (i32.const 1) (i32.const 60000) (i32.const 4096))
             (i32.store8 (global.get $answer) (i32.const 2))
             (if (i32.gt_u (i32.load offset=4 (i32.const 4096)) (i32.const 1))
               (then (i32.store8 (global.get $answer) (i32.const 1))))
             global.get $answer",
        )
        .build()
}

#[tokio::test]
async fn counters_are_shared_by_instances_and_not_by_tenants_or_plugins() {
    let (sandbox, counters) = (sandbox(), Arc::new(MemoryCounters::default()));
    let plugin = |tenant: &str, name: &str| {
        let grants = Grants { counter: true, ..Grants::default() };
        let spec =
            PluginSpec { tenant: tenant.into(), name: name.into(), counters: counters.clone(), grants, ..spec() };
        load(&sandbox, counting(), spec)
    };
    let acme = plugin("acme", "rate").await.expect("loads");
    assert_eq!(soon(ask(&acme, Stage::Route)).await, Ok("abstain"));
    assert_eq!(soon(ask(&acme, Stage::Route)).await, Ok("refuse"), "a fresh instance sees the count");
    let reloaded = plugin("acme", "rate").await.expect("loads");
    assert_eq!(soon(ask(&reloaded, Stage::Route)).await, Ok("refuse"), "it survives a reload");
    let other = plugin("other", "rate").await.expect("loads");
    assert_eq!(soon(ask(&other, Stage::Route)).await, Ok("abstain"), "another tenant");
    let sibling = plugin("acme", "rate-2").await.expect("loads");
    assert_eq!(soon(ask(&sibling, Stage::Route)).await, Ok("abstain"), "another plugin");
}

/// Opens bucket `""`, increments `k` in it, and refuses when the value is above one.
fn storing() -> Vec<u8> {
    Guest::new(Stage::Route)
        .import("wasi:keyvalue/store@0.2.0-draft")
        .import("wasi:keyvalue/atomics@0.2.0-draft")
        .data(2048, "k")
        .decide(
            "(call $open (i32.const 0) (i32.const 0) (i32.const 4096))
             (if (i32.load8_u (i32.const 4096)) (then unreachable))
             (call $increment (i32.load offset=4 (i32.const 4096)) (i32.const 2048) (i32.const 1) (i64.const 1)
               (i32.const 4128))
             (if (i32.load8_u (i32.const 4128)) (then unreachable))
             (i32.store8 (global.get $answer) (i32.const 2))
             (if (i64.gt_u (i64.load offset=8 (i32.const 4128)) (i64.const 1))
               (then (i32.store8 (global.get $answer) (i32.const 1))))
             global.get $answer",
        )
        .build()
}

#[tokio::test]
async fn keys_are_stored() {
    let mut spec = spec();
    spec.grants.keyvalue = true;
    let plugin = load(&sandbox(), storing(), spec).await.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("abstain"));
    assert_eq!(soon(ask(&plugin, Stage::Route)).await, Ok("refuse"));
}

#[tokio::test]
async fn handles_are_bounded() {
    let guest = Guest::new(Stage::Route)
        .import("wasi:keyvalue/store@0.2.0-draft")
        .decide("(loop $more (call $open (i32.const 0) (i32.const 0) (i32.const 4096)) (br $more)) unreachable");
    let mut spec = spec();
    spec.grants.keyvalue = true;
    let plugin = load(&sandbox(), guest.build(), spec).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("a bomb");
    assert_eq!(fault, Fault::Limit { key: LimitKey::Handles, limit: 256 });
}

#[tokio::test]
async fn host_calls_are_bounded() {
    let guest = Guest::new(Stage::Route).import("witgate:counter/counter@0.1.0").decide(
        "(loop $more (call $add (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 4096)) (br $more)) unreachable",
    );
    let mut spec = spec();
    spec.grants.counter = true;
    spec.limits = Limits { host_calls: 100, ..Limits::default() };
    let plugin = load(&sandbox(), guest.build(), spec).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Route)).await.expect_err("a flood");
    assert_eq!(fault, Fault::Limit { key: LimitKey::HostCalls, limit: 100 });
}

#[tokio::test]
async fn what_is_handed_over_is_bounded() {
    let read = format!("(loop $more (call $document.text {VALIDATE_PARAMS} (i32.const 4096)) (br $more)) unreachable");
    let guest = Guest::new(Stage::Validate).import("witgate:types/types@0.1.0").decide(&read);
    let mut spec = spec();
    spec.limits = Limits { bytes_in: 1000, ..Limits::default() };
    let plugin = load(&sandbox(), guest.build(), spec).await.expect("loads");
    let fault = soon(ask(&plugin, Stage::Validate)).await.expect_err("a flood");
    assert_eq!(fault, Fault::Limit { key: LimitKey::BytesIn, limit: 1000 });
}
