use super::scan::{Raw, Scanner};

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
}

/// The value at a pointer as the JSON text that stands in strict `text`. Goes down as it reads, and stops where the value
/// ends; a pointer without `~` costs no memory.
pub(super) fn find<'t>(text: &'t str, pointer: &str) -> Option<&'t str> {
    let mut scanner = Scanner::new(text);
    let mut rest = pointer;
    while !rest.is_empty() {
        let (token, behind) = Token::first(rest)?;
        enter(&mut scanner, token)?;
        rest = behind;
    }
    scanner.skip()
}

/// Goes to the child of that name, or at that index.
fn enter(scanner: &mut Scanner<'_>, token: Token<'_>) -> Option<()> {
    let first = scanner.peek()?;
    scanner.take();
    match first {
        b'{' => {
            while scanner.takes(b'"') {
                let key = scanner.string().ok()?;
                let is_it = token.spells(key);
                if !scanner.takes(b':') {
                    return None;
                }
                if is_it {
                    return Some(());
                }
                scanner.skip()?;
                if !scanner.takes(b',') {
                    return None;
                }
            }
            None
        }
        b'[' => {
            let index = index(token.text)?;
            if scanner.peek() == Some(b']') {
                return None;
            }
            for _ in 0..index {
                scanner.skip()?;
                if !scanner.takes(b',') {
                    return None;
                }
            }
            Some(())
        }
        _ => None,
    }
}

/// A reference token, as it stands in a pointer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'p> {
    text: &'p str,
    /// Whether it has escapes, and how long it is without them.
    escaped: bool,
    len: usize,
}

impl<'p> Token<'p> {
    /// The first of a pointer, and the pointer behind it; `None` at its end, and for what is no pointer.
    #[inline]
    pub(super) fn first(pointer: &'p str) -> Option<(Self, &'p str)> {
        let rest = pointer.strip_prefix('/')?;
        let (mut end, mut escapes) = (0, 0);
        while let Some(byte) = rest.as_bytes().get(end).filter(|byte| **byte != b'/') {
            escapes += usize::from(*byte == b'~');
            end += 1;
        }
        let (text, rest) = rest.split_at(end);
        Some((Self { text, escaped: escapes > 0, len: end - escapes.min(end) }, rest))
    }

    /// How long a name is that it spells.
    pub(super) fn len(self) -> usize {
        self.len
    }

    /// Whether it is that name.
    #[inline]
    pub(super) fn spells(self, name: Raw<'_>) -> bool {
        if name.escaped {
            return unescape(self.text).is_some_and(|token| name.says(&token));
        }
        self.len == name.text.len() && if self.escaped { self.spells_plain(name.text) } else { self.text == name.text }
    }

    fn spells_plain(self, name: &str) -> bool {
        let (mut token, mut name) = (self.text.bytes(), name.bytes());
        while let Some(byte) = token.next() {
            let want = match byte {
                b'~' => match token.next() {
                    Some(b'0') => b'~',
                    Some(b'1') => b'/',
                    _ => return false,
                },
                byte => byte,
            };
            if name.next() != Some(want) {
                return false;
            }
        }
        name.next().is_none()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle;
    use super::*;

    #[test]
    fn pointers_find_what_rfc_6901_says() {
        #[track_caller]
        fn check(pointer: &str, want: Option<&str>) {
            // The RFC's own example, section 5, and an array within.
            let text =
                r#" {"foo":["bar", {"x" : 1 }],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8} "#;
            let got = find(text, pointer);
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
            let got = find(&text, &pointer).map(str::to_owned);
            prop_assert_eq!(got, value.pointer(&pointer).map(ToString::to_string));
        }

        #[test]
        fn agrees_with_a_tree_whatever_names_there_are(text in oracle::text(), tokens in prop::collection::vec("[a-c ~/é0-2]{0,2}", 0..3)) {
            prop_assume!(oracle::accepts(&text, 127));
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            for pointer in every(&value).into_iter().chain([tokens.join("/"), format!("/{}", tokens.join("/"))]) {
                let got = find(&text, &pointer).map(|found| serde_json::from_str(found).expect("a value"));
                prop_assert_eq!(got.as_ref(), value.pointer(&pointer), "{} in {}", pointer, text);
            }
        }
    }

    /// A pointer to each value of a tree.
    fn every(value: &serde_json::Value) -> Vec<String> {
        let escaped = |token: &str| token.replace('~', "~0").replace('/', "~1");
        let children: Vec<(String, &serde_json::Value)> = match value {
            serde_json::Value::Object(members) => members.iter().map(|(name, value)| (escaped(name), value)).collect(),
            serde_json::Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
            }
            _ => Vec::new(),
        };
        let below = |(token, child): (String, &serde_json::Value)| {
            every(child).into_iter().map(|rest| format!("/{token}{rest}")).collect::<Vec<_>>()
        };
        std::iter::once(String::new()).chain(children.into_iter().flat_map(below)).collect()
    }
}
