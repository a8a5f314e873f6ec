//! What a connection is to those who pool it, and what one is made for.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use witgate_policy::Payload;

use super::audience::{Audience, Declared};
use super::crowd::Crowd;
use super::exchange::Own;
use super::http::Shown;
use super::lazy::Alive;
use super::{Failed, ServerFacts};

/// What is known of a server's era from an earlier connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
    /// Both, as it says.
    Dual,
}

impl Era {
    pub(crate) fn of(facts: &ServerFacts) -> Self {
        match facts.revision.is_modern() {
            true if facts.dual => Self::Dual,
            true => Self::Modern,
            false => Self::Legacy,
        }
    }
}

/// What is pooled.
pub(crate) trait Connection: Alive {
    /// Whether failures in a row are followed by a pause.
    const RESTS: bool;

    /// What the server said of itself.
    fn facts(&self) -> &ServerFacts;

    /// Ends it.
    fn end(self: Arc<Self>) -> BoxFuture<'static, ()>;

    /// Sends a request of the gate's own.
    fn request(self: Arc<Self>, method: &'static str, params: Payload) -> BoxFuture<'static, Result<Own, Failed>>;

    /// Passes on what it says outside of calls.
    fn note(&self, method: &str, params: &Payload);

    /// Something that it said may have been missed.
    fn lapse(&self);
}

/// What a connection is made for.
pub(crate) struct Order {
    pub(crate) shown: Shown,
    pub(crate) audience: Audience,
    pub(crate) declared: Declared,
    /// Those who listen to it.
    pub(crate) crowd: Arc<Crowd>,
    /// Those who listen to one that all share.
    pub(crate) anyone: Arc<Crowd>,
    pub(crate) known: Option<Era>,
}
