//! The schema and the program agree about which files are good.

use std::path::Path;

use serde_json::Value;
use witgate_config::{EMBEDDED, schema};

fn judge(text: &str) -> Result<(), String> {
    let table: toml::Table = toml::from_str(text).map_err(|cause| cause.to_string())?;
    let file: Value = serde_json::to_value(table).map_err(|cause| cause.to_string())?;
    let validator = jsonschema::validator_for(schema()).expect("the schema is one");
    let errors: Vec<_> = validator.iter_errors(&file).map(|error| error.to_string()).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../witgate/tests/config").join(name).join("witgate.toml");
    std::fs::read_to_string(path).expect("the case")
}

#[test]
fn good_files_are_of_the_schema() {
    assert_eq!(judge(EMBEDDED), Ok(()));
    for name in ["good", "open-to-all", "no-auth", "two-empty-prefixes", "bad-glob"] {
        assert_eq!(judge(&case(name)), Ok(()), "{name}");
    }
}

#[test]
fn files_with_wrong_keys_and_types_are_not() {
    for name in ["unknown-key", "wrong-types"] {
        assert!(judge(&case(name)).is_err(), "{name}");
    }
}

/// Everything is explained, and nothing may be `null`: TOML has none.
#[test]
fn every_key_is_described() {
    fn walk(at: &str, schema: &Value) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string() || property["$ref"].is_string(), "{at}.{key}");
            assert!(!property.to_string().contains("null"), "{at}.{key}: {property}");
        }
    }
    walk("", schema());
    for (name, definition) in schema()["$defs"].as_object().expect("definitions") {
        walk(name, definition);
    }
}
