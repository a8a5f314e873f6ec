//! Plugins in a sandbox of their own: the standard ones as they are committed, and the smallest that there can be.

use std::future::Future;
use std::num::NonZeroU32;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Runtime;
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::{Grants, Limits, Payload, Stage};
use witgate_sandbox::{Plugin, PluginSpec, Sandbox, SandboxConfig};
use witgate_state::{MemoryCounters, MemoryKeyValues};
use witgate_test_guests::{Guest, VALIDATE_PARAMS};

/// Instances at once: enough that each part's wait for their next call on each thread, and few enough for tools that do not
/// like much reserved address space.
const INSTANCES: u32 = 64;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime")
});

static SANDBOX: LazyLock<Arc<Sandbox>> = LazyLock::new(|| {
    Sandbox::new(SandboxConfig { instances: INSTANCES, ..SandboxConfig::default() }).expect("a sandbox")
});

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

/// The result of what waits for nothing: it is polled until it is there, without a runtime's bookkeeping.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let _entered = RUNTIME.enter();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// A plugin that keeps as many instances, or none.
pub(crate) fn load(name: &str, wasm: Vec<u8>, settings: &str, kept: u32) -> Plugin {
    let spec = PluginSpec {
        name: name.into(),
        tenant: "acme".into(),
        settings: Payload::parse_str(settings).expect("JSON"),
        grants: Grants::default(),
        limits: Limits::default(),
        reuse: NonZeroU32::new(kept),
        counters: Arc::new(MemoryCounters::default()),
        key_values: Arc::new(MemoryKeyValues::default()),
        secrets: Arc::new(NoSecrets),
        share: Arc::default(),
        script: None,
        meter: None,
    };
    RUNTIME.block_on(async {
        let component = SANDBOX.compile(name, wasm.into(), 16 << 20).await.expect("a component");
        Plugin::load(&SANDBOX, &component, spec).await.expect("a plugin")
    })
}

/// A standard plugin.
pub(crate) fn standard(name: &str, settings: &str, kept: u32) -> Plugin {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../plugins/dist/{name}.wasm"));
    load(name, std::fs::read(file).expect("plugins/dist"), settings, kept)
}

/// What is read.
const POINTER: &str = "/arguments/text";

/// The smallest validator, which accepts.
pub(crate) fn smallest(kept: u32) -> Plugin {
    load("smallest", tidy(&format!("{DROP} global.get $answer")), "{}", kept)
}

/// The same, once it has read one argument.
pub(crate) fn reader(kept: u32) -> Plugin {
    let body = format!(
        "(call $document.get {VALIDATE_PARAMS} (i32.const 2048) (i32.const {}) (i32.const 4096))
         (if (i32.eqz (i32.load8_u (i32.const 4096))) (then unreachable))
         {DROP}
         global.get $answer",
        POINTER.len()
    );
    load("reader", tidy(&body), "{}", kept)
}

/// The documents of a call are dropped as compiled languages do it: the last first.
const DROP: &str = "(call $drop (i32.load offset=108 (local.get 0))) (call $drop (i32.load offset=104 (local.get 0)))";

fn tidy(body: &str) -> Vec<u8> {
    Guest::new(Stage::Validate).dropping().data(2048, POINTER).decide(body).build()
}
