use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_fs_ext::MetadataExt as _;
use cap_std::fs::Metadata;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use witgate_policy::Grants;
use witgate_policy::store::Space;

use super::ENTRY_BYTES;
use super::failure::Refused;
use super::handle::Directory;
use super::root;
use super::store::{Opening, Openings, Store, Used, Work};
use crate::bindings::files::wasi::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue,
};
use crate::error::LoadError;

/// A folder as the operator granted it to one plugin.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(super) guest: String,
    pub(super) writable: bool,
    quota_bytes: u64,
    used: Arc<Used>,
    openings: Openings,
    /// Times are rounded down to this, since what a guest writes has the time: a clock.
    granularity: Duration,
    /// Makes of a file's numbers a name for it that tells nothing.
    hasher: RandomState,
}

impl Folder {
    /// Opens all that was granted, on a blocking thread.
    pub(crate) async fn open_all(
        store: &Arc<Store>,
        space: &Space,
        grants: &Grants,
    ) -> Result<Vec<Arc<Directory>>, LoadError> {
        if grants.files.is_empty() {
            return Ok(Vec::new());
        }
        let (store, owner, grants) = (store.clone(), space.clone(), grants.clone());
        let open = move || {
            let one = |folder: &witgate_policy::Folder| Self::open(&store, &owner, folder, grants.clock_granularity_ms);
            grants.files.iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        tokio::task::spawn_blocking(open).await.unwrap_or_else(|e| {
            Err(LoadError::Folder { plugin: space.plugin.clone(), folder: String::new(), cause: e.to_string() })
        })
    }

    fn open(
        store: &Store,
        space: &Space,
        granted: &witgate_policy::Folder,
        granularity_ms: u32,
    ) -> Result<Arc<Directory>, LoadError> {
        let failed = |e: io::Error| LoadError::Folder {
            plugin: space.plugin.clone(),
            folder: granted.host.display().to_string(),
            cause: e.to_string(),
        };
        let dir = root::open(&granted.host).map_err(failed)?;
        let folder = Self {
            guest: granted.guest.clone(),
            writable: granted.writable,
            quota_bytes: granted.quota_bytes,
            used: store.used(space, granted.host.clone()),
            openings: store.openings(&space.tenant),
            granularity: Duration::from_millis(granularity_ms.max(1).into()),
            hasher: RandomState::new(),
        };
        Ok(Arc::new(Directory::root(Arc::new(folder), dir)))
    }

    /// Leave to have one more file open.
    pub(super) fn opening(&self) -> Result<Opening, Refused> {
        self.openings.one()
    }

    /// Leave to do one more thing on a blocking thread, where it stays until that is done.
    pub(super) fn work(&self) -> Result<Work, Refused> {
        self.openings.work()
    }

    pub(super) fn check_writable(&self) -> Result<(), Refused> {
        if self.writable { Ok(()) } else { Err(ErrorCode::ReadOnly.into()) }
    }

    /// What a handle of a directory in it may say that it is for.
    pub(super) fn rights(&self) -> DescriptorFlags {
        if self.writable { DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY } else { DescriptorFlags::READ }
    }

    /// Makes a new entry, and counts it.
    pub(super) fn add_entry<T>(&self, make: impl FnOnce() -> io::Result<T>) -> Result<T, Refused> {
        self.check_writable()?;
        let mut used = self.used.lock();
        let after = self.charged(*used, ENTRY_BYTES)?;
        let made = make()?;
        *used = after;
        Ok(made)
    }

    /// Changes the size of a file to `size(its size)`, and counts it as it then is: growth is taken, what was cut off is
    /// given back.
    pub(super) fn resize<T>(
        &self,
        file: &File,
        size: impl FnOnce(u64) -> Option<u64>,
        change: impl FnOnce(u64) -> io::Result<T>,
    ) -> Result<T, Refused> {
        self.check_writable()?;
        let mut used = self.used.lock();
        let before = file.metadata()?.len();
        let wanted = size(before).ok_or(ErrorCode::FileTooLarge)?;
        self.charged(*used, wanted.saturating_sub(before))?;
        let changed = change(before);
        let after = file.metadata()?.len();
        *used = used.saturating_add(after.saturating_sub(before)).saturating_sub(before.saturating_sub(after));
        Ok(changed?)
    }

    /// Whether there is room for so much more, as far as can be told without waiting. It takes nothing.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), Refused> {
        self.check_writable()?;
        self.used.glance().map_or(Ok(()), |used| self.charged(used, bytes).map(|_| ()))
    }

