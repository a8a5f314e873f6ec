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
use crate::recording::Wanted;

/// Who asks is a person at a prompt; more than this at once is a mistake.
const CONNECTIONS: usize = 8;
/// Those that record, which last.
const RECORDINGS: usize = 4;
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
    let recordings = Arc::new(Semaphore::new(RECORDINGS));
    // The semaphore is never closed.
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (roster, recordings) = (roster.clone(), recordings.clone());
        tokio::spawn(async move {
            // Whoever asks badly, or goes away, gets no answer.
            let now = roster.borrow().clone();
            let answered = tokio::time::timeout(PATIENCE, answer(stream, &now)).await;
            drop(place);
            if let Ok(Ok(Some((stream, wanted)))) = answered {
                let _ = record(stream, roster, wanted, &recordings).await;
            }
        });
    }
}

/// Answers a question. One for a recording is answered later, for as long as it takes.
async fn answer(mut stream: UnixStream, roster: &Roster) -> io::Result<Option<(UnixStream, Wanted)>> {
    if !super::is_friend(stream.peer_cred()?.uid()) {
        return Ok(None);
    }
    let mut line = String::new();
    BufReader::new((&mut stream).take(QUESTION_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(Question::Plugins) => serde_json::to_string(&Report::of(roster))?,
        Ok(Question::Record { plugin, tenant }) => return Ok(Some((stream, Wanted { plugin, tenant }))),
        Err(cause) => serde_json::json!({ "error": format!("not a question: {cause}") }).to_string(),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    stream.shutdown().await?;
    Ok(None)
}

/// Says what a plugin is asked, cleaned, until who listens goes away.
async fn record(
    mut stream: UnixStream,
    roster: watch::Receiver<Arc<Roster>>,
    wanted: Wanted,
    recordings: &Semaphore,
) -> io::Result<()> {
    let now = roster.borrow().clone();
    let place = recordings.try_acquire();
    let refusal = if place.is_err() {
        Some(format!("{RECORDINGS} others record already"))
    } else if now.plugins.iter().any(|plugin| wanted.is(&plugin.tenant, &plugin.name)) {
        None
    } else {
        let known: Vec<_> = now.plugins.iter().map(|plugin| format!("{} of {}", plugin.name, plugin.tenant)).collect();
        Some(format!("there is no such plugin; there are {}", known.join(", ")))
    };
    if let Some(why) = refusal {
        return stream.write_all(format!("{}\n", serde_json::json!({ "error": why })).as_bytes()).await;
    }
    let mut recorded = now.tape.listen(wanted);
    if let Some(cleaner) = &now.cleaner {
        cleaner.prepare().await;
    }
    drop(now);
    let (mut from, mut to) = stream.into_split();
    // So that who listens knows from when on.
    to.write_all(b"{}\n").await?;
    let mut rest = [0];
    loop {
        let next = tokio::select! {
            // It says nothing more; so this is its end.
            _ = from.read(&mut rest) => return Ok(()),
            next = recorded.recv() => next,
        };
        // The newest knows the most secrets.
        let cleaner = roster.borrow().cleaner.clone();
        let (Some(next), Some(cleaner)) = (next, cleaner) else { return Ok(()) };
        let Some(next) = cleaner.clean(next).await else { continue };
        let line = serde_json::json!({ "case": next.case, "verdict": next.verdict });
        to.write_all(format!("{line}\n").as_bytes()).await?;
    }
}
