//! What a plugin itself imports of WASI, where its language's tools take WASI away.
//!
//! The runtimes of TypeScript and Python import most of WASI, sockets too, and need none of it: their tools can put a
//! trap in the place of each such import. They know one by its name, and so would take the plugin's own as well.
//! Therefore WASI has another name while they run, of the same length, and gets its own back in the component, where
//! nothing else changes.

use std::fs;
use std::io;
use std::path::Path;

const WASI: &[u8; 5] = b"wasi:";
const HIDDEN: &[u8; 5] = b"wgsi:";

/// The version of WASI in `wit/deps`, and the one that a component asks for: what a tool took away may still stand there
/// for the types that it lends, and no name comes twice. To a host the two are one.
const VERSION: &[u8; 7] = b"@0.2.12";
const OLDER: &[u8; 7] = b"@0.2.11";

/// The package of the clocks, and what is left of it for who does not read them: `wasi:http` borrows a type there, and
/// the tools import all of what they see.
const CLOCKS: &str = "deps/wasi-clocks@0.2.12/clocks.wit";
const CLOCKS_TYPES: &str = include_str!("hidden/clocks.wit");

/// Makes `to` a copy of the folder `from` with WASI hidden in all files. What was in `to` before is removed.
pub(crate) fn hide(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_dir_all(to) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    copy(from, to)?;
    let clocks = to.join(CLOCKS);
    if clocks.is_file() && !reads_clocks(from)? {
        let mut types = CLOCKS_TYPES.as_bytes().to_vec();
        replace(&mut types, WASI, HIDDEN);
        fs::write(clocks, types)?;
    }
    Ok(())
}

/// Whether the project's own WIT names the clocks.
fn reads_clocks(wit: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(wit)? {
        let path = entry?.path();
        if path.is_file() && fs::read_to_string(path)?.contains("wasi:clocks/") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if fs::metadata(&from)?.is_dir() {
            copy(&from, &to)?;
        } else {
            let mut bytes = fs::read(&from)?;
            replace(&mut bytes, WASI, HIDDEN);
            fs::write(to, bytes)?;
        }
    }
    Ok(())
}

/// Gives a component the right names back.
pub(crate) fn show(component: &mut [u8]) {
    for at in replace(component, HIDDEN, WASI) {
        let name = component[at..].iter().skip(WASI.len());
        let length = name.take_while(|byte| byte.is_ascii_alphanumeric() || b"-/".contains(byte)).count();
        let version = at + WASI.len() + length;
        if component[version..].starts_with(VERSION) {
            component[version..version + OLDER.len()].copy_from_slice(OLDER);
        }
    }
}

/// Where it was.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> Vec<usize> {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    for at in &places {
        bytes[*at..*at + to.len()].copy_from_slice(to);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(world: &str) -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("wit"), folder.path().join("build/wit"));
        for file in crate::contract::copy("wit/deps", "deps") {
            fs::create_dir_all(from.join(&file.path).parent().expect("a folder")).expect("a folder");
            fs::write(from.join(&file.path), file.content).expect("writes");
        }
        fs::create_dir_all(&to).expect("a folder");
        fs::write(to.join("old.wit"), "").expect("writes");
        let world = format!("package witgate:plugin@0.1.0;\n\nworld plugin {{ {world} }}\n");
        fs::write(from.join("world.wit"), &world).expect("writes");
        hide(&from, &to).expect("a copy");
        assert!(!to.join("old.wit").exists());
        let read = |path: &str| fs::read_to_string(to.join(path)).expect("a file");
        let (world, clocks) = (read("world.wit"), read(CLOCKS));
        crate::bindings::world(&to).expect("WIT");
        (folder, world, clocks)
    }

    #[test]
    fn what_is_hidden_is_shown_again() {
        let (_folder, world, clocks) = hidden("import wasi:http/types@0.2.12; import wasi:keyvalue/store@0.2.0-draft;");
        assert!(world.contains("import wgsi:http/types@0.2.12; import wgsi:keyvalue/store@0.2.0-draft;"), "{world}");
        assert!(!clocks.contains("func"), "{clocks}");
        let mut world = world.into_bytes();
        show(&mut world);
        let world = String::from_utf8_lossy(&world);
        assert!(world.contains("import wasi:http/types@0.2.11; import wasi:keyvalue/store@0.2.0-draft;"), "{world}");
    }

    #[test]
    fn who_reads_clocks_has_them() {
        let (_folder, _, clocks) = hidden("import wasi:clocks/wall-clock@0.2.12;");
        assert!(clocks.contains("package wgsi:clocks@0.2.12;") && clocks.contains("now: func"), "{clocks}");
    }
}
