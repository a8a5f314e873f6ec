//! Embeds the contract and the templates, so that one program is all that an author needs: writes a list of files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What tools leave behind, and what is only for the repository.
const LEFT_OUT: [&str; 7] = ["target", "build", "gen", "node_modules", "__pycache__", "plugin.wasm", "Cargo.lock"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    let root = root.canonicalize()?;
    let mut list = String::from("&[\n");
    for folder in ["wit", "sdk", "tests/contract"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(&root, &root.join(folder), &mut list)?;
    }
    let workspace = root.join("Cargo.toml");
    println!("cargo::rerun-if-changed={}", workspace.display());
    add(&root, &workspace, &mut list);
    list.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("files.rs"), list)
}

fn collect(root: &Path, folder: &Path, list: &mut String) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let left_out = LEFT_OUT.iter().any(|name| entry.file_name() == *name);
        if entry.file_type()?.is_dir() {
            if !left_out {
                collect(root, &path, list)?;
            }
        } else if !left_out {
            add(root, &path, list);
        }
    }
    Ok(())
}

fn add(root: &Path, path: &Path, list: &mut String) {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    // Writing to a string does not fail.
    let _ = writeln!(list, "({name:?}, include_bytes!({:?})),", path.display().to_string());
}
