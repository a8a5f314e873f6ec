use std::path::PathBuf;
use std::time::Duration;

use super::Cause;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::RawCompiler;

/// How components are compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compiler {
    /// Where what was compiled is kept.
    pub cache: Cache,
    /// Memory for one component; `None` for what is usual for its size, here and below.
    pub memory_bytes: Option<u64>,
    /// Processor time for one component.
    pub cpu_time: Option<Duration>,
    /// Time by the clock on the wall for one component.
    pub wall_time: Option<Duration>,
}

/// Where compiled components are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cache {
    /// Where programs of this user keep such things.
    #[default]
    Usual,
    /// In a folder, which is made when it is not there.
    Folder(PathBuf),
    /// Nowhere.
    Off,
}

impl Desk<'_> {
    pub(super) fn compiler(&mut self, raw: &RawCompiler) -> Compiler {
        let seconds = |written: Option<u32>| written.map(|seconds| Duration::from_secs(seconds.into()));
        Compiler {
            cache: raw.cache.as_deref().map_or(Cache::Usual, |written| self.cache(written)),
            memory_bytes: raw.memory_bytes,
            cpu_time: seconds(raw.cpu_time_s),
            wall_time: seconds(raw.wall_time_s),
        }
    }

    fn cache(&mut self, written: &str) -> Cache {
        if written == "off" {
            return Cache::Off;
        }
        let folder = self.path(written);
        let why = match std::fs::metadata(&folder) {
            _ if written.is_empty() || written.contains('\0') => "it is not the name of a folder".to_owned(),
            Ok(found) if !found.is_dir() => "it is not a folder".to_owned(),
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => cause.to_string(),
            Ok(_) | Err(_) => return Cache::Folder(folder),
        };
        let cause = Cause::BadCache { path: folder.display().to_string(), why };
        self.report(cause, &Place::root().key("compiler").key("cache"), Part::Value);
        Cache::Off
    }
}
