use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::variable;

/// One server as a table of this configuration; `None` when it is of no use, which was noted.
pub(super) fn upstream(id: &str, server: &Json, notes: &mut Vec<String>) -> Option<Table> {
    let Some(server) = server.as_object() else {
        notes.push(format!("`{id}` is not an object: left out"));
        return None;
    };
    if server.get("disabled").and_then(Json::as_bool) == Some(true) || server.get("enabled") == Some(&Json::Bool(false))
    {
        notes.push(format!("`{id}` is disabled: left out"));
        return None;
    }
    let mut table = Table::new();
    let url = server.get("url").or(server.get("serverUrl")).and_then(Json::as_str);
    match (server.get("command").and_then(Json::as_str), url) {
        (Some(command), _) => {
            table.insert("command".to_owned(), text(command, id, notes));
            list(&mut table, "args", server, id, notes);
            map(&mut table, "env", server, id, notes);
            if let Some(cwd) = server.get("cwd").and_then(Json::as_str) {
                table.insert("cwd".to_owned(), text(cwd, id, notes));
            }
        }
        (None, Some(url)) => {
            table.insert("url".to_owned(), text(url, id, notes));
            map(&mut table, "headers", server, id, notes);
            transport(&mut table, server, id, notes);
        }
        (None, None) => {
            notes.push(format!("`{id}` has neither a command nor a url: left out"));
            return None;
        }
    }
    unused(&table, server, id, notes);
    Some(table)
}

/// Clients call it `type` or `transport`; without either most of them do what is the default here too.
fn transport(table: &mut Table, server: &Map<String, Json>, id: &str, notes: &mut Vec<String>) {
    let Some(written) = server.get("type").or(server.get("transport")) else { return };
    match written.as_str() {
        Some("sse") => drop(table.insert("transport".to_owned(), Value::from("sse"))),
        Some("http" | "streamable-http" | "streamableHttp" | "streamable_http") => {}
        _ => notes.push(format!("`{id}` has a url and is of type {written}: taken for Streamable HTTP")),
    }
}

fn list(table: &mut Table, key: &str, server: &Map<String, Json>, id: &str, notes: &mut Vec<String>) {
    let Some(items) = server.get(key).and_then(Json::as_array) else { return };
    let items = items.iter().map(|item| text(&plain(item), id, notes)).collect();
    table.insert(key.to_owned(), Value::Array(items));
}

fn map(table: &mut Table, key: &str, server: &Map<String, Json>, id: &str, notes: &mut Vec<String>) {
    let Some(members) = server.get(key).and_then(Json::as_object).filter(|members| !members.is_empty()) else { return };
    let mut map = Table::new();
    for (name, value) in members {
        let value = plain(value);
        if is_secret(name) && !value.contains("${") && !value.is_empty() {
            notes.push(format!(
                "`{id}`: the {key} value of `{name}` looks like a secret and is now in this file; `${{VAR}}` takes it from the environment"
            ));
        }
        map.insert(name.clone(), text(&value, id, notes));
    }
    table.insert(key.to_owned(), Value::Table(map));
}

/// A string with their variables as ours.
fn text(written: &str, id: &str, notes: &mut Vec<String>) -> Value {
    Value::String(variable::translate(written, &mut |note| notes.push(format!("`{id}`: {note}"))))
}

/// What a client would hand over: numbers and truths as their text.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["token", "secret", "password", "passwd", "key", "authorization", "credential"]
        .iter()
        .any(|word| name.contains(word))
}

/// Everything that was not carried over.
fn unused(table: &Table, server: &Map<String, Json>, id: &str, notes: &mut Vec<String>) {
    let understood = ["type", "transport", "serverUrl", "disabled", "enabled"];
    for (key, value) in server {
        let is_empty = value.as_object().is_some_and(Map::is_empty) || value.is_null();
        if !table.contains_key(key) && !understood.contains(&key.as_str()) && !is_empty {
            notes.push(format!("`{id}`: `{key}` has no counterpart: left out"));
        }
    }
}
