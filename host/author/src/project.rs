//! A plugin's project: a folder with a `plugin.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::component::Adapter;
use crate::error::Error;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "plugin.toml";

/// The component that a build leaves, beside it.
pub const COMPONENT: &str = "plugin.wasm";

/// What `plugin.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name in a configuration, as `my-rule`.
    pub name: String,
    /// What it decides, as `validate`.
    pub kind: String,
    /// What it is written in, as `python`; as the folders of `sdk/` are named.
    pub language: String,
    /// What serves its module's imports of WASI preview 1; where it is not said, the language's usual.
    #[serde(default)]
    pub adapt: Option<Adapter>,
}

impl Manifest {
    /// As `plugin.toml` has it.
    pub fn text(&self) -> String {
        format!("name = {:?}\nkind = {:?}\nlanguage = {:?}\n", self.name, self.kind, self.language)
    }
}

/// A project on disk.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

impl Project {
    /// Reads the project of a folder.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => Error::NoProject { folder: folder.to_owned() },
            _ => Error::Io { what: "cannot read", path: path.clone(), cause },
        })?;
        let manifest = toml::from_str(&text).map_err(|cause| Error::Manifest { path, cause: cause.to_string() })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Where its component is, once it was built.
    pub fn component(&self) -> PathBuf {
        if self.folder == Path::new(".") { COMPONENT.into() } else { self.folder.join(COMPONENT) }
    }
}
