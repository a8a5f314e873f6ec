use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

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
}

/// What the gate that serves this configuration says; `None` when there is none.
pub fn ask(origin: &Origin) -> Result<Option<Report>, AskError> {
    ask_in(&super::folder(), origin)
}

pub(super) fn ask_in(folder: &Path, origin: &Origin) -> Result<Option<Report>, AskError> {
    let Ok(socket) = super::socket(folder, origin) else { return Ok(None) };
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // Nobody was there, or is there any more.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(cause) => return Err(cause.into()),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let question = serde_json::to_string(&Question::Plugins)?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES)).read_line(&mut line)?;
    Ok(Some(serde_json::from_str(&line)?))
}
