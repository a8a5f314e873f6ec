use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};
use witgate_policy::Grants;

use super::Capability;
use crate::host::Host;

/// `wasi:clocks`: the time, rounded down.
pub(super) struct Clocks;

impl Capability for Clocks {
    fn word(&self) -> &'static str {
        "clocks"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.clocks
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        clocks::wall_clock::add_to_linker::<Host, WasiClocks>(linker, counted)?;
        clocks::monotonic_clock::add_to_linker::<Host, WasiClocks>(linker, counted)
    }
}

/// A look at the clock cannot fail: it is only counted. A subscription takes a handle, of which there are few.
fn counted(host: &mut Host) -> WasiClocksCtxView<'_> {
    host.account.count_call();
    host.clocks()
}

/// A clock that shows multiples of its granularity only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coarse(Duration);

impl Coarse {
    pub(super) fn new(granularity_ms: u32) -> Self {
        Self(Duration::from_millis(granularity_ms.max(1).into()))
    }

    fn round(self, time: Duration) -> Duration {
        let step = self.0.as_nanos();
        let nanos = time.as_nanos() / step * step;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        self.0
    }

    fn now(&self) -> Duration {
        self.round(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Since the first use in this process, so that it does not tell how long the machine has been up.
    fn now(&self) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(self.round(START.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_in_steps() {
        let coarse = Coarse::new(20);
        assert_eq!(coarse.round(Duration::from_micros(59_999)), Duration::from_millis(40));
        assert_eq!(HostMonotonicClock::now(&coarse) % 20_000_000, 0);
        assert_eq!(HostWallClock::now(&coarse).as_nanos() % 20_000_000, 0);
        assert_eq!(Coarse::new(0).0, Duration::from_millis(1));
    }
}
