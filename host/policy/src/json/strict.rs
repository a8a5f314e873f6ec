use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// What text may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Objects and arrays within each other; never more than 127, where the parser's own recursion ends.
    pub depth: usize,
}

impl Default for Limits {
    /// 16 MiB: the 10 MiB result that peers speak of, and room for its envelope. Depth 64: four times what the deepest
    /// public tool schema needs.
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 64 }
    }
}

/// Long enough to find a key by.
const SHOWN_BYTES: usize = 64;

/// Why text is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// It is longer than it may be.
    #[error("is {size} bytes long, {limit} are allowed")]
    Size {
        /// Its length.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It is no JSON, or JSON that two parsers could read differently.
    #[error("{0}")]
    Syntax(String),
}

/// Checks in one pass without building a tree.
pub(super) fn check(text: &str, limits: Limits) -> Result<(), StrictError> {
    if text.len() > limits.bytes {
        return Err(StrictError::Size { size: text.len(), limit: limits.bytes });
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let syntax = |e: serde_json::Error| StrictError::Syntax(e.to_string());
    Strict { depth: limits.depth.min(127) }.deserialize(&mut parser).map_err(syntax)?;
    parser.end().map_err(syntax)
}

/// Accepts any value and looks at its keys; `depth` is what may still come within it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut keys = Keys::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if let Some(key) = keys.insert(key) {
                return Err(A::Error::custom(format_args!("duplicate key {:?}", short(&key))));
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// What is shown of a key: its error is told to whoever sent it and to the log, and a key may be as long as a message.
fn short(key: &str) -> &str {
    &key[..key.floor_char_boundary(SHOWN_BYTES)]
}

/// The keys of one object: a list while there are few, for which comparing beats hashing.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    const FEW: usize = 16;

    /// Adds a key; gives it back when it is there already.
    fn insert(&mut self, key: Cow<'de, str>) -> Option<Cow<'de, str>> {
        if self.many.is_empty() && self.few.len() < Self::FEW {
            if self.few.contains(&key) {
                return Some(key);
            }
            self.few.push(key);
            return None;
        }
        self.many.extend(self.few.drain(..));
        if self.many.contains(&key) {
            return Some(key);
        }
        self.many.insert(key);
        None
    }
}

/// Reads a key without copying it where it has no escapes.
pub(super) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strict_text_is_told_from_the_rest() {
        #[track_caller]
        fn check_one(text: &str, want: Result<(), &str>) {
            let got = check(text, Limits { bytes: 400, depth: 3 }).map_err(|e| e.to_string());
            match (got, want) {
                (Ok(()), Ok(())) => {}
                (Err(got), Err(want)) => assert!(got.contains(want), "{text}: {got}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
        check_one(r#"{"a":[1,-2.5e3,{"b":null}],"c":"\u00e9"}"#, Ok(()));
        check_one("18446744073709551616", Ok(()));
        check_one(r#"{"a":1,"a":2}"#, Err("duplicate key \"a\""));
        check_one(r#"{"a":1,"\u0061":2}"#, Err("duplicate key \"a\""));
        check_one(r#"{"x":{"a":1,"b":{},"b":0}}"#, Err("duplicate key \"b\""));
        check_one("[[[[]]]]", Err("nested too deeply"));
        check_one(r#""\ud800""#, Err("hex escape"));
        check_one(r#""\ud800\u0041""#, Err("surrogate"));
        check_one("{} {}", Err("trailing"));
        check_one("01", Err("invalid number"));
        check_one(r#"{"a":1,}"#, Err("trailing comma"));
        check_one("NaN", Err("expected"));
        check_one("", Err("EOF"));
        check_one(&format!("\"{}\"", "x".repeat(400)), Err("402 bytes long, 400 are allowed"));
        let many = (0..40).map(|i| format!("\"k{i}\":0")).collect::<Vec<_>>().join(",");
        check_one(&format!("{{{many}}}"), Ok(()));
        check_one(&format!("{{{many},\"k3\":0}}"), Err("duplicate key \"k3\""));
        let long = "é".repeat(40);
        let shown = format!("duplicate key \"{}\" at", "é".repeat(32));
        check_one(&format!("{{\"{long}\":0,\"{long}\":0}}"), Err(&shown));
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_serde_json_on_what_is_json(text in "[\\[\\]{}:,\"a-c0-9 .eE\\\\u-]{0,40}") {
            if check(&text, Limits::default()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
