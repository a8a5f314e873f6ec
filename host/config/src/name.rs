use std::sync::Arc;

use super::Cause;

/// Characters. With a tenant's and a plugin's name a counter's key stays short.
const MAX_CHARS: usize = 64;

/// Checks the name of a tenant, an upstream, a group or a plugin: it is part of paths, log lines and clients' names.
pub(super) fn name(text: &str, what: &'static str) -> Result<Arc<str>, Cause> {
    if is_name(text) {
        return Ok(text.into());
    }
    let hint: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(MAX_CHARS).collect();
    let hint = Some(hint.trim_matches('-').to_owned()).filter(|hint| is_name(hint));
    Err(Cause::BadName { text: text.to_owned(), what, hint, max: MAX_CHARS })
}

fn is_name(text: &str) -> bool {
    (1..=MAX_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What comes before `__` in the names that clients see; may be empty.
pub(super) fn prefix(text: &str) -> Result<String, Cause> {
    let good = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if good { Ok(text.to_owned()) } else { Err(Cause::BadPrefix { text: text.to_owned() }) }
}

/// The path of a tenant's endpoint, with the characters that need no escape (RFC 3986 section 2.3).
pub(super) fn path(text: &str) -> Result<String, Cause> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let why = if !text.starts_with('/') {
        "it must begin with `/`"
    } else if text.len() > 256 {
        "it is longer than 256 characters"
    } else if !text.bytes().all(plain) {
        "it may hold letters, digits and `-`, `.`, `_`, `~`, `/` only"
    } else if text[1..].split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        "it may have no empty, `.` or `..` part, and no `/` at its end"
    } else if text.starts_with("/.well-known/") {
        "/.well-known/ belongs to the gate itself (RFC 8615)"
    } else {
        return Ok(text.to_owned());
    };
    Err(Cause::BadPath { text: text.to_owned(), why })
}

/// A URL with scheme, host and no user info.
pub(super) fn url(text: &str, what: &'static str) -> Result<String, Cause> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let why = if rest.is_none() {
        "it must begin with https:// or http://"
    } else if authority.contains('@') {
        "it may hold no user name or password"
    } else if host.is_empty() {
        "it has no host"
    } else if !text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
        "it may hold visible ASCII characters only"
    } else if text.contains('#') {
        "it may have no fragment"
    } else {
        return Ok(text.to_owned());
    };
    Err(Cause::BadUrl { what, why })
}

/// `token` of RFC 9110 section 5.6.2, in lower case.
pub(super) fn header(text: &str) -> Result<String, Cause> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let good = !text.is_empty() && text.bytes().all(token);
    let bad = || Cause::BadHeader { name: text.to_owned(), what: "the name of a header" };
    good.then(|| text.to_ascii_lowercase()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_paths_prefixes_and_urls() {
        #[track_caller]
        fn check<T>(check: impl Fn(&str) -> Result<T, Cause>, good: &[&str], bad: &[&str]) {
            for text in good {
                assert!(check(text).is_ok(), "{text}");
            }
            for text in bad {
                assert!(check(text).is_err(), "{text}");
            }
        }
        let long = "a".repeat(65);
        check(|text| name(text, "a test"), &["a", "a-1", "0"], &["", "-a", "a-", "a_b", "A", "ä", "a b", &long]);
        check(prefix, &["", "a", "A-1"], &["a_b", "a.b", " "]);
        check(
            path,
            &["/mcp", "/a/b.c~d"],
            &["", "mcp", "/", "/a/", "/a//b", "/a/../b", "/a b", "/a?b", "/.well-known/x"],
        );
        check(
            |text| url(text, "a test"),
            &["https://a", "http://a:1/b?c", "http://[::1]:2/"],
            &["", "a", "ftp://a", "https://", "https:///a", "https://u:p@a", "https://a b", "https://a#b"],
        );
        check(header, &["X-Api-Key", "a"], &["", "a b", "a:", "ä"]);
    }

    #[test]
    fn a_bad_name_is_mended_where_that_is_plain() {
        let hint = |text| match name(text, "a test") {
            Err(Cause::BadName { hint, .. }) => hint,
            other => panic!("{other:?}"),
        };
        assert_eq!(hint("My_Server "), Some("my-server".to_owned()));
        assert_eq!(hint("…"), None);
    }
}
