use std::sync::Arc;
use std::time::{Duration, Instant};

use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::{
    Call, Candidate, Circuit, Draft, Form, Grants, Identity, Limits, Payload, Revision, RouteVerdict, Router, Stage,
};
use witgate_state::{MemoryCounters, MemoryKeyValues};
use witgate_test_guests::Guest;

use super::image::{Base, Bases};
use super::prepare;
use crate::engine::{self, Weight};
use crate::{LoadError, Plugin, PluginSpec, Sandbox, SandboxConfig};

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

async fn load(guest: &Guest) -> Result<Plugin, LoadError> {
    load_in(&Sandbox::new(SandboxConfig { instances: 8, ..SandboxConfig::default() }).expect("a sandbox"), guest).await
}

async fn load_in(sandbox: &Arc<Sandbox>, guest: &Guest) -> Result<Plugin, LoadError> {
    let component = sandbox.compile("guest", guest.build().into(), 1 << 20).await?;
    let spec = PluginSpec {
        name: "guest".into(),
        tenant: "acme".into(),
        settings: Payload::empty(),
        grants: Grants::default(),
        limits: Limits::default(),
        reuse: None,
        counters: Arc::new(MemoryCounters::default()),
        key_values: Arc::new(MemoryKeyValues::default()),
        secrets: Arc::new(NoSecrets),
        share: Arc::default(),
        script: None,
        meter: None,
    };
    Plugin::load(sandbox, &component, spec).await
}

async fn abstains(plugin: &Plugin) {
    let call = Call::new(Draft {
        id: "id-1".into(),
        tenant: "acme".into(),
        form: Form::Request,
        method: "tools/call".into(),
        params: Payload::empty(),
        revision: Revision::V2025_11_25,
        traceparent: None,
        unix_time_s: 1_700_000_000,
        deadline: Instant::now() + Duration::from_secs(30),
        chance: 7,
    });
    let candidate = Candidate {
        id: "a".into(),
        labels: Arc::new([]),
        healthy: true,
        circuit: Circuit::Closed,
        in_flight: 0,
        latency: None,
    };
    let router = plugin.route.as_ref().expect("a router");
    let verdict = router.route(&call, &Identity::anonymous(), &[candidate]).await.expect("a verdict");
    assert!(matches!(verdict, RouteVerdict::Abstain), "{verdict:?}");
}

/// Asks until an instance waits for its next call: a call that the machine's other work held up is made anew.
async fn is_recycled(plugin: &Plugin) -> bool {
    for _ in 0..200 {
        abstains(plugin).await;
        if plugin.route.as_ref().is_some_and(|runner| runner.waiting() > 0) {
            return true;
        }
    }
    false
}

const ABSTAIN: &str = "(i32.store8 (global.get $answer) (i32.const 2)) global.get $answer";

/// One that traps when it sees that it was asked before, wherever it looks, and leaves all that it can. `frees`: whether
/// it does so again after its answer, and after its settings were taken.
fn nosy(frees: bool) -> Guest {
    let looks = "
        (if (i64.ne (global.get $number) (i64.const 5)) (then unreachable))
        (if (f64.ne (global.get $fraction) (f64.const 0.5)) (then unreachable))
        (if (i32.ne (i32.reinterpret_f32 (global.get $none)) (i32.const 0x7fa00001)) (then unreachable))
        (if (i32.gt_u (global.get $heap) (i32.const 12288)) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 9000)) (i32.const 7)) (then unreachable))
        (local.set $at (i32.const 0))
        (loop $next
          (if (i32.load8_u (local.get $at)) (then unreachable))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          ;; Behind the answer, the settings and what the host lowers.
          (if (i32.eq (local.get $at) (i32.const 1024)) (then (local.set $at (i32.const 4096))))
          (if (i32.eq (local.get $at) (i32.const 8192)) (then (local.set $at (i32.const 12288))))
          (br_if $next (i32.lt_u (local.get $at) (i32.const 65536))))";
    let leaves = "
        (global.set $number (i64.const -1))
        (global.set $fraction (f64.const nan))
        (global.set $none (f32.const 1))
        (global.set $heap (i32.const 20000))
        (memory.fill (i32.const 0) (i32.const 255) (i32.const 1024))
        (memory.fill (i32.const 4096) (i32.const 255) (i32.const 4096))
        (memory.fill (i32.const 12288) (i32.const 255) (i32.const 53248))
        (i32.store8 (i32.const 9000) (i32.const 8))";
    let guest = Guest::new(Stage::Route)
        .dropping()
        .field("(global $number (mut i64) (i64.const 5))")
        .field("(global $fraction (mut f64) (f64.const 0.5))")
        .field("(global $none (mut f32) (f32.const nan:0x200001))")
        .field(&format!("(func $look (local $at i32) {looks})"))
        .field(&format!("(func $leave {leaves})"))
        .configure("(i32.store8 (i32.const 9000) (i32.const 6)) global.get $answer")
        .decide(&format!("(call $look) (call $leave) {ABSTAIN}"));
    let post = |function: &str, body: &str| {
        format!("(func (export \"cabi_post_witgate:route/router@0.1.0#{function}\") (param i32) {body})")
    };
    if frees {
        guest
            .field(&post("configure", "(i32.store8 (i32.const 9000) (i32.const 7))"))
            .field(&post("route", "(call $leave)"))
    } else {
        guest.configure("(i32.store8 (i32.const 9000) (i32.const 7)) global.get $answer")
    }
}

