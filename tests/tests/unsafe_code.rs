//! `unsafe` has its rooms. The workspace denies it, and they expect it: there is no other.

use std::fs;
use std::path::{Path, PathBuf};

use witgate_tests::paths;

/// Each says why it is sound: bytes of a text as a vector, a compiled component that was sealed, functions whose types were
/// checked, where a guest's memory is between its calls, an allocator.
const ROOMS: [&str; 5] = [
    "host/policy/src/json/block.rs",
    "host/sandbox/src/compiler/artifact.rs",
    "host/sandbox/src/export.rs",
    "host/sandbox/src/recycle/grip.rs",
    HEAP,
];

/// The guests' own allocator, which runs in the sandbox with them: what it does wrong is the plugin's fault alone.
const HEAP: &str = "sdk/rust/src/heap.rs";

/// What `wit_bindgen::generate!` writes for guests, who run in the sandbox.
const GENERATED: [&str; 2] = ["sdk/rust/src/bindings.rs", "tests/guests/probe/src/bindings.rs"];
const FOLDERS: [&str; 4] = ["host", "sdk", "plugins", "tests"];

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
fn code_that_may_be_unsafe_has_its_places() {
    // In two parts, so that this file does not name it.
    let word = concat!("unsafe", "_code");
    let root = paths::repository();
    let mut files = vec![root.join("Cargo.toml")];
    for folder in FOLDERS {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "only {} files were found", files.len());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        let place = file.strip_prefix(&root).expect("in the repository").display().to_string();
        let says = |line: &&str| line.contains(word) && !["//", "# "].iter().any(|is| line.starts_with(is));
        found.extend(text.lines().map(str::trim).filter(says).map(|line| (place.clone(), line.to_owned())));
    }
    found.sort();
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    let mut expected = [&["Cargo.toml"], &ROOMS[..], &GENERATED[..]].concat();
    expected.sort_unstable();
    assert_eq!(places, expected, "{found:#?}");
    assert_eq!(found[0].1, format!("{word} = \"deny\""));
    let in_rooms = found.iter().filter(|(place, _)| ROOMS.contains(&place.as_str()));
    assert!(in_rooms.into_iter().all(|(_, line)| line.contains("expect(")), "{found:#?}");
}

/// A crate that does not take the workspace's lints could do as it likes.
#[test]
fn every_crate_takes_the_workspaces_lints() {
    let root = paths::repository();
    let mut files = Vec::new();
    for folder in FOLDERS {
        sources(&root.join(folder), &mut files);
    }
    let manifests: Vec<_> = files.into_iter().filter(|path| path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() > 10, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        if text.contains("[workspace]") {
            // The fuzz targets, which libFuzzer's macro makes extern functions of.
            continue;
        }
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not", manifest.display());
    }
}
