//! The streams of `wasi:io`, read and written to their ends.

use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// What `blocking-write-and-flush` takes at once.
const WRITE_BYTES: usize = 4096;
/// What is asked for at once.
const READ_BYTES: u64 = 64 << 10;

pub(crate) fn failure(error: &StreamError) -> String {
    match error {
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
        StreamError::Closed => "closed".to_owned(),
    }
}

/// Reads to the end, or until there are `most` bytes.
pub(crate) fn read(stream: &InputStream, most: usize) -> Result<Vec<u8>, StreamError> {
    let mut all = Vec::new();
    while all.len() < most {
        match stream.blocking_read(READ_BYTES.min((most - all.len()) as u64)) {
            Ok(some) => all.extend(some),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

pub(crate) fn write(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes.chunks(WRITE_BYTES).try_for_each(|piece| stream.blocking_write_and_flush(piece))
}
