use std::path::{Path, PathBuf};

use witgate_policy::Folder;

use super::super::cause::GrantCause;
use super::super::desk::Desk;
use super::super::document::Part;
use super::super::place::Place;
use super::super::raw::RawFolder;

/// A small state of its own, which fills no disk.
const DEFAULT_QUOTA_BYTES: u64 = 1 << 20;

/// Longer paths are of no use to a plugin, and some languages have buffers of this size.
const MAX_GUEST_BYTES: usize = 256;

impl Desk<'_> {
    pub(super) fn folders(&mut self, raw: &[RawFolder], place: &Place) -> Vec<Folder> {
        let mut folders: Vec<(Place, Folder)> = Vec::with_capacity(raw.len());
        for (at, raw) in raw.iter().enumerate() {
            let place = place.index(at);
            let Some(folder) = self.folder(raw, &place) else { continue };
            if let Some((first, _)) = folders.iter().find(|(_, other)| other.guest == folder.guest) {
                let cause = GrantCause::GuestPathTwice { guest: folder.guest.clone() };
                let (first, second) = (first.key("as"), place.key("as"));
                self.report_at(cause, &[(&second, Part::Value, "again here"), (&first, Part::Value, "first here")]);
            }
            folders.push((place, folder));
        }
        folders.into_iter().map(|(_, folder)| folder).collect()
    }

    fn folder(&mut self, raw: &RawFolder, place: &Place) -> Option<Folder> {
        if let Err(why) = guest_path(&raw.guest) {
            let cause = GrantCause::BadGuestPath { text: raw.guest.clone(), why };
            self.report(cause, &place.key("as"), Part::Value);
        }
        if raw.quota_bytes.is_some() && !raw.write {
            self.report(GrantCause::QuotaWithoutWrite, &place.key("quota-bytes"), Part::Value);
        }
        let path = self.path(&raw.path);
        let host = real_folder(&path).map_err(|why| {
            let cause = GrantCause::NoFolder { path: path.display().to_string(), why };
            self.report(cause, &place.key("path"), Part::Value);
        });
        let quota_bytes = if raw.write { raw.quota_bytes.unwrap_or(DEFAULT_QUOTA_BYTES) } else { 0 };
        Some(Folder { host: host.ok()?, guest: raw.guest.clone(), writable: raw.write, quota_bytes })
    }
}

/// Without links: what is checked is what is opened.
pub(in super::super) fn real_folder(path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err("it is not the name of a folder".to_owned());
    }
    let real = std::fs::canonicalize(path).map_err(|cause| cause.to_string())?;
    if real.is_dir() { Ok(real) } else { Err("it is not a folder".to_owned()) }
}

fn guest_path(text: &str) -> Result<(), &'static str> {
    let mut segments = text.strip_prefix('/').unwrap_or_default().split('/');
    if !text.starts_with('/') {
        Err("it must begin with `/`")
    } else if text.len() > MAX_GUEST_BYTES {
        Err("it is longer than 256 bytes")
    } else if text.chars().any(char::is_control) {
        Err("it holds a control character")
    } else if text != "/" && segments.any(|segment| matches!(segment, "" | "." | "..")) {
        Err("it may have no empty, `.` or `..` part, and no `/` at its end")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_path_is_absolute_and_plain() {
        #[track_caller]
        fn check(text: &str, good: bool) {
            assert_eq!(guest_path(text).is_ok(), good, "{text:?}");
        }
        check("/", true);
        check("/data", true);
        check("/data/deep.er", true);
        for bad in ["", "data", "./data", "/data/", "//data", "/../data", "/a/./b", "/a\0b", "/a\nb"] {
            check(bad, false);
        }
        check(&format!("/{}", "a".repeat(256)), false);
    }
}
