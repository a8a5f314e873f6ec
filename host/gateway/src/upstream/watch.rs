//! What a server says outside of any call.

use std::sync::Arc;

use witgate_policy::Payload;

use super::audience::{Audience, Spot};
use super::crowd::{Crowd, Crowds, Ear};
use super::http::Shown;
use super::{Ask, Reply, envelope};
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
pub struct Watch {
    ear: Arc<Ear>,
    crowds: Vec<Arc<Crowd>>,
}

impl Watch {
    /// Of a client, which has its own connection to a legacy server if it can be asked, and none to a modern one.
    pub(crate) fn new(crowds: &Arc<Crowds>, shown: &Shown, client: &ClientFacts) -> Self {
        let ear = Arc::new(Ear::default());
        let anyone = crowds.of(&Spot::new(shown, Audience::Anyone));
        let own = match Audience::of(client, None) {
            own @ Audience::Session(_) => Some(crowds.of(&Spot::new(shown, own))),
            Audience::Anyone | Audience::Lease(_) => None,
        };
        anyone.enter(&ear, own.is_some());
        if let Some(own) = &own {
            own.enter(&ear, false);
        }
        Self { ear, crowds: own.into_iter().chain([anyone]).collect() }
    }

    /// Of nobody, who says nothing.
    pub(crate) fn deaf() -> Self {
        Self { ear: Arc::default(), crowds: Vec::new() }
    }

    /// What comes next. Cancel safe.
    pub async fn next(&mut self) -> Standing {
        self.ear.next().await
    }

    /// Answers what the server asked.
    pub fn answer(&self, ask: &Ask, answer: Reply) {
        if let Some(board) = self.ear.close(ask) {
            board.answer(None, ask, answer);
        }
    }

    /// Sends a notification of the client's about its work on a request of the server.
    pub fn notify(&self, method: &str, params: &Payload) {
        let line = envelope::notification(method, params);
        let mut boards = self.ear.boards();
        boards.dedup_by(|a, b| Arc::ptr_eq(a, b));
        for board in boards {
            board.say(line.clone());
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.crowds.iter().for_each(|crowd| crowd.leave(&self.ear));
        // Nobody is left to answer.
        self.ear.boards().iter().for_each(|board| board.abandon(&self.ear));
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
