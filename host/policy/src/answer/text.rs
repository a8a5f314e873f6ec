//! What a text or a list of an answer may hold, by the place where it travels on.

use crate::fault::Fault;

/// A message for a client.
pub(super) const MESSAGE_BYTES: usize = 1 << 10;
/// A note for the operator's log.
pub(super) const NOTE_BYTES: usize = 4 << 10;
/// A JSON pointer: the depth of a document times a long name.
pub(super) const POINTER_BYTES: usize = 4 << 10;
/// Findings in a refusal: more than anybody mends at once.
pub(super) const FINDINGS: usize = 64;
/// A name: a subject, an issuer, a scope, a claim.
pub(super) const NAME_BYTES: usize = 1 << 10;
/// A claim's value, which may be JSON text.
pub(super) const CLAIM_BYTES: usize = 8 << 10;
/// Scopes and claims of an identity. It is handed to every later plugin of the call.
pub(super) const FACTS: usize = 256;
/// Headers of a credential, and a value of one: what servers commonly take.
pub(super) const HEADERS: usize = 32;
pub(super) const HEADER_BYTES: usize = 8 << 10;

/// What has no text: which part of an answer is wrong, and how.
pub(super) fn bad(what: &str, how: impl std::fmt::Display) -> Fault {
    Fault::BadVerdict(format!("{what} {how}"))
}

/// Text that travels in one line: at most `limit` bytes and no control characters.
pub(super) fn line(what: &str, text: String, limit: usize) -> Result<String, Fault> {
    let text = bounded(what, text, limit)?;
    if text.chars().any(char::is_control) {
        return Err(bad(what, "holds control characters"));
    }
    Ok(text)
}

/// Text of at most `limit` bytes.
pub(super) fn bounded(what: &str, text: String, limit: usize) -> Result<String, Fault> {
    if text.len() > limit {
        return Err(bad(what, format_args!("is {} bytes long, {limit} are allowed", text.len())));
    }
    Ok(text)
}

/// At most `limit` of something.
pub(super) fn count(what: &str, count: usize, limit: usize) -> Result<(), Fault> {
    if count > limit {
        return Err(bad(what, format_args!("are {count}, {limit} are allowed")));
    }
    Ok(())
}

/// A `token` of RFC 9110 section 5.6.2.
pub(super) fn token(what: &str, text: String) -> Result<String, Fault> {
    let text = bounded(what, text, 128)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(bad(what, "is not a token of RFC 9110"));
    }
    Ok(text)
}

/// A parameter of a challenge, RFC 6750 section 3: printable ASCII without `"` and `\`.
pub(super) fn parameter(what: &str, text: String) -> Result<String, Fault> {
    let text = bounded(what, text, MESSAGE_BYTES)?;
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        return Err(bad(what, "holds characters that RFC 6750 does not allow"));
    }
    Ok(text)
}

/// A field value of RFC 9110 section 5.5, in ASCII.
pub(super) fn field_value(what: &str, text: String) -> Result<String, Fault> {
    let text = bounded(what, text, HEADER_BYTES)?;
    if !text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) || text.trim_ascii().len() != text.len() {
        return Err(bad(what, "is not a field value of RFC 9110"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: Result<String, Fault>, refused: Option<&str>) {
        let got = got.err().map(|fault| fault.to_string());
        assert_eq!(got.as_deref().map(|text| text.trim_start_matches("answered outside the contract: ")), refused);
    }

    #[test]
    fn text_is_looked_at() {
        check(line("the note", "ünïcödé".into(), 16), None);
        check(line("the note", "a\u{1b}[2J".into(), 16), Some("the note holds control characters"));
        check(line("the note", "a\u{9b}".into(), 16), Some("the note holds control characters"));
        check(line("the note", "12345".into(), 4), Some("the note is 5 bytes long, 4 are allowed"));
        check(token("the scheme", "DPoP".into()), None);
        check(token("the scheme", "Be arer".into()), Some("the scheme is not a token of RFC 9110"));
        check(token("the scheme", String::new()), Some("the scheme is not a token of RFC 9110"));
        check(parameter("the scope", "a b:c".into()), None);
        check(parameter("the scope", "a\"".into()), Some("the scope holds characters that RFC 6750 does not allow"));
        check(field_value("the value", "Bearer ${secret:KEY}".into()), None);
        check(field_value("the value", "a\r\nb: c".into()), Some("the value is not a field value of RFC 9110"));
        check(field_value("the value", " a".into()), Some("the value is not a field value of RFC 9110"));
    }
}
