//! How `witgate plugin list` reaches the gate that runs: a Unix socket for each configuration.
//!
//! The socket's name is a hash of the configuration's canonical path, so that gate and command line find each other by
//! the file alone. One line of JSON asks, one answers, and the connection ends; a recording goes on line by line until
//! who asked goes away. It tells what the configuration and the log tell, and what plugins are asked, secrets redacted; it
//! changes nothing.
//!
//! Who may ask: the user that the gate runs as. The socket is of mode 0600 in a folder of mode 0700 that belongs to that
//! user, and the peer's user is checked at each connection, since a folder's mode can be changed later. Who asks checks
//! the same of who answers: without a folder of the system's for it the socket is among the temporary files, where anybody
//! could have been first.
//!
//! One gate answers for a configuration: it holds a lock beside the socket for as long as it runs. So a socket that is
//! there without a lock was left by a gate that ended badly, and is replaced.

mod client;
mod report;
mod server;

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use witgate_config::Origin;

pub(crate) use client::record;
pub use client::{AskError, ask};
pub use report::{Condition, Health, LastFault, Plugin, Report};
pub(crate) use report::{in_words, mode};
pub use server::{Control, ControlError};

/// What a question may be at most, in bytes.
const QUESTION_BYTES: u64 = 1 << 10;
/// What an answer may be at most, in bytes: some ten thousand plugins.
const ANSWER_BYTES: u64 = 16 << 20;

/// What is asked.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask", deny_unknown_fields)]
enum Question {
    /// Which plugins there are, and how they do.
    Plugins,
    /// What a plugin is asked from now on, each as one line, until who asks goes away.
    Record {
        /// The plugin's name.
        plugin: String,
        /// Of one tenant only.
        tenant: Option<String>,
    },
}

/// Where sockets are: in the folder that the system has for this user's running programs, else in one of our own among
/// the temporary files.
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute()) {
        Some(folder) => folder.join("witgate"),
        None => std::env::temp_dir().join(format!("witgate-{}", rustix::process::geteuid().as_raw())),
    }
}

/// The socket of the gate that serves this configuration.
fn socket(folder: &Path, origin: &Origin) -> io::Result<PathBuf> {
    let path = match origin {
        Origin::File(path) => std::fs::canonicalize(path)?.into_os_string().into_encoded_bytes(),
        // No path is empty.
        Origin::Embedded => Vec::new(),
    };
    let hash = Sha256::digest(path);
    let name = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
    Ok(folder.join(format!("{name:016x}.sock")))
}

/// What is wrong with a folder for sockets, if it is not ours alone.
fn fault(folder: &Path) -> io::Result<Option<&'static str>> {
    let found = std::fs::symlink_metadata(folder)?;
    Ok(if !found.is_dir() {
        Some("is not a folder")
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        Some("belongs to another user")
    } else if found.mode() & 0o077 != 0 {
        Some("is open to other users (its mode should be 0700)")
    } else {
        None
    })
}

/// The user that this process runs as, and who may do anything.
fn is_friend(peer: u32) -> bool {
    trusts(rustix::process::geteuid().as_raw(), peer)
}

const fn trusts(own: u32, peer: u32) -> bool {
    peer == own || peer == 0
}

#[cfg(test)]
mod tests;
