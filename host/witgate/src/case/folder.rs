//! Cases on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Case;

/// What a case is told.
const CASE: &str = "case.json";
/// What it has to answer.
const VERDICT: &str = "verdict.json";

/// Why a case cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaseError {
    /// A file that cannot be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file that is no case, or no verdict.
    #[error("{}: {cause}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
}

/// A case in its folder.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Its name, relative to where it was looked for.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What is told, or what is wrong with one of the files.
    pub(crate) case: Result<Case, CaseError>,
    /// `None`: not written yet.
    pub(crate) verdict: Option<Value>,
}

/// The cases at a path and below it, by name.
pub(crate) fn find(path: &Path) -> Result<Vec<Folder>, CaseError> {
    let mut found = Vec::new();
    walk(path, path, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn walk(root: &Path, path: &Path, found: &mut Vec<Folder>) -> Result<(), CaseError> {
    let failed = |cause| CaseError::Io { path: path.to_owned(), cause };
    if path.join(CASE).is_file() {
        found.push(read(root, path));
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(root, &entry.path(), found)?;
        }
    }
    Ok(())
}

/// A case that cannot be read is found all the same, so that the others can be played.
fn read(root: &Path, path: &Path) -> Folder {
    let name = path.strip_prefix(root).ok().filter(|name| !name.as_os_str().is_empty());
    let name = name.or_else(|| path.file_name().map(Path::new)).unwrap_or(path).display().to_string();
    let (case, verdict) = match (told(path), wanted(path)) {
        (Ok(case), Ok(verdict)) => (Ok(case), verdict),
        (Err(cause), _) | (_, Err(cause)) => (Err(cause), None),
    };
    Folder { name, path: path.to_owned(), case, verdict }
}

fn told(path: &Path) -> Result<Case, CaseError> {
    let path = path.join(CASE);
    let text = fs::read_to_string(&path).map_err(|cause| CaseError::Io { path: path.clone(), cause })?;
    serde_json::from_str(&text).map_err(|cause| CaseError::Content { path, cause: cause.to_string() })
}

fn wanted(path: &Path) -> Result<Option<Value>, CaseError> {
    let path = path.join(VERDICT);
    match fs::read_to_string(&path) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(verdict) => Ok(Some(verdict)),
            Err(cause) => Err(CaseError::Content { path, cause: cause.to_string() }),
        },
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(CaseError::Io { path, cause }),
    }
}

/// Writes a case's verdict; its `case.json` too, when there is one to write.
pub(crate) fn write(path: &Path, case: Option<&Case>, verdict: &Value) -> Result<(), CaseError> {
    let failed = |cause| CaseError::Io { path: path.to_owned(), cause };
    fs::create_dir_all(path).map_err(failed)?;
    if let Some(case) = case {
        fs::write(path.join(CASE), pretty(case)).map_err(failed)?;
    }
    fs::write(path.join(VERDICT), pretty(verdict)).map_err(failed)
}

fn pretty(value: &impl serde::Serialize) -> String {
    // Neither a case nor a verdict has a map with keys that are no strings.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("{text}\n")
}
