use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::oneshot;
use witgate_config::diagnostic::{Problem, Problems};
use witgate_config::{Config, Origin};
use witgate_gateway::upstream::{Directly, Spawner, Start, Started};

use super::Cause;
use crate::surroundings;

/// The two threads that are not confined, and all that they do.
///
/// They are two so that a configuration that is slow to read, from a file system over the network or with a command that
/// makes a secret, holds up no server's start. Their queues need no bound: there is one reload at a time, and one
/// start of each upstream.
#[derive(Clone)]
pub struct Outside(Option<Threads>);

#[derive(Clone)]
struct Threads {
    starter: mpsc::Sender<Job>,
    reader: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Outside {
    /// Of a process that is not confined: everything is done by whoever asks.
    pub fn here() -> Self {
        Self(None)
    }

    /// Starts the threads. They end with the last clone of this.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self(Some(Threads { starter: begin("witgate-start")?, reader: begin("witgate-read")? })))
    }

    /// Reads and checks a configuration, with all the files that it names for itself.
    pub async fn configuration(&self, origin: &Origin) -> Result<Config, Problems> {
        let origin = origin.clone();
        self.read(move || surroundings::load(&origin)).await.unwrap_or_else(|| Err(Problem::new(Cause::Lost).into()))
    }

    /// Reads a file of at most `limit_bytes`.
    pub async fn file(&self, path: &Path, limit_bytes: usize) -> io::Result<Bytes> {
        let path = path.to_owned();
        let read = self.read(move || bounded(&path, limit_bytes)).await;
        read.unwrap_or_else(|| Err(io::Error::other("its reader failed")))
    }

    /// `None` when the work panicked.
    async fn read<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match &self.0 {
            Some(threads) => ask(&threads.reader, work).await,
            None => tokio::task::spawn_blocking(work).await.ok(),
        }
    }
}

impl Spawner for Outside {
    fn spawn(&self, start: Start) -> BoxFuture<'static, io::Result<Started>> {
        let Some(threads) = &self.0 else { return Directly.spawn(start) };
        // A child for which nobody waits any more is dropped in the queue, which ends it.
        let started = ask(&threads.starter, || start.start());
        async { started.await.unwrap_or_else(|| Err(io::Error::other("its starter failed"))) }.boxed()
    }
}

/// Queues the work at once; the future waits for what comes of it.
fn ask<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
    thread: &mpsc::Sender<Job>,
    work: W,
) -> impl Future<Output = Option<T>> + Send + use<T, W> {
    let (answer, answered) = oneshot::channel();
    // Whoever asked may have gone.
    let job = Box::new(move || drop(answer.send(work())));
    // A thread that is gone drops the job, and its answer with it.
    let _ = thread.send(job);
    async { answered.await.ok() }
}

fn begin(name: &str) -> io::Result<mpsc::Sender<Job>> {
    let (jobs, inbox) = mpsc::channel::<Job>();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Ok(job) = inbox.recv() {
            // The one who asked learns of it by the missing answer; the next one is served all the same.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    })?;
    Ok(jobs)
}

fn bounded(path: &Path, limit_bytes: usize) -> io::Result<Bytes> {
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let too_large = |size| io::Error::other(format!("it is {size} bytes, {limit_bytes} are allowed"));
    if size > limit_bytes as u64 {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // One byte more than allowed tells that the file grew meanwhile.
    let read = file.take(limit_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if read > limit_bytes { Err(too_large(read as u64)) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_answered_and_the_next_is_served() {
        for outside in [Outside::start().expect("threads"), Outside::here()] {
            assert_eq!(outside.read(|| panic!("of a test")).await, None::<()>);
            assert_eq!(outside.read(|| 1).await, Some(1));
        }
    }

    #[tokio::test]
    async fn a_slow_configuration_holds_up_no_server() {
        let outside = Outside::start().expect("threads");
        let (go_on, slow) = mpsc::channel();
        let slow = outside.read(move || slow.recv());
        let threads = outside.0.as_ref().expect("threads");
        assert_eq!(ask(&threads.starter, || 1).await, Some(1));
        go_on.send(2).expect("it waits");
        assert_eq!(slow.await, Some(Ok(2)));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        #[track_caller]
        fn check(path: &Path, limit_bytes: usize, want: Result<&str, &str>) {
            let read = bounded(path, limit_bytes).map_err(|cause| cause.to_string());
            assert_eq!(read, want.map(|text| Bytes::copy_from_slice(text.as_bytes())).map_err(str::to_owned));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "four").expect("writes");
        check(&file, 4, Ok("four"));
        check(&file, 5, Ok("four"));
        check(&file, 3, Err("it is 4 bytes, 3 are allowed"));
    }
}
