//! What one server has asked on the spot, in a call or outside of any, and its client has not answered yet.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;
use witgate_policy::Payload;

use super::asks::{Asking, Told};
use super::held::PATIENCE;
use super::talk::{error, error_of};
use crate::upstream::{Ask, Reply};
use crate::wire::code;

struct Open {
    ask: Ask,
    asking: Asking,
    until: Instant,
}

/// The open questions; dropping one withdraws it from the client. The outlet bounds their number.
#[derive(Default)]
pub(super) struct Questions(Vec<Open>);

impl Questions {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, ask: Ask, asking: Asking, now: Instant) {
        self.0.push(Open { ask, asking, until: now + PATIENCE });
    }

    /// The server does not want to know any more.
    pub(super) fn withdraw(&mut self, ask: &Ask) {
        self.0.retain(|open| open.ask != *ask);
    }

    /// What comes next of any question: progress of the client on it, or, as the error, its answer, which is the gate's
    /// own when the client gives none in time. Waits for ever when there is none. Cancel safe.
    pub(super) async fn next(&mut self) -> (Ask, Result<Payload, Reply>) {
        let first = self.0.iter().map(|open| open.until).min();
        let over = async {
            match first {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let told = tokio::select! {
            biased;
            told = told(&mut self.0) => Some(told),
            () = over => None,
        };
        let Some((at, told)) = told else {
            let now = Instant::now();
            let at = self.0.iter().position(|open| open.until <= now).unwrap_or_default();
            return (self.0.swap_remove(at).ask, Err(error_of(code::TIMEOUT, "the client did not answer in time")));
        };
        match told {
            Some(Told::Progress(params)) => (self.0[at].ask.clone(), Ok(params)),
            Some(Told::Answer(answer)) => (self.0.swap_remove(at).ask, Err(answer)),
            None => (self.0.swap_remove(at).ask, Err(unasked())),
        }
    }
}

/// What a server is answered whose client cannot be asked.
pub(super) fn unasked() -> Reply {
    error("the client cannot be asked now")
}

/// What one of the open questions' client says next.
async fn told(open: &mut [Open]) -> (usize, Option<Told>) {
    poll_fn(|context| {
        for (at, open) in open.iter_mut().enumerate() {
            if let Poll::Ready(told) = pin!(open.asking.next()).poll(context) {
                return Poll::Ready((at, told));
            }
        }
        Poll::Pending
    })
    .await
}
