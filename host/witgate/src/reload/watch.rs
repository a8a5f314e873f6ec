use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::Nudge;

/// How long files have to be quiet: editors and `cp` write in several steps.
const QUIET: Duration = Duration::from_millis(150);
/// How long files may be unquiet before they are looked at all the same.
const MOST: Duration = Duration::from_secs(2);

/// Why files are not watched.
#[derive(Debug, thiserror::Error)]
#[error("files cannot be watched: {0}; SIGHUP reloads, and --no-watch silences this")]
pub struct WatchError(#[from] notify::Error);

/// Watches the folders of some files. Folders, since a file that is replaced by renaming is another file.
pub struct Watcher {
    inner: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Begins to watch. Each burst of changes becomes one nudge.
    pub fn start(files: &[PathBuf], nudges: mpsc::Sender<Nudge>) -> Result<Self, WatchError> {
        // One place: what matters is that something happened.
        let (happened, events) = mpsc::channel(1);
        let inner = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| matters(event.kind)) {
                let _ = happened.try_send(());
            }
        })?;
        tokio::spawn(debounce(events, nudges));
        let mut watcher = Self { inner, folders: BTreeSet::new() };
        watcher.follow(files);
        Ok(watcher)
    }

    /// Watches the folders of these files, and no others.
    pub fn follow(&mut self, files: &[PathBuf]) {
        let folders: BTreeSet<_> = files.iter().flat_map(|file| folders_of(file)).collect();
        for gone in self.folders.difference(&folders) {
            // A folder that was removed is not watched any more.
            let _ = self.inner.unwatch(gone);
        }
        let mut watched: BTreeSet<_> = self.folders.intersection(&folders).cloned().collect();
        for new in folders.difference(&self.folders) {
            match self.inner.watch(new, RecursiveMode::NonRecursive) {
                Ok(()) => drop(watched.insert(new.clone())),
                Err(cause) => tracing::warn!(folder = %new.display(), %cause, "a folder cannot be watched"),
            }
        }
        self.folders = watched;
    }
}

/// Reading changes nothing.
fn matters(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(_))
}

/// Where a file is, and where what it links to is.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    };
    let target = std::fs::canonicalize(file).ok();
    let mut folders: Vec<_> = std::iter::once(parent(file)).chain(target.map(|target| parent(&target))).collect();
    folders = folders.into_iter().filter_map(|folder| std::fs::canonicalize(folder).ok()).collect();
    folders.dedup();
    folders
}

async fn debounce(mut events: mpsc::Receiver<()>, nudges: mpsc::Sender<Nudge>) {
    while events.recv().await.is_some() {
        let burst = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, events.recv()).await {} };
        // Either way it is time to look.
        let _ = tokio::time::timeout(MOST, burst).await;
        if nudges.send(Nudge::Files).await.is_err() {
            return;
        }
    }
}
