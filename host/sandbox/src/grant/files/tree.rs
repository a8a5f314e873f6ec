use std::sync::Arc;

use cap_fs_ext::{DirExt as _, SystemTimeSpec};
use cap_std::time::{Duration, SystemClock, SystemTime};

use super::failure::Refused;
use super::handle::Directory;
use crate::bindings::files::wasi::filesystem::types::{ErrorCode, NewTimestamp, PathFlags};

impl Directory {
    pub(super) fn make_directory(&self, path: &str) -> Result<(), Refused> {
        let dir = self.dir.get()?;
        self.folder.add_entry(|| dir.create_dir(path))
    }

    pub(super) fn remove_directory(&self, path: &str) -> Result<(), Refused> {
        self.folder.check_writable()?;
        Ok(self.dir.get()?.remove_dir(path)?)
    }

    pub(super) fn remove_file(&self, path: &str) -> Result<(), Refused> {
        self.folder.check_writable()?;
        Ok(self.dir.get()?.remove_file_or_symlink(path)?)
    }

    /// Within one folder: folders have quotas and rights of their own, so they are to the guest as devices are.
    pub(super) fn rename(&self, path: &str, to: &Self, new_path: &str) -> Result<(), Refused> {
        self.check_same_folder(to)?;
        let (dir, into) = (self.dir.get()?, to.dir.get()?);
        let (above, name) = split(path)?;
        // Held open, so that what is looked at is what is moved, whatever is renamed on the way to it meanwhile. A guest
        // cannot put a link in its place, since it moves none.
        let held = above.map(|above| dir.open_dir(above)).transpose()?;
        let dir = held.as_ref().unwrap_or(dir);
        let found = dir.symlink_metadata(name)?;
        if !found.is_file() && !found.is_dir() {
            return Err(ErrorCode::NotPermitted.into());
        }
        Ok(dir.rename(name, into, new_path)?)
    }

    /// Within one folder likewise, and of a regular file only. The new name never follows a link.
    pub(super) fn link(&self, flags: PathFlags, path: &str, to: &Self, new_path: &str) -> Result<(), Refused> {
        if flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        self.check_same_folder(to)?;
        if !self.metadata(path, PathFlags::empty())?.is_file() {
            return Err(ErrorCode::NotPermitted.into());
        }
        let (from, into) = (self.dir.get()?, to.dir.get()?);
        self.folder.add_entry(|| from.hard_link(path, into, new_path))
    }

    /// What a link says, if it leads nowhere else: an absolute one would tell a path of the host.
    pub(super) fn read_link(&self, path: &str) -> Result<String, Refused> {
        let target = self.dir.get()?.read_link(path)?;
        target.into_os_string().into_string().map_err(|_| ErrorCode::IllegalByteSequence.into())
    }

    pub(super) fn set_times_at(
        &self,
        flags: PathFlags,
        path: &str,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> Result<(), Refused> {
        self.folder.check_writable()?;
        let (dir, access, modification) = (self.dir.get()?, spec(access)?, spec(modification)?);
        let set = if flags.contains(PathFlags::SYMLINK_FOLLOW) {
            dir.set_times(path, access, modification)
        } else {
            dir.set_symlink_times(path, access, modification)
        };
        Ok(set?)
    }

    fn check_same_folder(&self, other: &Self) -> Result<(), Refused> {
        self.folder.check_writable()?;
        other.folder.check_writable()?;
        if Arc::ptr_eq(&self.folder, &other.folder) { Ok(()) } else { Err(ErrorCode::CrossDevice.into()) }
    }
}

/// Where an entry is, if not here, and what it is called there, with the slashes that it was written with.
fn split(path: &str) -> Result<(Option<&str>, &str), Refused> {
    let (above, name) = match path.trim_end_matches('/').rfind('/') {
        // Of an absolute path, for which there is an answer already.
        Some(0) => (Some("/"), &path[1..]),
        Some(at) => (Some(&path[..at]), &path[at + 1..]),
        None if path.starts_with('/') => (Some("/"), "."),
        None => (None, path),
    };
    match name.trim_end_matches('/') {
        "." | ".." if !path.starts_with('/') => Err(ErrorCode::Invalid.into()),
        _ => Ok((above, name)),
    }
}

fn spec(time: NewTimestamp) -> Result<Option<SystemTimeSpec>, Refused> {
    Ok(match time {
        NewTimestamp::NoChange => None,
        NewTimestamp::Now => Some(SystemTimeSpec::SymbolicNow),
        NewTimestamp::Timestamp(time) => {
            let since = Duration::new(time.seconds, time.nanoseconds.min(999_999_999));
            let time = SystemClock::UNIX_EPOCH.checked_add(since).ok_or(ErrorCode::Overflow)?;
            Some(SystemTimeSpec::Absolute(SystemTime::from_std(time.into_std())))
        }
    })
}
