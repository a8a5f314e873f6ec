use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::PIECE_BYTES;
use super::failure::Refused;
use super::handle::Regular;
use crate::bindings::files::wasi::filesystem::types::ErrorCode;

impl Regular {
    /// At most [`PIECE_BYTES`], and so many; none at the end.
    pub(super) fn read(&self, length: u64, offset: u64) -> Result<Vec<u8>, Refused> {
        self.check_readable()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let mut bytes = vec![0; length];
        let file = self.file.get()?;
        let read = loop {
            match file.read_at(&mut bytes, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Writes all of it.
    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Refused> {
        self.check_writable()?;
        let (file, length) = (self.file.get()?, length(bytes)?);
        let size = |before: u64| offset.checked_add(length).map(|end| end.max(before));
        self.folder.resize(file, size, |_| file.write_all_at(bytes, offset))
    }

    /// Writes all of it at the end, which nobody who writes through this folder moves meanwhile.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<(), Refused> {
        self.check_writable()?;
        let (file, length) = (self.file.get()?, length(bytes)?);
        self.folder.resize(file, |before| before.checked_add(length), |end| file.write_all_at(bytes, end))
    }

    pub(super) fn set_size(&self, size: u64) -> Result<(), Refused> {
        self.check_writable()?;
        let file: &File = self.file.get()?;
        self.folder.resize(file, |_| Some(size), |_| file.set_len(size))
    }
}

fn length(bytes: &[u8]) -> Result<u64, Refused> {
    Ok(u64::try_from(bytes.len()).map_err(|_| ErrorCode::FileTooLarge)?)
}
