use std::path::PathBuf;
use std::time::SystemTime;

/// What some files are now, without reading them: enough to see that one was written, replaced, removed, or that a link
/// leads elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(Vec<(PathBuf, Option<File>)>);

#[derive(Debug, PartialEq, Eq)]
struct File {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: u64,
}

impl Fingerprint {
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let file = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some(File { bytes: found.len(), modified: found.modified().ok(), identity: identity(&found) })
        };
        Self(files.iter().map(|path| (path.clone(), file(path))).collect())
    }
}

#[cfg(unix)]
fn identity(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
}
