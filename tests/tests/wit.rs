//! The contract stands by itself: it parses as a whole, and nothing in Witgate's own packages is without its words.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_parser::{Docs, Resolve, Stability, TypeDefKind, UnresolvedPackageGroup};
use witgate_tests::paths;

/// Every package of `wit/`, ours and those of `wit/deps`.
fn contract() -> Resolve {
    let wit = paths::repository().join("wit");
    let folders = packages(&wit).into_iter().chain(packages(&wit.join("deps")));
    let mut resolve = Resolve::new();
    let groups = folders.map(|folder| {
        UnresolvedPackageGroup::parse_dir(&folder).unwrap_or_else(|error| panic!("{}: {error:#}", folder.display()))
    });
    let mut groups: Vec<_> = groups.collect();
    let first = groups.pop().expect("a package");
    resolve.push_groups(first, groups).unwrap_or_else(|error| panic!("wit/: {error:?}"));
    resolve
}

fn packages(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut packages: Vec<_> = entries.filter(|path| path.is_dir() && !path.ends_with("deps")).collect();
    packages.sort();
    packages
}

/// What has no doc comment, or no `@since`, by its path.
#[derive(Default)]
struct Bare(Vec<String>);

impl Bare {
    fn docs(&mut self, what: &str, docs: &Docs) {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            self.0.push(format!("{what} has no doc comment"));
        }
    }

    fn since(&mut self, what: &str, stability: &Stability) {
        if !matches!(stability, Stability::Stable { .. }) {
            self.0.push(format!("{what} has no @since"));
        }
    }
}

#[test]
fn every_word_of_the_contract_is_explained() {
    let resolve = contract();
    let mut bare = Bare::default();
    let mut seen = 0;
    for package in
        resolve.packages.iter().map(|(_, package)| package).filter(|package| package.name.namespace == "witgate")
    {
        for id in package.interfaces.values() {
            let interface = &resolve.interfaces[*id];
            let at = format!("{}/{}", package.name, interface.name.as_deref().unwrap_or_default());
            bare.docs(&at, &interface.docs);
            bare.since(&at, &interface.stability);
            for (name, function) in &interface.functions {
                seen += 1;
                bare.docs(&format!("{at}.{name}"), &function.docs);
            }
            for (name, id) in &interface.types {
                let found = &resolve.types[*id];
                // `use` brings a type in that is explained where it is written.
                if matches!(found.kind, TypeDefKind::Type(wit_parser::Type::Id(_))) {
                    continue;
                }
                seen += 1;
                let at = format!("{at}.{name}");
                bare.docs(&at, &found.docs);
                members(&found.kind, |name, docs| bare.docs(&format!("{at}.{name}"), docs));
            }
        }
        for id in package.worlds.values() {
            let world = &resolve.worlds[*id];
            bare.docs(&format!("{}/{}", package.name, world.name), &world.docs);
            bare.since(&format!("{}/{}", package.name, world.name), &world.stability);
        }
    }
    assert!(seen > 30, "the walk found {seen} functions and types only: it does not look where they are");
    assert!(bare.0.is_empty(), "{:#?}", bare.0);
}

fn members(kind: &TypeDefKind, mut found: impl FnMut(&str, &Docs)) {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().for_each(|field| found(&field.name, &field.docs)),
        TypeDefKind::Variant(variant) => variant.cases.iter().for_each(|case| found(&case.name, &case.docs)),
        TypeDefKind::Enum(listed) => listed.cases.iter().for_each(|case| found(&case.name, &case.docs)),
        TypeDefKind::Flags(flags) => flags.flags.iter().for_each(|flag| found(&flag.name, &flag.docs)),
        _ => {}
    }
}

#[test]
fn each_kind_has_its_package_and_its_world() {
    #[track_caller]
    fn check(resolve: &Resolve, package: &str, interface: &str, function: &str) {
        let found =
            resolve.packages.iter().find(|(_, found)| found.name.to_string() == format!("witgate:{package}@0.1.0"));
        let (_, found) = found.unwrap_or_else(|| panic!("no package {package}"));
        let id = found.interfaces.get(interface).unwrap_or_else(|| panic!("no interface {package}/{interface}"));
        let functions = &resolve.interfaces[*id].functions;
        assert!(functions.contains_key("configure"), "{package}/{interface} is not configured");
        assert!(functions.contains_key(function), "{package}/{interface} has no `{function}`");
        assert_eq!(found.worlds.len(), 1, "{package}: one small world for each kind");
    }
    let resolve = contract();
    check(&resolve, "auth", "authenticator", "authenticate");
    check(&resolve, "credential", "provider", "provide");
    check(&resolve, "validate", "validator", "validate");
    check(&resolve, "route", "router", "route");
    check(&resolve, "retry", "strategy", "decide");
    check(&resolve, "sanitize", "sanitizer", "sanitize");
}

/// What was released is frozen, to the last comment: a component that once ran keeps running, and its author's copy is the
/// contract. A change is a new version in a folder beside the old one (`wit/README.md`, Versions).
#[test]
fn what_was_released_is_frozen() {
    let wit = paths::repository().join("wit");
    let found: Vec<String> =
        packages(&wit).iter().map(|folder| format!("{}  {}", hash(folder), name(folder))).collect();
    let released = std::fs::read_to_string(wit.join("RELEASED")).expect("wit/RELEASED");
    let released: Vec<&str> = released.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(found, released, "the packages of wit/ beside wit/RELEASED");
}

/// SHA-256 of a package: of each file's name, a zero byte and its content, in order.
fn hash(folder: &Path) -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(name(&file));
        hash.update([0]);
        hash.update(std::fs::read(&file).expect("a file of wit/"));
    }
    let digits: Vec<_> = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
