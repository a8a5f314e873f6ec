use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::PIECE_BYTES;
use super::failure::Refused;
use super::handle::Regular;
use crate::bindings::files::wasi::filesystem::types::ErrorCode;

/// A file, read from a position on. `wasi:io` counts what it hands over.
pub(super) struct Reading {
    file: Arc<Regular>,
    position: u64,
    state: Fetch,
}

enum Fetch {
    Idle,
    Underway(JoinHandle<Result<Vec<u8>, Refused>>),
    There(Bytes),
    Failed(Refused),
    Ended,
}

impl Reading {
    pub(super) fn new(file: Arc<Regular>, position: u64) -> Self {
        Self { file, position, state: Fetch::Idle }
    }

    fn fetch(&mut self) {
        if let Fetch::Idle = self.state {
            let (file, position) = (self.file.clone(), self.position);
            self.state = match file.folder.work() {
                Ok(work) => Fetch::Underway(spawn_blocking(move || {
                    let _work = work;
                    file.read(PIECE_BYTES as u64, position)
                })),
                Err(refused) => Fetch::Failed(refused),
            };
        }
    }
}

#[async_trait]
impl Pollable for Reading {
    async fn ready(&mut self) {
        self.fetch();
        if let Fetch::Underway(task) = &mut self.state {
            self.state = match task.await {
                Ok(Ok(bytes)) if bytes.is_empty() => Fetch::Ended,
                Ok(Ok(bytes)) => Fetch::There(bytes.into()),
                Ok(Err(refused)) => Fetch::Failed(refused),
                Err(_) => Fetch::Failed(Refused(ErrorCode::Io)),
            };
        }
    }
}

#[async_trait]
impl InputStream for Reading {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.fetch();
        match &mut self.state {
            Fetch::Idle | Fetch::Underway(_) => Ok(Bytes::new()),
            Fetch::There(bytes) => {
                let some = bytes.split_to(size.min(bytes.len()));
                let ended = bytes.is_empty();
                self.position += some.len() as u64;
                if ended {
                    self.state = Fetch::Idle;
                }
                Ok(some)
            }
            Fetch::Failed(refused) => {
                let error = StreamError::LastOperationFailed((*refused).into());
                self.state = Fetch::Ended;
                Err(error)
            }
            Fetch::Ended => Err(StreamError::Closed),
        }
    }

    async fn cancel(&mut self) {
        if let Fetch::Underway(task) = mem::replace(&mut self.state, Fetch::Ended) {
            let _ = task.await;
        }
    }
}

/// A file, written from a position on, or at its end.
pub(super) struct Writing {
    file: Arc<Regular>,
    /// `None`: at the end.
    position: Option<u64>,
    state: Store,
}

enum Store {
    Idle,
    Underway(JoinHandle<Result<(), Refused>>),
    Failed(Refused),
    Ended,
}

impl Writing {
    pub(super) fn new(file: Arc<Regular>, position: Option<u64>) -> Self {
        Self { file, position, state: Store::Idle }
    }

    /// A failure is told once; then the stream is closed.
    fn check(&mut self) -> StreamResult<()> {
        match self.state {
            Store::Idle | Store::Underway(_) => Ok(()),
            Store::Failed(refused) => {
                self.state = Store::Ended;
                Err(StreamError::LastOperationFailed(refused.into()))
            }
            Store::Ended => Err(StreamError::Closed),
        }
    }
}

#[async_trait]
impl Pollable for Writing {
    async fn ready(&mut self) {
        if let Store::Underway(task) = &mut self.state {
            self.state = match task.await {
                Ok(Ok(())) => Store::Idle,
                Ok(Err(refused)) => Store::Failed(refused),
                Err(_) => Store::Failed(Refused(ErrorCode::Io)),
            };
        }
    }
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        if let Store::Underway(_) = self.state {
            return Err(StreamError::Trap(wasmtime::Error::msg("it wrote without leave to a stream of a file")));
        }
        // What is appended is all growth, so what has no room need not be queued. How much of the rest is growth only
        // the file's size tells, which is asked for where one may wait.
        if self.position.is_none()
            && let Err(refused) = self.file.folder.check_room(bytes.len() as u64)
        {
            self.state = Store::Ended;
            return Err(StreamError::LastOperationFailed(refused.into()));
        }
        let work = match self.file.folder.work() {
            Ok(work) => work,
            Err(refused) => {
                self.state = Store::Ended;
                return Err(StreamError::LastOperationFailed(refused.into()));
            }
        };
        let (file, position) = (self.file.clone(), self.position);
        // Past the largest offset, the write itself is refused.
        self.position = position.map(|position| position.saturating_add(bytes.len() as u64));
        self.state = Store::Underway(spawn_blocking(move || {
            let _work = work;
            match position {
                Some(position) => file.write(&bytes, position),
                None => file.append(&bytes),
            }
        }));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check()?;
        Ok(if let Store::Underway(_) = self.state { 0 } else { PIECE_BYTES })
    }

    async fn cancel(&mut self) {
        if let Store::Underway(task) = mem::replace(&mut self.state, Store::Ended) {
            let _ = task.await;
        }
    }
}
