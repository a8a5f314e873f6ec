//! What is said to a client while something runs.

use std::future::Future;
use std::pin::pin;

use tokio::sync::mpsc;

use crate::front::job::{self, Ended, Work};
use crate::tenant;
use crate::wire::encode::Line;

/// What something says on its way.
pub(super) type Said = tenant::Heard;

/// Writes what is said until a request ends, and what it said before its end.
pub(super) async fn until_ended(work: Work, mut said: Said, out: &mpsc::Sender<Line>) -> Ended {
    let ended = until(work, &mut said, out).await;
    // Nothing follows a cancellation.
    while !matches!(ended, Ended::Cancelled)
        && let Some(said) = said.try_recv()
    {
        write(&said, out).await;
    }
    ended
}

/// Writes what is said until the work ends.
pub(super) async fn until<T>(work: impl Future<Output = T>, said: &mut Said, out: &mpsc::Sender<Line>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(said) = said.recv() => write(&said, out).await,
            ended = &mut work => return ended,
        }
    }
}

/// A full outbox loses notifications; questions wait.
async fn write(said: &tenant::Said, out: &mpsc::Sender<Line>) {
    let Some(message) = job::message(said) else { return };
    let message = Line::from(message);
    if matches!(said, tenant::Said::Note(_)) {
        let _ = out.try_send(message);
    } else {
        let _ = out.send(message).await;
    }
}
