//! The client of a message, as its servers may take it.

use std::borrow::Cow;

use witgate_policy::Payload;

use super::{Outlet, ability};
use crate::wire::{ClientFacts, Meta};

/// One that cannot be asked has nothing to be asked for.
pub(super) fn reachable<'a>(client: &'a ClientFacts, outlet: &Outlet) -> Cow<'a, ClientFacts> {
    if client.revision.is_modern() || outlet.can_ask() {
        return Cow::Borrowed(client);
    }
    Cow::Owned(ClientFacts { capabilities: ability::unasked(&client.capabilities), ..client.clone() })
}

/// A modern client says of itself what it can with each message, where validators may change it: what they left counts,
/// and nothing where they left nothing.
pub(super) fn accepted<'a>(client: &'a ClientFacts, said: &Payload, accepted: &Payload) -> Cow<'a, ClientFacts> {
    if !client.revision.is_modern() || said == accepted {
        return Cow::Borrowed(client);
    }
    let meta = Meta::of(accepted);
    Cow::Owned(meta.client().unwrap_or_else(|_| meta.of_notification()))
}
