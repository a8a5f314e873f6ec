use std::path::{Path, PathBuf};

use witgate_policy::Folder;
use witgate_policy::folder::guest_path;

use super::super::cause::GrantCause;
use super::super::desk::Desk;
use super::super::document::Part;
use super::super::place::Place;
use super::super::raw::RawFolder;

/// A small state of its own, which fills no disk.
const DEFAULT_QUOTA_BYTES: u64 = 1 << 20;

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
