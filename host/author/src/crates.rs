//! A crate of this workspace as one that stands alone: what its `Cargo.toml` inherits is written out.

use toml::{Table, Value};

use crate::files::{self, File};

/// A file of a copied folder; of a `Cargo.toml`, what stands alone.
pub(crate) fn standalone(file: File) -> File {
    if !file.path.ends_with("/Cargo.toml") {
        return file;
    }
    let Some(text) = std::str::from_utf8(&file.content).ok().and_then(written_out) else { return file };
    File { content: text.into_bytes(), ..file }
}

fn written_out(text: &str) -> Option<String> {
    let mut own: Table = text.parse().ok()?;
    let root: Table = files::text("Cargo.toml")?.parse().ok()?;
    let workspace = root.get("workspace")?.as_table()?;
    inherit(own.get_mut("package")?.as_table_mut()?, workspace.get("package")?.as_table()?);
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if let Some(section) = own.get_mut(section).and_then(Value::as_table_mut) {
            inherit(section, workspace.get("dependencies")?.as_table()?);
        }
    }
    own.remove("lints");
    toml::to_string(&own).ok()
}

/// `x.workspace = true` becomes what the workspace says of `x`, with what is said beside it.
fn inherit(own: &mut Table, workspace: &Table) {
    for (key, value) in own.iter_mut() {
        let Some(table) = value.as_table() else { continue };
        if table.get("workspace").and_then(Value::as_bool) != Some(true) {
            continue;
        }
        let Some(inherited) = workspace.get(key) else { continue };
        let mut beside = table.clone();
        beside.remove("workspace");
        *value = match (inherited, beside.is_empty()) {
            (inherited, true) => inherited.clone(),
            (Value::Table(inherited), false) => Value::Table(inherited.clone().into_iter().chain(beside).collect()),
            (version, false) => {
                beside.insert("version".to_owned(), version.clone());
                Value::Table(beside)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_stands_alone() {
        let content = files::text("sdk/rust/Cargo.toml").expect("embedded").as_bytes().to_vec();
        let file = standalone(File { path: "witgate/sdk/rust/Cargo.toml".to_owned(), content });
        let text = String::from_utf8(file.content).expect("text");
        let table: Table = text.parse().expect("TOML");
        assert!(!text.contains("workspace"), "{text}");
        assert_eq!(table["package"]["version"].as_str(), Some("0.1.0"));
        assert!(table["dependencies"]["wit-bindgen"]["version"].is_str(), "{text}");
    }
}
