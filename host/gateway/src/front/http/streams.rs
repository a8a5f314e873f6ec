//! The streams of one legacy session: those of its requests, which can be read again for a while, and the standing ones
//! of its `GET`s, of which each message goes to one only.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::room::Room;
use super::tape::{Tape, Turn};
use crate::tenant::Said;
use crate::wire::Reject;

/// Streams of requests that are kept after their end.
const OVER: usize = 64;

/// Standing streams at once: clients were seen to open one, and another before they close the first.
const STANDING: usize = 4;

/// The streams of one session.
#[derive(Debug)]
pub(super) struct Streams {
    room: Arc<Room>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    requests: Vec<Arc<Tape>>,
    standing: Vec<Arc<Tape>>,
    /// What speaks on the standing streams.
    speaker: Option<AbortHandle>,
    closed: bool,
}

impl Streams {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self { room, state: Mutex::default() }
    }

    /// A stream for what a request says.
    pub(super) fn request(&self) -> Arc<Tape> {
        let mut state = self.state();
        let tape = state.tape(&self.room);
        if state.closed {
            tape.end(Vec::new());
            return tape;
        }
        let over = state.requests.iter().filter(|tape| tape.has_ended()).count();
        if over > OVER
            && let Some(oldest) = state.requests.iter().position(|tape| tape.has_ended() && !tape.is_read())
        {
            state.requests.remove(oldest);
        }
        state.requests.push(tape.clone());
        tape
    }

    /// A standing stream. `speak` starts what speaks on it, when nothing does yet.
    pub(super) fn stand(&self, speak: impl FnOnce() -> AbortHandle) -> Result<Turn, Reject> {
        let mut state = self.state();
        if state.closed {
            return Err(Reject::UnknownSession);
        }
        if state.standing.iter().filter(|tape| tape.is_read()).count() >= STANDING {
            return Err(Reject::Streams { limit: STANDING });
        }
        let tape = state.tape(&self.room);
        // Whoever opens a new one does not come back for an old one.
        state.standing.retain(|tape| tape.is_read());
        state.standing.push(tape.clone());
        if state.speaker.as_ref().is_none_or(AbortHandle::is_finished) {
            state.speaker = Some(speak());
        }
        Ok(tape.read())
    }

    /// Goes on after an event, on the stream that it was on.
    pub(super) fn resume(&self, event: &str) -> Result<Turn, Reject> {
        let (tape, event) = event.split_once('-').ok_or(Reject::EventGone)?;
        let (tape, event): (u64, u64) = tape
            .parse()
            .ok()
            .zip(event.parse().ok())
            .filter(|(_, event)| *event < u64::MAX)
            .ok_or(Reject::EventGone)?;
        let state = self.state();
        let mut all = state.requests.iter().chain(&state.standing);
        let tape = all.find(|there| there.number() == Some(tape)).ok_or(Reject::EventGone)?;
        tape.read_after(event).ok_or(Reject::EventGone)
    }

    /// Says something on the newest standing stream that somebody reads, or on one whose client may come back.
    pub(super) fn say(&self, said: &Said) {
        let state = self.state();
        let read = state.standing.iter().rev().find(|tape| tape.is_read());
        if let Some(tape) = read.or(state.standing.last()) {
            tape.say(said);
        }
    }

    /// Ends the standing streams.
    pub(super) fn hush(&self) {
        let mut state = self.state();
        for tape in state.standing.drain(..) {
            tape.end(Vec::new());
        }
        state.speaker = None;
    }

    /// Ends all of them; the session is over.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let State { requests, standing, speaker, .. } = &mut *state;
        for tape in requests.drain(..).chain(standing.drain(..)) {
            tape.end(Vec::new());
        }
        if let Some(speaker) = speaker.take() {
            speaker.abort();
        }
    }

    /// Forgets what nobody came back for in so long a time.
    pub(super) fn sweep(&self, age: Duration) {
        let mut state = self.state();
        let now = Instant::now();
        let stays = |tape: &Arc<Tape>| tape.left().is_none_or(|left| now.duration_since(left) < age);
        state.requests.retain(|tape| !tape.has_ended() || stays(tape));
        state.standing.retain(stays);
        if state.standing.is_empty()
            && let Some(speaker) = state.speaker.take()
        {
            speaker.abort();
        }
    }

    /// Since when nobody reads, if anybody ever did; `Err` while somebody does.
    pub(super) fn left(&self) -> Result<Option<Instant>, InUse> {
        let state = self.state();
        let mut last = None;
        for tape in state.requests.iter().chain(&state.standing) {
            last = last.max(Some(tape.left().ok_or(InUse)?));
        }
        Ok(last)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InUse;

impl State {
    fn tape(&mut self, room: &Arc<Room>) -> Arc<Tape> {
        self.last += 1;
        Tape::kept(self.last, room.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker() -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    #[tokio::test(start_paused = true)]
    async fn streams_are_bounded_and_end_with_the_session() {
        let streams = Streams::new(Room::new(1 << 20));
        let all: Vec<_> = (0..STANDING).map(|_| streams.stand(speaker).expect("a stream")).collect();
        assert_eq!(streams.stand(speaker).err(), Some(Reject::Streams { limit: STANDING }));
        assert_eq!(streams.left(), Err(InUse));
        drop(all);
        let speaks = streams.state().speaker.clone().expect("one speaks");
        let turn = streams.stand(|| panic!("one speaks already")).expect("a stream");
        assert_eq!(turn.tape().number(), Some(5));
        drop(turn);
        for event in ["5-0", "x", "", "-", "5", "5-1", "4-0", "5-18446744073709551615", "18446744073709551616-0"] {
            assert_eq!(streams.resume(event).is_ok(), event == "5-0", "{event}");
        }
        let request = streams.request();
        tokio::time::advance(Duration::from_secs(30)).await;
        streams.sweep(Duration::from_secs(20));
        assert!(streams.resume("5-0").is_err() && streams.resume("6-0").is_ok(), "it has not ended");
        tokio::task::yield_now().await;
        assert!(speaks.is_finished(), "nobody listens");
        request.end(Vec::new());
        tokio::time::advance(Duration::from_secs(30)).await;
        streams.sweep(Duration::from_secs(20));
        assert_eq!(streams.state().requests.len(), 0);
        let turn = streams.stand(speaker).expect("a stream");
        streams.close();
        assert!(turn.tape().has_ended());
        assert!(streams.request().has_ended());
        assert_eq!(streams.stand(speaker).err(), Some(Reject::UnknownSession));
    }
}
