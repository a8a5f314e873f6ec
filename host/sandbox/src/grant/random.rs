use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::random;
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx, WasiRandomView};
use witgate_policy::Grants;

use super::Capability;
use crate::host::Host;

/// `wasi:random`: the system's entropy.
pub(super) struct Random;

/// No call can fail but for its length: they are only counted.
fn counted(host: &mut Host) -> &mut WasiRandomCtx {
    host.account.count_call();
    host.random()
}

/// Bytes that one call may ask for: a key, a nonce or a seed many times over.
pub(super) const MOST_BYTES: u64 = 64 << 10;

impl Capability for Random {
    fn word(&self) -> &'static str {
        "random"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:random/random", "wasi:random/insecure", "wasi:random/insecure-seed"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.random
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        random::random::add_to_linker::<Host, WasiRandom>(linker, counted)?;
        random::insecure::add_to_linker::<Host, WasiRandom>(linker, counted)?;
        random::insecure_seed::add_to_linker::<Host, WasiRandom>(linker, counted)
    }
}
