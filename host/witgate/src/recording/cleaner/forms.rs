//! A secret in the forms in which it travels: as it is, in a JSON string, percent-encoded, in hex, in Base64 behind
//! whatever stands before it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A secret shorter than this is found in too many places that mean something else.
const SECRET_BYTES: usize = 4;
/// The same for a part of one in Base64.
const PART_BYTES: usize = 8;
/// What stands before a credential in a header, and is none.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Digest", "DPoP", "Token", "ApiKey"];

/// Secrets that are known, in all their forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(Vec<String>);

impl Known {
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut forms: Vec<_> = secrets.filter(|secret| secret.len() >= SECRET_BYTES).flat_map(forms).collect();
        forms.sort_unstable();
        forms.dedup();
        Self(forms)
    }

    /// These and others.
    pub(super) fn and(&self, others: impl Iterator<Item = String>) -> Self {
        let others: Vec<_> = others.collect();
        let Self(more) = Self::of(others.iter().map(String::as_str));
        Self(self.0.iter().cloned().chain(more).collect())
    }

    pub(super) fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|form| text.contains(form.as_str()))
    }
}

fn forms(secret: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(secret).to_string();
    let quoted = quoted.trim_start_matches('"').trim_end_matches('"').to_owned();
    let percent = |lower: bool| -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if lower => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        };
        secret.bytes().map(byte).collect::<Vec<_>>().concat()
    };
    let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all =
        vec![secret.to_owned(), quoted, percent(true), percent(false), hex.concat(), hex.concat().to_uppercase()];
    for before in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode([&[0; 2][..before], secret.as_bytes()].concat());
            // The first and the last characters hold bits of what stands beside it.
            let from = [0, 2, 3][before];
            let to = encoded.len() - usize::from(!(before + secret.len()).is_multiple_of(3));
            if let Some(part) = encoded.get(from..to).filter(|part| part.len() >= PART_BYTES) {
                all.push(part.to_owned());
            }
        }
    }
    all
}

/// The parts of a header's value that are neither a scheme nor the name of a secret.
pub(super) fn literals(value: &str) -> impl Iterator<Item = String> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${secret:") {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    parts.push(rest);
    let words = parts.into_iter().flat_map(|part| part.split(' ')).filter(|word| !SCHEMES.contains(word));
    let words: Vec<_> = words.filter(|word| word.len() >= SECRET_BYTES).map(str::to_owned).collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_secret_is_known_in_every_form() {
        let secret = "s3cret/ü\"x";
        let known = Known::of([secret, "abc"].into_iter());
        for before in ["", "u:", "user:", "name:"] {
            for after in ["", "!", "!!"] {
                let text = format!("{before}{secret}{after}");
                assert!(known.are_in(&text), "{text}");
                assert!(known.are_in(&STANDARD.encode(&text)), "{text}");
                assert!(known.are_in(&URL_SAFE_NO_PAD.encode(&text)), "{text}");
            }
        }
        assert!(known.are_in(&serde_json::json!({ "a": secret }).to_string()));
        assert!(known.are_in("q=s3cret%2F%C3%BC%22x"));
        assert!(!known.are_in("abc s3cret"));
    }

    #[test]
    fn what_a_header_holds_beside_names_is_literal() {
        #[track_caller]
        fn check(value: &str, want: &[&str]) {
            assert_eq!(literals(value).collect::<Vec<_>>(), want, "{value}");
        }
        check("Bearer ${secret:token}", &[]);
        check("Bearer abcdef", &["abcdef"]);
        check("key-${secret:a}-${secret:b}tail", &["key-", "tail"]);
        check("${secret:unclosed", &[]);
    }
}
