//! The tasks of one front, so that a stop can wait for all of them and then end those that are left.

use std::convert::Infallible;
use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// Starts tasks that the [`Muster`] waits for.
#[derive(Clone)]
pub(super) struct Crew {
    alive: mpsc::Sender<Infallible>,
    stopping: watch::Receiver<bool>,
    dismissed: watch::Receiver<bool>,
    runtime: Handle,
}

/// Waits for the tasks of a [`Crew`].
pub(super) struct Muster {
    alive: mpsc::Receiver<Infallible>,
    stop: watch::Sender<bool>,
    dismiss: watch::Sender<bool>,
}

/// A crew on the current runtime.
pub(super) fn crew() -> (Crew, Muster) {
    let (alive, all_gone) = mpsc::channel(1);
    let (stop, stopping) = watch::channel(false);
    let (dismiss, dismissed) = watch::channel(false);
    let crew = Crew { alive, stopping, dismissed, runtime: Handle::current() };
    (crew, Muster { alive: all_gone, stop, dismiss })
}

impl Crew {
    /// Starts a task where the caller is. Also from a destructor, where no runtime may be entered.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let here = Handle::try_current();
        self.spawn_on(here.as_ref().unwrap_or(&self.runtime), task)
    }

    /// Starts a task on a runtime.
    pub(super) fn spawn_on(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let alive = self.alive.clone();
        let mut dismissed = self.dismissed.clone();
        // Boxed: what a task is made of would otherwise be kept beside what is polled of it, as long as it lives.
        let mut task = Box::pin(task);
        let task = async move {
            tokio::select! {
                () = &mut task => {}
                _ = dismissed.wait_for(|dismissed| *dismissed) => {}
            }
            drop(alive);
        };
        runtime.spawn(task).abort_handle()
    }
}

impl Crew {
    /// Turns to `true` when a stop begins: what would never end by itself ends then.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }
}

impl Muster {
    /// Tells the crew that a stop has begun.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until every [`Crew`] handle and task is gone; ends those that are left when `patience` is over. Says
    /// whether all ended by themselves.
    pub(super) async fn gather(mut self, patience: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            _ = self.alive.recv() => return true,
            () = patience => {}
        }
        self.dismiss.send_replace(true);
        self.alive.recv().await;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_what_ends_and_ends_what_does_not() {
        let (quick, muster) = crew();
        quick.spawn(async { sleep(Duration::from_secs(5)).await });
        drop(quick);
        assert!(muster.gather(sleep(Duration::from_secs(10))).await);

        let (endless, muster) = crew();
        endless.spawn(pending());
        drop(endless);
        assert!(!muster.gather(sleep(Duration::from_secs(10))).await);

        let (standing, muster) = crew();
        let mut stop = standing.stop();
        standing.spawn(async move { drop(stop.wait_for(|stop| *stop).await) });
        drop(standing);
        muster.stop();
        assert!(muster.gather(sleep(Duration::from_secs(10))).await);
    }
}
