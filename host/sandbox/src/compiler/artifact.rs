//! Code that may run: one of the few places in this repository that need `unsafe`.
//!
//! Loading an artifact means running the machine code in it, so whoever can choose its bytes is the gate. wasmtime's
//! condition is that they came from `Engine::precompile_component`, unchanged. They do, because an [`Artifact`] is made
//! in two places only, both within this folder:
//!
//! - [`Artifact::of_own_child`]: the whole answer of a process that the gate started from its own program, over a pipe
//!   that nobody else holds, after it ended by itself with code 0. Nothing was read from a file.
//! - [`Artifact::unsealed`]: the inside of a file whose HMAC-SHA256 verifies under a key of 32 random bytes that only
//!   this user of this host can read, and whose header says that it was made of this very component, for this engine's
//!   settings, by this version. The bytes that were verified are the bytes that are loaded: both are this memory, and
//!   the file may change as it likes.
//!
//! Artifacts of another wasmtime, other settings or another processor are refused by wasmtime itself, too.

use wasmtime::Engine;
use wasmtime::component::Component as Code;

use super::Made;

/// What wasmtime compiled of a component, here.
pub(super) struct Artifact {
    bytes: Vec<u8>,
    recyclable: bool,
}

impl Artifact {
    /// What a child answered.
    pub(super) fn of_own_child(bytes: Vec<u8>, recyclable: bool) -> Self {
        Self { bytes, recyclable }
    }

    /// What is left of a file whose seal was found whole, without its header and seal, and what the header says.
    pub(super) fn unsealed(bytes: Vec<u8>, recyclable: bool) -> Self {
        Self { bytes, recyclable }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether whoever compiled it gave it what it takes to recycle its instances.
    pub(super) fn is_recyclable(&self) -> bool {
        self.recyclable
    }

    /// Makes it code. The error is wasmtime's.
    #[expect(unsafe_code, reason = "machine code is run as it is; the module says why this is sound")]
    pub(super) fn load(&self, engine: &Engine) -> Result<Made, String> {
        // SAFETY: these bytes were written by `Engine::precompile_component` and not changed since; see above.
        let loaded = unsafe { Code::deserialize(engine, &self.bytes) };
        let made = |code| Made { code, recyclable: self.recyclable };
        loaded.map(made).map_err(|cause| format!("{cause:#}"))
    }
}
