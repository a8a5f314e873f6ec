//! Guest time: the processor time of the thread while it runs a guest.
//!
//! The engine's ticks measure the time on the wall; on a busy machine a guest would be stopped for what others do. So a
//! tick only makes the guest yield, and here its future's polls are measured on the thread's own clock. A call that ends
//! before its first tick, as nearly all do, asks no clock at all: the first poll is not counted, and ends at the first
//! tick at the latest.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::ticker::Ticker;

/// The guest computed longer than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded;

/// Runs a guest's future until it ends or has used more than `limit`.
pub(crate) async fn limited<T>(
    limit: Duration,
    ticker: &Ticker,
    guest: impl Future<Output = T>,
) -> Result<T, Exceeded> {
    let mut guest = pin!(guest);
    let mut used = Duration::ZERO;
    let mut first = true;
    poll_fn(move |context| {
        ticker.touch();
        if std::mem::take(&mut first) {
            return guest.as_mut().poll(context).map(Ok);
        }
        let before = thread_time();
        let polled = guest.as_mut().poll(context);
        used += thread_time().saturating_sub(before);
        match polled {
            Poll::Ready(answer) => Poll::Ready(Ok(answer)),
            Poll::Pending if used > limit => Poll::Ready(Err(Exceeded)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What this thread has computed so far.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Where there is no such clock, the time since the first call.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes for a while at each poll, or only waits.
    async fn guest(polls: u32, work: Duration) {
        for _ in 0..polls {
            let began = thread_time();
            while thread_time().saturating_sub(began) < work {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn only_computing_counts() {
        let ticker = Ticker::start(Vec::new(), |_| ()).expect("a thread");
        let (limit, work) = (Duration::from_millis(5), Duration::from_millis(1));
        assert_eq!(limited(limit, &ticker, guest(u32::MAX, work)).await, Err(Exceeded));
        assert_eq!(limited(limit, &ticker, guest(3, work)).await, Ok(()));
        let waiting = async {
            tokio::time::pause();
            tokio::time::sleep(Duration::from_mins(1)).await;
        };
        assert_eq!(limited(limit, &ticker, waiting).await, Ok(()));
    }
}
