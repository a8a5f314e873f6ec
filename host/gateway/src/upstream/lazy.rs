//! Something that is made at its first use, by whoever comes first, once for all who wait; and made again after it died.
//!
//! The making is a task of its own: a caller that gives up does not stop it, so that a server which starts slower than
//! its callers wait is there for the next one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Failed;
use crate::home;

/// The first pause; it doubles with each failure.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: a server that was repaired is found within it.
const PAUSE_MAX: Duration = Duration::from_secs(30);

type Making<T> = Shared<BoxFuture<'static, Result<Arc<T>, Failed>>>;

/// What is made lazily.
pub(crate) struct Lazy<T> {
    state: Mutex<State<T>>,
    rests: bool,
}

struct State<T> {
    making: Option<(Making<T>, AbortHandle)>,
    made: Option<Arc<T>>,
    /// Failures in a row, deaths included.
    failures: u32,
    last: Option<(Instant, Failed)>,
}

/// Whether what was made can still be used.
pub(crate) trait Alive: Send + Sync + 'static {
    fn alive(&self) -> bool;

    /// Whether it ever did what it is for: then its death is the first failure, whatever came before it.
    fn proved(&self) -> bool;
}

impl<T: Alive> Lazy<T> {
    /// `rests`: whether a second failure in a row, and each further one, is followed by a pause.
    pub(crate) fn new(rests: bool) -> Self {
        Self { state: Mutex::new(State { making: None, made: None, failures: 0, last: None }), rests }
    }

    /// What is there now, if it lives.
    pub(crate) fn peek(&self) -> Option<Arc<T>> {
        self.lock().made.clone().filter(|made| made.alive())
    }

    /// What is there, else what `make` makes.
    pub(crate) async fn get<F>(&self, make: impl FnOnce() -> F) -> Result<Arc<T>, Failed>
    where
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        let making = {
            let mut state = self.lock();
            // It may have been finished with nobody left to wait for it.
            if let Some(made) = state.making.as_ref().and_then(|(making, _)| making.clone().now_or_never()) {
                state.finish(&made);
            }
            if let Some(made) = state.living() {
                return Ok(made);
            }
            if let Some((making, _)) = &state.making {
                making.clone()
            } else {
                if self.rests {
                    state.rested()?;
                }
                let task = home::spawn(make());
                let abort = task.abort_handle();
                let making = async move {
                    match task.await {
                        Ok(made) => made.map(Arc::new),
                        Err(_) => Err(Failed::not_sent("connecting was broken off")),
                    }
                };
                let making = making.boxed().shared();
                state.making = Some((making.clone(), abort));
                making
            }
        };
        let made = making.clone().await;
        self.settle(&making, &made);
        made
    }

    /// The first of those who waited writes down what came of it.
    fn settle(&self, making: &Making<T>, made: &Result<Arc<T>, Failed>) {
        let mut state = self.lock();
        if state.making.as_ref().is_some_and(|(current, _)| current.ptr_eq(making)) {
            state.finish(made);
        }
    }

    /// Takes out what is there, and breaks off what is being made.
    pub(crate) fn take(&self) -> Option<Arc<T>> {
        let mut state = self.lock();
        if let Some((_, abort)) = state.making.take() {
            abort.abort();
        }
        state.made.take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Alive> State<T> {
    /// Writes down what came of the making.
    fn finish(&mut self, made: &Result<Arc<T>, Failed>) {
        self.making = None;
        match made {
            Ok(made) => self.made = Some(made.clone()),
            Err(failed) => {
                self.failures = self.failures.saturating_add(1);
                self.last = Some((Instant::now(), failed.clone()));
            }
        }
    }

    /// What is there; what died is counted and forgotten.
    fn living(&mut self) -> Option<Arc<T>> {
        let made = self.made.take()?;
        if made.alive() {
            self.made = Some(made);
            return self.made.clone();
        }
        self.failures = if made.proved() { 1 } else { self.failures.saturating_add(1) };
        self.last = Some((Instant::now(), Failed::not_sent("the server ended")));
        None
    }

    /// Whether enough time has passed since the last failure.
    fn rested(&self) -> Result<(), Failed> {
        let Some((at, failed)) = &self.last else { return Ok(()) };
        let pause = match self.failures {
            0 | 1 => return Ok(()),
            n => PAUSE.saturating_mul(1 << (n - 2).min(16)).min(PAUSE_MAX),
        };
        let left = pause.saturating_sub(at.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        let why = match &failed.failure {
            witgate_policy::Failure::NotSent(why) | witgate_policy::Failure::NoReply(why) => why.as_str(),
            other => other.label(),
        };
        let why = format!("failed {} times in a row, next attempt in {} ms: {why}", self.failures, left.as_millis());
        Err(Failed { retry_after: Some(left), ..Failed::not_sent(why) })
    }
}

impl<T> Drop for Lazy<T> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, abort)) = state.making.take() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

    use super::*;

    struct Thing {
        alive: AtomicBool,
        proved: AtomicBool,
    }

    impl Thing {
        fn die(&self) {
            self.alive.store(false, Relaxed);
        }
    }

    impl Alive for Thing {
        fn alive(&self) -> bool {
            self.alive.load(Relaxed)
        }
        fn proved(&self) -> bool {
            self.proved.load(Relaxed)
        }
    }

    async fn thing() -> Result<Thing, Failed> {
        Ok(Thing { alive: AtomicBool::new(true), proved: AtomicBool::new(false) })
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_made_once_for_all_who_wait_even_when_the_first_gives_up() {
        let lazy = Lazy::new(true);
        let count = Arc::new(AtomicU32::new(0));
        let make = || {
            let count = count.clone();
            async move {
                count.fetch_add(1, Relaxed);
                tokio::time::sleep(Duration::from_secs(10)).await;
                thing().await
            }
        };
        let patience = Duration::from_secs(1);
        assert!(tokio::time::timeout(patience, lazy.get(make)).await.is_err());
        let (a, b) = tokio::join!(lazy.get(make), lazy.get(make));
        assert!(Arc::ptr_eq(&a.expect("made"), &b.expect("made")));
        assert_eq!(count.load(Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_dead_is_made_again_and_who_fails_again_has_to_rest() {
        let lazy = Lazy::new(true);
        let first = lazy.get(thing).await.expect("made");
        first.die();
        assert!(lazy.peek().is_none());
        let second = lazy.get(thing).await.expect("one death costs no pause");
        assert!(!Arc::ptr_eq(&first, &second));
        second.die();
        let failed = lazy.get(thing).await.err().expect("has to rest");
        assert_eq!(failed.retry_after, Some(PAUSE));
        tokio::time::advance(PAUSE).await;
        let third = lazy.get(thing).await.expect("rested");
        third.proved.store(true, Relaxed);
        third.die();
        lazy.get(thing).await.expect("it had proved itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_and_tried_again() {
        let lazy: Lazy<Thing> = Lazy::new(true);
        let fail = || async { Err::<Thing, _>(Failed::not_sent("no such file")) };
        assert!(lazy.get(fail).await.is_err());
        assert!(lazy.get(fail).await.is_err());
        let failed = lazy.get(thing).await.err().expect("has to rest");
        assert!(matches!(&failed.failure, witgate_policy::Failure::NotSent(why) if why.contains("no such file")));
    }
}
