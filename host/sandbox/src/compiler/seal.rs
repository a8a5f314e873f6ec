//! The key that only this host has, and what it vouches for.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use hmac::{Hmac, Mac};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, linkat, openat, unlinkat};
use rustix::io::Errno;
use sha2::Sha256;

use super::cache::CacheError;

/// As long as the hash: more would be hashed, less would be guessed sooner.
const KEY_BYTES: usize = 32;
/// Of HMAC-SHA256.
pub(super) const SEAL_BYTES: usize = 32;
const FILE: &str = "key";

/// Seals and verifies. The key is in no message and no `Debug`.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// The folder's key, made when there is none. Two gates that start at once have the same one afterwards.
    pub(super) fn of(folder: &OwnedFd) -> Result<Self, CacheError> {
        let found = if let Some(key) = read(folder)? {
            key
        } else {
            make(folder)?;
            read(folder)?.ok_or(CacheError::Key { why: "it was made, and is gone".to_owned() })?
        };
        let mac = Hmac::new_from_slice(&found).map_err(|cause| CacheError::Key { why: cause.to_string() })?;
        Ok(Self(mac))
    }

    pub(super) fn seal(&self, bytes: &[u8]) -> [u8; SEAL_BYTES] {
        self.0.clone().chain_update(bytes).finalize().into_bytes().into()
    }

    /// In a time that does not depend on how much of the seal is right.
    pub(super) fn verifies(&self, bytes: &[u8], seal: &[u8]) -> bool {
        self.0.clone().chain_update(bytes).verify_slice(seal).is_ok()
    }
}

/// `None` when there is no key. A key that others can read or have put there is worse than none.
fn read(folder: &OwnedFd) -> Result<Option<[u8; KEY_BYTES]>, CacheError> {
    let refuse = |why: &str| Err(CacheError::Key { why: why.to_owned() });
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match openat(folder, FILE, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return refuse("it is a symbolic link"),
        Err(cause) => return Err(CacheError::Key { why: io::Error::from(cause).to_string() }),
    };
    let facts = fstat(&file).map_err(io::Error::from)?;
    if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
        return refuse("it is not a file");
    }
    if facts.st_uid != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    if facts.st_mode & 0o077 != 0 {
        return refuse("others than its owner can read or write it; its mode must be 0600");
    }
    let mut key = Vec::with_capacity(KEY_BYTES);
    // One byte more, to see that there is none.
    File::from(file).take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
    match key.try_into() {
        Ok(key) => Ok(Some(key)),
        Err(_) => refuse("it has another length than a key"),
    }
}

/// Writes a key beside, and links it to its name if there is none: nobody ever sees half a key.
fn make(folder: &OwnedFd) -> Result<(), CacheError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|cause| CacheError::Key { why: cause.to_string() })?;
    let beside = super::cache::beside()?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, &beside, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?);
    let linked = file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| {
        match linkat(folder, &beside, folder, FILE, AtFlags::empty()) {
            // Another gate was quicker.
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(cause) => Err(io::Error::from(cause)),
        }
    });
    // What is left behind is swept later.
    let _ = unlinkat(folder, &beside, AtFlags::empty());
    Ok(linked?)
}
