//! A TOML file as values that know where they stand.
//!
//! The values are JSON's (a date becomes its text), so that the file is what its JSON schema speaks of, and a plugin's
//! settings are JSON from the start.

use std::ops::Range;

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Cause;
use super::place::{Place, Step};
use crate::diagnostic::{Mark, Problem, Problems, Source};

/// A parsed file.
#[derive(Debug)]
pub struct Document {
    source: Source,
    root: Node,
}

/// A value and where it is written, in bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Value,
}

/// What is written.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

/// Which part of an entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its key, or the header of its table.
    Key,
    /// Its value.
    Value,
}

impl Document {
    /// Parses TOML. All syntax errors are reported at once.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        let mut problems = Problems::default();
        for error in errors {
            let cause = Cause::Syntax { message: error.message().to_owned() };
            let marks = error.span().map(|span| Mark::new(span, "here")).into_iter().collect();
            problems.push(Problem::new(cause).marked(&source, marks));
        }
        if problems.are_fatal() {
            return Err(problems);
        }
        let root = Node { span: table.span(), value: table_of(table.into_inner(), &source, &mut problems) };
        if problems.are_fatal() { Err(problems) } else { Ok(Self { source, root }) }
    }

    /// The text and its name.
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    pub(super) fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    /// A mark at a place, or at the nearest place above it that is written in the file; for the whole file, its first
    /// line. `None` when the file is empty.
    pub fn mark(&self, place: &Place, part: Part, label: impl Into<String>) -> Option<Mark> {
        let mut node = &self.root;
        let mut found = None;
        for step in place.steps() {
            match (step, &node.value) {
                (Step::Key(key), Value::Table(entries)) => {
                    let Some(entry) = entries.iter().find(|entry| entry.key == *key) else { break };
                    node = &entry.node;
                    let is_scalar = !matches!(node.value, Value::Table(_));
                    found =
                        Some(if part == Part::Value && is_scalar { node.span.clone() } else { entry.key_span.clone() });
                }
                (Step::Index(index), Value::Array(items)) => {
                    let Some(item) = items.get(*index) else { break };
                    node = item;
                    found = Some(node.span.clone());
                }
                _ => break,
            }
        }
        let whole = || (!self.source.text().trim().is_empty()).then(|| self.first_line(0..self.source.text().len()));
        found.map(|span| self.first_line(span)).or_else(whole).map(|span| Mark::new(span, label))
    }

    /// The marks at several places.
    pub fn marks(&self, places: &[(&Place, Part, &str)]) -> Vec<Mark> {
        places.iter().filter_map(|(place, part, label)| self.mark(place, *part, *label)).collect()
    }

    /// A mark over many lines shows where something is no better than its first line.
    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let text = self.source.text().get(span.clone()).unwrap_or_default();
        let length = text.find('\n').unwrap_or(text.len());
        span.start..span.start + length
    }
}

impl Node {
    /// The same without places.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) => Json::String(text.clone()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::Boolean(truth) => Json::Bool(*truth),
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(entries) => {
                let members = entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json()));
                Json::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

fn table_of(table: DeTable<'_>, source: &Source, problems: &mut Problems) -> Value {
    let entries = table.into_iter().map(|(key, value)| Entry {
        key_span: key.span(),
        key: key.into_inner().into_owned(),
        node: node_of(value, source, problems),
    });
    Value::Table(entries.collect())
}

fn node_of(value: Spanned<DeValue<'_>>, source: &Source, problems: &mut Problems) -> Node {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
            |_| unusable(problems, source, &span, "a number that is too large for this file"),
            Value::Integer,
        ),
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => unusable(problems, source, &span, "a number that JSON cannot hold"),
        },
        DeValue::Boolean(truth) => Value::Boolean(truth),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::Array(items.into_iter().map(|item| node_of(item, source, problems)).collect()),
        DeValue::Table(table) => table_of(table, source, problems),
    };
    Node { span, value }
}

fn unusable(problems: &mut Problems, source: &Source, span: &Range<usize>, message: &str) -> Value {
    let cause = Cause::Syntax { message: message.to_owned() };
    problems.push(Problem::new(cause).marked(source, vec![Mark::new(span.clone(), "here")]));
    Value::Boolean(false)
}
