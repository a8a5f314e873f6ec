use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::hush;

/// Lines that wait; at 500 bytes each 4 MiB.
const QUEUE_LINES: usize = 8192;

/// Lines that are written at once, when as many wait.
const BATCH_LINES: usize = 64;

/// How long the end of the program waits for the last lines, when whoever reads them does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where lines go. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub(super) struct Sink {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    End,
}

/// Drop it to write the last lines.
#[derive(Debug)]
pub struct Guard {
    queue: SyncSender<Message>,
    ended: Receiver<()>,
}

impl Sink {
    /// Begins a thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Self, Guard)> {
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let (end, ended) = channel();
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        thread::Builder::new().name("witgate-log".to_owned()).spawn(move || {
            write(out, &lines, &counter);
            // Nobody may be waiting any more.
            let _ = end.send(());
        })?;
        Ok((Self { queue: queue.clone(), lost }, Guard { queue, ended }))
    }

    /// Sends one line, its end added if it has none.
    pub(super) fn send(&self, line: Vec<u8>) {
        let mut line = hush::hushed(line);
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Line(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(mut out: impl Write, lines: &Receiver<Message>, lost: &AtomicU64) {
    let mut ended = false;
    while !ended && let Ok(Message::Line(mut batch)) = lines.recv() {
        for next in lines.try_iter().take(BATCH_LINES - 1) {
            match next {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::End => ended = true,
            }
        }
        tell_of_lost(&mut out, lost);
        // There is nowhere to complain to.
        let _ = out.write_all(&batch);
    }
    tell_of_lost(&mut out, lost);
    let _ = out.flush();
}

fn tell_of_lost(out: &mut impl Write, lost: &AtomicU64) {
    let missing = lost.swap(0, Ordering::Relaxed);
    if missing > 0 {
        let words = format!("{missing} log lines were lost: nobody read them in time");
        // There is nowhere to complain to.
        let _ = writeln!(out, "{{\"level\":\"WARN\",\"message\":\"{words}\"}}");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        // A full queue has room as soon as the thread writes a line.
        while let Err(TrySendError::Full(_)) = self.queue.try_send(Message::End) {
            if Instant::now() > deadline {
                return;
            }
            thread::yield_now();
        }
        // Ended, or not in time: there is nothing left to do either way.
        let _ = self.ended.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// One event: `tracing` writes it whole, or in pieces.
#[derive(Debug)]
pub(super) struct Event<'a> {
    sink: &'a Sink,
    line: Vec<u8>,
}

impl Write for Event<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.sink.send(std::mem::take(&mut self.line));
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { sink: self, line: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// A reader that reads nothing until it is told to.
    #[derive(Clone, Default)]
    struct Slow(Arc<Gate>);

    #[derive(Default)]
    struct Gate {
        state: Mutex<(bool, Vec<u8>)>,
        opened: Condvar,
    }

    impl Slow {
        fn open(&self) {
            self.0.state.lock().expect("lock").0 = true;
            self.0.opened.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.state.lock().expect("lock").1.clone()).expect("UTF-8")
        }
    }

    impl Write for Slow {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            let mut state =
                self.0.opened.wait_while(self.0.state.lock().expect("lock"), |state| !state.0).expect("lock");
            state.1.extend_from_slice(piece);
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_whole_and_in_order() {
        let out = Slow::default();
        out.open();
        let (sink, guard) = Sink::start(out.clone()).expect("a thread");
        sink.send(b"one".to_vec());
        let mut event = sink.make_writer();
        event.write_all(b"t").expect("writes");
        event.write_all(b"wo\n").expect("writes");
        drop(event);
        drop(guard);
        assert_eq!(out.text(), "one\ntwo\n");
    }

    #[test]
    fn a_slow_reader_holds_up_nobody_and_learns_what_it_missed() {
        let out = Slow::default();
        let (sink, guard) = Sink::start(out.clone()).expect("a thread");
        for _ in 0..QUEUE_LINES + 100 {
            sink.send(b"x".to_vec());
        }
        out.open();
        drop(guard);
        let text = out.text();
        assert!(text.lines().any(|line| line.contains("log lines were lost")), "{}", text.len());
        let kept = text.lines().filter(|line| *line == "x").count();
        assert!((QUEUE_LINES..QUEUE_LINES + 100).contains(&kept), "{kept}");
    }
}
