//! A caller may go away at any moment. Each call here is polled exactly so many times and then dropped, for every number
//! of polls up to the one that ends it; after each the host is whole and the next call gets its answer.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use witgate_policy::store::{Counters, KeyValues, Reading, Space, StoreError};
use witgate_policy::{Answer, Limits, Stage};
use witgate_sandbox::{Plugin, PluginSpec, Sandbox, SandboxConfig, Share};
use witgate_test_guests::Guest;

use crate::world::{Stuck, ask, compile, load, soon, spec, waiting};

/// More polls than any of these calls takes.
const POLLS: usize = 400;
const PLACES: u32 = 4;

/// Is pending once before it is ready, so that each use is a place where a caller can go away.
async fn step() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Stores that answer late, in three steps.
struct Late;

fn late<'a, T: Send + 'a>(value: T) -> Answer<'a, T, StoreError> {
    Box::pin(async move {
        for _ in 0..3 {
            step().await;
        }
        Ok(value)
    })
}

impl Counters for Late {
    fn add<'a>(&'a self, _: &'a Space, _: &'a str, _: u32, _: Duration) -> Answer<'a, Reading, StoreError> {
        late(Reading { value: 1, expires_in: Duration::from_secs(1) })
    }

    fn read<'a>(&'a self, _: &'a Space, _: &'a str) -> Answer<'a, Option<Reading>, StoreError> {
        late(None)
    }
}

impl KeyValues for Late {
    fn get<'a>(&'a self, _: &'a Space, _: &'a str) -> Answer<'a, Option<Vec<u8>>, StoreError> {
        late(Some(vec![b'x'; 1000]))
    }

    fn set<'a>(&'a self, _: &'a Space, _: &'a str, _: Vec<u8>) -> Answer<'a, (), StoreError> {
        late(())
    }

    fn delete<'a>(&'a self, _: &'a Space, _: &'a str) -> Answer<'a, (), StoreError> {
        late(())
    }

    fn increment<'a>(&'a self, _: &'a Space, _: &'a str, _: i64) -> Answer<'a, i64, StoreError> {
        late(1)
    }

    fn keys<'a>(&'a self, _: &'a Space) -> Answer<'a, Vec<String>, StoreError> {
        late(vec!["k".to_owned()])
    }
}

/// Calls of all that may wait, with handles open across them, and lines that are not ended.
const CALLS: &str = "
    (call $add (i32.const 2048) (i32.const 1) (i32.const 1) (i32.const 1000) (i32.const 4096))
    (call $open (i32.const 0) (i32.const 0) (i32.const 4096))
    (global.set $bucket (i32.load offset=4 (i32.const 4096)))
    (call $bucket.get (global.get $bucket) (i32.const 2048) (i32.const 1) (i32.const 4096))
    (global.set $out (call $get-stdout))
    (call $output-stream.blocking-write-and-flush (global.get $out) (i32.const 2048) (i32.const 6) (i32.const 4096))
    (call $bucket.set (global.get $bucket) (i32.const 2048) (i32.const 1) (i32.const 2048) (i32.const 6)
      (i32.const 4096))
    (call $pollable.block (call $subscribe-duration (i64.const 1)))
    (call $output-stream.blocking-flush (global.get $out) (i32.const 4096))
    (call $read (i32.const 2048) (i32.const 1) (i32.const 4096))";

/// A guest that makes the calls in `configure` and in its decision. It traps when it finds that it was interrupted in
/// an earlier call, so an instance that was cannot be used again unnoticed. `end` is what follows the calls.
fn guest(kind: Stage, end: &str) -> Vec<u8> {
    let verdict = match kind {
        Stage::Auth => 3,
        Stage::Route => 2,
        Stage::Credential | Stage::Validate | Stage::Retry | Stage::Sanitize => 0,
    };
    let body = format!(
        "(if (global.get $busy) (then unreachable))
         (global.set $busy (i32.const 1))
         {CALLS}
         {end}
         (global.set $busy (i32.const 0))
         (i32.store8 (global.get $answer) (i32.const {verdict})) global.get $answer"
    );
    let imports = [
        "witgate:counter/counter@0.1.0",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:cli/stdout@0.2.12",
        "wasi:clocks/monotonic-clock@0.2.12",
        "wasi:io/poll@0.2.12",
        "wasi:io/streams@0.2.12",
    ];
    let guest = imports.into_iter().fold(Guest::new(kind), Guest::import);
    guest
        .field("(global $busy (mut i32) (i32.const 0))")
        .field("(global $bucket (mut i32) (i32.const 0))")
        .field("(global $out (mut i32) (i32.const 0))")
        .data(2048, "k line")
        .configure(&format!("{CALLS} (i32.store8 (global.get $answer) (i32.const 0)) global.get $answer"))
        .decide(&body)
        .build()
}

