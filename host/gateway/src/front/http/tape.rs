//! One stream of events, apart from the connection that carries it: who writes it does not wait for who reads it, and a
//! legacy client whose connection broke comes back and reads on (2025-11-25, streamable HTTP, resumability).
//!
//! A tape has one reader at a time; one that comes later takes the place of the earlier, whose connection may be broken
//! without anybody having noticed. Notifications are lost when too many wait for the reader; questions and answers are
//! not. What was read is kept while there is room, so that it can be read again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::room::{Kept, Room};
use crate::tenant::Said;
use crate::wire::encode::{self, Line};

/// Notifications that wait for a slow reader before further ones are lost.
const WAITING: usize = 64;

/// The same in bytes.
const WAITING_BYTES: usize = 1 << 20;

/// Events that are kept after they were read.
const KEPT: usize = 256;

/// The same in bytes; the last that was read is kept whatever its size.
const KEPT_BYTES: usize = 1 << 20;

/// What an event takes beside its bytes.
const EVENT_BYTES: usize = 128;

/// One stream.
#[derive(Debug)]
pub(super) struct Tape {
    /// What its events are kept in, and its number within its session; `None` for one that is read once.
    shelf: Option<(u64, Arc<Room>)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    events: VecDeque<Event>,
    /// The number of the first of them.
    first: u64,
    /// The number of the next that the reader gets.
    next: u64,
    /// Bytes that wait for the reader.
    waiting: usize,
    /// Bytes of all events that are held.
    held: usize,
    /// Nothing comes any more.
    ended: bool,
    /// What was written is not there any more, because there was no room.
    gone: bool,
    /// Whose turn it is to read; 0 for nobody's.
    reader: u64,
    turns: u64,
    waker: Option<Waker>,
    /// When the last reader left.
    left: Instant,
}

#[derive(Debug)]
struct Event {
    /// Absent when it was read and is not kept.
    line: Option<Line>,
    kept: Option<Kept>,
}

/// The right to read a tape, until somebody else takes it.
#[derive(Debug)]
pub(super) struct Turn {
    tape: Arc<Tape>,
    number: u64,
}

impl Tape {
    /// One that is read once.
    pub(super) fn fleeting() -> Arc<Self> {
        Arc::new(Self { shelf: None, state: Mutex::new(State::new()) })
    }

    /// One that can be read again, with its number.
    pub(super) fn kept(number: u64, room: Arc<Room>) -> Arc<Self> {
        Arc::new(Self { shelf: Some((number, room)), state: Mutex::new(State::new()) })
    }

    pub(super) fn number(&self) -> Option<u64> {
        self.shelf.as_ref().map(|(number, _)| *number)
    }

    /// The id of one of its events.
    pub(super) fn event_id(&self, event: u64) -> Option<String> {
        self.number().map(|number| format!("{number}-{event}"))
    }

    /// Writes what is said to the client.
    pub(super) fn say(&self, said: &Said) {
        match said {
            Said::Opened => {}
            Said::Note(note) => self.push(encode::notification(note).into(), true),
            Said::Ask { id, request } => self.push(encode::request(*id, request).into(), false),
            Said::Withdrawn { id } => self.push(encode::withdrawn(*id).into(), false),
        }
    }

    /// Writes the last messages and ends.
    pub(super) fn end(&self, last: Vec<Line>) {
        for line in last {
            self.push(line, false);
        }
        let mut state = self.state();
        state.ended = true;
        state.wake();
    }

    fn push(&self, line: Line, may_be_lost: bool) {
        let mut state = self.state();
        let bytes = line.len() + EVENT_BYTES;
        let waiting = state.unread();
        let crowded = waiting >= WAITING || (waiting > 0 && state.waiting + bytes > WAITING_BYTES);
        if state.ended || (may_be_lost && crowded) {
            return;
        }
        let kept = self.shelf.as_ref().and_then(|(_, room)| state.make_room(room, bytes));
        if kept.is_none() && state.reader == 0 && self.shelf.is_some() {
            // Nobody reads, and there is no room to wait in.
            if !may_be_lost {
                tracing::debug!("a stream that nobody reads was given up, since there is no room to keep it");
                state.give_up();
            }
            return;
        }
        state.waiting += bytes;
        state.held += bytes;
        state.events.push_back(Event { line: Some(line), kept });
        state.trim();
        state.wake();
    }

