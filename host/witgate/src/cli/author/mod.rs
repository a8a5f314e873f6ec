//! The verbs for those who write plugins: from an empty folder to a component that passes its cases.

mod bench;
mod build;
mod diff;
mod new;
mod record;
mod run;
mod table;
mod test;

use std::path::{Path, PathBuf};

use tracing_subscriber::fmt::format::debug_fn;
use witgate_author::Project;
use witgate_author::project::MANIFEST;
use witgate_config::diagnostic::{Problem, Problems};
use witgate_config::{Cause, Compiler, Egress, PluginSource, builtin};
use witgate_policy::Limits;

use super::output::Failure;
use super::{plugin, serve};
use crate::case::Player;
use crate::confine::Outside;
use crate::generation::{self, MAX_COMPONENT_BYTES};

pub(super) use bench::{Bench, bench};
pub(super) use build::build;
pub(super) use new::{New, new};
pub(super) use record::{Record, record};
pub(super) use run::run;
pub(super) use test::{Test, test};

/// What the cases of a project are in.
const CASES: &str = "cases";

/// A component that an author works on, and where its cases are.
pub(super) struct Subject {
    /// As it was named, or the component of the folder that was.
    pub(super) source: String,
    /// For a configuration.
    pub(super) name: String,
    pub(super) plugin: PluginSource,
    cases: Option<PathBuf>,
}

impl Subject {
    /// Of a project's folder, a component's file or `builtin:NAME`.
    pub(super) fn find(source: &str) -> Result<Self, Failure> {
        let name = plugin::name_of(source);
        if let Some(word) = source.strip_prefix("builtin:") {
            let found = builtin::named(word).map(PluginSource::Builtin);
            let plugin = found.ok_or_else(|| Problems::from(Problem::new(Cause::unknown_builtin(word))))?;
            return Ok(Self { source: source.to_owned(), name, plugin, cases: None });
        }
        let path = Path::new(source);
        if path.is_dir() {
            let project = Project::open(path)?;
            let component = project.component();
            if !component.is_file() {
                let what = format!("{} is not there", component.display());
                return Err(Failure::runtime(what, "`witgate plugin build` makes it"));
            }
            let (source, name) = (component.display().to_string(), project.manifest.name);
            return Ok(Self { source, name, plugin: PluginSource::File(component), cases: Some(path.join(CASES)) });
        }
        let beside = path.parent().map(|folder| folder.join(CASES)).filter(|cases| cases.is_dir());
        let folder = path.parent().unwrap_or(Path::new("."));
        // The component of a project has its name.
        let name = match Project::open(folder) {
            Ok(project) if path.file_name() == project.component().file_name() => project.manifest.name,
            _ => name,
        };
        Ok(Self { source: source.to_owned(), name, plugin: PluginSource::File(path.to_owned()), cases: beside })
    }

    /// The component, ready to be played with.
    async fn player(&self) -> Result<(Player, Loaded), Failure> {
        let refuse = |cause: generation::Cause| Failure::from(Problems::from(Problem::new(cause)));
        let bytes = generation::read(&Outside::here(), &self.plugin).await.map_err(refuse)?;
        let sandbox = serve::small_sandbox(&Compiler::default(), &Egress::default())?;
        let loaded = Loaded { size_bytes: bytes.len() };
        let component = sandbox.compile(&self.name, bytes, MAX_COMPONENT_BYTES).await;
        let component = component.map_err(|cause| refuse(generation::Cause::Refused(cause)))?;
        Ok((Player::new(sandbox, component, Limits::default()), loaded))
    }
}

/// What is known of a component that was loaded.
struct Loaded {
    size_bytes: usize,
}

/// What the plugin writes, to its log or its standard output and error, goes to standard error, as it wrote it.
fn listen() {
    let only_words = debug_fn(|to, field, value| match field.name() {
        "message" => write!(to, "{value:?}"),
        _ => Ok(()),
    });
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().with_target(false);
    let log = log.with_level(false).with_ansi(false).fmt_fields(only_words).with_env_filter("witgate::plugin=trace");
    // Where there is a log already, that one does.
    let _ = log.try_init();
}

/// The project that a path is in: the nearest folder above it with a manifest.
fn project_of(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    path.ancestors().find(|folder| folder.join(MANIFEST).is_file()).map(Path::to_owned)
}

/// `1 case`, `2 cases`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
