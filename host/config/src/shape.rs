//! Keys, types and bounds of a file, held against the JSON schema that the raw structs make.
//!
//! serde stops at the first key that it does not know, and knows no places; this walk finds all of them, where they are.

use std::sync::LazyLock;

use schemars::transform::{RecursiveTransform, Transform};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use super::Cause;
use super::document::{Document, Node, Part, Value};
use super::place::Place;
use super::raw::RawFile;
use crate::diagnostic::{Mark, Problem, Problems};

static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<RawFile>();
    RecursiveTransform(tidy).transform(&mut schema);
    schema.to_value()
});

/// The JSON schema (2020-12) of a configuration file.
pub fn schema() -> &'static Json {
    &SCHEMA
}

/// TOML has no null: what may be left out is not `null`. And a paragraph of a doc comment is one line.
fn tidy(schema: &mut Schema) {
    if let Some(Json::String(text)) = schema.get_mut("description") {
        *text = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
    if let Some(Json::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(cases)) = schema.get_mut("anyOf") {
        cases.retain(|case| *case != json!({ "type": "null" }));
        if let [Json::Object(only)] = cases.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
    if schema.get("default") == Some(&Json::Null) {
        schema.remove("default");
    }
}

/// Reports every unknown and missing key, every value of a wrong type or out of bounds.
pub(super) fn check(document: &Document) -> Result<(), Problems> {
    let mut walk = Walk { document, problems: Problems::default() };
    walk.node(schema(), document.root(), &Place::root());
    if walk.problems.is_empty() { Ok(()) } else { Err(walk.problems) }
}

struct Walk<'a> {
    document: &'a Document,
    problems: Problems,
}

impl Walk<'_> {
    fn node(&mut self, schema: &Json, node: &Node, place: &Place) {
        let schema = resolve(schema);
        if let Some(words) = words(schema) {
            return self.word(&words, node, place);
        }
        let Some(want) = schema["type"].as_str() else { return };
        match (&node.value, want) {
            (Value::Table(_), "object") => self.table(schema, node, place),
            (Value::Array(items), "array") => {
                for (at, item) in items.iter().enumerate() {
                    self.node(&schema["items"], item, &place.index(at));
                }
            }
            (Value::Integer(number), "integer" | "number") => self.bounds(schema, *number, node, place),
            (Value::Text(_), "string") | (Value::Boolean(_), "boolean") | (Value::Float(_), "number") => {}
            _ => {
                let cause = Cause::WrongType {
                    place: place.to_string(),
                    want: article(want),
                    got: article(type_of(&node.value)),
                    example: example(want, &node.value),
                };
                self.report(cause, place, Part::Value, "");
            }
        }
    }

    fn table(&mut self, schema: &Json, node: &Node, place: &Place) {
        let Value::Table(entries) = &node.value else { return };
        let properties = schema["properties"].as_object();
        for entry in entries {
            let place = place.key(&entry.key);
            if let Some(schema) = properties.and_then(|properties| properties.get(&entry.key)) {
                self.node(schema, &entry.node, &place);
            } else if schema["additionalProperties"].is_object() {
                self.node(&schema["additionalProperties"], &entry.node, &place);
            } else if is_closed(schema) {
                let known: Vec<_> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                let cause = Cause::unknown_key(&entry.key, &parent_of(&place), &known);
                let mark = Mark::new(entry.key_span.clone(), "unknown key");
                self.problems.push(Problem::new(cause).marked(self.document.source(), vec![mark]));
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let what = schema["properties"][key]["description"].as_str().unwrap_or_default();
                let cause = Cause::MissingKey { place: place.to_string(), key: key.to_owned(), what: what.to_owned() };
                self.report(cause, place, Part::Key, "");
            }
        }
    }

    fn bounds(&mut self, schema: &Json, number: i64, node: &Node, place: &Place) {
        let minimum = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let maximum = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        if !(minimum..=maximum).contains(&number) {
            let cause = Cause::OutOfBounds { place: place.to_string(), number, minimum, maximum };
            let mark = Mark::new(node.span.clone(), "");
            self.problems.push(Problem::new(cause).marked(self.document.source(), vec![mark]));
        }
    }

    fn word(&mut self, words: &[&str], node: &Node, place: &Place) {
        let Value::Text(word) = &node.value else {
            let cause = Cause::WrongType {
                place: place.to_string(),
                want: "one of some words",
                got: article(type_of(&node.value)),
                example: words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "),
            };
            return self.report(cause, place, Part::Value, "");
        };
        if !words.contains(&word.as_str()) {
            self.report(Cause::unknown_word(word, &place.to_string(), words), place, Part::Value, "");
        }
    }

    fn report(&mut self, cause: Cause, place: &Place, part: Part, label: &str) {
        let marks = self.document.marks(&[(place, part, label)]);
        self.problems.push(Problem::new(cause).marked(self.document.source(), marks));
    }
}

fn resolve(schema: &Json) -> &Json {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &SCHEMA["$defs"][name])
}

/// The words of an enumeration, which schemars writes in two forms: with and without descriptions.
fn words(schema: &Json) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Json::as_str).collect();
    }
    schema["oneOf"].as_array()?.iter().map(|case| case["const"].as_str()).collect()
}

fn is_closed(schema: &Json) -> bool {
    schema["additionalProperties"] == Json::Bool(false) || schema["unevaluatedProperties"] == Json::Bool(false)
}

fn parent_of(place: &Place) -> String {
    let text = place.to_string();
    text.rsplit_once('.').map_or_else(|| Place::root().to_string(), |(parent, _)| format!("`{parent}`"))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "string",
        Value::Integer(_) => "integer",
        Value::Float(_) => "number",
        Value::Boolean(_) => "boolean",
        Value::Array(_) => "array",
        Value::Table(_) => "object",
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

/// The value as it should have been written, where that is plain; otherwise any value of the type.
fn example(want: &str, got: &Value) -> String {
    match (want, got) {
        ("string", Value::Integer(number)) => format!("\"{number}\""),
        ("string", Value::Float(number)) => format!("\"{number}\""),
        ("string", Value::Boolean(truth)) => format!("\"{truth}\""),
        ("boolean", Value::Text(text)) if text.parse::<bool>().is_ok() => text.clone(),
        ("integer", Value::Text(text)) if text.parse::<i64>().is_ok() => text.clone(),
        ("array", Value::Text(text)) => format!("[{text:?}]"),
        ("string", _) => "\"…\"".to_owned(),
        ("integer" | "number", _) => "1".to_owned(),
        ("boolean", _) => "true".to_owned(),
        ("array", _) => "[\"…\"]".to_owned(),
        _ => "{ … }".to_owned(),
    }
}
