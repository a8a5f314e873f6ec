//! `wasi:filesystem`: folders of the host, each with its name, read-only or with a quota for what is written.
//!
//! Not `wasmtime-wasi`'s own implementation: that one opens a file before anybody can look at what it is, so a FIFO
//! would hold a thread for ever and a device would be read.
//!
//! ```text
//! folder     a folder as the operator granted it, opened when the plugin is loaded; its quota
//! root       opens it, through no link
//! store      what outlives a generation: quotas, and how many files plugins may have open and use at once
//! open       from a path to a handle
//! tree       what changes or asks for names
//! handle     what a guest holds: a directory or a regular file
//! content    reading and writing, within the quota
//! streams    the same as streams
//! listing    the entries of a directory, some at a time
//! host       the interface itself: counts, then goes to a blocking thread
//! ```
//!
//! Invariants:
//! - a path is resolved below its folder by the kernel (`openat2` with `RESOLVE_BENEATH` and without magic links, or
//!   `cap-std`'s own walk where there is no such call), so neither `..` nor a link nor a rename at the wrong moment
//!   leads out;
//! - a handle is a directory or a regular file: everything else is refused, looked at before it is opened, opened
//!   without blocking, and looked at again after that;
//! - a folder is opened through no symbolic link, since its path had none when it was checked;
//! - a guest makes no symbolic link, which could lead out whoever follows it from outside, moves none, nor anything else
//!   that it could not have made, and makes no hard link from one folder to another;
//! - a change of the size of a file is made under the lock of its folder's quota and counted exactly: growth is taken,
//!   wherever in the file it is, what is cut off is given back. A new entry takes [`ENTRY_BYTES`]. What is removed is
//!   not given back as long as the gate runs, since a removed file stays as long as somebody has it open;
//! - no call holds a thread of the runtime: all of it, closing too, runs on blocking threads, of which a tenant's plugins
//!   have some at most. Who would have one more is told `busy`: a disk that hangs is its tenant's affair.
//!
//! What is not prevented: a hard link that exists in a folder is the operator's, as is what is mounted there; and links
//! in a directory go with it when the guest moves that.
//!
//! It needs no grant to be linked, since the runtimes of some languages import it and never use it: without
//! `[[plugin.grants.files]]` there is no folder, so there is nothing to open.

mod content;
mod failure;
mod folder;
mod handle;
mod host;
mod listing;
mod open;
mod root;
mod store;
mod streams;
mod tree;

use wasmtime::component::{HasSelf, Linker};
use witgate_policy::Grants;

pub(crate) use folder::Folder;
#[expect(unreachable_pub, reason = "the bindings export it again, within their private module")]
pub use handle::Descriptor;
pub(crate) use handle::Directory;
#[expect(unreachable_pub, reason = "likewise")]
pub use listing::Listing;
pub(crate) use store::Store;

use super::Capability;
use crate::bindings::files::wasi::filesystem::{preopens, types};
use crate::host::Host;

/// `wasi:filesystem`.
pub(super) struct Files;

/// What a new file, directory or link takes of a quota, so that empty ones are bounded too: a block, or an inode with
/// its name.
const ENTRY_BYTES: u64 = 4 << 10;
/// Bytes that are read or written at once.
const PIECE_BYTES: usize = 64 << 10;

impl Capability for Files {
    fn word(&self) -> &'static str {
        "files"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:filesystem/types", "wasi:filesystem/preopens"]
    }

    fn allows(&self, _: &Grants) -> bool {
        true
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        types::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
        preopens::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }
}
