use std::path::PathBuf;

/// The guest that does what it is told, as `tests/guests/probe/README.md` says: `files`, `network`, `local` (validators),
/// `credential` (with the network) or `sanitize` (with files).
pub fn probe(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("dist/probe-{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; plugins/build makes it", path.display()))
}
