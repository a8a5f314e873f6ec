//! Texts made of texts that were checked, which need not be checked again: to read a list of a megabyte once more takes
//! longer than to put it together.

use bytestring::ByteString;

use super::Payload;
use super::outline::Outline;

impl Payload {
    /// This object with a value under a name: in place of the one that stands there, or behind all others. What is no
    /// object stays as it is. The rest keeps its bytes.
    ///
    /// Whoever sets a value answers for how deep the whole becomes: it is to stand no deeper than where it came from.
    #[must_use]
    pub fn with(&self, name: &str, value: &Self) -> Self {
        self.put(name, value.len(), |text| text.push_str(value.as_str()))
    }

    /// The same with a list of values under the name.
    #[must_use]
    pub fn with_list(&self, name: &str, items: &[Self]) -> Self {
        let commas = items.len().saturating_sub(1);
        let len = items.iter().map(Self::len).sum::<usize>() + commas + 2;
        self.put(name, len, |text| {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(item.as_str());
            }
            text.push(']');
        })
    }

    /// This with another value in place of one that stands in it, as [`get`](Self::get) gives it.
    ///
    /// # Panics
    ///
    /// When `old` was not borrowed from this payload.
    #[must_use]
    pub fn exchanged(&self, old: &str, value: &Self) -> Self {
        self.exchange(old, value.len(), |text| text.push_str(value.as_str()))
    }

    fn put(&self, name: &str, len: usize, write: impl FnOnce(&mut String)) -> Self {
        if !self.is_object() {
            return self.clone();
        }
        match self.get(&format!("/{}", name.replace('~', "~0").replace('/', "~1"))) {
            Some(old) => self.exchange(old, len, write),
            None => self.append(name, len, write),
        }
    }

    fn exchange(&self, old: &str, len: usize, write: impl FnOnce(&mut String)) -> Self {
        let start = old.as_ptr().addr() - self.text.as_ptr().addr();
        let end = start + old.len();
        let mut text = String::with_capacity(self.len() - old.len() + len);
        text.push_str(&self.text[..start]);
        write(&mut text);
        text.push_str(&self.text[end..]);
        self.noted_anew(text.into(), |outline| outline.exchanged(start..end, len))
    }

    fn append(&self, name: &str, len: usize, write: impl FnOnce(&mut String)) -> Self {
        let name = Self::of(name);
        let members = self.text.trim_ascii_end();
        let members = members.strip_suffix('}').unwrap_or(members).trim_ascii_end();
        let mut text = String::with_capacity(members.len() + name.len() + len + 3);
        text.push_str(members);
        // No value ends so, but for a string, which ends in a quote.
        if !members.ends_with('{') {
            text.push(',');
        }
        text.push_str(name.as_str());
        text.push(':');
        let at = text.len();
        write(&mut text);
        text.push('}');
        let escaped = name.as_str().contains('\\');
        let name = at - name.len()..at - 2;
        self.noted_anew(text.into(), |outline| outline.appended(name, escaped, at..at + len))
    }

    /// Another text in place of this one, noted as that follows from what was noted of this.
    fn noted_anew(&self, text: ByteString, outline: impl FnOnce(Outline) -> Option<Outline>) -> Self {
        let noted = self.outline.as_ref().filter(|_| u32::try_from(text.len()).is_ok());
        let outline = noted.and_then(|(noted, place)| outline(noted.part(*place)));
        Self { text, outline: outline.map(|outline| (outline.into(), None)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::oracle;
    use super::super::tests::same;
    use super::*;

    fn read(payload: &Payload) -> Value {
        serde_json::from_str(payload.as_str()).expect("JSON")
    }

    /// What stands in it, and that it is strict.
    fn check(payload: &Payload, want: &Value) -> Result<(), TestCaseError> {
        prop_assert_eq!(&read(payload), want);
        prop_assert!(oracle::accepts(payload.as_str(), 127), "{}", payload.as_str());
        same(payload, 5)
    }

    proptest! {
        #[test]
        fn a_member_is_set_as_in_a_tree(
            text in oracle::text(),
            name in prop_oneof![Just("a".to_owned()), Just("tools".to_owned()), Just("a~/\"\\\u{1}é".to_owned()), "[a-z~/\"]{0,3}"],
            value in oracle::text(),
            again in any::<bool>(),
        ) {
            let (Ok(payload), Ok(value)) = (Payload::parse_str(&text), Payload::parse_str(&value)) else { return Ok(()) };
            let part = payload.members().next().map(|(_, part)| payload.slice(part));
            for payload in [Some(payload.clone()), Some(Payload::plain(payload.text.clone())), part].into_iter().flatten() {
                let mut want = read(&payload);
                let mut got = payload.with(&name, &value);
                if let Value::Object(members) = &mut want {
                    members.insert(name.clone(), read(&value));
                    if again {
                        got = got.with("b", &Payload::of(&7)).with(&name, &Payload::of("shorter"));
                        members.insert("b".to_owned(), 7.into());
                        members.insert(name.clone(), "shorter".into());
                    }
                }
                check(&got, &want)?;
            }
        }

        #[test]
        fn a_list_holds_its_items(text in oracle::text(), texts in prop::collection::vec(oracle::text(), 0..4)) {
            let items: Vec<_> = texts.iter().filter_map(|text| Payload::parse_str(text).ok()).collect();
            for text in [text.as_str(), "{}"] {
                let Ok(payload) = Payload::parse_str(text) else { return Ok(()) };
                let mut want = read(&payload);
                if let Value::Object(members) = &mut want {
                    members.insert("a".to_owned(), items.iter().map(read).collect());
                }
                check(&payload.with_list("a", &items), &want)?;
            }
        }

        #[test]
        fn a_value_is_exchanged_where_it_stands(text in oracle::text(), value in oracle::text()) {
            let (Ok(payload), Ok(value)) = (Payload::parse_str(&text), Payload::parse_str(&value)) else { return Ok(()) };
            for pointer in ["", "/a", "/a/b", "/0", "/a/0"] {
                if let Some(old) = payload.get(pointer) {
                    let mut want = read(&payload);
                    *want.pointer_mut(pointer).expect("it stands there") = read(&value);
                    check(&payload.exchanged(old, &value), &want)?;
                }
            }
        }
    }

    #[test]
    fn what_stands_around_is_found() {
        let text = r#"{"x": {"y": [1]}, "a": {"b": {"c": {"d": 1}, "e": 2}, "f": {"g": 3}}, "z": {"y": 4}}"#;
        let payload = Payload::parse_str(text).expect("JSON");
        for pointer in ["/x", "/x/y", "/x/y/0", "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/e", "/a/f/g", "/z/y"] {
            for value in ["7", r#"{"more": {"than": "there was before"}}"#] {
                let mut want = read(&payload);
                let value = Payload::parse_str(value).expect("JSON");
                *want.pointer_mut(pointer).expect("it stands there") = read(&value);
                let got = payload.exchanged(payload.get(pointer).expect("it stands there"), &value);
                check(&got, &want).expect("the same");
                check(&got.with("a", &value).with("q", &value), &{
                    (want["a"], want["q"]) = (read(&value), read(&value));
                    want
                })
                .expect("the same");
            }
        }
    }

    #[test]
    fn what_is_beyond_an_outline_is_found() {
        for count in [0, 1, 31, 32, 33, 200] {
            let many: serde_json::Map<_, _> = (0..count).map(|n| (format!("k{n}"), Value::from(n))).collect();
            let value = serde_json::json!({ "a": { "b": many }, "list": [1], "z": many });
            let payload = Payload::parse_str(&format!(" {value}\n")).expect("JSON");
            for name in ["a", "list", "z", "new", "k1"] {
                let mut want = value.clone();
                want[name] = 0.into();
                check(&payload.with(name, &Payload::of(&0)), &want).expect("the same");
                let many = Payload::of(&many);
                check(&many.with(name, &payload).with("last", &many), &{
                    let mut want: Value = serde_json::from_str(many.as_str()).expect("JSON");
                    (want[name], want["last"]) = (value.clone(), read(&many));
                    want
                })
                .expect("the same");
            }
        }
    }
}
