use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::fs::ReadDir;

use super::failure::Refused;
use super::folder::{Folder, kind};
use super::handle::{Closing, Directory};
use crate::bindings::files::wasi::filesystem::types::{DirectoryEntry, ErrorCode};

/// How many entries are fetched at once: what is worth a change of thread, and no long directory in memory.
const ENTRIES: usize = 64;

/// The entries of a directory, some at a time.
#[derive(Debug, Clone)]
#[expect(unreachable_pub, reason = "the bindings export it again, within their private module")]
pub struct Listing(Arc<Folder>, Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Until its end.
    rest: Option<Closing<ReadDir>>,
    fetched: VecDeque<Result<DirectoryEntry, Refused>>,
}

impl Directory {
    pub(super) fn list(&self) -> Result<Listing, Refused> {
        let opening = self.folder.opening()?;
        let rest = Some(Closing::new(self.dir.get()?.entries()?, Some(opening)));
        Ok(Listing(self.folder.clone(), Arc::new(Mutex::new(State { rest, fetched: VecDeque::new() }))))
    }
}

impl Listing {
    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.0
    }

    /// What was fetched already; `None` when it takes a [`Listing::fetch`] to know.
    pub(super) fn fetched(&self) -> Option<Result<Option<DirectoryEntry>, Refused>> {
        let mut state = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        match state.fetched.pop_front() {
            Some(entry) => Some(entry.map(Some)),
            None if state.rest.is_none() => Some(Ok(None)),
            None => None,
        }
    }

    /// Fetches some more.
    pub(super) fn fetch(&self) -> Result<(), Refused> {
        let mut state = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let State { rest: Some(rest), fetched } = &mut *state else { return Ok(()) };
        let before = fetched.len();
        let entries = rest.get_mut()?.by_ref().take(ENTRIES);
        fetched.extend(entries.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| ErrorCode::IllegalByteSequence)?;
            Ok(DirectoryEntry { type_: kind(entry.file_type()?), name })
        }));
        if fetched.len() == before {
            state.rest = None;
        }
        Ok(())
    }
}
