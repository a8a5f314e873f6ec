//! The files of the repository that an author needs, as they were when the program was built.

/// Path and content of each, in order.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A file that goes into a project: where, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path, relative, with `/`.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// One file by its path in the repository.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    let (_, content) = FILES.iter().find(|(name, _)| *name == path)?;
    std::str::from_utf8(content).ok()
}

/// The files below a folder, by their paths in it.
pub(crate) fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let prefix = format!("{folder}/");
    FILES.iter().filter_map(move |(path, content)| Some((path.strip_prefix(&prefix)?, *content)))
}

/// The names of what is directly in a folder.
pub(crate) fn names(folder: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = below(folder).filter_map(|(path, _)| path.split('/').next()).collect();
    names.dedup();
    names
}
