//! Bodies, read whole. One is bounded by its own limit and time; large ones together by the room that they share, since
//! a client may send many at once.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::options::Options;
use crate::late::{Late, within};
use crate::whole::Whole;
use crate::wire::Reject;

/// What every body may take without asking for room: nearly all messages are smaller, and cost nothing here.
const FREE_BYTES: usize = 64 << 10;

/// What room is counted in.
const UNIT_BYTES: usize = 1 << 10;

/// Reads the bodies of one front.
pub(super) struct Intake {
    room: Arc<Semaphore>,
}

/// A body, and the room that it takes while it is held.
pub(super) struct Taken {
    pub(super) bytes: Bytes,
    pub(super) room: Room,
}

/// Room that is taken until this is dropped.
pub(super) type Room = Option<OwnedSemaphorePermit>;

impl Intake {
    pub(super) fn new(options: &Options) -> Self {
        let units = (options.bodies_bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)) }
    }

    /// Reads a body to its end.
    pub(super) async fn read(&self, body: Incoming, declared: Option<u64>, options: &Options) -> Result<Taken, Reject> {
        let limit = options.body_bytes;
        if declared.is_some_and(|declared| declared > limit as u64) {
            return Err(Reject::TooLarge { limit });
        }
        let slow = || Reject::TooSlow { seconds: options.body_time.as_secs() };
        let until = || Instant::now() + options.body_time;
        within(until, self.collect(body, limit)).await.unwrap_or_else(|Late| Err(slow()))
    }

    async fn collect(&self, mut body: Incoming, limit: usize) -> Result<Taken, Reject> {
        let mut room: Room = None;
        let mut whole = Whole::default();
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|_| Reject::Broken)?.into_data() else { continue };
            let size = whole.len() + chunk.len();
            if size > limit {
                return Err(Reject::TooLarge { limit });
            }
            self.make_room(&mut room, size)?;
            whole.push(chunk);
            // Where its length was said, its end need not be waited for.
            if body.is_end_stream() {
                break;
            }
        }
        Ok(Taken { bytes: whole.take(), room })
    }

    fn make_room(&self, room: &mut Room, size: usize) -> Result<(), Reject> {
        let units = size.saturating_sub(FREE_BYTES).div_ceil(UNIT_BYTES);
        let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(units.saturating_sub(held)).map_err(|_| Reject::Crowded)?;
        if more == 0 {
            return Ok(());
        }
        let taken = self.room.clone().try_acquire_many_owned(more).map_err(|_| Reject::Crowded)?;
        match room {
            Some(room) => room.merge(taken),
            None => *room = Some(taken),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_share_the_room_and_small_ones_need_none() {
        let intake = Intake::new(&Options { bodies_bytes: 10 << 10, ..Options::default() });
        let mut small = None;
        assert_eq!(intake.make_room(&mut small, FREE_BYTES), Ok(()));
        assert!(small.is_none());
        let mut large = None;
        for kibibytes in 1..=6 {
            assert_eq!(intake.make_room(&mut large, FREE_BYTES + (kibibytes << 10)), Ok(()));
        }
        let mut other = None;
        assert_eq!(intake.make_room(&mut other, FREE_BYTES + (4 << 10)), Ok(()));
        assert_eq!(intake.make_room(&mut other, FREE_BYTES + (4 << 10) + 1), Err(Reject::Crowded));
        drop(large);
        assert_eq!(intake.make_room(&mut other, FREE_BYTES + (10 << 10)), Ok(()));
    }
}
