//! Reads JSON text from front to back, as bytes: values are gone past, not built up.
//!
//! For a plugin that looks at much of a document, or at all of it, and keeps little: it costs a fraction of what a tree
//! does. Whether the text *is* JSON the host has looked at before; where it is not, reading ends in an error or finds
//! nonsense, and never panics.
//!
//! ```
//! use witgate_sdk::json::{Broken, Reader};
//!
//! /// The names of an object's members.
//! fn names(text: &str) -> Result<Vec<String>, Broken> {
//!     let (mut reader, mut names) = (Reader::new(text), Vec::new());
//!     if !reader.takes(b'{') {
//!         return Err(Broken);
//!     }
//!     while !reader.takes(b'}') {
//!         names.push(reader.string()?.into_owned());
//!         if !reader.takes(b':') {
//!             return Err(Broken);
//!         }
//!         reader.skip()?;
//!         reader.takes(b',');
//!     }
//!     Ok(names)
//! }
//!
//! assert_eq!(names(r#"{"a": [1, {"b": 2}], "c": "d"}"#).unwrap(), ["a", "c"]);
//! ```

use std::borrow::Cow;

/// What is read is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// A place in a text.
#[derive(Clone, Debug)]
pub struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// At the beginning.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space; it is not taken.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes `byte`, if it is the next one that is no white space.
    #[inline]
    pub fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// How many bytes were read.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes back to a place that this was at.
    pub fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// What a string says. Borrowed when it has no escapes.
    pub fn string(&mut self) -> Result<Cow<'t, str>, Broken> {
        let (escaped, first) = self.raw_string()?;
        let Some(first) = first else { return Ok(Cow::Borrowed(escaped)) };
        let mut said = String::with_capacity(escaped.len());
        let mut rest = escaped;
        let mut next = Some(first);
        while let Some(at) = next {
            said.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let (c, len) = unescaped(rest).ok_or(Broken)?;
            said.push(c);
            rest = &rest[len..];
            // Quotes stand behind backslashes here.
            next = Some(plain_len(rest.as_bytes())).filter(|at| *at < rest.len());
        }
        said.push_str(rest);
        Ok(Cow::Owned(said))
    }

    /// A string as it stands between its quotes, and where its first escape is.
    fn raw_string(&mut self) -> Result<(&'t str, Option<usize>), Broken> {
        if !self.takes(b'"') {
            return Err(Broken);
        }
        let (start, mut first) = (self.at, None);
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Broken)?;
            self.at += plain_len(rest);
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    first = first.or(Some(self.at - start));
                    self.at += 2;
                }
                _ => return Err(Broken),
            }
        }
        self.at += 1;
        Ok((self.text.get(start..self.at - 1).ok_or(Broken)?, first))
    }

    /// Goes past a value, and gives its text.
    pub fn skip(&mut self) -> Result<&'t str, Broken> {
        let first = self.peek().ok_or(Broken)?;
        let (start, mut open) = (self.at, 0_usize);
        match first {
            b'"' => drop(self.raw_string()?),
            b'{' | b'[' => loop {
                let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
                self.at += rest.iter().position(is_mark).ok_or(Broken)?;
                match self.text.as_bytes()[self.at] {
                    b'"' => {
                        self.raw_string()?;
                        continue;
                    }
                    b'{' | b'[' => open += 1,
                    _ => open -= 1,
                }
                self.at += 1;
                if open == 0 {
                    break;
                }
            },
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                let len = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte)));
                let len = len.unwrap_or(rest.len());
                if len == 0 {
                    return Err(Broken);
                }
                self.at += len;
            }
        }
        self.text.get(start..self.at).ok_or(Broken)
    }
}

/// The character that stands behind a backslash, and in how many bytes.
fn unescaped(rest: &str) -> Option<(char, usize)> {
    let c = match rest.as_bytes().first()? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'u' => return unicode(rest),
        _ => return None,
    };
    Some((c, 1))
}

fn unicode(rest: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4).filter(|hex| !hex.starts_with('+'))?, 16).ok();
    let first = unit(1)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).map(|c| (c, 5));
    }
    let second = rest.get(5..7).filter(|escape| *escape == "\\u").and_then(|_| unit(7))?;
    let second = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second).map(|c| (c, 11))
}

/// How many bytes from the beginning on are neither quotes nor backslashes. Eight at a time.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    // The highest bit of each byte that is zero, and perhaps of some above it.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let marks = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if marks != 0 {
            return at * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\');
    bytes.len() - tail.len() + tail.iter().position(is_mark).unwrap_or(tail.len())
}
