//! The configuration: a TOML file becomes a [`Config`] of real types, or a list of everything that is wrong with it.
//!
//! Steps, each over the whole file, so that one run shows as much as possible: TOML to values with places
//! ([`Document`]); `${VAR}` filled in; keys, types and bounds held against the schema; the raw structs checked. What
//! needs a plugin to be loaded is checked when a generation is built, and reported in the same way.
//!
//! Invariants: the embedded default goes the same way as any file; a `Config` holds no unchecked text; nothing here opens a socket or starts
//! a process: commands are run by who loads a configuration ([`Surroundings`]).

pub mod builtin;
mod cause;
mod ceiling;
mod compiler;
mod desk;
pub mod diagnostic;
mod document;
mod egress;
mod grants;
mod interpolate;
mod limits;
mod name;
mod own;
mod place;
mod plugin;
mod raw;
mod secret;
mod server;
mod shape;
pub mod source;
mod suggest;
mod tenant;
mod upstream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Problem, Problems, Source};

use desk::Desk;
use own::Own;
use raw::RawFile;

pub use cause::{Cause, GrantCause};
pub use ceiling::Quota;
pub use compiler::{Cache, Compiler};
pub use document::{Document, Part};
pub use egress::{Egress, Roots};
pub use limits::Most;
pub use place::Place;
pub use plugin::{Plugin, PluginSource};
pub use secret::Secrets;
pub use server::{Confine, Log, LogFormat, LogMessages, Server};
pub use shape::schema;
pub use source::{Environment, Surroundings};
pub use tenant::{Group, Tenant};

/// The configuration of a gate that was given none.
pub const EMBEDDED: &str = include_str!("default.toml");

/// What a configuration may be at most, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Where a configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Inside the program.
    Embedded,
}

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The file, for marks in it.
    pub document: Arc<Document>,
    /// The HTTP server.
    pub server: Server,
    /// The log.
    pub log: Log,
    /// How components are compiled.
    pub compiler: Compiler,
    /// How plugins reach the network.
    pub egress: Egress,
    /// The secrets that plugins may be granted.
    pub secrets: Secrets,
    /// The tenants; at least one.
    pub tenants: Vec<Tenant>,
    /// What deserves attention and hinders nothing.
    pub warnings: Problems,
}

impl Config {
    /// Reads and checks a configuration.
    pub fn load(origin: &Origin, around: &Surroundings<'_>) -> Result<Self, Problems> {
        match origin {
            Origin::Embedded => Self::parse_in("default.toml", EMBEDDED, Path::new(""), around),
            Origin::File(path) => {
                let text = read(path).map_err(|cause| Problems::from(Problem::new(cause)))?;
                let folder = path.parent().unwrap_or(Path::new(""));
                Self::parse_in(&path.display().to_string(), &text, folder, around)
            }
        }
    }

    /// Checks a configuration, with no command run. `folder` is where its relative paths start.
    pub fn parse(name: &str, text: &str, folder: &Path, environment: Environment<'_>) -> Result<Self, Problems> {
        Self::parse_in(name, text, folder, &Surroundings::of(environment))
    }

    /// Checks a configuration. `folder` is where its relative paths start.
    pub fn parse_in(name: &str, text: &str, folder: &Path, around: &Surroundings<'_>) -> Result<Self, Problems> {
        let mut document = Document::parse(Source::new(name, text))?;
        let filled = interpolate::interpolate(&mut document, around.environment);
        let shaped = shape::check(&document);
        let mut problems = filled.err().unwrap_or_default();
        problems.extend(shaped.err().unwrap_or_default());
        if problems.are_fatal() {
            return Err(problems);
        }
        let raw: RawFile = serde_json::from_value(document.root().to_json())
            .map_err(|cause| Problem::new(Cause::Unfit { message: cause.to_string() }))?;
        let mut desk = Desk::new(document, folder, around);
        let server = desk.server(&raw);
        let log = desk.log(&raw);
        let compiler = desk.compiler(&raw.compiler);
        let egress = desk.egress(&raw.egress);
        let secrets = desk.secrets(&raw);
        let tenants = desk.tenants(raw, &server, &secrets);
        if !desk.has_failed() {
            let own = Own::of(Path::new(name), around, &compiler, &egress, &secrets, &tenants);
            desk.keep_own(&tenants, &own);
        }
        let (document, problems) = desk.close();
        if problems.are_fatal() {
            return Err(problems);
        }
        Ok(Self { document: Arc::new(document), server, log, compiler, egress, secrets, tenants, warnings: problems })
    }
}

fn read(path: &Path) -> Result<String, Cause> {
    let name = path.display().to_string();
    let unreadable = |cause| Cause::Unreadable { name: name.clone(), cause };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_BYTES {
        return Err(Cause::TooLarge { name, bytes, limit: MAX_BYTES });
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(text).map_err(|cause| Cause::NotText { name, byte: cause.utf8_error().valid_up_to() })
}
