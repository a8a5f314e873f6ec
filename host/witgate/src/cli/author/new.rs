use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use witgate_author::{Language, Manifest, scaffold};

use crate::cli::output::{self, Failure};

/// What is to be begun.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(in crate::cli) struct New {
    /// What it decides: auth, credential, validate, route, retry or sanitize.
    #[arg(long)]
    kind: String,
    /// What it is written in: rust, js, python, c, cpp or go.
    #[arg(long)]
    language: String,
    /// An interface that it may ask the host for, as witgate:counter/counter@0.1.0; may be repeated.
    #[arg(long = "import", value_name = "INTERFACE")]
    imports: Vec<String>,
    /// The folder to make; its name is the plugin's.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `witgate plugin new`.
pub(in crate::cli) fn new(wish: &New) -> Result<(), Failure> {
    let New { kind, language, folder, imports, json } = wish;
    // `.` has a name, too.
    let named = if folder.file_name().is_none() { folder.canonicalize().ok() } else { None };
    let named = named.as_deref().unwrap_or(folder);
    let name = named.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let manifest = Manifest { name, kind: kind.clone(), language: language.clone(), adapt: None };
    let files = scaffold::create(folder, &manifest, imports)?;
    if *json {
        let made = json!({ "folder": folder, "kind": kind, "language": language, "files": files });
        return output::print(&made.to_string());
    }
    let install = Language::named(language).and_then(|language| language.install());
    output::print(&next(folder, &files, install.as_deref()))
}

/// Files of a folder that are shown one by one.
const SHOWN: usize = 3;

/// What is there, and what to do now.
fn next(folder: &Path, files: &[String], install: Option<&str>) -> String {
    let mut by_folder = BTreeMap::<&str, Vec<&str>>::new();
    for path in files.iter().filter(|path| !path.starts_with("cases/")) {
        by_folder.entry(path.split_once('/').map_or("", |(first, _)| first)).or_default().push(path);
    }
    let lines = by_folder.iter().flat_map(|(name, paths)| match paths.len() {
        number if !name.is_empty() && number > SHOWN => vec![format!("  {name}/  {number} files\n")],
        _ => paths.iter().map(|path| format!("  {path}\n")).collect(),
    });
    let lines = lines.collect::<Vec<_>>().concat();
    let cases = files.iter().filter(|path| path.ends_with("case.json")).count();
    let enter = if folder.file_name().is_none() { String::new() } else { format!("  cd {}\n", folder.display()) };
    let folder = folder.display();
    format!(
        "{folder} is ready:\n{lines}  cases/  {cases} cases that it passes\n\n{enter}{}  witgate plugin build\n  witgate plugin test",
        install.map(|line| format!("  {line}\n")).unwrap_or_default()
    )
}
