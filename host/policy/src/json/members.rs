//! What stands in an object or an array, one after the other, as the text that stands there.

use std::borrow::Cow;

use super::scan::Scanner;

/// The members of an object in strict text, in their order: names, and values as text. Nothing when it is no object.
#[derive(Debug, Clone)]
pub(super) struct Members<'t>(Option<Scanner<'t>>);

impl<'t> Members<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self(open(text, b'{', b'}'))
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = (Cow<'t, str>, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        let scanner = self.0.as_mut()?;
        let name = scanner.takes(b'"').then(|| scanner.string().ok())??;
        let value = scanner.takes(b':').then(|| scanner.skip())??;
        if !scanner.takes(b',') {
            self.0 = None;
        }
        Some((name.said(), value))
    }
}

/// The members that were noted, or those that are read.
pub(super) enum Each<N, R> {
    Noted(N),
    Read(R),
}

impl<T, N: Iterator<Item = T>, R: Iterator<Item = T>> Iterator for Each<N, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match self {
            Self::Noted(noted) => noted.next(),
            Self::Read(read) => read.next(),
        }
    }
}

/// The items of an array in strict text, as text. Nothing when it is no array.
#[derive(Debug, Clone)]
pub struct Items<'t>(Option<Scanner<'t>>);

impl<'t> Items<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self(open(text, b'[', b']'))
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<Self::Item> {
        let scanner = self.0.as_mut()?;
        let value = scanner.skip()?;
        if !scanner.takes(b',') {
            self.0 = None;
        }
        Some(value)
    }
}

/// The items of an array in strict text, and of each that is an object the value of one member; read once.
pub(super) fn items_with<'t>(text: &'t str, name: &str) -> impl Iterator<Item = (&'t str, Option<&'t str>)> {
    let mut left = open(text, b'[', b']');
    std::iter::from_fn(move || {
        let scanner = left.as_mut()?;
        let item = if scanner.peek()? == b'{' { object_with(scanner, name)? } else { (scanner.skip()?, None) };
        if !scanner.takes(b',') {
            left = None;
        }
        Some(item)
    })
}

fn object_with<'t>(scanner: &mut Scanner<'t>, name: &str) -> Option<(&'t str, Option<&'t str>)> {
    let (start, mut found) = (scanner.at(), None);
    scanner.take();
    while scanner.takes(b'"') {
        let key = scanner.string().ok()?;
        let value = scanner.takes(b':').then(|| scanner.skip())??;
        if key.says(name) {
            found = Some(value);
        }
        scanner.takes(b',');
    }
    scanner.takes(b'}').then(|| (scanner.since(start), found))
}

/// A scanner behind the opening bracket; `None` when the text does not begin with it, and when it is closed at once.
fn open(text: &str, bracket: u8, closing: u8) -> Option<Scanner<'_>> {
    let mut scanner = Scanner::new(text);
    (scanner.takes(bracket) && scanner.peek() != Some(closing)).then_some(scanner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::oracle;
    use super::*;

    proptest! {
        #[test]
        fn are_those_of_a_tree(text in oracle::text()) {
            prop_assume!(oracle::accepts(&text, 127));
            let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
            let (members, items): (Vec<_>, Vec<_>) = match read(&text) {
                Value::Object(members) => (members.into_iter().collect(), Vec::new()),
                Value::Array(items) => (Vec::new(), items),
                _ => (Vec::new(), Vec::new()),
            };
            let got: Vec<_> = Members::of(&text).map(|(name, value)| (name.into_owned(), read(value))).collect();
            prop_assert_eq!(got, members);
            let with: Vec<_> = items_with(&text, "a").map(|(item, value)| (read(item), value.map(read))).collect();
            prop_assert_eq!(with, items.iter().map(|item| (item.clone(), item.get("a").cloned())).collect::<Vec<_>>());
            prop_assert_eq!(Items::of(&text).map(read).collect::<Vec<_>>(), items);
        }
    }
}
