use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::random;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use witgate_policy::Grants;

use super::Capability;
use crate::host::Host;

/// `wasi:random`: the system's entropy.
pub(super) struct Random;

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
        random::random::add_to_linker::<Host, WasiRandom>(linker, Host::random)?;
        random::insecure::add_to_linker::<Host, WasiRandom>(linker, Host::random)?;
        random::insecure_seed::add_to_linker::<Host, WasiRandom>(linker, Host::random)
    }
}