    fn charged(&self, used: u64, bytes: u64) -> Result<u64, Refused> {
        if bytes == 0 {
            return Ok(used);
        }
        let after = used.checked_add(bytes).filter(|after| *after <= self.quota_bytes);
        after.ok_or(Refused(ErrorCode::Quota))
    }

    /// A name for a file that two descriptors of it share and that tells nothing else.
    pub(super) fn hash(&self, metadata: &Metadata) -> MetadataHashValue {
        let identity = (metadata.dev(), metadata.ino());
        MetadataHashValue { lower: self.hasher.hash_one((identity, 0)), upper: self.hasher.hash_one((identity, 1)) }
    }

    /// What a guest is told of a file: nothing about owners, numbers or modes.
    pub(super) fn stat(&self, metadata: &Metadata) -> DescriptorStat {
        let time = |time: io::Result<cap_std::time::SystemTime>| time.ok().and_then(|time| self.round(time.into_std()));
        DescriptorStat {
            type_: kind(metadata.file_type()),
            link_count: metadata.nlink(),
            size: metadata.len(),
            data_access_timestamp: time(metadata.accessed()),
            data_modification_timestamp: time(metadata.modified()),
            status_change_timestamp: changed(metadata).and_then(|time| self.round(time)),
        }
    }

    fn round(&self, time: SystemTime) -> Option<Datetime> {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let nanos = time.as_nanos() / self.granularity.as_nanos() * self.granularity.as_nanos();
        Some(Datetime {
            seconds: u64::try_from(nanos / 1_000_000_000).ok()?,
            nanoseconds: u32::try_from(nanos % 1_000_000_000).ok()?,
        })
    }
}

/// When anything about a file was last changed.
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    use cap_std::fs::MetadataExt as _;
    let since = Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// What something is, in the interface's words.
pub(super) fn kind(kind: cap_std::fs::FileType) -> DescriptorType {
    use cap_fs_ext::FileTypeExt as _;
    if kind.is_file() {
        DescriptorType::RegularFile
    } else if kind.is_dir() {
        DescriptorType::Directory
    } else if kind.is_symlink() {
        DescriptorType::SymbolicLink
    } else if kind.is_fifo() {
        DescriptorType::Fifo
    } else if kind.is_socket() {
        DescriptorType::Socket
    } else if kind.is_block_device() {
        DescriptorType::BlockDevice
    } else if kind.is_char_device() {
        DescriptorType::CharacterDevice
    } else {
        DescriptorType::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(host: &std::path::Path, granularity_ms: u32) -> Arc<Directory> {
        let space = Space { tenant: "acme".into(), plugin: "p".into() };
        let granted = witgate_policy::Folder {
            host: host.canonicalize().expect("a folder"),
            guest: "/data".into(),
            writable: false,
            quota_bytes: 0,
        };
        Folder::open(&Store::default(), &space, &granted, granularity_ms).expect("opens")
    }

    /// What a guest writes has the time, so a file would be a clock for who was granted none.
    #[test]
    fn times_are_as_coarse_as_the_clock() {
        let host = tempfile::tempdir().expect("a folder");
        std::fs::write(host.path().join("file"), "x").expect("written");
        let directory = folder(host.path(), 60_000);
        let metadata = directory.dir.get().and_then(|dir| Ok(dir.metadata("file")?)).expect("there");
        let stat = directory.folder.stat(&metadata);
        for time in [stat.data_access_timestamp, stat.data_modification_timestamp, stat.status_change_timestamp] {
            let time = time.expect("known");
            assert_eq!((time.seconds % 60, time.nanoseconds), (0, 0));
            assert!(time.seconds > 0);
        }
    }

    #[test]
    fn a_files_name_for_itself_is_known_in_its_folder_only() {
        let host = tempfile::tempdir().expect("a folder");
        std::fs::write(host.path().join("file"), "x").expect("written");
        let hash = |directory: &Directory| {
            let metadata = directory.dir.get().and_then(|dir| Ok(dir.metadata("file")?)).expect("there");
            let hash = directory.folder.hash(&metadata);
            (hash.lower, hash.upper)
        };
        let (one, other) = (folder(host.path(), 1), folder(host.path(), 1));
        assert_eq!(hash(&one), hash(&one));
        assert_ne!(hash(&one), hash(&other));
    }
}
