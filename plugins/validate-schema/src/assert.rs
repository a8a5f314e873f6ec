//! The keywords that say something of a value by itself.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::eval::{Judge, Report};
use crate::json::{Node, Parts, Value};
use crate::place::Place;
use crate::survey::TYPES;
use crate::word::{Word, Words};
use crate::{format, number};

const ANY: Words = Words::of(&[Word::Type, Word::Enum, Word::Const]);
const NUMERIC: Words =
    Words::of(&[Word::Minimum, Word::Maximum, Word::ExclusiveMinimum, Word::ExclusiveMaximum, Word::MultipleOf]);

/// Kept apart, as all that is no schema within a schema: what stands on the stack at each level is little.
#[inline(never)]
pub(crate) fn value(judge: &Judge<'_>, schema: Node<'_>, value: Value<'_>, at: &Place<'_>, report: &mut Report) {
    let words = schema.words();
    if words.meet(ANY) {
        any(schema, value, at, report);
    }
    match value {
        Value::Number(value) if words.meet(NUMERIC) => numeric(schema, value, at, report),
        Value::Text(value) => text(judge, schema, value, at, report),
        Value::List(items) => {
            size(schema, [Word::MinItems, Word::MaxItems], || items.parts().count(), "items", at, report);
            if schema.by(Word::UniqueItems).is_some_and(|flag| matches!(flag.value(), Value::Bool(true))) {
                unique(items.parts(), at, report);
            }
        }
        Value::Map(members) => object(schema, members, at, report),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn any(schema: Node<'_>, value: Value<'_>, at: &Place<'_>, report: &mut Report) {
    if let Some(wanted) = schema.by(Word::Type) {
        kind(wanted, value, at, report);
    }
    if let Some(choices) = schema.by(Word::Enum).and_then(Node::items)
        && !choices.clone().any(|choice| number::equal(choice.value(), value))
    {
        report.find(at, format_args!("has to be one of {}", listed(choices)));
    }
    if let Some(only) = schema.by(Word::Const)
        && !number::equal(only.value(), value)
    {
        report.find(at, format_args!("has to be {}", listed([only])));
    }
}

/// How many items have to be contained.
pub(crate) fn contained(schema: Node<'_>, count: u64, at: &Place<'_>, report: &mut Report) {
    let least = count_of(schema, Word::MinContains).unwrap_or(1);
    if count < least {
        report.find(at, format_args!("has to hold at least {least} items of a certain form, not {count}"));
    }
    if let Some(most) = count_of(schema, Word::MaxContains).filter(|most| count > *most) {
        report.find(at, format_args!("has to hold at most {most} items of a certain form, not {count}"));
    }
}

fn kind(wanted: Node<'_>, value: Value<'_>, at: &Place<'_>, report: &mut Report) {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Text(_) => name == "string",
        Value::List(_) => name == "array",
        Value::Map(_) => name == "object",
        Value::Number(value) => name == "number" || name == "integer" && number::is_integer(value),
    };
    let fits = match wanted.value() {
        Value::Text(name) => is(name) || !TYPES.contains(&name),
        Value::List(_) => {
            let names = || wanted.parts().filter_map(Node::as_text);
            names().any(|name| !TYPES.contains(&name)) || names().any(is)
        }
        _ => true,
    };
    if !fits {
        let names: Vec<_> = wanted.as_text().into_iter().chain(wanted.parts().filter_map(Node::as_text)).collect();
        report.find(at, format_args!("has to be of type {}, not {}", names.join(" or "), type_of(value)));
    }
}

fn type_of(value: Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

/// The choices as JSON, as many as are easily read.
fn listed<'t>(choices: impl IntoIterator<Item = Node<'t>>) -> String {
    let (mut shown, mut choices) = (String::new(), choices.into_iter());
    for choice in choices.by_ref().take(12) {
        if !shown.is_empty() {
            shown.push_str(", ");
        }
        number::written(choice.value(), &mut shown);
    }
    if choices.next().is_some() {
        shown.push_str(", …");
    }
    shown
}

/// A keyword, what has to hold, and in words.
type Bound = (Word, fn(Ordering) -> bool, &'static str);

fn numeric(schema: Node<'_>, value: &str, at: &Place<'_>, report: &mut Report) {
    const BOUNDS: [Bound; 4] = [
        (Word::Minimum, Ordering::is_ge, "at least"),
        (Word::Maximum, Ordering::is_le, "at most"),
        (Word::ExclusiveMinimum, Ordering::is_gt, "more than"),
        (Word::ExclusiveMaximum, Ordering::is_lt, "less than"),
    ];
    let value = number::read(value);
    let bound = |word| schema.by(word).and_then(Node::as_number).map(number::read);
    for (word, holds, words) in BOUNDS {
        if let Some(bound) = bound(word)
            && !holds(number::compare(&value, &bound))
        {
            report.find(at, format_args!("has to be {words} {bound}"));
        }
    }
    if let Some(divisor) = bound(Word::MultipleOf)
        && !number::is_multiple(&value, &divisor)
    {
        report.find(at, format_args!("has to be a multiple of {divisor}"));
    }
}

fn text(judge: &Judge<'_>, schema: Node<'_>, value: &str, at: &Place<'_>, report: &mut Report) {
    size(schema, [Word::MinLength, Word::MaxLength], || value.chars().count(), "characters", at, report);
    if let Some(pattern) = schema.by(Word::Pattern).and_then(Node::as_text)
        && judge.pattern(pattern).is_some_and(|regex| !regex.is_match(value))
    {
        report.find(at, format_args!("has to match the regular expression {pattern}"));
    }
    if let Some(expected) =
        schema.by(Word::Format).and_then(Node::as_text).and_then(|name| format::violated(name, value))
    {
        report.find(at, format_args!("has to be {expected}"));
    }
}

fn object(schema: Node<'_>, members: Node<'_>, at: &Place<'_>, report: &mut Report) {
    size(schema, [Word::MinProperties, Word::MaxProperties], || members.parts().count(), "members", at, report);
    if let Some(names) = schema.by(Word::Required) {
        require(names, members, at, report, "is required");
    }
    for word in [Word::DependentRequired, Word::Dependencies] {
        for required in schema.by(word).and_then(Node::members).into_iter().flatten() {
            let name = required.name();
            if members.get(name).is_some() {
                require(required, members, at, report, format_args!("is required beside {name}"));
            }
        }
    }
}

fn require(
    names: Node<'_>,
    members: Node<'_>,
    at: &Place<'_>,
    report: &mut Report,
    message: impl std::fmt::Display + Copy,
) {
    for name in names.items().into_iter().flatten().filter_map(Node::as_text) {
        if members.get(name).is_none() {
            report.find(&Place::Member(at, name), message);
        }
    }
}

fn unique(items: Parts<'_>, at: &Place<'_>, report: &mut Report) {
    let mut known = BTreeSet::new();
    for (index, item) in items.enumerate() {
        let mut text = String::new();
        number::canonical(item.value(), &mut text);
        if !known.insert(text) {
            report.find(&Place::Item(at, index), "is there already; no item may come twice");
        }
    }
}

fn size(
    schema: Node<'_>,
    [least, most]: [Word; 2],
    size: impl Fn() -> usize,
    what: &str,
    at: &Place<'_>,
    report: &mut Report,
) {
    if !schema.words().meet(Words::of(&[least, most])) {
        return;
    }
    let size = u64::try_from(size()).unwrap_or(u64::MAX);
    if let Some(least) = count_of(schema, least).filter(|least| size < *least) {
        report.find(at, format_args!("has to have at least {least} {what}, not {size}"));
    }
    if let Some(most) = count_of(schema, most).filter(|most| size > *most) {
        report.find(at, format_args!("has to have at most {most} {what}, not {size}"));
    }
}

/// A count may be written `2.0`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an f64 that is too large becomes the largest u64
fn count_of(schema: Node<'_>, word: Word) -> Option<u64> {
    let value = number::read(schema.by(word)?.as_number()?);
    value.as_u64().or_else(|| value.as_f64().filter(|count| *count >= 0.0).map(|count| count as u64))
}
