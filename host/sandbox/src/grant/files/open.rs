use std::sync::Arc;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsMaybeDirExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;

use super::failure::Refused;
use super::folder::kind;
use super::handle::{Descriptor, Directory, Regular};
use crate::bindings::files::wasi::filesystem::types::{
    DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

/// How often opening and making a file are tried in turn, when somebody else removes and makes it.
const ATTEMPTS: u32 = 8;
/// Who else may use a new file, before the process's own mask: others may read it, if they may enter the folder.
const MODE: u32 = 0o644;

/// What a guest asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) path: PathFlags,
    pub(super) open: OpenFlags,
    pub(super) flags: DescriptorFlags,
}

impl Wish {
    fn opens(self, flag: OpenFlags) -> bool {
        self.open.contains(flag)
    }

    fn follows(self) -> bool {
        self.path.contains(PathFlags::SYMLINK_FOLLOW)
    }

    /// Making or cutting a file is for writing it.
    fn writes(self) -> bool {
        self.flags.contains(DescriptorFlags::WRITE) || self.opens(OpenFlags::CREATE) || self.opens(OpenFlags::TRUNCATE)
    }

    fn check(self) -> Result<(), Refused> {
        let synced = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if self.flags.intersects(synced) {
            return Err(ErrorCode::Unsupported.into());
        }
        if self.opens(OpenFlags::DIRECTORY)
            && self.open.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE)
        {
            return Err(ErrorCode::Invalid.into());
        }
        Ok(())
    }

    /// Without truncation, which comes when it is known what was opened.
    fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options
            .read(self.flags.contains(DescriptorFlags::READ) || !self.writes())
            .write(self.writes())
            .mode(MODE)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .nonblock(true)
            .maybe_dir(true)
            .follow(if self.follows() { FollowSymlinks::Yes } else { FollowSymlinks::No });
        options
    }
}

impl Directory {
    /// Opens what is at a path: a directory or a regular file, and nothing else.
    pub(super) fn open(&self, path: &str, wish: Wish) -> Result<Descriptor, Refused> {
        wish.check()?;
        if wish.writes() {
            self.folder.check_writable()?;
        }
        let opening = self.folder.opening()?;
        let file = self.open_or_make(path, wish)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            let dir = Dir::from_std_file(file.into_std());
            let directory = Directory::new(self.folder.clone(), dir, wish.flags & self.folder.rights(), opening);
            return Ok(Descriptor::Directory(Arc::new(directory)));
        }
        check_kind(&metadata)?;
        if wish.opens(OpenFlags::DIRECTORY) {
            return Err(ErrorCode::NotDirectory.into());
        }
        let file = file.into_std();
        if wish.opens(OpenFlags::TRUNCATE) {
            self.folder.resize(&file, |_| Some(0), |_| file.set_len(0))?;
        }
        let mut flags = wish.flags & (DescriptorFlags::READ | DescriptorFlags::WRITE);
        if !wish.writes() {
            flags |= DescriptorFlags::READ;
        }
        Ok(Descriptor::File(Arc::new(Regular::new(self.folder.clone(), file, flags, opening))))
    }

    fn open_or_make(&self, path: &str, wish: Wish) -> Result<cap_std::fs::File, Refused> {
        let dir = self.dir.get()?;
        if !wish.opens(OpenFlags::CREATE) {
            return self.open_existing(path, wish);
        }
        let mut new = wish.options();
        new.create_new(true);
        for _ in 0..ATTEMPTS {
            if !wish.opens(OpenFlags::EXCLUSIVE) {
                match self.open_existing(path, wish) {
                    Err(Refused(ErrorCode::NoEntry)) => {}
                    opened => return opened,
                }
            }
            match self.folder.add_entry(|| dir.open_with(path, &new)) {
                Err(Refused(ErrorCode::Exist)) if !wish.opens(OpenFlags::EXCLUSIVE) => {}
                made => return made,
            }
        }
        // A link to nothing, which is there and cannot be opened; or a name that others make and remove all the time.
        Err(ErrorCode::Exist.into())
    }

    /// Looks before it opens, since to open a device may do something; and opens without blocking, since what was
    /// looked at may be a FIFO by now.
    fn open_existing(&self, path: &str, wish: Wish) -> Result<cap_std::fs::File, Refused> {
        check_kind(&self.metadata(path, wish.path)?)?;
        Ok(self.dir.get()?.open_with(path, &wish.options())?)
    }

    pub(super) fn metadata(&self, path: &str, flags: PathFlags) -> Result<Metadata, Refused> {
        let dir = self.dir.get()?;
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        Ok(if follow { dir.metadata(path)? } else { dir.symlink_metadata(path)? })
    }
}

/// A regular file or a directory.
fn check_kind(metadata: &Metadata) -> Result<(), Refused> {
    match kind(metadata.file_type()) {
        DescriptorType::RegularFile | DescriptorType::Directory => Ok(()),
        DescriptorType::SymbolicLink => Err(ErrorCode::Loop.into()),
        _ => Err(ErrorCode::NotPermitted.into()),
    }
}
