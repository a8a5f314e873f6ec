//! `wasi:io`: streams and polls, counted and bounded like every other call to the host.
//!
//! What is behind a stream is its own affair. Here is only what they have in common: each call counts, what is read is
//! handed over against `bytes-in`, and no single call moves more than [`PIECE_BYTES`]: who reads gets that much at most,
//! which the contract of streams allows ("reads up to"), and who writes is told of no more room than that, and stopped
//! when it writes more all the same. How long one may wait is the wall clock's, which no host call escapes.

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, IoError, StreamError, StreamResult};

use crate::account::Account;
use crate::host::Host;

/// What one call may move: as much as a pipe holds.
const PIECE_BYTES: u64 = 64 << 10;

/// Links `wasi:io/{error,poll,streams}`.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    error::add_to_linker::<Host, Io>(linker, streams_of)?;
    poll::add_to_linker::<Host, Io>(linker, streams_of)?;
    streams::add_to_linker::<Host, Io>(linker, streams_of)
}

struct Io;

impl HasData for Io {
    type Data<'a> = Streams<'a>;
}

/// The part of the host that streams are made of.
struct Streams<'a> {
    table: &'a mut ResourceTable,
    account: &'a mut Account,
}

fn streams_of(host: &mut Host) -> Streams<'_> {
    Streams { table: &mut host.table, account: &mut host.account }
}

impl Streams<'_> {
    fn call(&mut self) -> StreamResult<()> {
        self.account.host_call().map_err(|e| StreamError::Trap(e.into()))
    }

    /// What was read is handed over.
    fn give(&mut self, bytes: Vec<u8>) -> StreamResult<Vec<u8>> {
        self.account.hand_over(bytes.len()).map_err(|e| StreamError::Trap(e.into()))?;
        Ok(bytes)
    }
}

impl poll::Host for Streams<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.account.host_call()?;
        poll::Host::poll(self.table, pollables).await
    }
}

impl poll::HostPollable for Streams<'_> {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.account.host_call()?;
        self.table.ready(pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.account.host_call()?;
        self.table.block(pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.table, pollable)
    }
}

impl error::Host for Streams<'_> {}

impl error::HostError for Streams<'_> {
    fn to_debug_string(&mut self, error: Resource<IoError>) -> wasmtime::Result<String> {
        self.account.host_call()?;
        let text = self.table.to_debug_string(error)?;
        self.account.hand_over(text.len())?;
        Ok(text)
    }

    fn drop(&mut self, error: Resource<IoError>) -> wasmtime::Result<()> {
        error::HostError::drop(self.table, error)
    }
}

impl streams::Host for Streams<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        self.table.convert_stream_error(error)
    }
}

impl streams::HostInputStream for Streams<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        self.call()?;
        let bytes = self.table.read(stream, len.min(PIECE_BYTES))?;
        self.give(bytes)
    }

    async fn blocking_read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        self.call()?;
        let bytes = self.table.blocking_read(stream, len.min(PIECE_BYTES)).await?;
        self.give(bytes)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.call()?;
        self.table.skip(stream, len.min(PIECE_BYTES))
    }

    async fn blocking_skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.call()?;
        self.table.blocking_skip(stream, len.min(PIECE_BYTES)).await
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.account.host_call()?;
        streams::HostInputStream::subscribe(self.table, stream)
    }

    async fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        streams::HostInputStream::drop(self.table, stream).await
    }
}

impl streams::HostOutputStream for Streams<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.call()?;
        Ok(self.table.check_write(stream)?.min(PIECE_BYTES))
    }

    /// Nothing below looks at how much there was leave for.
    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.call()?;
        if bytes.len() as u64 > PIECE_BYTES {
            return Err(StreamError::trap("cannot write more bytes at once than `check-write` allows"));
        }
        self.table.write(stream, bytes)
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        self.call()?;
        self.table.blocking_write_and_flush(stream, bytes).await
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.call()?;
        self.table.flush(stream)
    }

    async fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.call()?;
        self.table.blocking_flush(stream).await
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.account.host_call()?;
        streams::HostOutputStream::subscribe(self.table, stream)
    }

    /// Zeros that were never in the guest are bounded here: more at once than a stream has room for is the guest's
    /// mistake in any case.
    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        self.call()?;
        if len > PIECE_BYTES {
            return Err(StreamError::trap("cannot write more zeroes at once than `check-write` allows"));
        }
        self.table.write_zeroes(stream, len)
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        len: u64,
    ) -> StreamResult<()> {
        self.call()?;
        self.table.blocking_write_zeroes_and_flush(stream, len).await
    }

    fn splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        self.call()?;
        self.table.splice(to, from, len.min(PIECE_BYTES))
    }

    async fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        self.call()?;
        self.table.blocking_splice(to, from, len.min(PIECE_BYTES)).await
    }

    async fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        streams::HostOutputStream::drop(self.table, stream).await
    }
}
