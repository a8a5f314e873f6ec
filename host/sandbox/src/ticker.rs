//! The clock that stops guests: a thread that advances the engines' epochs while guests run.
//!
//! Invariants: while a guest runs a tick is never more than a period away (but for what the system's scheduler adds);
//! a sandbox that has not been used for a while wakes nobody up; the thread ends with the sandbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use wasmtime::Engine;

use crate::error::SandboxError;

/// Between ticks. A tenth of the default guest time, so that a limit is kept to within a fifth; a thousand wake-ups a
/// second are less than half a percent of one processor, and only while there is traffic.
pub(crate) const PERIOD: Duration = Duration::from_millis(1);
/// Ticks without any use after which the thread sleeps.
const PATIENCE: u32 = 500;
/// Ticks after which what nobody used ends: long enough that a plugin which is asked now and then finds its instance.
const REST: u64 = 5_000;
/// Ticks from one look at what nobody uses to the next.
const ROUND: u64 = 1_000;

/// What the thread and the callers share. Sequentially consistent, since each side writes one flag and reads the
/// other: at least one of them sees the other's.
#[derive(Default)]
struct Flags {
    /// Somebody ran a guest since the last tick.
    used: AtomicBool,
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    /// How often it ticked.
    ticks: AtomicU64,
}

pub(crate) struct Ticker {
    flags: Arc<Flags>,
    bell: SyncSender<()>,
}

impl Ticker {
    /// `rest` ends what nobody used since a tick.
    pub(crate) fn start(engines: Vec<Engine>, rest: impl Fn(u64) + Send + 'static) -> Result<Self, SandboxError> {
        let flags = Arc::new(Flags::default());
        let (bell, rung) = sync_channel(1);
        let shared = flags.clone();
        std::thread::Builder::new()
            .name("witgate-ticker".into())
            .spawn(move || run(&engines, &shared, &rung, rest))
            .map_err(SandboxError::Ticker)?;
        Ok(Self { flags, bell })
    }

    /// The tick that was last.
    pub(crate) fn now(&self) -> u64 {
        self.flags.ticks.load(Ordering::Relaxed)
    }

    /// Whether the thread sleeps.
    pub(crate) fn is_asleep(&self) -> bool {
        self.flags.asleep.load(Ordering::SeqCst)
    }

    /// Says that a guest is about to run. Call it at each poll of a guest's future.
    pub(crate) fn touch(&self) {
        if !self.flags.used.load(Ordering::Relaxed) {
            self.flags.used.store(true, Ordering::SeqCst);
        }
        if self.flags.asleep.load(Ordering::SeqCst) {
            // Full means that it was rung already.
            let _ = self.bell.try_send(());
        }
    }
}

fn run(engines: &[Engine], flags: &Flags, rung: &Receiver<()>, rest: impl Fn(u64)) {
    let mut idle = 0;
    loop {
        match rung.recv_timeout(PERIOD) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        engines.iter().for_each(Engine::increment_epoch);
        let now = flags.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        if now.is_multiple_of(ROUND) {
            rest(now.saturating_sub(REST));
        }
        idle = if flags.used.swap(false, Ordering::SeqCst) { 0 } else { idle + 1 };
        if idle < PATIENCE {
            continue;
        }
        // Nobody uses anything.
        rest(u64::MAX);
        flags.asleep.store(true, Ordering::SeqCst);
        if !flags.used.load(Ordering::SeqCst) && rung.recv().is_err() {
            return;
        }
        flags.asleep.store(false, Ordering::SeqCst);
        idle = 0;
    }
}
