//! What a server says outside of any call.

use std::sync::Arc;

use witgate_policy::secret::Secret;
use witgate_policy::{Payload, Routed};

use super::{Ask, Failed, Outgoing, Reply, Upstream};
use crate::wire::ClientFacts;

/// What a server says outside of any call, on the connection that a client uses.
#[derive(Debug, Clone)]
pub enum Standing {
    /// A notification: a list or a resource changed, a task's state, a log line that belongs to no call.
    Notification {
        /// Its method.
        method: String,
        /// Its `params`, `{}` when it has none.
        params: Payload,
    },
    /// It asks something. Only a connection of the client's own brings these.
    Request {
        /// To answer by.
        ask: Ask,
        /// Its method.
        method: String,
        /// Its `params`.
        params: Payload,
    },
    /// It takes a request back.
    Withdrawn {
        /// Which.
        ask: Ask,
    },
    /// The connection was lost, or notifications were: lists and resources may have changed.
    Lapsed,
}

/// Hears what a server says outside of any call, from now on and across connections; connects to nothing by itself.
#[derive(Debug)]
pub struct Watch {}

impl Watch {
    /// What comes next. Cancel safe.
    pub async fn next(&mut self) -> Standing {
        std::future::pending().await
    }

    /// Answers what the server asked.
    pub fn answer(&self, ask: &Ask, answer: Reply) {
        let _ = (ask, answer);
    }

    /// Sends a notification of the client's about its work on a request of the server.
    pub fn notify(&self, method: &str, params: &Payload) {
        let _ = (method, params);
    }
}

/// One client's interest in a resource; ends when dropped, and at the server with the last one.
#[derive(Debug)]
pub struct Subscription {}

impl Upstream {
    /// Listens to what the server says outside of calls on the connection that is this client's.
    pub fn watch(self: &Arc<Self>, client: &ClientFacts, headers: &[(String, Secret)]) -> Result<Watch, Failed> {
        let _ = (client, headers);
        Ok(Watch {})
    }

    /// Subscribes to the resource that `outgoing.params` name (`{"uri": …}`): `resources/subscribe` at a legacy server,
    /// a stream of `subscriptions/listen` at a modern one; once for all who share the connection. The changes come to
    /// [`Watch`]es as `notifications/resources/updated`. An answer that is an error brings no subscription.
    pub async fn subscribe(
        self: &Arc<Self>,
        routed: &Routed,
        outgoing: Outgoing<'_>,
    ) -> Result<(Reply, Option<Subscription>), Failed> {
        let _ = (routed, outgoing);
        Err(Failed::not_sent("subscriptions are not carried yet"))
    }

    /// Ends what is kept for a client's session: its connection, if it has one of its own.
    pub fn forget(&self, session: &str) {
        let _ = session;
    }
}
