//! `unsafe` has one room. The workspace denies it, and one function expects it; this holds that there is no second.

use std::fs;
use std::path::{Path, PathBuf};

use witgate_tests::paths;

/// The one place, which says why it is sound.
const ROOM: &str = "host/sandbox/src/compiler/artifact.rs";

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs" || end == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn unsafe_code_is_allowed_in_one_place() {
    // In two parts, so that this file does not name it.
    let word = concat!("unsafe", "_code");
    let root = paths::repository();
    let mut files = vec![root.join("Cargo.toml")];
    for folder in ["host", "sdk", "plugins", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "only {} files were found", files.len());
    let mut rooms = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        let place = file.strip_prefix(&root).expect("in the repository").display().to_string();
        let lines = text.lines().filter(|line| line.contains(word) && !line.trim_start().starts_with("//"));
        rooms.extend(lines.map(|line| (place.clone(), line.trim().to_owned())));
    }
    rooms.sort();
    let [(workspace, denied), (room, expected)] = &rooms[..] else { panic!("{rooms:#?}") };
    assert_eq!((workspace.as_str(), denied.as_str()), ("Cargo.toml", &*format!("{word} = \"deny\"")));
    assert_eq!(room, ROOM);
    assert!(expected.starts_with("#[expect("), "{expected}");
}

/// A crate that does not take the workspace's lints could do as it likes.
#[test]
fn every_crate_takes_the_workspaces_lints() {
    let root = paths::repository();
    let mut files = Vec::new();
    for folder in ["host", "sdk", "plugins", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let manifests: Vec<_> = files.into_iter().filter(|path| path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() > 10, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not", manifest.display());
    }
}
