use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::strict::KeySeed;

/// An RFC 6901 JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Parses `""`, `/a/b`, `/a~1b/0`; `None` when it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        text.strip_prefix('/')?.split('/').map(unescape).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The reference tokens, unescaped.
    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    /// The value there as the JSON text that stands in `text`.
    pub(super) fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut here = text;
        for token in &self.0 {
            here = child(here, token)?.get();
        }
        Some(here.trim_ascii())
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        match c {
            '~' => out.push(match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            c => out.push(c),
        }
    }
    Some(out)
}

/// RFC 6901 section 4: digits without a leading zero.
pub(super) fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|b| b.is_ascii_digit()));
    plain.then(|| token.parse().ok()).flatten()
}

fn child<'a>(text: &'a str, token: &str) -> Option<&'a RawValue> {
    let mut found = None;
    let mut parser = serde_json::Deserializer::from_str(text);
    // Ends with an error of our own once the child is found, so that what follows it is not read.
    let _ = Step { token, found: &mut found }.deserialize(&mut parser);
    found
}

struct Step<'t, 'f, 'de> {
    token: &'t str,
    found: &'f mut Option<&'de RawValue>,
}

impl<'de> DeserializeSeed<'de> for Step<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let key: Cow<'de, str> = key;
            if key == self.token {
                *self.found = Some(map.next_value()?);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some(index) = index(self.token) else { return Err(A::Error::custom("no index")) };
        for _ in 0..index {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        *self.found = seq.next_element()?;
        Err(A::Error::custom("found"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pointers_find_what_rfc_6901_says() {
        #[track_caller]
        fn check(pointer: &str, want: Option<&str>) {
            // The RFC's own example, section 5, and an array within.
            let text =
                r#" {"foo":["bar", {"x" : 1 }],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8} "#;
            let got = Pointer::parse(pointer).and_then(|p| p.find(text));
            assert_eq!(got, want, "{pointer}");
        }
        check("/foo/0", Some("\"bar\""));
        check("/foo/1", Some(r#"{"x" : 1 }"#));
        check("/foo/1/x", Some("1"));
        check("/", Some("0"));
        check("/a~1b", Some("1"));
        check("/k\"l", Some("6"));
        check("/i\\j", Some("5"));
        check("/m~0n", Some("8"));
        check("/foo/2", None);
        check("/foo/-", None);
        check("/foo/01", None);
        check("/foo/0/x", None);
        check("/m~2n", None);
        check("foo", None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree(value in crate::json::edit::tests::tree(), pointer in "(/[ab0-2]){0,3}") {
            let text = value.to_string();
            let got = Pointer::parse(&pointer).and_then(|p| p.find(&text).map(str::to_owned));
            prop_assert_eq!(got, value.pointer(&pointer).map(ToString::to_string));
        }
    }
}
