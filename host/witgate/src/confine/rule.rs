use std::path::{Path, PathBuf};

use witgate_config::Config;

/// What stays open: a folder with all that is in it, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) path: PathBuf,
    pub(super) access: Access,
}

/// How far it stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Files are read, folders listed.
    Read,
    /// Files are read, and run as programs.
    Run,
    /// Files are read and written; files, folders and links are made, renamed and removed. No sockets, pipes or devices.
    Change,
    /// Likewise, and sockets are made: the gate's own folders.
    Own,
    /// A device is read and written.
    Device,
}

impl Access {
    /// Whether whoever has this may do all that the other one allows.
    pub(super) fn includes(self, other: Self) -> bool {
        match other {
            Self::Read => self != Self::Device,
            Self::Change => matches!(self, Self::Change | Self::Own),
            Self::Run | Self::Own | Self::Device => self == other,
        }
    }
}

/// What is read of the system: by the resolver (`/etc`; libc loads what `nsswitch.conf` names from `/usr` and `/lib`), by
/// the counting of processors (`cgroup`, `mountinfo`, `/sys`), by wasmtime of its own memory (`pagemap`). Folders where
/// files are replaced while the gate runs, as `/etc/resolv.conf` and libraries; but of `/proc/self`, where the environment
/// is, single files.
const READ: [&str; 10] = [
    "/etc",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/self/pagemap",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];

/// What the resolver reads in `/etc`, each of which may be a link to somewhere else.
const RESOLVER: [&str; 5] = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"];

/// Where systems keep libraries: their folders stay open there, so that a loader that was updated is found.
const LIBRARIES: [&str; 6] = ["/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"];

/// What this configuration needs. `own` are the gate's own folders.
pub(super) fn rules(config: &Config, own: &[PathBuf]) -> Vec<Rule> {
    let rule = |access| move |path| Rule { path, access };
    let folders = config.tenants.iter().flat_map(|tenant| &tenant.plugins).flat_map(|plugin| &plugin.grants.files);
    let granted = folders.map(|folder| Rule {
        path: folder.host.clone(),
        access: if folder.writable { Access::Change } else { Access::Read },
    });
    let system = READ.into_iter().map(PathBuf::from).chain(RESOLVER.iter().filter_map(|file| elsewhere(file.as_ref())));
    granted
        .chain(own.iter().cloned().map(rule(Access::Own)))
        .chain(system.map(rule(Access::Read)))
        .chain(std::iter::once(rule(Access::Device)("/dev/null".into())))
        .chain(program().into_iter().map(rule(Access::Run)))
        .collect()
}

/// Where a file of `/etc` really is, if that is not below `/etc`: its folder, since it is replaced there, unless that is
/// as wide as `/run`; then the file alone.
fn elsewhere(file: &Path) -> Option<PathBuf> {
    let target = std::fs::canonicalize(file).ok().filter(|target| !target.starts_with("/etc"))?;
    match target.parent() {
        Some(folder) if folder.components().count() > 2 => Some(folder.to_owned()),
        _ => Some(target),
    }
}

/// What the compiler's process is made of, which is what this one is made of: the program, its loader and its libraries.
fn program() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut files: Vec<_> = maps.lines().filter_map(executable).collect();
    files.sort();
    files.dedup();
    files
}

/// The file behind a line of `/proc/self/maps`, if it is run; its folder, if it is a library of the system.
fn executable(line: &str) -> Option<PathBuf> {
    let mut fields = line.splitn(6, ' ');
    let permissions = fields.nth(1)?;
    let path = Path::new(fields.nth(3)?.trim_start());
    if !permissions.contains('x') || !path.is_absolute() {
        return None;
    }
    let is_library = path.file_name()?.to_string_lossy().contains(".so");
    match path.parent() {
        Some(folder) if is_library && LIBRARIES.iter().any(|there| folder.starts_with(there)) => {
            Some(folder.to_owned())
        }
        _ => Some(path.to_owned()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_map_says_what_is_run() {
        #[track_caller]
        fn check(line: &str, want: Option<&str>) {
            assert_eq!(executable(line).as_deref(), want.map(Path::new), "{line}");
        }
        let libc = "7f0a-7f0b r-xp 00026000 fe:00 1234                       /usr/lib/x86_64-linux-gnu/libc.so.6";
        check(libc, Some("/usr/lib/x86_64-linux-gnu"));
        check(&libc.replace("r-xp", "r--p"), None);
        check(
            "55d0-55d1 r-xp 00001000 fe:00 99                         /opt/my gate/witgate",
            Some("/opt/my gate/witgate"),
        );
        check("55d0-55d1 r-xp 00001000 fe:00 99                         /home/u/shim.so", Some("/home/u/shim.so"));
        check("7ffd-7ffe r-xp 00000000 00:00 0                          [vdso]", None);
        check("7ffd-7ffe r-xp 00000000 00:00 0 ", None);
        check("", None);
    }

    #[test]
    fn a_file_that_is_elsewhere_brings_its_folder_unless_that_is_too_wide() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = std::fs::canonicalize(folder.path()).expect("a folder");
        std::fs::write(folder.join("resolv.conf"), "").expect("writes");
        std::os::unix::fs::symlink(folder.join("resolv.conf"), folder.join("link")).expect("links");
        std::os::unix::fs::symlink("/proc/version", folder.join("wide")).expect("links");
        assert_eq!(elsewhere(&folder.join("link")), Some(folder.clone()));
        assert_eq!(elsewhere(&folder.join("wide")), Some("/proc/version".into()));
        assert_eq!(elsewhere(&folder.join("missing")), None);
        assert_eq!(elsewhere(Path::new("/etc/passwd")), None);
    }
}
