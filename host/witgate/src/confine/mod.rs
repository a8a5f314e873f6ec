//! The gate gives up what it does not need of the file system, for good, before it serves anybody (Landlock, Linux 5.13
//! and newer).
//!
//! This is a second wall. The first one are the grants: a guest reaches files only by the directories that it was
//! handed, and nothing in the gate opens a path that came in a message. Should that fail, the kernel still refuses
//! whatever lies outside of the granted folders, and the programs that could be run.
//!
//! Landlock confines the thread that asks, and all that this thread starts from then on, threads and processes. So the
//! main thread confines itself before it starts any other. Two threads are older, and stay outside ([`Outside`]): one
//! starts upstream servers, which need files of their own and must not inherit the gate's walls; the other reads what
//! the configuration names, at the start and at each reload. Neither looks at a message. So a reload may name other
//! files, wherever they are, and inside there is no need to open the configuration, the plugins' files or the secrets'. A
//! *folder* for a plugin is another matter: it is used inside, so one that the gate gave up at its start needs a
//! restart, and [`Confinement::admit`] says so.
//!
//! What is left inside (`rule.rs`): the granted folders, to write in where that was granted; the gate's own folders; what
//! resolving names, loading libraries and counting processors reads; and this very program with its libraries, to run as
//! the compiler, which inherits the walls and adds its own.
//!
//! What this does not give:
//!
//! - A wall against code that runs in the gate. The threads outside share its memory: who can call any function can
//!   have them open any file. The first wall against that is the guests' sandbox, the second one is not here.
//! - A wall around `/etc` and `/usr`. Both can be read inside, as far as the gate's user may: a file that is replaced, as
//!   `/etc/resolv.conf` is, is another file to Landlock, so the whole folder stays open. Secrets are better kept elsewhere,
//!   and the gate is better not root.
//! - Anything about the network. Connecting and listening are not confined: which origins a plugin may ask is decided
//!   by name, and Landlock knows ports only.
//! - A difference between plugins. The walls are the process's: the union of all that was granted at the start.
//! - Silence about what exists. `stat`, `readlink` and watching a folder are not confined by Landlock.
//! - Walls against signals. Landlock could keep the gate from ending processes outside, but its servers are there.
//!
//! Invariants: nothing is ever unconfined again; no job of the threads outside starts a thread that outlives it, and
//! they run nothing but what [`Outside`] has methods for.

mod cause;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there is nothing to confine with"))]
mod kernel;
mod outside;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there is nothing to confine with"))]
mod rule;

use std::path::{Path, PathBuf};

use witgate_config::diagnostic::{Problem, Problems};
use witgate_config::{Config, Confine, Part};

pub use cause::Cause;
pub use outside::Outside;

use kernel::{Unconfined, Walls};

/// How far this process is confined, and who is not.
pub struct Confinement {
    outside: Outside,
    state: Result<Walls, Unconfined>,
}

impl Default for Confinement {
    /// None.
    fn default() -> Self {
        Self { outside: Outside::here(), state: Err(Unconfined::Off) }
    }
}

impl Confinement {
    /// Confines the calling thread and all that it starts later, as far as the configuration wants it and the kernel can.
    /// Call it before any other thread is started. `own` are folders that the gate itself writes to; they are made when
    /// they are not there.
    pub fn start(config: &Config, own: &[PathBuf]) -> std::io::Result<Self> {
        if config.server.confine == Confine::Off {
            return Ok(Self::default());
        }
        // Before the walls, so that they are outside.
        let outside = Outside::start()?;
        for folder in own {
            make(folder);
        }
        let state = kernel::confine(&rule::rules(config, own));
        Ok(Self { outside, state })
    }

    /// Who starts servers and reads the configuration.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Says in the log what was done.
    pub fn report(&self) {
        match &self.state {
            Ok(walls) if walls.whole => tracing::info!(
                landlock = walls.abi,
                "confined: besides the system's own, no files can be opened any more that the configuration does not name"
            ),
            Ok(walls) => tracing::info!(
                landlock = walls.abi,
                "confined in part: besides the system's own, no files can be opened any more that the configuration does not name; \
                 a newer kernel refuses more than that"
            ),
            Err(why @ (Unconfined::Off | Unconfined::Missing(_))) => tracing::info!("not confined: {why}"),
            Err(why @ Unconfined::Failed(_)) => tracing::warn!("not confined: {why}"),
        }
    }

    /// Refuses a new configuration that grants a folder which the gate has given up.
    pub fn admit(&self, config: &Config) -> Result<(), Problems> {
        let Ok(walls) = &self.state else { return Ok(()) };
        let mut problems = Problems::default();
        for plugin in config.tenants.iter().flat_map(|tenant| &tenant.plugins) {
            for (at, folder) in plugin.grants.files.iter().enumerate() {
                let place = plugin.place.key("grants").key("files").index(at).key("path");
                let Some(closed) = closed(walls, &folder.host, folder.writable) else { continue };
                let cause = Cause::Closed { plugin: plugin.name.clone(), folder: folder.host.clone(), closed };
                let marks = config.document.mark(&place, Part::Value, "").into_iter().collect();
                problems.push(Problem::new(cause).marked(config.document.source(), marks));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Makes a folder for nobody else. One that cannot be made is left to whoever uses it, who knows what it is for.
fn make(folder: &Path) {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let _ = builder.recursive(true).create(folder);
}

/// What of a folder is closed.
fn closed(walls: &Walls, folder: &Path, is_written: bool) -> Option<&'static str> {
    use rule::Access;
    if !walls.allow(folder, Access::Read) {
        return Some("which");
    }
    (is_written && !walls.allow(folder, Access::Change)).then_some("to write in, which")
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