/// A sandbox and a share with few places, and a plugin's specification there.
struct World {
    sandbox: Arc<Sandbox>,
    share: Arc<Share>,
    late: Arc<Late>,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new(SandboxConfig { instances: PLACES, ..SandboxConfig::default() }).expect("a sandbox");
        Self { sandbox, share: Share::new(PLACES, 1), late: Arc::new(Late) }
    }

    fn spec(&self, reuse: u32) -> PluginSpec {
        // These guests drop no handle, and one that is kept has what all its calls left.
        let limits = Limits { handles: 1 << 20, ..Limits::default() };
        let limits = Limits { guest_time_ms: Some(600_000), wall_time_ms: 600_000, ..limits };
        let mut spec = PluginSpec { limits, reuse: NonZeroU32::new(reuse), share: self.share.clone(), ..spec() };
        (spec.grants.counter, spec.grants.keyvalue, spec.grants.clocks) = (true, true, true);
        (spec.counters, spec.key_values) = (self.late.clone(), self.late.clone());
        spec
    }

    /// Free places in the sandbox and in the share, as their `Debug` has them.
    #[track_caller]
    fn check_free(&self, want: u32) {
        let free = format!("free: {want} ");
        let (sandbox, share) = (format!("{:?}", self.sandbox) + " ", format!("{:?}", self.share) + " ");
        let has = |text: &str| text.replace([',', '}'], " ").contains(&free);
        assert!(has(&sandbox) && has(&share), "want {free}: {sandbox} {share}");
    }
}

