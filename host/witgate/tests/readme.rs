//! What the README shows to write is a good configuration.

use std::fs;
use std::path::Path;

use witgate_config::{Config, Surroundings};

/// The fenced blocks of TOML.
fn blocks(readme: &str) -> Vec<&str> {
    let fenced = readme.split("```toml\n").skip(1);
    fenced.map(|rest| rest.split("```").next().expect("a fence")).collect()
}

/// The files and folders that the examples name.
fn surroundings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let component = witgate_config::builtin::named("validate-schema").expect("a plugin").component;
    for file in ["plugins/introspect.wasm", "guarded/plugin.wasm"] {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("makes");
        fs::write(file, component).expect("writes");
    }
    fs::create_dir(folder.path().join("allow-lists")).expect("makes");
    folder
}

#[test]
fn every_example_is_a_good_configuration() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let folder = surroundings();
    let environment = |name: &str| match name {
        "REALM" => None,
        name if name.ends_with("SHA256") => Some("00".repeat(32)),
        _ => Some("value".to_owned()),
    };
    let around = Surroundings { run: &|_| Ok("secret".to_owned()), ..Surroundings::of(&environment) };
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 4, "only {} examples were found", blocks.len());
    for block in blocks {
        // One shows no more than a plugin.
        let server = if block.contains("upstream.") { "" } else { "[upstream.leave]\nbuiltin = \"leave\"\n" };
        let config = Config::parse_in("README.md", &format!("{server}{block}"), folder.path(), &around);
        let config = config.unwrap_or_else(|problems| panic!("{problems}\nin\n{block}"));
        assert!(config.warnings.is_empty(), "{}\nin\n{block}", config.warnings);
    }
}
