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
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let manifest = Manifest { name, kind: kind.clone(), language: language.clone(), adapt: None };
    let files = scaffold::create(folder, &manifest, imports)?;
    if *json {
        let made = json!({ "folder": folder, "kind": kind, "language": language, "files": files });
        return output::print(&made.to_string());
    }
    let install = Language::named(language).and_then(|language| language.install());
    output::print(&next(folder, &files, install.as_deref()))
}

/// What is there, and what to do now.
fn next(folder: &Path, files: &[String], install: Option<&str>) -> String {
    let own = files.iter().filter(|path| !path.starts_with("wit/") && !path.starts_with("witgate/"));
    let own: Vec<_> = own.filter(|path| !path.starts_with("cases/")).map(|path| format!("  {path}\n")).collect();
    let cases = files.iter().filter(|path| path.ends_with("case.json")).count();
    let folder = folder.display();
    format!(
        "{folder} is ready:\n{}  cases/  {cases} cases that it passes\n\n  cd {folder}\n{}  witgate plugin build\n  witgate plugin test",
        own.concat(),
        install.map(|line| format!("  {line}\n")).unwrap_or_default()
    )
}
