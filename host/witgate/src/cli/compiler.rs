//! How this program has components compiled: by itself, once more.

use std::path::PathBuf;
use std::process::ExitCode;

use witgate_config::{Cache, Compiler as Wanted};
use witgate_sandbox::{ChildCompiler, Compiler, Job};

use super::output::Failure;

/// The verb of the child. People are not told of it.
pub(super) const VERB: &str = "compile";

/// What a child is: this very program, also when its file was replaced meanwhile.
#[cfg(target_os = "linux")]
const SELF: &str = "/proc/self/exe";

/// A child of this program, within what the configuration says.
pub(super) fn compiler(wanted: &Wanted) -> Result<Compiler, Failure> {
    Ok(Compiler::Child(ChildCompiler {
        program: program()?,
        arguments: vec![VERB.into()],
        cache: cache(wanted),
        memory_bytes: wanted.memory_bytes,
        cpu_time: wanted.cpu_time,
        wall_time: wanted.wall_time,
    }))
}

/// The folder in which artifacts are kept.
pub(super) fn cache(wanted: &Wanted) -> Option<PathBuf> {
    match &wanted.cache {
        Cache::Usual => usual_cache(),
        Cache::Folder(folder) => Some(folder.clone()),
        Cache::Off => None,
    }
}

/// The folder in which artifacts are kept unless the configuration names another.
pub(crate) fn usual_cache() -> Option<PathBuf> {
    usual(|name| std::env::var_os(name).map(PathBuf::from))
}

fn program() -> Result<PathBuf, Failure> {
    #[cfg(target_os = "linux")]
    if std::fs::exists(SELF).unwrap_or(false) {
        return Ok(SELF.into());
    }
    std::env::current_exe().map_err(|cause| Failure::runtime("this program does not find its own file", cause))
}

/// Where programs of this user keep what they can make again (XDG Base Directory 0.8): absolute, or not there.
fn usual(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("witgate"))
}

/// `witgate compile`: the child itself.
pub(super) fn work(job: Job) -> Result<ExitCode, Failure> {
    witgate_sandbox::work(job).map_err(|cause| Failure::runtime("cannot compile", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_folder_is_an_absolute_one() {
        #[track_caller]
        fn check(cache: Option<&str>, home: Option<&str>, want: Option<&str>) {
            let variable = |name: &str| if name == "HOME" { home } else { cache }.map(PathBuf::from);
            assert_eq!(usual(variable), want.map(PathBuf::from));
        }
        check(Some("/c"), Some("/h"), Some("/c/witgate"));
        check(None, Some("/h"), Some("/h/.cache/witgate"));
        check(Some("c"), Some("/h"), Some("/h/.cache/witgate"));
        check(Some(""), Some("/h"), Some("/h/.cache/witgate"));
        check(None, Some("h"), None);
        check(None, None, None);
    }
}
