//! Requests leave at a fixed rate, whether or not the last one was answered in time: a latency counts from when its request
//! was meant to leave, so that a gate that stops is not asked less and seen as fast.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::caller::receive;
use super::histogram::Histogram;
use super::{Caller, Drive};

#[derive(Debug)]
pub(super) struct Open {
    callers: Vec<(Caller, TcpStream)>,
    rate: f64,
}

impl Open {
    pub(super) fn new(callers: Vec<Caller>, rate: f64) -> Result<Self> {
        // Threads inherit it: a sleep ends when it is over, and not up to 50 µs later (proc(5)).
        std::fs::write("/proc/self/timerslack_ns", "1")?;
        let callers = callers.into_iter().map(|mut caller| {
            let stream = caller.stream()?;
            Ok((caller, stream))
        });
        Ok(Self { callers: callers.collect::<Result<_>>()?, rate })
    }
}

impl Drive for Open {
    fn drive(&mut self, during: Duration) -> Result<(Histogram, Duration)> {
        let count = u32::try_from(self.callers.len())?;
        let apart = Duration::from_secs_f64(1.0 / self.rate);
        let start = Instant::now();
        let callers = &mut self.callers;
        let times = std::thread::scope(|scope| {
            let spawn = |(first, (caller, stream))| {
                scope.spawn(move || keep_pace(caller, stream, first, apart * count, start + during))
            };
            let firsts = (0..count).map(|number| start + apart * number);
            let pairs = firsts.zip(callers.iter_mut().map(|(caller, stream)| (caller, &*stream)));
            let threads: Vec<_> = pairs.map(spawn).collect();
            let join = |thread: ScopedJoinHandle<'_, _>| thread.join().map_err(|_| anyhow!("a connection panicked"))?;
            threads.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        let mut all = Histogram::new();
        for times in &times {
            all.merge(times);
        }
        Ok((all, start.elapsed()))
    }
}

fn keep_pace(
    caller: &mut Caller,
    mut stream: &TcpStream,
    first: Instant,
    every: Duration,
    end: Instant,
) -> Result<Histogram> {
    let mut times = Histogram::new();
    let mut meant = first;
    while meant < end {
        wait_until(meant);
        stream.write_all(caller.request())?;
        while !caller.is_answered()? {
            receive(stream, &mut caller.input)?;
        }
        times.add(meant.elapsed());
        meant += every;
    }
    Ok(times)
}

#[expect(clippy::disallowed_methods, reason = "the time is what is waited for")]
fn wait_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}