    /// Reads from here on. Who read before does so no more.
    pub(super) fn read(self: &Arc<Self>) -> Turn {
        let mut state = self.state();
        state.turns += 1;
        state.reader = state.turns;
        state.wake();
        Turn { tape: self.clone(), number: state.turns }
    }

    /// Reads again what came after an event. `None` when there was no such event, or the stream was given up.
    pub(super) fn read_after(self: &Arc<Self>, event: u64) -> Option<Turn> {
        {
            let mut state = self.state();
            let written = state.first + state.events.len() as u64;
            if event >= written || state.gone {
                return None;
            }
            state.next = (event + 1).max(state.first);
            let unread = usize::try_from(state.next - state.first).unwrap_or(usize::MAX);
            state.waiting = state.events.iter().skip(unread).map(Event::bytes).sum();
        }
        Some(self.read())
    }

    /// Whether somebody reads.
    pub(super) fn is_read(&self) -> bool {
        self.state().reader != 0
    }

    /// When the last reader left; `None` while somebody reads.
    pub(super) fn left(&self) -> Option<Instant> {
        let state = self.state();
        (state.reader == 0).then_some(state.left)
    }

    /// Whether nothing comes any more.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Event {
    fn bytes(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.len() + EVENT_BYTES)
    }
}

impl State {
    fn new() -> Self {
        Self {
            events: VecDeque::new(),
            first: 1,
            next: 1,
            waiting: 0,
            held: 0,
            ended: false,
            gone: false,
            reader: 0,
            turns: 0,
            waker: None,
            left: Instant::now(),
        }
    }

    fn unread(&self) -> usize {
        self.events.len().saturating_sub(usize::try_from(self.next - self.first).unwrap_or(usize::MAX))
    }

    /// Room for an event, where it may take that of events that were read.
    fn make_room(&mut self, room: &Arc<Room>, bytes: usize) -> Option<Kept> {
        loop {
            let kept = room.keep(bytes);
            if kept.is_some() || self.first >= self.next {
                return kept;
            }
            self.drop_first();
        }
    }

