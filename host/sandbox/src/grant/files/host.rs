//! The interface: each call is counted, and what it does is done on a blocking thread.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::failure::{Failure, Refused, answer};
use super::handle::{Directory, Regular};
use super::open::Wish;
use super::streams::{Reading, Writing};
use super::{Descriptor, Folder, Listing};
use crate::bindings::files::wasi::filesystem::preopens;
use crate::bindings::files::wasi::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use crate::host::Host;

/// A guest's handle.
type Handle = Resource<Descriptor>;
/// What the bindings want: an answer, or a trap.
type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

/// Does what may wait for a disk where nobody else waits. It goes on when the call is over, so it keeps its leave itself.
async fn elsewhere<T: Send + 'static>(
    folder: Arc<Folder>,
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Failure> {
    let leave = folder.work()?;
    let done = spawn_blocking(move || {
        let done = work();
        drop(leave);
        done
    });
    match done.await {
        Ok(done) => Ok(done?),
        Err(e) => Err(Failure::Trap(wasmtime::Error::new(e))),
    }
}

impl Host {
    /// What a handle stands for, asked for once in each call of the guest, which it counts.
    fn descriptor(&mut self, handle: &Handle) -> Result<Descriptor, Failure> {
        self.host_call()?;
        Ok(self.table.get(handle)?.clone())
    }

    fn directory(&mut self, handle: &Handle) -> Result<Arc<Directory>, Failure> {
        Ok(self.descriptor(handle)?.directory()?.clone())
    }

    fn regular(&mut self, handle: &Handle) -> Result<Arc<Regular>, Failure> {
        Ok(self.descriptor(handle)?.file()?.clone())
    }

    /// Two directories, in one call of the guest.
    fn directories(&mut self, one: &Handle, other: &Handle) -> Result<(Arc<Directory>, Arc<Directory>), Failure> {
        let one = self.directory(one)?;
        Ok((one, self.table.get(other)?.directory()?.clone()))
    }

    async fn with<T: Send + 'static>(
        &mut self,
        handle: &Handle,
        work: impl FnOnce(&Descriptor) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Failure> {
        let descriptor = self.descriptor(handle)?;
        elsewhere(descriptor.folder().clone(), move || work(&descriptor)).await
    }

    async fn within<T: Send + 'static>(
        &mut self,
        handle: &Handle,
        work: impl FnOnce(&Directory) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Failure> {
        let directory = self.directory(handle)?;
        elsewhere(directory.folder.clone(), move || work(&directory)).await
    }

    async fn read_file(&mut self, handle: &Handle, length: u64, offset: u64) -> Result<(Vec<u8>, bool), Failure> {
        let file = self.regular(handle)?;
        let bytes = elsewhere(file.folder.clone(), move || file.read(length, offset)).await?;
        self.account.hand_over(bytes.len())?;
        let at_end = bytes.is_empty() && length > 0;
        Ok((bytes, at_end))
    }

    fn reading(&mut self, handle: &Handle, offset: u64) -> Result<Resource<DynInputStream>, Failure> {
        let file = self.regular(handle)?;
        file.check_readable()?;
        let stream: DynInputStream = Box::new(Reading::new(file, offset));
        Ok(self.table.push(stream)?)
    }

    fn writing(&mut self, handle: &Handle, position: Option<u64>) -> Result<Resource<DynOutputStream>, Failure> {
        let file = self.regular(handle)?;
        file.check_writable()?;
        let stream: DynOutputStream = Box::new(Writing::new(file, position));
        Ok(self.table.push(stream)?)
    }

    async fn open(&mut self, handle: &Handle, path: String, wish: Wish) -> Result<Handle, Failure> {
        let opened = self.within(handle, move |directory| directory.open(&path, wish)).await?;
        Ok(self.table.push(opened)?)
    }

