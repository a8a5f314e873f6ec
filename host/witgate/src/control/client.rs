use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::time::timeout;
use witgate_config::Origin;

use super::{ANSWER_BYTES, Question, Report};

/// A gate that answers does so at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a gate that seems to run did not say how its plugins do.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The connection ended, or brought nothing in time.
    #[error("the gate does not answer: {0}")]
    Io(#[from] io::Error),
    /// Not a report: another version.
    #[error("the gate answers what this version does not understand: {0}")]
    Answer(#[from] serde_json::Error),
    /// Others could have put a socket there.
    #[error("whoever answers may not be the gate, and is not asked: {} {why}", folder.display())]
    Folder {
        /// The folder for sockets.
        folder: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Somebody else listens.
    #[error("who answers is not the gate, and is not asked: it runs as the user {0}")]
    Stranger(u32),
}

/// What the gate that serves this configuration says; `None` when there is none.
pub fn ask(origin: &Origin) -> Result<Option<Report>, AskError> {
    ask_in(&super::folder(), origin, super::is_friend)
}

/// Believes those whose user `is_friend`.
pub(super) fn ask_in(
    folder: &Path,
    origin: &Origin,
    is_friend: impl Fn(u32) -> bool,
) -> Result<Option<Report>, AskError> {
    let Ok(socket) = super::socket(folder, origin) else { return Ok(None) };
    match super::fault(folder) {
        Ok(None) => {}
        Ok(Some(why)) => return Err(AskError::Folder { folder: folder.to_owned(), why }),
        Err(cause) if is_nobody(&cause) => return Ok(None),
        Err(cause) => return Err(cause.into()),
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let talk = async { timeout(PATIENCE, talk(&socket, is_friend)).await };
    let line = runtime.block_on(talk).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    line.map(|line| Ok(serde_json::from_str(&line)?)).transpose()
}

/// Hears what a plugin of the gate is asked: a line for each case, after an empty one when it begins. `heard` says
/// whether it wants more. `false` when there is no gate.
pub(crate) async fn record(
    origin: &Origin,
    plugin: &str,
    tenant: Option<&str>,
    mut heard: impl FnMut(&str) -> bool,
) -> Result<bool, AskError> {
    let folder = super::folder();
    let Ok(socket) = super::socket(&folder, origin) else { return Ok(false) };
    match super::fault(&folder) {
        Ok(None) => {}
        Ok(Some(why)) => return Err(AskError::Folder { folder, why }),
        Err(cause) if is_nobody(&cause) => return Ok(false),
        Err(cause) => return Err(cause.into()),
    }
    let question = Question::Record { plugin: plugin.to_owned(), tenant: tenant.map(str::to_owned) };
    let Some(stream) = put(&socket, super::is_friend, &question).await? else { return Ok(false) };
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        if !heard(&line) {
            break;
        }
    }
    Ok(true)
}

async fn talk(socket: &Path, is_friend: impl Fn(u32) -> bool) -> Result<Option<String>, AskError> {
    let Some(stream) = put(socket, is_friend, &Question::Plugins).await? else { return Ok(None) };
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES)).read_line(&mut line).await?;
    Ok(Some(line))
}

/// Puts a question. `None` when nobody is there.
async fn put(
    socket: &Path,
    is_friend: impl Fn(u32) -> bool,
    question: &Question,
) -> Result<Option<UnixStream>, AskError> {
    let mut stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        Err(cause) if is_nobody(&cause) => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    let peer = stream.peer_cred()?.uid();
    if !is_friend(peer) {
        return Err(AskError::Stranger(peer));
    }
    let question = serde_json::to_string(question)?;
    stream.write_all(format!("{question}\n").as_bytes()).await?;
    Ok(Some(stream))
}

/// Nobody was there, or is there any more.
fn is_nobody(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
