//! The granted folder itself, opened as it was checked. Whoever read the configuration resolved its path, so there is no
//! link in it; if there is one now, somebody put it there since, and it leads where nobody looked.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use cap_std::fs::Dir;
use rustix::fs::{CWD, Mode, OFlags, openat};

/// How a folder is opened.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// How those above it are: only to go through them, which asks for no right to read them.
#[cfg(target_os = "linux")]
const ABOVE: OFlags = FOLDER.union(OFlags::NOFOLLOW).union(OFlags::PATH);
#[cfg(not(target_os = "linux"))]
const ABOVE: OFlags = FOLDER.union(OFlags::NOFOLLOW);

/// Opens a folder by its canonical path.
pub(super) fn open(path: &Path) -> io::Result<Dir> {
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "its path is not absolute and without `..`"));
    }
    Ok(Dir::from_std_file(without_links(path)?.into()))
}

#[cfg(target_os = "linux")]
fn without_links(path: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};
    use rustix::io::Errno;
    match openat2(CWD, path, FOLDER, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // A kernel before 5.6, or a container that knows of no such call.
        Err(Errno::NOSYS | Errno::PERM) => step_by_step(path),
        Err(Errno::LOOP) => {
            Err(io::Error::other("there is a symbolic link in its path, which was none when it was checked"))
        }
        opened => Ok(opened?),
    }
}

#[cfg(not(target_os = "linux"))]
fn without_links(path: &Path) -> io::Result<OwnedFd> {
    step_by_step(path)
}

/// From the root down, each step in the folder that the one before opened.
fn step_by_step(path: &Path) -> io::Result<OwnedFd> {
    let mut above = openat(CWD, "/", ABOVE, Mode::empty())?;
    for part in path.components() {
        if let Component::Normal(name) = part {
            above = openat(&above, name, ABOVE, Mode::empty())?;
        }
    }
    Ok(openat(&above, ".", FOLDER, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(dir: &Dir) -> Vec<String> {
        let entries = dir.entries().expect("reads").flatten();
        entries.map(|entry| entry.file_name().into_string().expect("plain")).collect()
    }

    /// A folder that was checked, and then replaced with a link, or moved so that a link is on the way to it.
    #[test]
    fn what_is_opened_is_what_was_checked() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a folder");
        fs::create_dir_all(root.join("up/granted")).expect("made");
        fs::write(root.join("up/granted/mine"), "").expect("written");
        fs::create_dir_all(root.join("other/granted")).expect("made");
        fs::write(root.join("other/granted/secret"), "").expect("written");
        let granted = root.join("up/granted");
        let step = |path: &Path| step_by_step(path).map(|opened| Dir::from_std_file(opened.into()));

        assert_eq!(names(&open(&granted).expect("opens")), ["mine"]);
        assert_eq!(names(&step(&granted).expect("opens")), ["mine"]);
        for bad in [root.join("up/../up/granted"), "up/granted".into(), root.join("nowhere"), "/dev/null".into()] {
            assert!(open(&bad).is_err(), "{}", bad.display());
        }

        fs::rename(&granted, root.join("up/away")).expect("moved");
        symlink(root.join("other/granted"), &granted).expect("linked");
        let error = open(&granted).expect_err("a link").to_string();
        assert!(cfg!(not(target_os = "linux")) || error.contains("symbolic link"), "{error}");
        assert!(step(&granted).is_err());

        fs::rename(root.join("up"), root.join("gone")).expect("moved");
        symlink(root.join("other"), root.join("up")).expect("linked");
        assert!(fs::metadata(&granted).is_ok(), "the link leads to a folder");
        assert!(open(&granted).is_err() && step(&granted).is_err());
    }
}
