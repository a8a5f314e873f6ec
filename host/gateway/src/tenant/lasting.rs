//! What a tenant keeps that lives longer than a generation: a reload forgets no held call and no sealed text.

use std::sync::Arc;

use super::held::Holding;
use super::seal::{NoChance, Seal};

/// One for a process, shared by all tenants of all generations.
#[derive(Debug)]
pub struct Lasting {
    pub(super) seal: Seal,
    pub(super) holding: Arc<Holding>,
}

impl Lasting {
    /// With a key of its own.
    pub fn new() -> Result<Self, NoChance> {
        Ok(Self::with_seal(Seal::random()?))
    }

    /// With this key.
    pub fn with_seal(seal: Seal) -> Self {
        Self { seal, holding: Arc::default() }
    }
}
