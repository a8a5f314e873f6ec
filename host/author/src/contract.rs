//! The contract as a project needs it: a world of its own, and the packages that it names.

use std::fmt::Write as _;

use crate::error::Error;
use crate::files::{self, File};

/// The six kinds, with the interface that makes a plugin of each.
pub const KINDS: [(&str, &str); 6] = [
    ("auth", "authenticator"),
    ("credential", "provider"),
    ("validate", "validator"),
    ("route", "router"),
    ("retry", "strategy"),
    ("sanitize", "sanitizer"),
];

/// The packages that are our own; those in `wit/deps` are the standard's.
const OWN: [&str; 3] = ["types", "counter", "capability"];

/// The interface of a kind, as `witgate:validate/validator@0.1.0`.
pub fn interface(kind: &str) -> Option<String> {
    let (kind, name) = KINDS.iter().find(|(word, _)| *word == kind)?;
    Some(format!("witgate:{kind}/{name}@{VERSION}"))
}

/// The version of the contract.
pub const VERSION: &str = "0.1.0";

/// `wit/` of a project: a world that exports the kind and imports what was asked for, and every package that an import
/// may come from.
pub fn wit(kind: &str, imports: &[String]) -> Option<Vec<File>> {
    let mut world = format!(
        "package witgate:plugin@{VERSION};\n\n/// What this plugin is, and what it may ask for. Add a line for each import that it needs, as\n/// `import witgate:counter/counter@{VERSION};`; deps/ has what there is, and the operator grants it.\nworld plugin {{\n"
    );
    for import in imports {
        let _ = writeln!(world, "  import {import};");
    }
    let _ = writeln!(world, "  export {};\n}}", interface(kind)?);
    let mut all = vec![File { path: "wit/world.wit".to_owned(), content: world.into_bytes() }];
    for name in files::names("wit") {
        let package = name.split('@').next().unwrap_or_default();
        if name == "deps" || !(OWN.contains(&package) || package == kind) {
            continue;
        }
        all.extend(copy(&format!("wit/{name}"), &format!("wit/deps/{name}")));
    }
    all.extend(copy("wit/deps", "wit/deps"));
    Some(all)
}

/// The interfaces that a plugin may import, by their names with versions: those of `capability`.
fn offered() -> Vec<String> {
    let path = format!("wit/capability@{VERSION}/capability.wit");
    let lines = files::text(&path).unwrap_or_default().lines();
    let imports = lines.filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    imports.map(str::to_owned).collect()
}

/// Each has to be one of those.
pub(crate) fn check(imports: &[String]) -> Result<(), Error> {
    let known = offered();
    match imports.iter().find(|import| !known.contains(import)) {
        Some(found) => Err(Error::Import { found: found.clone(), known }),
        None => Ok(()),
    }
}

/// A file of the repository, or the files of a folder, in another place.
pub(crate) fn copy(from: &str, to: &str) -> Vec<File> {
    if let Some(text) = files::text(from) {
        return vec![File { path: to.to_owned(), content: text.as_bytes().to_vec() }];
    }
    files::below(from).map(|(path, content)| File { path: format!("{to}/{path}"), content: content.to_vec() }).collect()
}
