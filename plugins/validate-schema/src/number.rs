//! Equality and arithmetic as JSON Schema means them: by value, not by how a number was written.

use std::cmp::Ordering;

use serde_json::Number;

use crate::json::{Node, Unread, Value};

/// Whether a text is a number that can be reckoned with.
pub(crate) fn check(text: &str) -> Result<(), Unread> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() < 300 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
        return Ok(());
    }
    match serde_json::from_str::<Number>(text) {
        Ok(_) => Ok(()),
        Err(_) if digits.starts_with(|c: char| c.is_ascii_digit()) => Err(Unread::Number),
        Err(_) => Err(Unread::Form),
    }
}

/// A number that was checked.
pub(crate) fn read(text: &str) -> Number {
    match text.parse::<i64>() {
        Ok(whole) if whole != 0 => whole.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| 0.into()),
    }
}

/// Whether two values are the same JSON value; `1` and `1.0` are.
pub(crate) fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Number(a), Value::Number(b)) if is_plain(a) && is_plain(b) => a == b,
        (Value::Number(a), Value::Number(b)) => compare(&read(a), &read(b)) == Ordering::Equal,
        (Value::List(a), Value::List(b)) => {
            let (mut a, mut b) = (a.parts(), b.parts());
            loop {
                match (a.next(), b.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if equal(a.value(), b.value()) => {}
                    _ => return false,
                }
            }
        }
        (Value::Map(a), Value::Map(b)) => {
            let same = |a: Node<'_>| b.get(a.name()).is_some_and(|b| equal(a.value(), b.value()));
            a.parts().count() == b.parts().count() && a.parts().all(same)
        }
        _ => false,
    }
}

/// Whether a number can be written in no other way without a fraction or an exponent.
fn is_plain(text: &str) -> bool {
    text != "-0" && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

pub(crate) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => float(a).total_cmp(&float(b)),
    }
}

/// Whether it has no fraction; `2.0` has none.
pub(crate) fn is_integer(text: &str) -> bool {
    is_plain(text) || {
        let number = read(text);
        whole(&number).is_some() || float(&number).fract() == 0.0
    }
}

/// Exactly, in the decimals in which both are written.
pub(crate) fn is_multiple(number: &Number, of: &Number) -> bool {
    let (Some((mut rest, exponent)), Some((mut divisor, of_exponent))) = (decimal(number), decimal(of)) else {
        return false;
    };
    // Such a schema says nothing.
    if divisor == 0 {
        return true;
    }
    // The finer of both exponents becomes the unit; the remainder is kept small on the way.
    for _ in of_exponent..exponent {
        rest = rest % divisor * 10;
    }
    for _ in exponent..of_exponent {
        divisor = match divisor.checked_mul(10) {
            Some(larger) => larger,
            // More than any number that is written here.
            None => return rest == 0,
        };
    }
    rest % divisor == 0
}

/// A number as an integer of at most 20 digits and a power of ten.
fn decimal(number: &Number) -> Option<(i128, i32)> {
    let text = number.to_string();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
    Some((format!("{whole}{fraction}").parse().ok()?, exponent))
}

/// The same text for the same value.
pub(crate) fn canonical(value: Value<'_>, out: &mut String) {
    match value {
        Value::Number(number) => {
            let number = read(number);
            match whole(&number) {
                Some(number) => out.push_str(&number.to_string()),
                None => out.push_str(&float(&number).to_string()),
            }
        }
        Value::List(items) => {
            out.push('[');
            for item in items.parts() {
                canonical(item.value(), out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Map(members) => {
            let mut members: Vec<_> = members.parts().collect();
            members.sort_unstable_by_key(|member| member.name());
            out.push('{');
            for member in members {
                leaf(Value::Text(member.name()), out);
                out.push(':');
                canonical(member.value(), out);
                out.push(',');
            }
            out.push('}');
        }
        other => leaf(other, out),
    }
}

/// As it is written without blanks.
pub(crate) fn written(value: Value<'_>, out: &mut String) {
    let mut separator = "";
    match value {
        Value::List(items) => {
            out.push('[');
            for item in items.parts() {
                out.push_str(std::mem::replace(&mut separator, ","));
                written(item.value(), out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for member in members.parts() {
                out.push_str(std::mem::replace(&mut separator, ","));
                leaf(Value::Text(member.name()), out);
                out.push(':');
                written(member.value(), out);
            }
            out.push('}');
        }
        other => leaf(other, out),
    }
}

/// What holds nothing else.
fn leaf(value: Value<'_>, out: &mut String) {
    match value {
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&read(number).to_string()),
        Value::Text(text) => out.push_str(&serde_json::Value::from(text).to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => out.push_str("null"),
    }
}

#[allow(clippy::cast_possible_truncation)] // within 2^53 a whole f64 is an integer
fn whole(number: &Number) -> Option<i128> {
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i128))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}
