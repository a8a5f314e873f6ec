//! Pieces of configuration: TOML that tests put together.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::reports::Reports;
use crate::{paths, server};

/// A TOML string.
pub fn text(value: &str) -> String {
    // A JSON string is a TOML basic string but for DEL and escaped slashes, which serde_json does not write.
    Value::from(value).to_string()
}

/// An upstream that is a child process.
pub fn child(name: &str, program: &Path, arguments: &[&str]) -> String {
    let program = text(&program.display().to_string());
    let arguments: Vec<_> = arguments.iter().map(|argument| text(argument)).collect();
    format!("[upstream.{name}]\ncommand = {program}\nargs = [{}]\n", arguments.join(", "))
}

/// An upstream on the network.
pub fn remote(name: &str, url: &str) -> String {
    format!("[upstream.{name}]\nurl = {}\n", text(url))
}

/// An upstream on the network that speaks HTTP+SSE.
pub fn remote_sse(name: &str, url: &str) -> String {
    format!("{}transport = \"sse\"\n", remote(name, url))
}

/// The raw server as a child that reports.
pub fn raw(name: &str, reports: &Reports, arguments: &[&str]) -> String {
    let script = paths::script("servers/raw.py").display().to_string();
    let mut all = vec![script.as_str(), "stdio", "--name", name, "--report", reports.address()];
    all.extend(arguments);
    child(name, Path::new(server::PYTHON), &all)
}

/// `server-everything` as a child.
pub fn everything(name: &str) -> String {
    child(name, Path::new("node"), &[&paths::everything().display().to_string(), "stdio"])
}

/// `server-filesystem` as a child that may see one folder.
pub fn filesystem(name: &str, folder: &Path) -> String {
    let script = paths::filesystem().display().to_string();
    child(name, Path::new("node"), &[&script, &folder.display().to_string()])
}

/// `mcp-server-git` as a child, for one repository.
pub fn git(name: &str, repository: &Path) -> String {
    child(name, &paths::python("mcp-server-git"), &["--repository", &repository.display().to_string()])
}

/// A plugin with settings, which are TOML: lines of `key = value`.
pub fn plugin(name: &str, source: &str, keys: &str, settings: &str) -> String {
    let mut all = format!("[[plugin]]\nname = {}\nsource = {}\n{keys}\n", text(name), text(source));
    if !settings.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(all, "[plugin.settings]\n{settings}");
    }
    all
}

/// Pieces of configuration for another tenant than the default one.
pub fn tenant(name: &str, pieces: &str) -> String {
    let tables = [("[upstream.", "upstream."), ("[[plugin", "plugin"), ("[plugin.", "plugin.")];
    let moved = tables.iter().fold(pieces.to_owned(), |text, (table, rest)| {
        let brackets = table.trim_end_matches(rest);
        text.replace(table, &format!("{brackets}tenant.{name}.{rest}"))
    });
    format!("[tenant.{name}]\n{moved}")
}
