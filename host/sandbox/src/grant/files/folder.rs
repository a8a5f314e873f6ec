use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cap_fs_ext::MetadataExt as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use witgate_policy::Grants;
use witgate_policy::store::Space;

use super::ENTRY_BYTES;
use super::failure::Refused;
use super::handle::Directory;
use super::store::{Opening, Openings, Store, Used};
use crate::bindings::files::wasi::filesystem::types::{DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue};
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
        let dir = Dir::open_ambient_dir(&granted.host, ambient_authority()).map_err(failed)?;
        let folder = Self {
            guest: granted.guest.clone(),
            writable: granted.writable,
            quota_bytes: granted.quota_bytes,
            used: store.used(space, granted.host.canonicalize().map_err(failed)?),
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

    pub(super) fn check_writable(&self) -> Result<(), Refused> {
        if self.writable { Ok(()) } else { Err(ErrorCode::ReadOnly.into()) }
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
            status_change_timestamp: time(metadata.modified()),
        }
    }

    fn round(&self, time: SystemTime) -> Option<crate::bindings::files::wasi::clocks::wall_clock::Datetime> {
        let time = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let nanos = time.as_nanos() / self.granularity.as_nanos() * self.granularity.as_nanos();
        Some(crate::bindings::files::wasi::clocks::wall_clock::Datetime {
            seconds: u64::try_from(nanos / 1_000_000_000).ok()?,
            nanoseconds: u32::try_from(nanos % 1_000_000_000).ok()?,
        })
    }
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
