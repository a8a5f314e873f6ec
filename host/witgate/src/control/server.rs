use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use witgate_config::Origin;

use super::{QUESTION_BYTES, Question, Report};
use crate::generation::Roster;

/// Who asks is a person at a prompt; more than this at once is a mistake.
const CONNECTIONS: usize = 8;
/// How long one connection may last.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after a connection could not be accepted, as when the process has no descriptor left.
const PAUSE: Duration = Duration::from_millis(500);

/// Why `witgate plugin list` will not reach this gate. Nothing else depends on it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Somebody else answers for this configuration.
    #[error("another gate serves the same configuration: `witgate plugin list` shows that one, not this one")]
    Taken,
    /// The folder could be changed by others.
    #[error("`witgate plugin list` cannot reach this gate: {} {why}", folder.display())]
    Folder {
        /// The folder for sockets.
        folder: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The system's words.
    #[error("`witgate plugin list` cannot reach this gate: {}: {cause}", path.display())]
    Io {
        /// The folder, the lock or the socket.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// The socket while it is served. Gone when this is dropped.
#[derive(Debug)]
pub struct Control {
    socket: PathBuf,
    serving: JoinHandle<()>,
    /// Let go of last, and by the system when the process ends in whatever way.
    _lock: File,
}

impl Control {
    /// Serves the plugins of whichever generation is the newest.
    pub fn start(origin: &Origin, roster: watch::Receiver<Arc<Roster>>) -> Result<Self, ControlError> {
        Self::start_in(&super::folder(), origin, roster)
    }

    pub(super) fn start_in(
        folder: &Path,
        origin: &Origin,
        roster: watch::Receiver<Arc<Roster>>,
    ) -> Result<Self, ControlError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| ControlError::Io { path, cause }
        };
        private(folder)?;
        let socket = super::socket(folder, origin).map_err(at(folder))?;
        let lock = lock(&socket.with_extension("lock"))?;
        // Whoever left it has no lock any more.
        match std::fs::remove_file(&socket) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(at(&socket)(cause)),
            _ => {}
        }
        let listener = UnixListener::bind(&socket).map_err(at(&socket))?;
        std::fs::set_permissions(&socket, Permissions::from_mode(0o600)).map_err(at(&socket))?;
        Ok(Self { serving: tokio::spawn(serve(listener, roster)), socket, _lock: lock })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.serving.abort();
        // The next gate removes what cannot be removed now.
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Makes the folder, or finds that it is ours alone.
fn private(folder: &Path) -> Result<(), ControlError> {
    let failed = |cause| ControlError::Io { path: folder.to_owned(), cause };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(failed(cause)),
        _ => {}
    }
    match super::fault(folder).map_err(failed)? {
        Some(why) => Err(ControlError::Folder { folder: folder.to_owned(), why }),
        None => Ok(()),
    }
}

/// Never removed: who waits for a lock on a file that is gone has locked nothing.
fn lock(path: &Path) -> Result<File, ControlError> {
    let failed = |cause| ControlError::Io { path: path.to_owned(), cause };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ControlError::Taken),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

async fn serve(listener: UnixListener, roster: watch::Receiver<Arc<Roster>>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let roster = roster.borrow().clone();
        tokio::spawn(async move {
            // Whoever asks badly, or goes away, gets no answer.
            let _ = tokio::time::timeout(PATIENCE, answer(stream, &roster)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: UnixStream, roster: &Roster) -> io::Result<()> {
    if !super::is_friend(stream.peer_cred()?.uid()) {
        return Ok(());
    }
    let (from, mut to) = stream.split();
    let mut line = String::new();
    BufReader::new(from.take(QUESTION_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(Question::Plugins) => serde_json::to_string(&Report::of(roster))?,
        Err(cause) => serde_json::json!({ "error": format!("not a question: {cause}") }).to_string(),
    };
    to.write_all(answer.as_bytes()).await?;
    to.write_all(b"\n").await?;
    to.shutdown().await
}
