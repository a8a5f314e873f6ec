//! A new project: the language's template for the kind, the contract, and the cases that it has to pass.

use std::fs;
use std::path::Path;

use crate::contract;
use crate::crates;
use crate::error::Error;
use crate::files::{self, File};
use crate::language::Language;
use crate::project::{MANIFEST, Manifest};

/// What the tools of any language leave behind.
const IGNORED: &str = "/.venv/\n/build/\n/gen/\n/node_modules/\n/plugin.wasm\n/target/\n__pycache__/\n";

/// Writes a new project into a folder that is not there, or is empty. Returns the files, in order.
pub fn create(folder: &Path, manifest: &Manifest, imports: &[String]) -> Result<Vec<String>, Error> {
    let files = plan(manifest, imports)?;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Occupied { folder: folder.to_owned() });
    }
    for file in &files {
        let path = folder.join(&file.path);
        let write = |path: &Path| {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, &file.content)
        };
        write(&path).map_err(|cause| Error::Io { what: "cannot write", path, cause })?;
    }
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// What a project begins with.
pub fn plan(manifest: &Manifest, imports: &[String]) -> Result<Vec<File>, Error> {
    check_name(&manifest.name)?;
    let language = Language::named(&manifest.language).ok_or_else(|| Error::Language {
        found: manifest.language.clone(),
        known: Language::all().iter().map(|language| language.name).collect::<Vec<_>>().join(", "),
    })?;
    if !language.recipe.vendor.is_empty() && !imports.is_empty() {
        return Err(Error::OwnImports { language: language.name });
    }
    if contract::interface(&manifest.kind).is_none() {
        return Err(Error::Kind { found: manifest.kind.clone() });
    }
    let mut all = language.recipe.imports.clone();
    all.extend(
        contract::imports(&manifest.kind, imports)?
            .into_iter()
            .filter(|import| !language.recipe.imports.contains(import)),
    );
    let wit = contract::wit(&manifest.kind, &all).unwrap_or_default();
    let manifest = Manifest { language: language.name.to_owned(), ..manifest.clone() };
    let text = manifest.text();
    let mut plan = vec![File { path: MANIFEST.to_owned(), content: text.into_bytes() }];
    plan.push(File { path: ".gitignore".to_owned(), content: IGNORED.into() });
    for part in ["common", &*manifest.kind] {
        let folder = format!("sdk/{}/template/{part}", language.name);
        plan.extend(files::below(&folder).map(|(path, content)| filled(path, content, &manifest)));
    }
    plan.extend(contract::copy(&format!("tests/contract/{}", manifest.kind), "cases"));
    if language.recipe.vendor.is_empty() {
        plan.extend(wit);
    }
    for folder in &language.recipe.vendor {
        plan.extend(contract::copy(folder, &format!("witgate/{folder}")).into_iter().map(crates::standalone));
    }
    Ok(plan)
}

/// A template's file for this project.
fn filled(path: &str, content: &[u8], manifest: &Manifest) -> File {
    let fill = |text: &str| {
        text.replace("{{name}}", &manifest.name)
            .replace("{{ident}}", &manifest.name.replace('-', "_"))
            .replace("{{kind}}", &manifest.kind)
    };
    let content = match std::str::from_utf8(content) {
        Ok(text) => fill(text).into_bytes(),
        Err(_) => content.to_vec(),
    };
    File { path: fill(path), content }
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let good = plain && name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.ends_with('-');
    if good && !name.contains("--") && name.len() <= 64 { Ok(()) } else { Err(Error::Name { found: name.to_owned() }) }
}
