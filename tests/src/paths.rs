//! Where things are.

use std::env::{current_exe, var_os};
use std::path::{Path, PathBuf};

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The gate's binary: of the profile that the tests were built with, or what `WITGATE_BIN` names.
pub fn witgate() -> PathBuf {
    built("witgate", var_os("WITGATE_BIN").map(PathBuf::from))
}

/// The server with the fixtures of the conformance suite.
pub fn fixtures() -> PathBuf {
    built("witgate-conformance", None)
}

fn built(name: &str, named: Option<PathBuf>) -> PathBuf {
    let beside = || Some(current_exe().ok()?.parent()?.parent()?.join(name));
    let path = named.or_else(beside).expect("the path of this test");
    assert!(path.is_file(), "{} is missing: run tests/run, or first `cargo build --workspace`", path.display());
    path
}

/// A script of this crate, as `servers/raw.py`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The Python of `tests/.deps`, as `python`, or a program that its packages brought.
pub fn python(program: &str) -> PathBuf {
    part(&format!("venv/bin/{program}"))
}

/// The main script of an npm package of `tests/.deps`.
pub fn package(path: &str) -> PathBuf {
    part(&format!("node_modules/{path}"))
}

/// Node: the one of `tests/.deps` where the system's was too old for the packages.
pub fn node() -> PathBuf {
    let own = script(".deps/node/node_modules/node/bin/node");
    if own.exists() { own } else { "node".into() }
}

fn part(name: &str) -> PathBuf {
    let path = script(".deps").join(name);
    assert!(path.exists(), "{} is missing: run tests/run, which installs it", path.display());
    path
}

/// `server-everything`, to be run by `node`.
pub fn everything() -> PathBuf {
    package("@modelcontextprotocol/server-everything/dist/index.js")
}

/// `server-filesystem`, to be run by `node`.
pub fn filesystem() -> PathBuf {
    package("@modelcontextprotocol/server-filesystem/dist/index.js")
}
