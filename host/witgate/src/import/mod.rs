//! An `mcpServers` JSON file, as clients of MCP write it, becomes a configuration.
//!
//! Claude Desktop, Cursor and Windsurf write `mcpServers`; VS Code writes `servers`, in settings below `mcp`. What has no
//! counterpart becomes a note, never silence. The result passes `witgate check` as it is, but for variables that are not
//! set.

mod entry;
mod variable;

use std::collections::BTreeSet;

use miette::Diagnostic;
use serde_json::{Map, Value as Json};
use thiserror::Error;

/// What came of a file.
#[derive(Debug)]
pub struct Imported {
    /// The configuration.
    pub toml: String,
    /// What the reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Why nothing came of a file.
#[derive(Debug, Error, Diagnostic)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {name}: {cause}")]
    Unreadable {
        /// The file.
        name: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// Not JSON.
    #[error("{name} is not JSON: {cause}")]
    #[diagnostic(help("comments and trailing commas are not JSON: take them out"))]
    NotJson {
        /// The file.
        name: String,
        /// The parser's words, with line and column.
        cause: serde_json::Error,
    },
    /// Servers are not where any client writes them.
    #[error("{name} has no servers")]
    #[diagnostic(help("they are expected as an object at `mcpServers`, `servers`, or `mcp.servers`"))]
    NoServers {
        /// The file.
        name: String,
    },
    /// A result that cannot be written as TOML.
    #[error("the result cannot be written as TOML: {0}")]
    Unwritable(#[from] toml::ser::Error),
}

/// Where clients keep their servers, as JSON pointers.
const PLACES: [&str; 3] = ["/mcpServers", "/servers", "/mcp/servers"];

/// Makes a configuration of the text of a file.
pub fn import(name: &str, text: &str) -> Result<Imported, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let file: Json =
        serde_json::from_str(text).map_err(|cause| ImportError::NotJson { name: name.to_owned(), cause })?;
    let found = PLACES.iter().find_map(|place| Some((place, file.pointer(place)?.as_object()?)));
    let (place, servers) = found.ok_or_else(|| ImportError::NoServers { name: name.to_owned() })?;
    let mut notes = Vec::new();
    note_others(&file, place, &mut notes);
    let mut upstreams = toml::Table::new();
    let mut taken = BTreeSet::new();
    for (written, server) in servers {
        let id = unique(written, &mut taken);
        if id != *written {
            notes.push(format!("`{written}` is named `{id}` here"));
        }
        if let Some(upstream) = entry::upstream(&id, server, &mut notes) {
            upstreams.insert(id, upstream.into());
        }
    }
    if upstreams.is_empty() {
        return Err(ImportError::NoServers { name: name.to_owned() });
    }
    Ok(Imported { toml: document(name, upstreams)?, notes })
}

/// Keys of the file beside the servers that a gate cannot use.
fn note_others(file: &Json, place: &str, notes: &mut Vec<String>) {
    if place == "/mcp/servers" {
        return;
    }
    for key in file.as_object().into_iter().flat_map(Map::keys).filter(|key| format!("/{key}") != place) {
        let what = match key.as_str() {
            "inputs" => "`inputs` asks a person: each became an environment variable",
            _ => "is not about servers: left out",
        };
        notes.push(format!("the file's key `{key}`: {what}"));
    }
}

/// A name of this configuration for a name of theirs.
fn unique(written: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String = written
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(60)
        .collect();
    let plain = Some(plain.trim_matches('-')).filter(|plain| !plain.is_empty()).unwrap_or("server").to_owned();
    let numbered = (2..).map(|number: u32| format!("{plain}-{number}"));
    let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or(plain);
    taken.insert(free.clone());
    free
}

fn document(name: &str, upstreams: toml::Table) -> Result<String, toml::ser::Error> {
    let several = upstreams.len() > 1;
    let mut body = toml::Table::new();
    body.insert("upstream".to_owned(), upstreams.into());
    let prefixes = if several {
        "# With several servers, names of tools and prompts begin with the server's: files__read_file.\n"
    } else {
        ""
    };
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    Ok(format!(
        "# Made by `witgate import` of {name}.\n\n\
         # Everybody who can connect is let in: only programs on this machine, as the gate listens on loopback.\n\
         # To know who calls, take this away and add a plugin of kind auth: see `witgate plugin list`.\n\
         listen = \"127.0.0.1:8931\"\nanonymous = true\n\n{prefixes}{}",
        toml::to_string_pretty(&body)?
    ))
}

#[cfg(test)]
mod tests;
