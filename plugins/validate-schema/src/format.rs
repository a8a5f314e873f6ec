//! The formats that assert (JSON Schema 2020-12 Validation, section 7.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use witgate_sdk::time;

/// What a text of this format looks like, for a finding, if `text` does not; unknown formats say nothing.
pub(crate) fn violated(format: &str, text: &str) -> Option<&'static str> {
    let (fits, expected): (fn(&str) -> bool, _) = match format {
        "date" => (|text| time::days_since_epoch(text).is_some(), "a date, as 2026-07-28"),
        "time" => (is_time, "a time, as 09:30:00Z"),
        "date-time" => (|text| time::unix_time_s(text).is_some(), "a date and time, as 2026-07-28T09:30:00Z"),
        "duration" => (is_duration, "an ISO 8601 duration, as P3DT12H"),
        "email" | "idn-email" => (is_email, "an e-mail address"),
        "hostname" => (is_hostname, "a host name"),
        "ipv4" => (|text| text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
        "ipv6" => (|text| text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
        "uri" => (is_uri, "a URI, with its scheme"),
        "uri-reference" => (is_uri_reference, "a URI or a reference to one"),
        "uuid" => (is_uuid, "a UUID"),
        "json-pointer" => (is_json_pointer, "a JSON pointer"),
        _ => return None,
    };
    (!fits(text)).then_some(expected)
}

fn is_time(text: &str) -> bool {
    // A leap second may stand in any day's last minute.
    time::unix_time_s(&format!("1998-12-31T{text}")).is_some()
}

fn is_duration(text: &str) -> bool {
    let Some(body) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = body.strip_suffix('W') {
        return is_digits(weeks);
    }
    let (date, time) = body.split_once('T').map_or((body, None), |(date, time)| (date, Some(time)));
    let good = units(date, "YMD") && time.is_none_or(|time| !time.is_empty() && units(time, "HMS"));
    good && !body.is_empty()
}

/// Numbers, each with one of these units, in their order and without a gap.
fn units(mut text: &str, units: &str) -> bool {
    let mut last: Option<usize> = None;
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = text[digits..].chars().next().and_then(|unit| units.find(unit));
        let follows = unit.is_some_and(|unit| last.is_none_or(|last| unit == last + 1));
        if digits == 0 || !follows {
            return false;
        }
        last = unit;
        text = &text[digits + 1..];
    }
    true
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A quoted local part is not for people, and not for us.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom =
        |atom: &str| !atom.is_empty() && atom.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c));
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let is_address = |literal: &str| {
        literal.parse::<Ipv4Addr>().is_ok()
            || literal.strip_prefix("IPv6:").is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok())
    };
    local.len() <= 64 && local.split('.').all(is_atom) && literal.map_or_else(|| is_domain(domain), is_address)
}

/// A host name, letters of any script allowed.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends = [label.chars().next(), label.chars().next_back()];
        label.len() <= 63
            && ends.iter().all(|c| c.is_some_and(char::is_alphanumeric))
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_hostname(text: &str) -> bool {
    text.is_ascii() && is_domain(text)
}

fn is_uri(text: &str) -> bool {
    scheme(text).is_some_and(is_scheme) && is_uri_text(text)
}

/// Without a scheme the first segment has no colon (RFC 3986 section 4.2).
fn is_uri_reference(text: &str) -> bool {
    scheme(text).is_none_or(is_scheme) && is_uri_text(text)
}

/// What stands before a colon, in the first segment.
fn scheme(text: &str) -> Option<&str> {
    text.split(['/', '?', '#']).next()?.split_once(':').map(|(scheme, _)| scheme)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_uri_text(text: &str) -> bool {
    let hex = |tail: &str| tail.len() >= 2 && tail.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    // Brackets are for addresses in the authority, and stand nowhere else.
    let (before, rest) = text.split_once("//").unwrap_or((text, ""));
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let bracketed = [before, path].iter().any(|part| part.contains(['[', ']']));
    plain && !bracketed && text.split('%').skip(1).all(hex) && text.matches('#').count() <= 1
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_json_pointer(text: &str) -> bool {
    let escaped = text.split('~').skip(1).all(|tail| tail.starts_with(['0', '1']));
    escaped && (text.is_empty() || text.starts_with('/'))
}
