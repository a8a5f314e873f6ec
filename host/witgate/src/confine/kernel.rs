//! What the kernel is asked for, and what it is known to allow.

use std::path::Path;

use super::rule::{Access, Rule};

/// Why this process is not confined.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unconfined {
    /// Nobody wants it.
    #[error("`confine = \"off\"` in [server]")]
    Off,
    /// There is nothing to confine it with.
    #[error("{0}")]
    Missing(&'static str),
    /// It should have been possible.
    #[error("the kernel refuses it: {0}")]
    Failed(String),
}

#[cfg(target_os = "linux")]
pub(super) use landlocked::{Walls, confine};

#[cfg(target_os = "linux")]
mod landlocked {
    use std::os::unix::fs::MetadataExt;

    use landlock::{
        ABI, Access as _, AccessFs, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
    };

    use super::{Access, Path, Rule, Unconfined};

    /// What this process is confined to.
    pub(in super::super) struct Walls {
        /// The version of Landlock.
        pub(in super::super) abi: u32,
        /// Whether that version confines all that was asked for.
        pub(in super::super) whole: bool,
        /// The folders and files that stayed open, by device and inode: that is how the kernel knows them.
        open: Vec<(u64, u64, Access)>,
        /// Landlock keeps inodes, and `/proc` makes a new one for a file of which nobody holds the old.
        _held: Vec<PathFd>,
    }

    /// Confines the calling thread. What is not there is left out.
    pub(in super::super) fn confine(rules: &[Rule]) -> Result<Walls, Unconfined> {
        apply(rules).unwrap_or_else(|cause| Err(Unconfined::Failed(cause.to_string())))
    }

    fn apply(rules: &[Rule]) -> Result<Result<Walls, Unconfined>, RulesetError> {
        // Signals are not scoped: the servers that the gate ends are outside.
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))?
            .scope(Scope::AbstractUnixSocket)?
            .create()?;
        let (mut open, mut held) = (Vec::new(), Vec::new());
        for rule in rules {
            let Ok(path) = PathFd::new(&rule.path) else { continue };
            let is_folder = std::fs::metadata(&rule.path).is_ok_and(|found| found.is_dir());
            let rights =
                if is_folder { rights(rule.access) } else { rights(rule.access) & AccessFs::from_file(ABI::V5) };
            ruleset = ruleset.add_rule(PathBeneath::new(&path, rights))?;
            open.extend(identity(&rule.path).map(|(device, inode)| (device, inode, rule.access)));
            if rule.path.starts_with("/proc") {
                held.push(path);
            }
        }
        let done = ruleset.restrict_self()?;
        Ok(match (done.landlock, done.ruleset) {
            (LandlockStatus::NotImplemented, _) => {
                Err(Unconfined::Missing("the kernel has no Landlock, or lets nobody here use it"))
            }
            (LandlockStatus::NotEnabled, _) => {
                Err(Unconfined::Missing("the kernel has Landlock, and was started without"))
            }
            (_, RulesetStatus::NotEnforced) => Err(Unconfined::Failed("it enforces nothing".to_owned())),
            (LandlockStatus::Available { effective_abi, .. }, enforced) => Ok(Walls {
                abi: effective_abi as u32,
                whole: enforced == RulesetStatus::FullyEnforced,
                open,
                _held: held,
            }),
        })
    }

    fn rights(access: Access) -> BitFlags<AccessFs> {
        let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
        let change = make_bitflags!(AccessFs::{
            WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
        });
        match access {
            Access::Read => read,
            Access::Run => read | AccessFs::Execute,
            Access::Change => read | change,
            Access::Own => read | change | AccessFs::MakeSock,
            Access::Device => make_bitflags!(AccessFs::{ReadFile | WriteFile}),
        }
    }

    fn identity(path: &Path) -> Option<(u64, u64)> {
        std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
    }

    impl Walls {
        /// Whether a path was left open, by itself or with a folder that it is in. A folder that was replaced is another
        /// one. What is not there is left to whoever opens it.
        pub(in super::super) fn allow(&self, path: &Path, access: Access) -> bool {
            let Ok(path) = std::fs::canonicalize(path) else { return true };
            path.ancestors().filter_map(identity).any(|(device, inode)| {
                let mut open = self.open.iter().filter(|open| (open.0, open.1) == (device, inode));
                open.any(|(.., there)| there.includes(access))
            })
        }
    }
}

/// What this process is confined to: a system without Landlock has none.
#[cfg(not(target_os = "linux"))]
pub(super) struct Walls {
    pub(super) abi: u32,
    pub(super) whole: bool,
}

#[cfg(not(target_os = "linux"))]
impl Walls {
    pub(super) fn allow(&self, _: &Path, _: Access) -> bool {
        true
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_: &[Rule]) -> Result<Walls, Unconfined> {
    Err(Unconfined::Missing("this system has no Landlock"))
}
