//! The map of the house (DESIGN section 2) is what `cargo metadata` says.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use witgate_tests::paths;

fn workspace() -> Metadata {
    let manifest = paths::repository().join("Cargo.toml");
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked".to_owned(), "--filter-platform".to_owned(), host];
    MetadataCommand::new().manifest_path(manifest).other_options(options).exec().expect("cargo metadata")
}

/// The direct dependencies of a crate of these kinds, by package name.
fn names(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
    dependencies.map(|dependency| dependency.name.clone()).collect()
}

const BUILT: [DependencyKind; 2] = [DependencyKind::Normal, DependencyKind::Build];
const ALL: [DependencyKind; 3] = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development];

/// The crate's place in the repository, as `host/policy`.
fn place(metadata: &Metadata, package: &Package) -> String {
    let folder = package.manifest_path.parent().expect("a folder");
    folder.strip_prefix(&metadata.workspace_root).expect("a folder of the workspace").to_string()
}

#[test]
fn arrows_point_down() {
    let metadata = workspace();
    let allowed = BTreeMap::from([
        ("host/author", vec![]),
        ("host/policy", vec![]),
        ("host/state", vec!["witgate-policy"]),
        ("host/egress", vec!["witgate-policy"]),
        ("host/sandbox", vec!["witgate-egress", "witgate-policy"]),
        ("host/gateway", vec!["witgate-policy"]),
        ("host/config", vec!["witgate-gateway", "witgate-policy"]),
        (
            "host/witgate",
            vec![
                "witgate-author",
                "witgate-config",
                "witgate-egress",
                "witgate-gateway",
                "witgate-policy",
                "witgate-sandbox",
                "witgate-state",
            ],
        ),
        ("sdk/rust", vec![]),
        ("tests", vec!["witgate-test-guests"]),
        (
            "tests/bench",
            vec!["witgate-gateway", "witgate-policy", "witgate-sandbox", "witgate-state", "witgate-test-guests"],
        ),
        ("tests/conformance", vec!["witgate-test-guests", "witgate-tests"]),
        ("tests/guests", vec!["witgate-policy"]),
        ("tests/guests/probe", vec!["witgate-sdk"]),
    ]);
    for package in metadata.workspace_packages() {
        let place = place(&metadata, package);
        let allowed = match allowed.get(place.as_str()) {
            Some(allowed) => allowed.clone(),
            None if place.starts_with("plugins/") => vec!["witgate-sdk"],
            None => panic!("{place} is not on the map: add it to DESIGN section 2 and here"),
        };
        let inner = names(package, &BUILT).into_iter().filter(|name| name.starts_with("witgate"));
        let wrong: Vec<_> = inner.filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{place} may not know {wrong:?}");
    }
}

/// Not in tests either: gateway tests use native fakes of the seams, sandbox tests use no HTTP.
#[test]
fn gateway_and_sandbox_never_meet() {
    #[track_caller]
    fn check(metadata: &Metadata, of: &str, never: &[&str]) {
        let packages = metadata.workspace_packages();
        let package = packages.iter().find(|package| package.name.as_str() == of).expect("the crate");
        let met: Vec<_> = names(package, &ALL).into_iter().filter(|name| never.contains(&name.as_str())).collect();
        assert!(met.is_empty(), "{of} knows {met:?}");
    }
    let metadata = workspace();
    check(&metadata, "witgate-gateway", &["witgate-sandbox", "witgate", "witgate-sdk"]);
    check(&metadata, "witgate-sandbox", &["witgate-gateway", "witgate", "witgate-sdk"]);
    check(&metadata, "witgate-policy", &["witgate-gateway", "witgate-sandbox", "witgate-state", "witgate"]);
    check(&metadata, "witgate-state", &["witgate-gateway", "witgate-sandbox", "witgate"]);
}

/// Each outside world has one crate that names it; HTTP has two, one for messages and one for what plugins ask.
#[test]
fn words_have_one_room() {
    const WASM: [&str; 4] = ["wasmtime", "cranelift", "wasmparser", "wiggle"];
    const HTTP: [&str; 8] = ["hyper", "http", "rmcp", "h2", "reqwest", "axum", "tower", "rustls"];
    let metadata = workspace();
    let is_of = |family: &[&str], name: &str| {
        family.iter().any(|word| name == *word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('-')))
    };
    for package in metadata.workspace_packages() {
        let place = place(&metadata, package);
        let knows = |family: &[&str]| -> Vec<_> {
            names(package, &BUILT).into_iter().filter(|name| is_of(family, name)).collect()
        };
        if place != "host/sandbox" {
            assert!(knows(&WASM).is_empty(), "{place} names {:?}, which host/sandbox hides", knows(&WASM));
        }
        if !["host/gateway", "host/egress", "tests", "tests/conformance"].contains(&place.as_str()) {
            assert!(
                knows(&HTTP).is_empty(),
                "{place} names {:?}, which host/gateway hides (and host/egress, for plugins)",
                knows(&HTTP)
            );
        }
    }
}

/// Decisions are pure: whatever `policy` reaches, however far down, does no IO.
#[test]
fn policy_reaches_no_io() {
    let metadata = workspace();
    let nodes = &metadata.resolve.as_ref().expect("the graph").nodes;
    let name_of = |id| metadata[id].name.to_string();
    let mut todo: Vec<_> =
        nodes.iter().filter(|node| name_of(&node.id) == "witgate-policy").map(|node| &node.id).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = todo.pop() {
        let node = nodes.iter().find(|node| node.id == *id).expect("a node");
        for dependency in &node.deps {
            let is_built = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_built && reached.insert(name_of(&dependency.pkg)) {
                todo.push(&dependency.pkg);
            }
        }
    }
    assert!(reached.len() > 3, "the walk found {reached:?} only");
    let io = ["tokio", "mio", "hyper", "http", "wasmtime", "rmcp", "socket2", "reqwest", "getrandom"];
    let wrong: Vec<_> = reached.iter().filter(|name| io.contains(&name.as_str())).collect();
    assert!(wrong.is_empty(), "host/policy reaches {wrong:?}");
}
