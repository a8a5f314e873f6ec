//! What strict text is, said a second time and with another parser: what `strict` and `pointer` are held to.

use std::collections::HashSet;
use std::fmt;

use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether `serde_json` takes the text, with each name once and no deeper than `depth`.
pub(super) fn accepts(text: &str, depth: usize) -> bool {
    let mut parser = serde_json::Deserializer::from_str(text);
    Once { depth }.deserialize(&mut parser).and_then(|()| parser.end()).is_ok()
}

#[derive(Clone, Copy)]
struct Once {
    depth: usize,
}

impl Once {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Once {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
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
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("twice"));
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// JSON as people and machines write it: white space, escapes, numbers of any form, names that collide now and then.
pub(super) fn text() -> impl Strategy<Value = String> {
    let string = r#""([a-c ~/é€😀]|\\[nt"\\/]|\\u00(6[1-3]|e9)|\\ud83d\\ude00){0,40}""#;
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        string,
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let member =
            (string, "[ \n]?", inner.clone()).prop_map(|(name, space, value)| format!("{name}{space}:{value}"));
        prop_oneof![
            (prop::collection::vec(inner, 0..5), "[ \t\r\n]?")
                .prop_map(|(items, space)| format!("[{}]", items.join(&format!("{space},{space}")))),
            (prop::collection::vec(member, 0..24), "[ \t\r\n]?")
                .prop_map(|(members, space)| format!("{{{space}{}}}", members.join(&format!("{space},{space}")))),
        ]
    })
}

/// The same with one stretch of it, or none, put in place of another: text that is nearly JSON.
pub(super) fn broken() -> impl Strategy<Value = String> {
    (text(), any::<prop::sample::Index>(), 0..3_usize, "[\\[\\]{}:,\"\\\\ud8c0-9.eE+ x\u{0}\u{1f}-]{0,3}").prop_map(
        |(mut text, at, len, with)| {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((start + len).min(text.len()));
            text.replace_range(start..end, &with);
            text
        },
    )
}
