//! Artifacts that are kept: a file for each component and engine, sealed.
//!
//! A file is [`MAGIC`], what it stands for (see [`Name::header`]), the length of the artifact (u64, little endian), the
//! artifact, and a seal over all of that. It is read whole before it is judged. One that is another's, older, cut or
//! changed is as good as none: the component is compiled again, and the file replaced. Files come into being whole,
//! under a name of their own first.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::artifact::Artifact;
use super::name::Name;
use super::seal::{Key, SEAL_BYTES};

/// Begins a file. The number is the version of the form.
const MAGIC: [u8; 16] = *b"witgate cache 1\n";
const HEADER_BYTES: usize = MAGIC.len() + Name::HEADER_BYTES + 8;
/// What all files together may take: some fifty of the largest that are known, and some thousand of the usual.
const MOST_BYTES: u64 = 1 << 30;
/// A file that a gate began and did not finish for so long was left by one that ended.
const ABANDONED: Duration = Duration::from_hours(1);
const ARTIFACTS: &str = ".artifact";
const BESIDE: &str = ".new";

/// Why artifacts are not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheError {
    /// The folder is another's, or anybody's.
    #[error("the folder {why}")]
    Folder { why: &'static str },
    /// The key cannot vouch for anything.
    #[error("its file `key` cannot be used: {why}; if it was made by mistake, delete it")]
    Key { why: String },
    /// The system said no.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A folder of artifacts.
pub(super) struct Cache {
    folder: OwnedFd,
    key: Key,
    most_bytes: u64,
}

impl Cache {
    /// Makes the folder and the key when they are not there.
    pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?;
        let facts = fstat(&folder).map_err(io::Error::from)?;
        if facts.st_uid != rustix::process::geteuid().as_raw() {
            return Err(CacheError::Folder { why: "belongs to another user" });
        }
        if facts.st_mode & 0o022 != 0 {
            return Err(CacheError::Folder { why: "can be written by others; its mode must be 0700" });
        }
        let key = Key::of(&folder)?;
        Ok(Self { folder, key, most_bytes: MOST_BYTES })
    }

    /// The artifact of this name, if it is there and whole.
    pub(super) fn read(&self, name: &Name) -> Option<Artifact> {
        let file = name.file(ARTIFACTS);
        let found = match self.contents(&file) {
            Ok(found) => found?,
            Err(cause) => {
                tracing::warn!(file, %cause, "a compiled plugin that was kept cannot be read");
                return None;
            }
        };
        let artifact = self.unseal(name, found);
        if artifact.is_none() {
            tracing::warn!(file, "a compiled plugin that was kept does not verify: it is compiled again");
        }
        artifact
    }

    fn contents(&self, file: &str) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&self.folder, file, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause.into()),
        };
        let facts = file.metadata()?;
        if !facts.is_file() || facts.len() > self.most_bytes {
            return Err(io::Error::other("it is not a file, or too long"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0));
        // A file that grows meanwhile does not verify.
        (&file).take(facts.len()).read_to_end(&mut bytes)?;
        // What is used is not old; a file system that cannot note it loses a little.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Header and seal are checked in this memory, and taken off it.
    fn unseal(&self, name: &Name, mut bytes: Vec<u8>) -> Option<Artifact> {
        let (sealed, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
        let (header, artifact) = sealed.split_at_checked(HEADER_BYTES)?;
        if *header != self::header(name, artifact.len()) || !self.key.verifies(sealed, seal) {
            return None;
        }
        bytes.truncate(sealed.len());
        bytes.drain(..HEADER_BYTES);
        Some(Artifact::unsealed(bytes))
    }

    /// Keeps an artifact; older ones make room.
    pub(super) fn write(&self, name: &Name, artifact: &[u8]) -> Result<(), CacheError> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + artifact.len() + SEAL_BYTES);
        bytes.extend_from_slice(&header(name, artifact.len()));
        bytes.extend_from_slice(artifact);
        bytes.extend_from_slice(&self.key.seal(&bytes));
        if bytes.len() as u64 > self.most_bytes {
            return Ok(());
        }
        let beside = beside()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.folder, &beside, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
        let written = File::from(file).write_all(&bytes).and_then(|()| {
            renameat(&self.folder, &beside, &self.folder, name.file(ARTIFACTS)).map_err(io::Error::from)
        });
        if let Err(cause) = written {
            // A full disk should not stay full for it.
            let _ = unlinkat(&self.folder, &beside, AtFlags::empty());
            return Err(cause.into());
        }
        Ok(self.sweep()?)
    }

    /// Removes what was begun and left, and the longest unused artifacts beyond what all may take.
    fn sweep(&self) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let name = entry?.file_name().to_owned();
            let ends = |end: &str| name.to_bytes().ends_with(end.as_bytes());
            let Ok(facts) = rustix::fs::statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
                continue;
            }
            let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(facts.st_mtime.try_into().unwrap_or(0));
            if ends(BESIDE) && changed.elapsed().is_ok_and(|age| age > ABANDONED) {
                unlinkat(&self.folder, &name, AtFlags::empty())?;
            } else if ends(ARTIFACTS) {
                let size: u64 = facts.st_size.try_into().unwrap_or(0);
                kept.push(((facts.st_mtime, facts.st_mtime_nsec), size, name));
            }
        }
        kept.sort_unstable();
        let mut total: u64 = kept.iter().map(|(_, size, _)| size).sum();
        for (_, size, name) in kept {
            if total <= self.most_bytes {
                break;
            }
            total = total.saturating_sub(size);
            match unlinkat(&self.folder, &name, AtFlags::empty()) {
                // Another gate was quicker.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(cause) => return Err(cause.into()),
            }
        }
        Ok(())
    }
}

fn header(name: &Name, artifact_bytes: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    let (named, length) = rest.split_at_mut(Name::HEADER_BYTES);
    magic.copy_from_slice(&MAGIC);
    named.copy_from_slice(&name.header());
    length.copy_from_slice(&(artifact_bytes as u64).to_le_bytes());
    header
}

/// A name for a file that is not whole yet, which nobody else has.
pub(super) fn beside() -> Result<String, CacheError> {
    let random = getrandom::u64().map_err(|cause| CacheError::Key { why: cause.to_string() })?;
    Ok(format!("{random:016x}{BESIDE}"))
}