/// Polls so many times, a millisecond apart; the answer, if it came by then.
async fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>, times: usize) -> Option<T> {
    for _ in 0..times {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(answer);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    None
}

/// Drops a call after each number of polls; `after` looks at the host each time. Returns the answer of the last.
async fn sweep<'a, T: 'a>(
    make: impl Fn() -> Pin<Box<dyn Future<Output = T> + 'a>>,
    mut after: impl AsyncFnMut(usize),
) -> (T, usize) {
    for times in 0..POLLS {
        let mut future = make();
        let answer = poll(&mut future, times).await;
        drop(future);
        after(times).await;
        if let Some(answer) = answer {
            return (answer, times);
        }
    }
    panic!("no answer after {POLLS} polls");
}

async fn sweep_kind(kind: Stage, reuse: u32) {
    let world = World::new();
    let plugin = load(&world.sandbox, guest(kind, ""), world.spec(reuse)).await.expect("loads");
    let want = soon(ask(&plugin, kind)).await.expect("an answer");
    // The one that is kept has its place.
    let free = PLACES - reuse.min(1);
    let (answer, polls) = sweep(
        || Box::pin(ask(&plugin, kind)),
        async |times| {
            assert_eq!(soon(ask(&plugin, kind)).await, Ok(want), "{kind}: the call after {times} polls");
            world.check_free(free);
        },
    )
    .await;
    assert_eq!(answer, Ok(want));
    assert!(polls > 12, "{kind}: {polls} polls are too few to have stopped in each host call");
    assert_eq!(plugin.health()[0].faults, 0);
    drop(plugin);
    world.check_free(PLACES);
    assert_eq!(Arc::strong_count(&world.late), 1, "{kind}: an instance is left");
}

#[tokio::test(start_paused = true)]
async fn at_every_await_of_every_kind_fresh() {
    for kind in Stage::ALL {
        sweep_kind(kind, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_every_await_of_every_kind_reused() {
    for kind in Stage::ALL {
        sweep_kind(kind, 1).await;
    }
}

/// The way to a trap and out of it again.
#[tokio::test(start_paused = true)]
async fn at_every_await_before_a_trap() {
    let world = World::new();
    let plugin = load(&world.sandbox, guest(Stage::Route, "unreachable"), world.spec(0)).await.expect("loads");
    let (answer, _) = sweep(|| Box::pin(ask(&plugin, Stage::Route)), async |_| world.check_free(PLACES)).await;
    assert_eq!(answer.map_err(|fault| fault.label()), Err("trap"));
    drop(plugin);
    assert_eq!(Arc::strong_count(&world.late), 1);
}

/// A load makes an instance and configures it.
#[tokio::test(start_paused = true)]
async fn at_every_await_of_a_load() {
    let world = World::new();
    let component = compile(&world.sandbox, guest(Stage::Validate, "")).await.expect("compiles");
    let (plugin, _) = sweep(
        || Box::pin(Plugin::load(&world.sandbox, &component, world.spec(1))),
        async |_| assert!(format!("{:?}", world.sandbox).contains(&format!("size: {PLACES}"))),
    )
    .await;
    let plugin = plugin.expect("loads");
    assert_eq!(soon(ask(&plugin, Stage::Validate)).await, Ok("accept"));
    world.check_free(PLACES - 1);
    drop(plugin);
    world.check_free(PLACES);
    assert_eq!(Arc::strong_count(&world.late), 1);
}

/// Those who wait for a place and go away leave the queue to those behind them.
#[tokio::test(start_paused = true)]
async fn while_waiting_for_a_place() {
    for one in [true, false] {
        // The place that is missing is the share's, or the sandbox's.
        let (places, share) = if one { (PLACES, 1) } else { (1, PLACES) };
        let sandbox = Sandbox::new(SandboxConfig { instances: places, ..SandboxConfig::default() }).expect("a sandbox");
        let world = World { sandbox, share: Share::new(share, 1), late: Arc::new(Late) };
        let stuck = PluginSpec { counters: Arc::new(Stuck::default()), ..world.spec(0) };
        let stuck = load(&world.sandbox, waiting(), stuck).await.expect("loads");
        let good = load(&world.sandbox, guest(Stage::Validate, ""), world.spec(0)).await.expect("loads");
        let mut holds: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask(&stuck, Stage::Validate));
        assert!(poll(&mut holds, 1).await.is_none());
        for times in 0..20 {
            let mut waits: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask(&good, Stage::Validate));
            assert!(poll(&mut waits, times).await.is_none());
        }
        let mut patient: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask(&good, Stage::Validate));
        let mut impatient: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask(&good, Stage::Validate));
        assert!(poll(&mut impatient, 1).await.is_none() && poll(&mut patient, 1).await.is_none());
        drop(holds);
        // The place is the impatient one's by now, who does not take it.
        drop(impatient);
        assert_eq!(soon(patient).await, Ok("accept"));
    }
}

/// What the process has: resident memory in KiB, threads, descriptors.
#[cfg(target_os = "linux")]
fn process() -> [i64; 3] {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a field");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    };
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("proc").count();
    [field("VmRSS:"), field("Threads:"), i64::try_from(descriptors).expect("few")]
}

/// Nothing grows with the calls that were dropped. Other tests may run in this process, so the quietest of several
/// windows counts: what leaks does so in each of them.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn nothing_grows() {
    const DROPS: usize = 300;
    let world = World::new();
    let plugins = [0, 1].map(|reuse| load(&world.sandbox, guest(Stage::Sanitize, ""), world.spec(reuse)));
    let [fresh, kept] = plugins;
    let plugins = [fresh.await.expect("loads"), kept.await.expect("loads")];
    let mut least = [i64::MAX; 3];
    for _window in 0..6 {
        let before = process();
        for times in 0..DROPS {
            for plugin in &plugins {
                let mut call: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask(plugin, Stage::Sanitize));
                poll(&mut call, 1 + times % 12).await;
            }
        }
        let after = process();
        for (least, (after, before)) in least.iter_mut().zip(after.into_iter().zip(before)) {
            *least = (*least).min(after - before);
        }
    }
    let [kib, threads, descriptors] = least;
    // An instance has a page of 64 KiB, and a stack.
    assert!(kib < i64::try_from(DROPS).expect("few"), "{kib} KiB more after {DROPS} dropped calls");
    assert!(threads <= 0 && descriptors <= 0, "{threads} threads and {descriptors} descriptors more");
}
