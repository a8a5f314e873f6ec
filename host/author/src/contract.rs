//! The contract as a project needs it: a world of its own, and the packages that it names.

use std::fmt::Write as _;

use wit_parser::{Resolve, WorldId};

use crate::error::Error;
use crate::files::{self, File};
use crate::project::Project;

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

/// The interfaces that a plugin of a kind may import, by their names with versions.
fn offered(kind: &str) -> Vec<String> {
    let text = |package: &str| files::text(&format!("wit/{package}@{VERSION}/{package}.wit")).unwrap_or_default();
    let (local, outward) = text("capability").split_once("world outward").unwrap_or_default();
    let outward = if text(kind).contains("/outward@") { outward } else { "" };
    let lines = local.lines().chain(outward.lines());
    let imports = lines.filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    imports.map(str::to_owned).collect()
}

/// Each has to be one of those; one without a version gets the version that there is.
pub(crate) fn imports(kind: &str, named: &[String]) -> Result<Vec<String>, Error> {
    let known = offered(kind);
    let found = |import: &String| {
        let same = |known: &&String| *known == import || known.split('@').next() == Some(import);
        known.iter().find(same).cloned().ok_or_else(|| Error::Import {
            found: import.clone(),
            kind: kind.to_owned(),
            known: known.clone(),
        })
    };
    named.iter().map(found).collect()
}

/// Whether a world is of a plugin of the kind that its project says.
pub(crate) fn check(project: &Project, resolve: &Resolve, world: WorldId) -> Result<(), Error> {
    let kind = &project.manifest.kind;
    let wanted = interface(kind).ok_or_else(|| Error::Kind { found: kind.clone() })?;
    let found: Vec<_> = resolve.worlds[world].exports.keys().map(|key| resolve.name_world_key(key)).collect();
    if found.contains(&wanted) { Ok(()) } else { Err(Error::OtherKind { kind: kind.clone(), wanted, found }) }
}

/// A file of the repository, or the files of a folder, in another place.
pub(crate) fn copy(from: &str, to: &str) -> Vec<File> {
    if let Some(text) = files::text(from) {
        return vec![File { path: to.to_owned(), content: text.as_bytes().to_vec() }];
    }
    files::below(from).map(|(path, content)| File { path: format!("{to}/{path}"), content: content.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Manifest;

    #[test]
    fn a_kind_imports_what_its_world_may() {
        #[track_caller]
        fn check(kind: &str, import: &str, want: Result<&str, &str>) {
            match (imports(kind, &[import.to_owned()]), want) {
                (Ok(found), Ok(want)) => assert_eq!(found, [want]),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, want) => panic!("{kind} {import}: {found:?}, not {want:?}"),
            }
        }
        check("retry", "witgate:counter/counter@0.1.0", Ok("witgate:counter/counter@0.1.0"));
        check("retry", "wasi:keyvalue/store", Ok("wasi:keyvalue/store@0.2.0-draft"));
        check("auth", "wasi:http/outgoing-handler", Ok("wasi:http/outgoing-handler@0.2.12"));
        check(
            "retry",
            "wasi:http/outgoing-handler",
            Err("of the kind retry cannot import `wasi:http/outgoing-handler`"),
        );
        check("auth", "witgate:counter/counter@0.2.0", Err("  witgate:counter/counter@0.1.0"));
        check("auth", "wasi:sockets/tcp", Err("cannot import `wasi:sockets/tcp`"));
    }

    #[test]
    fn a_world_is_of_the_kind_that_the_manifest_says() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in wit("auth", &[]).expect("a kind") {
            let path = folder.path().join(&file.path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, file.content).expect("writes");
        }
        let manifest = |kind: &str| Manifest { name: "p".into(), kind: kind.into(), language: "c".into(), adapt: None };
        let project = |kind| Project { folder: folder.path().into(), manifest: manifest(kind) };
        let (resolve, world) = crate::bindings::world(&folder.path().join("wit")).expect("WIT");
        check(&project("auth"), &resolve, world).expect("of this kind");
        let other = check(&project("route"), &resolve, world).expect_err("of another kind").to_string();
        assert!(other.contains("export witgate:route/router@0.1.0;"), "{other}");
        assert!(other.contains("this one exports witgate:auth/authenticator@0.1.0"), "{other}");
    }
}