    async fn entry(&mut self, stream: &Resource<Listing>) -> Result<Option<DirectoryEntry>, Failure> {
        self.host_call()?;
        let listing = self.table.get(stream)?.clone();
        let entry = loop {
            if let Some(entry) = listing.fetched() {
                break entry?;
            }
            let listing = listing.clone();
            elsewhere(listing.folder().clone(), move || listing.fetch()).await?;
        };
        self.account.hand_over(entry.as_ref().map_or(0, |entry| entry.name.len()))?;
        Ok(entry)
    }

    fn preopened(&mut self) -> Result<Vec<(Handle, String)>, Failure> {
        self.host_call()?;
        let folders = self.shared.folders.clone();
        let mut preopened = Vec::with_capacity(folders.len());
        for folder in folders {
            let name = folder.guest().to_owned();
            preopened.push((self.table.push(Descriptor::Directory(folder))?, name));
        }
        Ok(preopened)
    }
}

impl preopens::Host for Host {
    async fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        answer(self.preopened())?.map_err(|code| wasmtime::Error::new(Refused(code)))
    }
}

impl types::Host for Host {
    async fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime_wasi::p2::bindings::io::error::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.host_call()?;
        Ok(self.table.get(&error)?.downcast_ref::<Refused>().map(|refused| refused.0))
    }
}

impl types::HostDescriptor for Host {
    async fn read_via_stream(&mut self, file: Handle, offset: u64) -> Answer<Resource<DynInputStream>> {
        answer(self.reading(&file, offset))
    }

    async fn write_via_stream(&mut self, file: Handle, offset: u64) -> Answer<Resource<DynOutputStream>> {
        answer(self.writing(&file, Some(offset)))
    }

    async fn append_via_stream(&mut self, file: Handle) -> Answer<Resource<DynOutputStream>> {
        answer(self.writing(&file, None))
    }

    /// Advice may be ignored.
    async fn advise(&mut self, file: Handle, _: u64, _: u64, _: Advice) -> Answer<()> {
        answer(self.regular(&file).map(|_| ()))
    }

    async fn sync_data(&mut self, of: Handle) -> Answer<()> {
        answer(self.with(&of, |descriptor| descriptor.sync(true)).await)
    }

    async fn sync(&mut self, of: Handle) -> Answer<()> {
        answer(self.with(&of, |descriptor| descriptor.sync(false)).await)
    }

    async fn get_flags(&mut self, of: Handle) -> Answer<DescriptorFlags> {
        answer(self.descriptor(&of).map(|descriptor| descriptor.flags()))
    }

    async fn get_type(&mut self, of: Handle) -> Answer<DescriptorType> {
        answer(self.descriptor(&of).map(|descriptor| descriptor.kind()))
    }

    async fn set_size(&mut self, file: Handle, size: u64) -> Answer<()> {
        answer(self.with(&file, move |descriptor| descriptor.file()?.set_size(size)).await)
    }

    async fn set_times(&mut self, of: Handle, access: NewTimestamp, modification: NewTimestamp) -> Answer<()> {
        answer(self.with(&of, move |descriptor| descriptor.set_times(access, modification)).await)
    }

    async fn read(&mut self, file: Handle, length: u64, offset: u64) -> Answer<(Vec<u8>, bool)> {
        answer(self.read_file(&file, length, offset).await)
    }

    async fn write(&mut self, file: Handle, bytes: Vec<u8>, offset: u64) -> Answer<u64> {
        let length = bytes.len() as u64;
        answer(self.with(&file, move |descriptor| descriptor.file()?.write(&bytes, offset)).await.map(|()| length))
    }

    async fn read_directory(&mut self, dir: Handle) -> Answer<Resource<Listing>> {
        let listing = self.within(&dir, Directory::list).await;
        answer(listing.and_then(|listing| Ok(self.table.push(listing)?)))
    }

    async fn create_directory_at(&mut self, dir: Handle, path: String) -> Answer<()> {
        answer(self.within(&dir, move |dir| dir.make_directory(&path)).await)
    }

    async fn stat(&mut self, of: Handle) -> Answer<DescriptorStat> {
        answer(self.with(&of, |descriptor| Ok(descriptor.folder().stat(&descriptor.metadata()?))).await)
    }