#[tokio::test]
async fn nothing_of_a_call_is_left_to_the_next() {
    for frees in [false, true] {
        let plugin = load(&nosy(frees)).await.expect("loads");
        for _ in 0..20 {
            assert!(is_recycled(&plugin).await, "it is to be put back, not made anew");
        }
    }
}

/// Instances to compare with take no place that a call may need.
#[tokio::test]
async fn what_is_compared_with_is_in_nobodys_way() {
    let sandbox = Sandbox::new(SandboxConfig { instances: 2, ..SandboxConfig::default() }).expect("a sandbox");
    let mut plugins = Vec::new();
    for text in ["one", "two", "three"] {
        let guest = Guest::new(Stage::Route).dropping().data(2048, text);
        plugins.push(load_in(&sandbox, &guest).await.expect("loads"));
    }
    assert!(is_recycled(&plugins[0]).await, "it waits in one of the two places");
    abstains(&plugins[1]).await;
    abstains(&plugins[2]).await;
}

#[test]
fn components_have_copies_when_no_more_instances_are_kept() {
    let engine = engine::light(1).expect("an engine");
    let prepared = prepare(Weight::Light, &Guest::new(Stage::Route).data(2048, "x").build())
        .expect("of use")
        .component
        .into_owned();
    let code = wasmtime::component::Component::new(&engine, prepared).expect("compiles");
    let bases = Bases::new(1);
    let kept = Base::of(&code, &bases).expect("an instance");
    let copied = Base::of(&code, &bases).expect("a copy");
    assert!(matches!((&kept, &copied), (Base::Instance { .. }, Base::Copy(_))));
    let (all, copy) = (kept.bytes(), copied.bytes());
    assert_eq!(all.len(), 65_536);
    assert!(all[..copy.len()] == *copy && all[copy.len()..].iter().all(|byte| *byte == 0));
    drop(kept);
    assert!(matches!(Base::of(&code, &bases), Some(Base::Instance { .. })), "its place is free again");
}

/// What cannot be put back is made anew, and so works as well.
#[tokio::test]
async fn only_what_can_be_put_back_is_recycled() {
    async fn check(why: &str, guest: Guest, recycled: bool) {
        let plugin = load(&guest).await.expect("loads");
        for _ in 0..3 {
            assert_eq!(is_recycled(&plugin).await, recycled, "{why}");
        }
    }
    let guest = || Guest::new(Stage::Route).dropping();
    check("nothing is against it", guest(), true).await;
    check("a document that was not dropped", Guest::new(Stage::Route), false).await;
    let grows = format!("(drop (memory.grow (i32.const 1))) {ABSTAIN}");
    check("a memory that grows", guest().decide(&grows), false).await;
    let grown = "(drop (memory.grow (i32.const 1))) global.get $answer";
    check("a memory that grew before", guest().configure(grown), true).await;
    let counts = guest().field("(global $calls (mut i32) (i32.const 0))");
    check("a number", counts.configure("(global.set $calls (i32.const 1)) global.get $answer"), false).await;
    let table = guest().field("(table $t 1 funcref)").field("(func $f (table.set $t (i32.const 0) (ref.null func)))");
    check("a table", table, false).await;
    let segment = guest().field("(data $d \"x\")").field("(func $f (data.drop $d))");
    check("a segment", segment, false).await;
    check("a second memory", guest().field("(memory 1)"), false).await;
    check("as many tables as two instances may have", guest().field(&"(table 1 funcref)".repeat(3)), false).await;
    let global = guest().field("(global $r (mut funcref) (ref.null func))");
    check("a reference", global, false).await;
}

/// Whoever brings functions that are named as the tools are would put nothing back.
#[tokio::test]
async fn a_component_with_names_of_the_tools_is_not_compiled() {
    let sandbox = Sandbox::new(SandboxConfig { instances: 1, ..SandboxConfig::default() }).expect("a sandbox");
    let text = r#"(component
      (core module $m (func $start) (start $start) (func (export "ready") (param i32) (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (func (export "witgate-recycle-ready") (param "place" u32) (result bool) (canon lift (core func $i "ready"))))"#;
    let component = witgate_test_guests::component(text);
    let compiled = sandbox.compile("guest", component.into(), 1 << 20).await;
    assert!(matches!(compiled, Err(LoadError::Compile { cause, .. }) if cause.contains("witgate-recycle-ready")));
}
