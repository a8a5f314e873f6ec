use std::path::{Path, PathBuf};

use wit_parser::Resolve;
use witgate_policy::Stage;

/// Every package of `wit/`, each after those it needs.
const PACKAGES: [&str; 19] = [
    "deps/wasi-io@0.2.12",
    "deps/wasi-clocks@0.2.12",
    "deps/wasi-random@0.2.12",
    "deps/wasi-filesystem@0.2.12",
    "deps/wasi-sockets@0.2.12",
    "deps/wasi-cli@0.2.12",
    "deps/wasi-http@0.2.12",
    "deps/wasi-keyvalue@0.2.0-draft",
    "deps/wasi-config@0.2.0-rc.1",
    "deps/wasi-logging@0.1.0-draft",
    "types@0.1.0",
    "counter@0.1.0",
    "capability@0.1.0",
    "auth@0.1.0",
    "credential@0.1.0",
    "validate@0.1.0",
    "route@0.1.0",
    "retry@0.1.0",
    "sanitize@0.1.0",
];

/// The interface that makes a plugin of a kind, and its deciding function.
pub(crate) fn interface(kind: Stage) -> (&'static str, &'static str) {
    match kind {
        Stage::Auth => ("authenticator", "authenticate"),
        Stage::Credential => ("provider", "provide"),
        Stage::Validate => ("validator", "validate"),
        Stage::Route => ("router", "route"),
        Stage::Retry => ("strategy", "decide"),
        Stage::Sanitize => ("sanitizer", "sanitize"),
    }
}

/// What `wit/` says, with the package of `kind` in another version if that is asked for.
pub(crate) fn load(kind: Stage, version: &str) -> Resolve {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for package in PACKAGES {
        let path = root.join(package);
        if version != "0.1.0" && package == format!("{kind}@0.1.0") {
            let text = renumbered(&path.join(format!("{kind}.wit")), kind, version);
            resolve.push_source(package, &text).expect("a renumbered package");
        } else {
            resolve.push_path(&path).expect("a package of wit/");
        }
    }
    resolve
}

fn renumbered(file: &Path, kind: Stage, version: &str) -> String {
    let text = std::fs::read_to_string(file).expect("a file of wit/");
    text.replace(&format!("package witgate:{kind}@0.1.0;"), &format!("package witgate:{kind}@{version};"))
}
