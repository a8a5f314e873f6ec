//! What a tenant keeps that lives longer than a generation: a reload forgets no held call and no sealed text.

use std::sync::Arc;

use super::held::Holding;
use super::level::Levels;
use super::made::Made;
use super::seal::{NoChance, Seal};
use super::subscriptions::Subscriptions;

/// A legacy session, by its tenant and its name.
pub(super) type SessionKey = (Arc<str>, Arc<str>);

/// One for a process, shared by all tenants of all generations.
#[derive(Debug)]
pub struct Lasting {
    pub(super) seal: Seal,
    pub(super) holding: Arc<Holding>,
    pub(super) subscriptions: Subscriptions,
    pub(super) levels: Levels,
    pub(super) made: Made,
}

impl Lasting {
    /// With a key of its own.
    pub fn new() -> Result<Self, NoChance> {
        Ok(Self::with_seal(Seal::random()?))
    }

    /// With this key.
    pub fn with_seal(seal: Seal) -> Self {
        let (holding, subscriptions, levels, made) = Default::default();
        Self { seal, holding, subscriptions, levels, made }
    }
}
