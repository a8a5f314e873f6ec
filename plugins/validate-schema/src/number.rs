//! Equality and arithmetic as JSON Schema means them: by value, not by how a number was written.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are the same JSON value; `1` and `1.0` are.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b) == Ordering::Equal,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

pub(crate) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => float(a).total_cmp(&float(b)),
    }
}

/// Whether it has no fraction; `2.0` has none.
pub(crate) fn is_integer(number: &Number) -> bool {
    whole(number).is_some() || float(number).fract() == 0.0
}

/// Exactly, in the decimals in which both are written.
pub(crate) fn is_multiple(number: &Number, of: &Number) -> bool {
    let (Some((mut rest, exponent)), Some((mut divisor, of_exponent))) = (decimal(number), decimal(of)) else {
        return false;
    };
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
    divisor != 0 && rest % divisor == 0
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
pub(crate) fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match whole(number) {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str(&float(number).to_string()),
        },
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in members {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
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
