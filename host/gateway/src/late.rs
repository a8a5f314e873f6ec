//! Time that something may take. Most of what is waited for is there when it is asked for, and needs no clock.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::time::{Instant, sleep_until};

/// It took too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// Waits for something until a moment, which is asked for when it is not there at once.
pub(crate) async fn within<T>(until: impl FnOnce() -> Instant, something: impl Future<Output = T>) -> Result<T, Late> {
    let mut something = pin!(something);
    let mut until = Some(until);
    let mut sleep = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(there) = something.as_mut().poll(cx) {
            return Poll::Ready(Ok(there));
        }
        if let Some(until) = until.take() {
            sleep.set(Some(sleep_until(until())));
        }
        sleep.as_mut().as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx)).map(|()| Err(Late))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_there_needs_no_clock_and_what_is_not_comes_in_time_or_never() {
        let begun = Instant::now();
        let until = || begun + Duration::from_secs(2);
        assert_eq!(within(|| unreachable!("it is there"), ready(1)).await, Ok(1));
        assert_eq!(within(until, sleep(Duration::from_secs(1))).await, Ok(()));
        assert_eq!(within(until, pending::<()>()).await, Err(Late));
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }
}