    async fn stat_at(&mut self, dir: Handle, flags: PathFlags, path: String) -> Answer<DescriptorStat> {
        answer(self.within(&dir, move |dir| Ok(dir.folder.stat(&dir.metadata(&path, flags)?))).await)
    }

    async fn set_times_at(
        &mut self,
        dir: Handle,
        flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> Answer<()> {
        answer(self.within(&dir, move |dir| dir.set_times_at(flags, &path, access, modification)).await)
    }

    async fn link_at(
        &mut self,
        dir: Handle,
        flags: PathFlags,
        path: String,
        to: Handle,
        new_path: String,
    ) -> Answer<()> {
        let linked = match self.directories(&dir, &to) {
            Ok((dir, to)) => elsewhere(dir.folder.clone(), move || dir.link(flags, &path, &to, &new_path)).await,
            Err(failure) => Err(failure),
        };
        answer(linked)
    }

    async fn open_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Handle> {
        answer(self.open(&dir, path, Wish { path: path_flags, open, flags }).await)
    }

    async fn readlink_at(&mut self, dir: Handle, path: String) -> Answer<String> {
        let target = self.within(&dir, move |dir| dir.read_link(&path)).await;
        answer(target.and_then(|target| {
            self.account.hand_over(target.len())?;
            Ok(target)
        }))
    }

    async fn remove_directory_at(&mut self, dir: Handle, path: String) -> Answer<()> {
        answer(self.within(&dir, move |dir| dir.remove_directory(&path)).await)
    }

    async fn rename_at(&mut self, dir: Handle, path: String, to: Handle, new_path: String) -> Answer<()> {
        let renamed = match self.directories(&dir, &to) {
            Ok((dir, to)) => elsewhere(dir.folder.clone(), move || dir.rename(&path, &to, &new_path)).await,
            Err(failure) => Err(failure),
        };
        answer(renamed)
    }

    /// A guest makes no links of this kind: whoever follows one from outside of the sandbox would be led astray.
    async fn symlink_at(&mut self, dir: Handle, _: String, _: String) -> Answer<()> {
        answer(self.directory(&dir).and_then(|_| Err(ErrorCode::NotPermitted.into())))
    }

    async fn unlink_file_at(&mut self, dir: Handle, path: String) -> Answer<()> {
        answer(self.within(&dir, move |dir| dir.remove_file(&path)).await)
    }

    /// Whether both are the same file of the same folder.
    async fn is_same_object(&mut self, one: Handle, other: Handle) -> wasmtime::Result<bool> {
        self.host_call()?;
        let (one, other) = (self.table.get(&one)?.clone(), self.table.get(&other)?.clone());
        let same = elsewhere(one.folder().clone(), move || {
            let hash = |of: &Descriptor| Ok::<_, Refused>(one.folder().hash(&of.metadata()?));
            let (left, right) = (hash(&one)?, hash(&other)?);
            Ok(Arc::ptr_eq(one.folder(), other.folder()) && (left.lower, left.upper) == (right.lower, right.upper))
        });
        // What cannot be looked at is the same as nothing.
        Ok(answer(same.await)?.unwrap_or(false))
    }

    async fn metadata_hash(&mut self, of: Handle) -> Answer<MetadataHashValue> {
        answer(self.with(&of, |descriptor| Ok(descriptor.folder().hash(&descriptor.metadata()?))).await)
    }

    async fn metadata_hash_at(&mut self, dir: Handle, flags: PathFlags, path: String) -> Answer<MetadataHashValue> {
        answer(self.within(&dir, move |dir| Ok(dir.folder.hash(&dir.metadata(&path, flags)?))).await)
    }

    async fn drop(&mut self, of: Handle) -> wasmtime::Result<()> {
        self.table.delete(of)?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for Host {
    async fn read_directory_entry(&mut self, stream: Resource<Listing>) -> Answer<Option<DirectoryEntry>> {
        answer(self.entry(&stream).await)
    }

    async fn drop(&mut self, stream: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
