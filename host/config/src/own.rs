//! What belongs to the gate, and no plugin may touch.
//!
//! A plugin that could change what the gate goes by (the configuration, a plugin, a program that the gate starts, the
//! compiler's cache) could grant itself anything; one that could read a secret's file would have the secret. So a
//! folder that is granted may not hold such a file, nor lie in such a folder. What is not there yet counts too: it may be
//! there tomorrow.

use std::path::{Path, PathBuf};

use witgate_gateway::upstream::{Stdio, Transport};
use witgate_policy::folder::touch;

use super::cause::GrantCause;
use super::desk::Desk;
use super::document::Part;
use super::{Cache, Compiler, Egress, PluginSource, Secrets, Surroundings, Tenant};

/// The gate's own files and folders, each as it was written and as it is.
pub(super) struct Own {
    /// Not even to be read.
    hidden: Vec<(PathBuf, PathBuf)>,
    /// Not to be changed.
    fixed: Vec<(PathBuf, PathBuf)>,
}

impl Own {
    pub(super) fn of(
        file: &Path,
        around: &Surroundings<'_>,
        compiler: &Compiler,
        egress: &Egress,
        secrets: &Secrets,
        tenants: &[Tenant],
    ) -> Self {
        let cache = match &compiler.cache {
            Cache::Folder(folder) => Some(folder),
            Cache::Usual | Cache::Off => None,
        };
        let hidden = secrets.files().chain(cache).chain(around.own);
        let mut fixed = vec![file.to_owned()];
        fixed.extend(std::env::current_exe());
        fixed.extend(egress.roots.as_ref().map(|roots| roots.file.clone()));
        fixed.extend(secrets.programs().flat_map(|program| found(program, around)));
        for tenant in tenants {
            fixed.extend(tenant.plugins.iter().filter_map(|plugin| match &plugin.source {
                PluginSource::File(path) => Some(path.clone()),
                PluginSource::Builtin(_) => None,
            }));
            for upstream in tenant.groups.iter().flat_map(|group| &group.upstreams) {
                if let Transport::Stdio(stdio) = &upstream.transport {
                    fixed.extend(programs(stdio, around));
                }
            }
        }
        Self { hidden: hidden.map(|path| real(path)).collect(), fixed: fixed.iter().map(|path| real(path)).collect() }
    }
}

/// What a server is made of: its program, the files among its arguments, and its folder, where programs look for parts
/// of themselves.
fn programs(stdio: &Stdio, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let folder = stdio.cwd.clone().unwrap_or_default();
    let mut all = found(&stdio.command, around);
    all.extend(stdio.args.iter().map(|argument| folder.join(argument)).filter(|path| path.is_file()));
    all.extend(stdio.cwd.clone());
    all
}

/// Where a program is: its path, or all that its name may lead to.
fn found(program: &str, around: &Surroundings<'_>) -> Vec<PathBuf> {
    if program.contains('/') {
        return vec![program.into()];
    }
    let folders = (around.environment)("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(program)).filter(|path| path.is_file()).collect()
}

/// A path as it was written, and without links as far as it exists.
fn real(path: &Path) -> (PathBuf, PathBuf) {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = whole.ancestors().find_map(|ancestor| {
        let found = std::fs::canonicalize(ancestor).ok()?;
        Some(found.join(whole.strip_prefix(ancestor).ok()?))
    });
    (path.to_owned(), existing.unwrap_or(whole))
}

impl Desk<'_> {
    /// Refuses grants of what is the gate's own. Only for a configuration that is good so far: places are counted.
    pub(super) fn keep_own(&mut self, tenants: &[Tenant], own: &Own) {
        for plugin in tenants.iter().flat_map(|tenant| &tenant.plugins) {
            for (at, folder) in plugin.grants.files.iter().enumerate() {
                let touched = |all: &[(PathBuf, PathBuf)]| {
                    let mut all = all.iter();
                    all.find(|(_, real)| touch(real, &folder.host)).map(|(path, _)| path.display().to_string())
                };
                let place = plugin.place.key("grants").key("files").index(at);
                if let Some(path) = touched(&own.hidden) {
                    self.report(GrantCause::HiddenFile { path }, &place.key("path"), Part::Value);
                } else if let Some(path) = touched(&own.fixed).filter(|_| folder.writable) {
                    self.report(GrantCause::OwnFile { path }, &place.key("write"), Part::Value);
                }
            }
        }
    }
}
