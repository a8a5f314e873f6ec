//! A worker's turn: what it does between two looks at its sockets. All that came meanwhile is seen to in one turn, a
//! message after the other, and two things make that cheaper than as many turns:
//!
//! - What is written is sent at the end of the turn ([`Corked`]). A write mostly wakes the process that it goes to, which
//!   as often as not takes the processor at once, and gives it back with other things in its caches.
//! - Messages go through the steps of their way [side by side](in_step): each is taken through one step, then each
//!   through the next. So what a step needs, the code of a plugin and an instance's memory above all, is fetched once for
//!   all of them.
//!
//! A message that comes alone waits for nothing: its turn has one write, which is sent at once. A long one does not wait
//! either, since what would be fetched once more is the message.

mod corked;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::{io, mem};

use tokio::runtime::{Builder, Runtime};

pub(crate) use self::corked::Corked;
use self::corked::Line;

/// Buffers that a worker keeps for what is written in further turns, and how long one of them is at most.
const SPARE: usize = 32;
const SPARE_BYTES: usize = 4 << 10;
/// The longest message that goes side by side with others: what came in a turn should fit into a processor's own cache.
const STEP_BYTES: usize = 8 << 10;

thread_local! {
    static END: RefCell<Option<End>> = const { RefCell::new(None) };
    /// Whether something was written since this thread last had nothing to do.
    static WROTE: Cell<bool> = const { Cell::new(false) };
    /// Whether more than one connection is expected to be written to in a turn.
    static COMPANY: Cell<bool> = const { Cell::new(false) };
}

/// What a worker does at the end of its turn.
struct End {
    waker: Waker,
    /// What has to be sent then.
    lines: Vec<Line>,
    spare: Vec<Vec<u8>>,
}

/// A runtime whose thread works in turns; whoever blocks on it is that thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().on_thread_unpark(|| WROTE.set(false)).build()?;
    runtime.spawn(ends());
    Ok(runtime)
}

/// Ends each turn of this thread.
async fn ends() {
    poll_fn(|cx| {
        let mut lines = with_end(|end| {
            end.waker.clone_from(cx.waker());
            mem::take(&mut end.lines)
        })
        .unwrap_or_else(|| {
            END.set(Some(End { waker: cx.waker().clone(), lines: Vec::new(), spare: Vec::new() }));
            Vec::new()
        });
        if !lines.is_empty() {
            COMPANY.set(lines.len() > 1);
        }
        for line in lines.drain(..) {
            line.send();
        }
        // For its room: nothing that was woken has run yet.
        with_end(|end| end.lines = lines);
        Poll::<()>::Pending
    })
    .await;
}

/// `None` on a thread that does not work in turns.
fn with_end<T>(change: impl FnOnce(&mut End) -> T) -> Option<T> {
    END.with_borrow_mut(|end| end.as_mut().map(change))
}

/// Keeps a buffer for the next who needs one.
fn keep(buffer: Vec<u8>) {
    with_end(|end| {
        if end.spare.len() < SPARE && (1..=SPARE_BYTES).contains(&buffer.capacity()) {
            end.spare.push(buffer);
        }
    });
}

/// Has a line sent at the end of the turn, and gives a buffer for what is to be sent; `None`: now is the time.
fn at_end(line: impl FnOnce() -> Line) -> Option<Vec<u8>> {
    with_end(|end| {
        if WROTE.replace(true) {
            COMPANY.set(true);
        }
        if !COMPANY.get() {
            return None;
        }
        if end.lines.is_empty() {
            // It comes after all tasks of this thread that wait to be run now.
            end.waker.wake_by_ref();
        }
        end.lines.push(line());
        Some(end.spare.pop().unwrap_or_default())
    })?
}

/// Waits until the other messages of this turn have come as far as this one, of so many bytes; where none is expected, or
/// for a long one, not at all.
pub(crate) async fn in_step(bytes: usize) {
    let mut waits = bytes <= STEP_BYTES && COMPANY.get();
    poll_fn(|cx| {
        if !mem::take(&mut waits) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests;
