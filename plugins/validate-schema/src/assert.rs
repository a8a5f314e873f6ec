//! The keywords that say something of a value by itself.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use crate::eval::{Judge, Report};
use crate::keyword::{TYPES, get, push};
use crate::{format, number};

type Schema = Map<String, Value>;

pub(crate) fn value(judge: &Judge, schema: &Schema, value: &Value, at: &mut String, report: &mut Report) {
    if let Some(wanted) = get(schema, "type") {
        kind(wanted, value, at, report);
    }
    if let Some(Value::Array(choices)) = get(schema, "enum")
        && !choices.iter().any(|choice| number::equal(choice, value))
    {
        report.find(at, format!("has to be one of {}", listed(choices)));
    }
    if let Some(only) = get(schema, "const")
        && !number::equal(only, value)
    {
        report.find(at, format!("has to be {}", listed(std::slice::from_ref(only))));
    }
    match value {
        Value::Number(value) => numeric(schema, value, at, report),
        Value::String(value) => text(judge, schema, value, at, report),
        Value::Array(items) => {
            size(schema, ["minItems", "maxItems"], items.len(), "items", at, report);
            if get(schema, "uniqueItems") == Some(&Value::Bool(true)) {
                unique(items, at, report);
            }
        }
        Value::Object(members) => object(schema, members, at, report),
        Value::Null | Value::Bool(_) => {}
    }
}

/// How many items have to be contained.
pub(crate) fn contained(schema: &Schema, count: u64, at: &str, report: &mut Report) {
    let least = count_of(schema, "minContains").unwrap_or(1);
    if count < least {
        report.find(at, format!("has to hold at least {least} items of a certain form, not {count}"));
    }
    if let Some(most) = count_of(schema, "maxContains").filter(|most| count > *most) {
        report.find(at, format!("has to hold at most {most} items of a certain form, not {count}"));
    }
}

fn kind(wanted: &Value, value: &Value, at: &str, report: &mut Report) {
    let names: Vec<&str> = match wanted {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    if !names.iter().all(|name| TYPES.contains(name)) {
        return;
    }
    let is = |name: &&str| match value {
        Value::Null => *name == "null",
        Value::Bool(_) => *name == "boolean",
        Value::String(_) => *name == "string",
        Value::Array(_) => *name == "array",
        Value::Object(_) => *name == "object",
        Value::Number(value) => *name == "number" || *name == "integer" && number::is_integer(value),
    };
    if !names.iter().any(is) {
        report.find(at, format!("has to be of type {}, not {}", names.join(" or "), type_of(value)));
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The choices as JSON, as many as are easily read.
fn listed(choices: &[Value]) -> String {
    let shown: Vec<_> = choices.iter().take(12).map(ToString::to_string).collect();
    let more = if choices.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A keyword, what has to hold, and in words.
type Bound = (&'static str, fn(Ordering) -> bool, &'static str);

fn numeric(schema: &Schema, value: &Number, at: &str, report: &mut Report) {
    let bounds: [Bound; 4] = [
        ("minimum", Ordering::is_ge, "at least"),
        ("maximum", Ordering::is_le, "at most"),
        ("exclusiveMinimum", Ordering::is_gt, "more than"),
        ("exclusiveMaximum", Ordering::is_lt, "less than"),
    ];
    for (keyword, holds, words) in bounds {
        if let Some(Value::Number(bound)) = get(schema, keyword)
            && !holds(number::compare(value, bound))
        {
            report.find(at, format!("has to be {words} {bound}"));
        }
    }
    if let Some(Value::Number(divisor)) = get(schema, "multipleOf")
        && !number::is_multiple(value, divisor)
    {
        report.find(at, format!("has to be a multiple of {divisor}"));
    }
}

fn text(judge: &Judge, schema: &Schema, value: &str, at: &str, report: &mut Report) {
    if schema.contains_key("minLength") || schema.contains_key("maxLength") {
        size(schema, ["minLength", "maxLength"], value.chars().count(), "characters", at, report);
    }
    if let Some(pattern) = get(schema, "pattern").and_then(Value::as_str)
        && judge.pattern(pattern).is_some_and(|regex| !regex.is_match(value))
    {
        report.find(at, format!("has to match the regular expression {pattern}"));
    }
    if let Some(expected) = get(schema, "format").and_then(Value::as_str).and_then(|name| format::violated(name, value))
    {
        report.find(at, format!("has to be {expected}"));
    }
}

fn object(schema: &Schema, members: &Map<String, Value>, at: &mut String, report: &mut Report) {
    size(schema, ["minProperties", "maxProperties"], members.len(), "members", at, report);
    require(get(schema, "required"), members, "is required", at, report);
    for keyword in ["dependentRequired", "dependencies"] {
        for (name, required) in get(schema, keyword).and_then(Value::as_object).into_iter().flatten() {
            if members.contains_key(name) {
                require(Some(required), members, &format!("is required beside {name}"), at, report);
            }
        }
    }
}

fn require(names: Option<&Value>, members: &Map<String, Value>, message: &str, at: &mut String, report: &mut Report) {
    let names = names.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in names.filter(|name| !members.contains_key(*name)) {
        let len = at.len();
        push(at, name);
        report.find(at, message);
        at.truncate(len);
    }
}

fn unique(items: &[Value], at: &mut String, report: &mut Report) {
    let mut known = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let mut text = String::new();
        number::canonical(item, &mut text);
        if !known.insert(text) {
            let len = at.len();
            push(at, &index.to_string());
            report.find(at, "is there already; no item may come twice");
            at.truncate(len);
        }
    }
}

fn size(schema: &Schema, [least, most]: [&str; 2], size: usize, what: &str, at: &str, report: &mut Report) {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if let Some(least) = count_of(schema, least).filter(|least| size < *least) {
        report.find(at, format!("has to have at least {least} {what}, not {size}"));
    }
    if let Some(most) = count_of(schema, most).filter(|most| size > *most) {
        report.find(at, format!("has to have at most {most} {what}, not {size}"));
    }
}

/// A count may be written `2.0`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an f64 that is too large becomes the largest u64
fn count_of(schema: &Schema, keyword: &str) -> Option<u64> {
    let value = get(schema, keyword)?;
    value.as_u64().or_else(|| value.as_f64().filter(|count| *count >= 0.0).map(|count| count as u64))
}
