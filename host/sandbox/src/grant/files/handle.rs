use std::fs::File;
use std::sync::Arc;

use cap_std::fs::{Dir, Metadata};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};

use super::failure::Refused;
use super::folder::Folder;
use super::store::Opening;
use crate::bindings::files::wasi::filesystem::types::{DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp};

/// What a guest holds.
#[derive(Debug, Clone)]
#[expect(unreachable_pub, reason = "the bindings export it again, within their private module")]
pub enum Descriptor {
    /// A directory.
    Directory(Arc<Directory>),
    /// A regular file.
    File(Arc<Regular>),
}

/// A directory in a folder, or the folder itself.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(super) folder: Arc<Folder>,
    pub(super) dir: Closing<Dir>,
    flags: DescriptorFlags,
}

/// A regular file.
#[derive(Debug)]
pub(crate) struct Regular {
    pub(super) folder: Arc<Folder>,
    pub(super) file: Closing<File>,
    flags: DescriptorFlags,
}

/// Something open, whose closing may take its time (the last name of a long file, a file system far away) and so is
/// left to a blocking thread.
#[derive(Debug)]
pub(super) struct Closing<T: Send + 'static>(Option<(T, Option<Opening>)>);

impl<T: Send + 'static> Closing<T> {
    pub(super) fn new(open: T, opening: Option<Opening>) -> Self {
        Self(Some((open, opening)))
    }

    /// What is open; it is there until the drop.
    pub(super) fn get(&self) -> Result<&T, Refused> {
        self.0.as_ref().map(|(open, _)| open).ok_or(Refused(ErrorCode::BadDescriptor))
    }

    pub(super) fn get_mut(&mut self) -> Result<&mut T, Refused> {
        self.0.as_mut().map(|(open, _)| open).ok_or(Refused(ErrorCode::BadDescriptor))
    }
}

impl<T: Send + 'static> Drop for Closing<T> {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(open))),
            Err(_) => drop(open),
        }
    }
}

impl Directory {
    /// A granted folder. It is open as long as the plugin is loaded, so it counts for nobody.
    pub(super) fn root(folder: Arc<Folder>, dir: Dir) -> Self {
        let flags = folder.rights();
        Self { folder, dir: Closing::new(dir, None), flags }
    }

    pub(super) fn new(folder: Arc<Folder>, dir: Dir, flags: DescriptorFlags, opening: Opening) -> Self {
        Self { folder, dir: Closing::new(dir, Some(opening)), flags }
    }

    /// The folder's name in the guest's eyes.
    pub(super) fn guest(&self) -> &str {
        &self.folder.guest
    }
}

impl Regular {
    pub(super) fn new(folder: Arc<Folder>, file: File, flags: DescriptorFlags, opening: Opening) -> Self {
        Self { folder, file: Closing::new(file, Some(opening)), flags }
    }

    pub(super) fn check_readable(&self) -> Result<(), Refused> {
        if self.flags.contains(DescriptorFlags::READ) { Ok(()) } else { Err(ErrorCode::BadDescriptor.into()) }
    }

    pub(super) fn check_writable(&self) -> Result<(), Refused> {
        self.folder.check_writable()?;
        if self.flags.contains(DescriptorFlags::WRITE) { Ok(()) } else { Err(ErrorCode::BadDescriptor.into()) }
    }
}

impl Descriptor {
    pub(super) fn directory(&self) -> Result<&Arc<Directory>, Refused> {
        match self {
            Self::Directory(directory) => Ok(directory),
            Self::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    pub(super) fn file(&self) -> Result<&Arc<Regular>, Refused> {
        match self {
            Self::File(file) => Ok(file),
            Self::Directory(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        match self {
            Self::Directory(directory) => &directory.folder,
            Self::File(file) => &file.folder,
        }
    }

    pub(super) fn flags(&self) -> DescriptorFlags {
        match self {
            Self::Directory(directory) => directory.flags,
            Self::File(file) => file.flags,
        }
    }

    pub(super) fn kind(&self) -> DescriptorType {
        match self {
            Self::Directory(_) => DescriptorType::Directory,
            Self::File(_) => DescriptorType::RegularFile,
        }
    }

    pub(super) fn metadata(&self) -> Result<Metadata, Refused> {
        Ok(match self {
            Self::Directory(directory) => directory.dir.get()?.dir_metadata()?,
            Self::File(file) => Metadata::from_file(file.file.get()?)?,
        })
    }

    /// Waits until what was written is on the disk.
    pub(super) fn sync(&self, data_only: bool) -> Result<(), Refused> {
        let Self::File(file) = self else { return Ok(()) };
        let file = file.file.get()?;
        let synced = if data_only { file.sync_data() } else { file.sync_all() };
        Ok(synced?)
    }

    pub(super) fn set_times(&self, access: NewTimestamp, modification: NewTimestamp) -> Result<(), Refused> {
        self.folder().check_writable()?;
        let times = Timestamps { last_access: timespec(access)?, last_modification: timespec(modification)? };
        match self {
            Self::Directory(directory) => futimens(directory.dir.get()?, &times),
            Self::File(file) => futimens(file.file.get()?, &times),
        }
        .map_err(|errno| Refused::from(std::io::Error::from(errno)))
    }
}

fn timespec(time: NewTimestamp) -> Result<Timespec, Refused> {
    Ok(match time {
        NewTimestamp::NoChange => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        NewTimestamp::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        NewTimestamp::Timestamp(time) => Timespec {
            tv_sec: i64::try_from(time.seconds).map_err(|_| ErrorCode::Overflow)?,
            tv_nsec: i64::from(time.nanoseconds),
        },
    })
}