    /// Forgets what was read and is not kept, or is too much.
    fn trim(&mut self) {
        while self.first < self.next {
            let hole = self.events.front().is_some_and(|event| event.line.is_none());
            let too_much = self.held.saturating_sub(self.waiting) > KEPT_BYTES && self.first + 1 < self.next;
            if !hole && !too_much && self.events.len() <= KEPT {
                return;
            }
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let dropped = self.events.pop_front();
        self.held = self.held.saturating_sub(dropped.map_or(0, |event| event.bytes()));
        self.first += 1;
    }

    fn give_up(&mut self) {
        let (first, turns) = (self.next + self.unread() as u64, self.turns);
        *self = Self { first, next: first, turns, ended: true, gone: true, ..Self::new() };
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Turn {
    /// The stream.
    pub(super) fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// The next event and its number; `None` at the end, and when somebody else reads.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<(u64, Line)>> {
        let mut state = self.tape.state();
        if state.reader != self.number {
            return Poll::Ready(None);
        }
        while state.unread() > 0 {
            let number = state.next;
            let index = usize::try_from(number - state.first).unwrap_or(usize::MAX);
            state.next += 1;
            let Some(event) = state.events.get_mut(index) else { break };
            let bytes = event.bytes();
            let kept = event.kept.is_some();
            let line = if kept { event.line.clone() } else { event.line.take() };
            state.waiting = state.waiting.saturating_sub(bytes);
            state.held = state.held.saturating_sub(if kept { 0 } else { bytes });
            state.trim();
            if let Some(line) = line {
                return Poll::Ready(Some((number, line)));
            }
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.tape.state();
        if state.reader == self.number {
            state.reader = 0;
            state.left = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;

    use super::*;

    fn line(text: impl Into<String>) -> Line {
        Line::from(Bytes::from(text.into()))
    }

    async fn all(turn: &Turn) -> Vec<(u64, Bytes)> {
        let mut all = Vec::new();
        while let Some((number, line)) = poll_fn(|cx| turn.poll_next(cx)).await {
            all.push((number, line.whole()));
        }
        all
    }

    #[tokio::test]
    async fn what_was_read_can_be_read_again_but_by_one_at_a_time() {
        let tape = Tape::kept(7, Room::new(10_000));
        assert_eq!(tape.event_id(2).as_deref(), Some("7-2"));
        for text in ["a", "b"] {
            tape.push(line(text), true);
        }
        let first = tape.read();
        let next = |turn| poll_fn(move |cx| Turn::poll_next(turn, cx));
        assert_eq!(next(&first).await.map(|(number, _)| number), Some(1));
        let second = tape.read_after(0).expect("a stream");
        assert!(next(&first).await.is_none(), "it was taken over");
        drop(first);
        assert!(tape.is_read(), "who was replaced does not end who came later");
        tape.end(vec![line("c")]);
        assert_eq!(all(&second).await, [(1, "a".into()), (2, "b".into()), (3, "c".into())]);
        drop(second);
        assert!(!tape.is_read() && tape.has_ended());
        assert_eq!(all(&tape.read_after(2).expect("a stream")).await, [(3, "c".into())]);
        assert_eq!(all(&tape.read_after(3).expect("a stream")).await, []);
        assert!(tape.read_after(4).is_none(), "there was no such event");
    }

    #[tokio::test]
    async fn notifications_are_lost_when_nobody_keeps_up_and_all_else_is_not() {
        for tape in [Tape::fleeting(), Tape::kept(1, Room::new(1 << 20))] {
            let turn = tape.read();
            for number in 0..100 {
                tape.push(line(format!("n{number}")), true);
            }
            tape.push(line("question"), false);
            tape.end(vec![line("answer")]);
            let all = all(&turn).await;
            assert_eq!(all.len(), WAITING + 2);
            assert_eq!(all[WAITING].1, "question");
            assert_eq!(all[WAITING + 1].1, "answer");
        }
        let tape = Tape::fleeting();
        let turn = tape.read();
        for _ in 0..3 {
            tape.push(line("x".repeat(WAITING_BYTES)), true);
        }
        tape.end(Vec::new());
        assert_eq!(all(&turn).await.len(), 1, "large ones count by their bytes");
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_the_room_is_shared() {
        let whole = Room::new(4 * (1000 + EVENT_BYTES));
        let (one, other) = (whole.part(3 * (1000 + EVENT_BYTES)), whole.part(3 * (1000 + EVENT_BYTES)));
        let tape = Tape::kept(1, one);
        let turn = tape.read();
        for _ in 0..5 {
            tape.push(line("x".repeat(1000)), false);
        }
        tape.end(Vec::new());
        assert_eq!(all(&turn).await.len(), 5, "a reader misses nothing");
        assert_eq!(all(&tape.read_after(0).expect("a stream")).await.len(), 3, "what was kept");
        let neighbour = Tape::kept(1, other);
        neighbour.push(line("x".repeat(1000)), false);
        assert!(neighbour.read_after(0).is_some());
        neighbour.push(line("x".repeat(1000)), false);
        assert!(neighbour.has_ended() && neighbour.read_after(0).is_none(), "nobody reads, and there is no room");
        drop((turn, tape));
        assert!(whole.keep(4 * (1000 + EVENT_BYTES)).is_some(), "all of it is there again");
    }

    #[tokio::test]
    async fn few_bytes_are_kept_but_always_the_last_event() {
        let tape = Tape::kept(1, Room::new(usize::MAX));
        let turn = tape.read();
        for _ in 0..3 {
            tape.push(line("x".repeat(KEPT_BYTES)), false);
            assert!(poll_fn(|cx| turn.poll_next(cx)).await.is_some());
            assert_eq!(tape.state().events.len(), 1);
        }
        tape.end(Vec::new());
        assert_eq!(all(&tape.read_after(0).expect("a stream")).await.len(), 1);
        assert_eq!(tape.state().held, KEPT_BYTES + EVENT_BYTES);
    }

    #[tokio::test]
    async fn few_events_are_kept_however_small() {
        let tape = Tape::kept(1, Room::new(usize::MAX));
        let turn = tape.read();
        for _ in 0..2 * KEPT {
            tape.push(line("x"), false);
            assert!(poll_fn(|cx| turn.poll_next(cx)).await.is_some());
        }
        assert_eq!(tape.state().events.len(), KEPT);
        tape.end(Vec::new());
        assert_eq!(all(&tape.read_after(0).expect("a stream")).await[0].0, KEPT as u64 + 1);
    }
}
