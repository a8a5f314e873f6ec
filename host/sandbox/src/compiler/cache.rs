//! Artifacts that are kept: a file for each component and engine, sealed.
//!
//! A file is [`MAGIC`], what it stands for (see [`Name::header`]), whether it can be recycled (0 or 1), the length of the
//! artifact (u64, little endian), the artifact, and a seal over all of that. It is read whole before it is judged. One that is another's, older, cut or
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
const MAGIC: [u8; 16] = *b"witgate cache 3\n";
const HEADER_BYTES: usize = MAGIC.len() + Name::HEADER_BYTES + 1 + 8;
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
        let is = |recyclable| *header == self::header(name, recyclable, artifact.len());
        let recyclable = [false, true].into_iter().find(|recyclable| is(*recyclable))?;
        if !self.key.verifies(sealed, seal) {
            return None;
        }
        bytes.truncate(sealed.len());
        bytes.drain(..HEADER_BYTES);
        Some(Artifact::unsealed(bytes, recyclable))
    }

    /// Keeps an artifact; older ones make room.
    pub(super) fn write(&self, name: &Name, artifact: &Artifact) -> Result<(), CacheError> {
        let code = artifact.bytes();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + code.len() + SEAL_BYTES);
        bytes.extend_from_slice(&header(name, artifact.is_recyclable(), code.len()));
        bytes.extend_from_slice(code);
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

fn header(name: &Name, recyclable: bool, artifact_bytes: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    let (named, rest) = rest.split_at_mut(Name::HEADER_BYTES);
    let (recycled, length) = rest.split_at_mut(1);
    magic.copy_from_slice(&MAGIC);
    named.copy_from_slice(&name.header());
    recycled.fill(recyclable.into());
    length.copy_from_slice(&(artifact_bytes as u64).to_le_bytes());
    header
}

/// A name for a file that is not whole yet, which nobody else has.
pub(super) fn beside() -> Result<String, CacheError> {
    let random = getrandom::u64().map_err(|cause| CacheError::Key { why: cause.to_string() })?;
    Ok(format!("{random:016x}{BESIDE}"))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::engine::{self, Weight};

    fn name(of: u8) -> Name {
        Name::new([of; 32], Weight::Light, &engine::compiling(Weight::Light).expect("an engine"))
    }

    fn open(folder: &TempDir, most_bytes: u64) -> Cache {
        Cache { most_bytes, ..Cache::open(folder.path()).expect("a cache") }
    }

    fn code(bytes: &[u8]) -> Artifact {
        Artifact::of_own_child(bytes.to_vec(), false)
    }

    fn kept(cache: &Cache, of: u8) -> Option<Vec<u8>> {
        cache.read(&name(of)).map(|artifact| artifact.bytes().to_vec())
    }

    #[test]
    fn no_flipped_bit_is_overlooked() {
        let folder = TempDir::new().expect("a folder");
        let cache = open(&folder, MOST_BYTES);
        cache.write(&name(1), &code(b"code")).expect("writes");
        let path = folder.path().join(name(1).file(ARTIFACTS));
        let whole = std::fs::read(&path).expect("an artifact");
        assert_eq!(kept(&cache, 1).as_deref(), Some(b"code".as_slice()));
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes).expect("writes");
            assert_eq!(kept(&cache, 1), None, "bit {bit}");
        }
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("writes");
            assert_eq!(kept(&cache, 1), None, "cut to {cut}");
        }
        std::fs::write(&path, &whole).expect("writes");
        assert!(kept(&cache, 1).is_some());
        std::fs::rename(&path, folder.path().join(name(2).file(ARTIFACTS))).expect("renames");
        assert_eq!(kept(&cache, 2), None, "it is another's");
    }

    #[test]
    fn what_can_be_recycled_is_kept_as_such() {
        let folder = TempDir::new().expect("a folder");
        let cache = open(&folder, MOST_BYTES);
        for recyclable in [true, false] {
            cache.write(&name(1), &Artifact::of_own_child(b"code".to_vec(), recyclable)).expect("writes");
            let read = cache.read(&name(1)).expect("an artifact");
            assert_eq!((read.bytes(), read.is_recyclable()), (b"code".as_slice(), recyclable));
        }
    }

    #[test]
    fn what_was_unused_longest_makes_room() {
        let folder = TempDir::new().expect("a folder");
        let one = (HEADER_BYTES + 4 + SEAL_BYTES) as u64;
        let cache = open(&folder, 2 * one);
        let aged = |of: u8, days: u64| {
            let file = File::open(folder.path().join(name(of).file(ARTIFACTS))).expect("an artifact");
            file.set_modified(SystemTime::now() - Duration::from_hours(24 * days)).expect("a time");
        };
        cache.write(&name(1), &code(b"code")).expect("writes");
        aged(1, 2);
        cache.write(&name(2), &code(b"code")).expect("writes");
        aged(2, 1);
        assert!(kept(&cache, 1).is_some(), "used now");
        cache.write(&name(3), &code(b"code")).expect("writes");
        assert_eq!([1, 2, 3].map(|of| kept(&cache, of).is_some()), [true, false, true]);
        cache.write(&name(4), &code(&[0; 1000])).expect("is not kept");
        assert_eq!([1, 3, 4].map(|of| kept(&cache, of).is_some()), [true, true, false]);
    }

    #[test]
    fn what_was_begun_and_left_is_swept() {
        let folder = TempDir::new().expect("a folder");
        let cache = open(&folder, MOST_BYTES);
        let old = folder.path().join(beside().expect("a name"));
        let young = folder.path().join(beside().expect("a name"));
        for path in [&old, &young] {
            std::fs::write(path, b"half").expect("writes");
        }
        File::open(&old).expect("a file").set_modified(SystemTime::now() - 2 * ABANDONED).expect("a time");
        cache.write(&name(1), &code(b"code")).expect("writes");
        assert_eq!((old.exists(), young.exists()), (false, true));
    }

    #[test]
    fn what_is_no_file_is_not_read_and_does_not_block() {
        let folder = TempDir::new().expect("a folder");
        let cache = open(&folder, MOST_BYTES);
        let path = folder.path().join(name(1).file(ARTIFACTS));
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        assert_eq!(kept(&cache, 1), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("file"), b"").expect("writes");
        assert!(Cache::open(&folder.path().join("file/cache")).is_err());
        let cache = open(&folder, MOST_BYTES);
        folder.close().expect("removes");
        assert!(matches!(cache.write(&name(1), &code(b"code")), Err(CacheError::System(_))));
    }
}
