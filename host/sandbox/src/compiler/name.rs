use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::component::hex;
use crate::engine::Weight;
use crate::recycle;

/// What an artifact stands for: two components, engines, settings, processors, versions of wasmtime or judges of what can
/// be recycled have two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    component: [u8; 32],
    weight: Weight,
    /// Of what judged the component, and added the tools.
    recycle: u32,
    /// Of all that decides whether the engine may load it.
    compatibility: [u8; 32],
}

impl Name {
    /// The length of [`Self::header`].
    pub(super) const HEADER_BYTES: usize = 69;

    /// Of a component by its SHA-256.
    pub(super) fn new(component: [u8; 32], weight: Weight, engine: &Engine) -> Self {
        Self { component, weight, recycle: recycle::REVISION, compatibility: compatibility(engine) }
    }

    /// It in full.
    pub(super) fn header(&self) -> [u8; Self::HEADER_BYTES] {
        let mut header = [0; Self::HEADER_BYTES];
        header[..32].copy_from_slice(&self.component);
        header[32] = match self.weight {
            Weight::Light => 0,
            Weight::Heavy => 1,
        };
        header[33..37].copy_from_slice(&self.recycle.to_le_bytes());
        header[37..].copy_from_slice(&self.compatibility);
        header
    }

    /// The name of its file: enough of it that files of several versions live side by side.
    pub(super) fn file(&self, end: &str) -> String {
        let (component, compatibility) = (hex(&self.component), hex(&self.compatibility[..8]));
        format!("{component}-{}-{compatibility}-{}{end}", self.weight.word(), self.recycle)
    }
}

/// wasmtime's own account of what must agree, as a SHA-256: the target, the processor's features, the settings, the
/// version.
pub(super) fn compatibility(engine: &Engine) -> [u8; 32] {
    let mut account = Account(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut account);
    account.0.finalize().into()
}

struct Account(Sha256);

impl Hasher for Account {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks: the hash is longer than this.
    fn finish(&self) -> u64 {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0.clone().finalize()[..8]);
        u64::from_le_bytes(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    #[test]
    fn what_a_child_compiles_is_for_the_gates_engines() {
        let gate = [
            (Weight::Light, engine::light(4).expect("an engine")),
            (Weight::Heavy, engine::heavy(4).expect("an engine")),
        ];
        for (weight, engine) in &gate {
            let child = engine::compiling(*weight).expect("an engine");
            assert_eq!(compatibility(&child), compatibility(engine), "{weight:?}");
        }
        assert_ne!(compatibility(&gate[0].1), compatibility(&gate[1].1), "the settings differ");
    }

    #[test]
    fn another_component_engine_setting_or_judge_has_another_name() {
        let engine = engine::compiling(Weight::Light).expect("an engine");
        let other = engine::compiling(Weight::Heavy).expect("an engine");
        let names = [
            Name::new([1; 32], Weight::Light, &engine),
            Name::new([2; 32], Weight::Light, &engine),
            Name::new([1; 32], Weight::Heavy, &engine),
            Name::new([1; 32], Weight::Light, &other),
            Name { recycle: recycle::REVISION - 1, ..Name::new([1; 32], Weight::Light, &engine) },
        ];
        for (at, name) in names.iter().enumerate() {
            for other in &names[..at] {
                assert_ne!(name.header(), other.header());
                assert_ne!(name.file(""), other.file(""));
            }
        }
    }
}
