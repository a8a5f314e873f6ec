//! Where a JSON text's strings, numbers and values end. Reads bytes, copies nothing, and never goes past the end.

use std::borrow::Cow;

use super::block::{BLOCK, Ends, Text, marks};

/// The nesting that is ever followed, however much an operator allows: it bounds the stack.
pub(super) const DEPTH_MAX: usize = 127;

/// What makes text no strict JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    End,
    Value,
    Colon,
    CommaOrBracket,
    CommaOrBrace,
    Name,
    TrailingComma,
    Trailing,
    Number,
    Range,
    Control,
    Escape,
    HexEscape,
    Surrogate,
    Depth,
}

impl Flaw {
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::End => "EOF before the value's end",
            Self::Value => "expected a value",
            Self::Colon => "expected `:`",
            Self::CommaOrBracket => "expected `,` or `]`",
            Self::CommaOrBrace => "expected `,` or `}`",
            Self::Name => "expected a name in quotes",
            Self::TrailingComma => "trailing comma",
            Self::Trailing => "trailing characters",
            Self::Number => "invalid number",
            Self::Range => "number out of range",
            Self::Control => "control character in a string, where it has to be escaped",
            Self::Escape => "invalid escape",
            Self::HexEscape => "invalid hex escape",
            Self::Surrogate => "half of a surrogate pair in a hex escape",
            Self::Depth => "nested too deeply",
        }
    }
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The block that the marks are of, counted from 1 on.
    block: usize,
    marks: u64,
}

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'t> {
    pub(super) text: &'t str,
    pub(super) escaped: bool,
}

impl<'t> Raw<'t> {
    /// What it says.
    pub(super) fn said(self) -> Cow<'t, str> {
        if !self.escaped {
            return Cow::Borrowed(self.text);
        }
        // It was scanned already, so it can be read.
        serde_json::from_str(&format!("\"{}\"", self.text)).map_or(Cow::Borrowed(self.text), Cow::Owned)
    }

    /// Whether it says what another one does.
    pub(super) fn is(self, other: Raw<'_>) -> bool {
        if self.escaped || other.escaped { self.said() == other.said() } else { self.text == other.text }
    }

    /// Whether it says this.
    pub(super) fn says(self, what: &str) -> bool {
        if self.escaped { self.said() == what } else { self.text == what }
    }
}

/// What a string of strict text says; `None` when the value is something else.
pub fn said(value: &str) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    Some(Raw { text, escaped: memchr::memchr(b'\\', text.as_bytes()).is_some() }.said())
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, block: 0, marks: 0 }
    }

    /// Bytes read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text from one place to this one.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space; it is not taken.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes the byte that was peeked.
    pub(super) fn take(&mut self) {
        self.at += 1;
    }

    /// Takes `byte`, if it is the next one that is no white space.
    pub(super) fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// `true`, `false` or `null`, which is to stand here.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Flaw> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(if self.rest().len() < word.len() { Flaw::End } else { Flaw::Value });
        }
        self.at += word.len();
        Ok(())
    }

    /// A string, whose opening quote was taken. What it says comes after: a key is wanted, a value seldom.
    pub(super) fn string(&mut self) -> Result<Raw<'t>, Flaw> {
        let start = self.at;
        let escaped = self.end_string()?;
        Ok(self.ended(start, escaped))
    }

    /// The string from `start` on, at whose closing quote this is; takes the quote.
    pub(super) fn ended(&mut self, start: usize, escaped: bool) -> Raw<'t> {
        let text = self.since(start);
        self.at += 1;
        Raw { text, escaped }
    }

    /// Goes to the closing quote, and says whether there were escapes.
    pub(super) fn end_string(&mut self) -> Result<bool, Flaw> {
        let mut escaped = false;
        loop {
            self.seek_mark();
            match self.rest() {
                [b'"', ..] => return Ok(escaped),
                [b'\\', escape, ..] => {
                    escaped = true;
                    self.at += 2;
                    match escape {
                        b'n' | b'"' | b'\\' | b't' | b'/' | b'r' | b'b' | b'f' => {}
                        b'u' => self.hex()?,
                        _ => return Err(Flaw::Escape),
                    }
                }
                [] | [b'\\'] => return Err(Flaw::End),
                _ => return Err(Flaw::Control),
            }
        }
    }

    /// Goes to the next byte that does not stand for itself in a string, or to the end.
    fn seek_mark(&mut self) {
        loop {
            let block = self.at / BLOCK + 1;
            if block != self.block {
                self.load(block);
            }
            let ahead = self.marks >> (self.at % BLOCK);
            if ahead != 0 {
                self.at += ahead.trailing_zeros() as usize;
                return;
            }
            self.at = block * BLOCK;
        }
    }

    fn load(&mut self, block: usize) {
        let bytes = self.text.as_bytes();
        let rest = bytes.get((block - 1) * BLOCK..).unwrap_or_default();
        self.block = block;
        self.marks = rest.first_chunk().map_or_else(
            || {
                // What is beyond the end is a mark.
                let mut padded = [0; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                marks(&padded)
            },
            marks,
        );
    }

    /// The digits of `\u`, and the other half where they are one of a surrogate pair.
    fn hex(&mut self) -> Result<(), Flaw> {
        match self.unit()? {
            0xd800..=0xdbff => {
                if !self.rest().starts_with(b"\\u") {
                    return Err(Flaw::Surrogate);
                }
                self.at += 2;
                if matches!(self.unit()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(Flaw::Surrogate) }
            }
            0xdc00..=0xdfff => Err(Flaw::Surrogate),
            _ => Ok(()),
        }
    }

    fn unit(&mut self) -> Result<u32, Flaw> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.rest().first().ok_or(Flaw::End)?;
            unit = unit << 4 | char::from(*digit).to_digit(16).ok_or(Flaw::HexEscape)?;
            self.at += 1;
        }
        Ok(unit)
    }

    /// A number.
    pub(super) fn number(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        if self.next() == b'-' {
            self.at += 1;
        }
        if self.next() == b'0' {
            self.at += 1;
            if self.next().is_ascii_digit() {
                return Err(Flaw::Number);
            }
        } else {
            self.digits()?;
        }
        if self.next() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        let raised = matches!(self.next(), b'e' | b'E');
        if raised {
            self.at += 1;
            if matches!(self.next(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        // Shorter ones are never beyond what a double holds; those that are, parsers read differently.
        if (raised || self.at - start > 300) && !self.since(start).parse().is_ok_and(f64::is_finite) {
            return Err(Flaw::Range);
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        if !self.next().is_ascii_digit() {
            return Err(if self.rest().is_empty() { Flaw::End } else { Flaw::Number });
        }
        while self.next().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    /// The next byte; at the end one that no JSON has.
    fn next(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    /// Goes past a value of a text that is strict. Where it is not, `None` or any place.
    pub(super) fn skip(&mut self) -> Option<&'t str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_nested()?,
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r');
                self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len());
            }
        }
        Some(self.since(start))
    }

    /// From an opening bracket to behind the one that closes it.
    fn skip_nested(&mut self) -> Option<()> {
        let (mut text, mut open) = (Text::default(), 0);
        loop {
            let rest = self.rest();
            let ends = match rest.first_chunk() {
                Some(block) => Ends::of(block),
                None if rest.is_empty() => return None,
                None => {
                    let mut padded = [0; BLOCK];
                    padded[..rest.len()].copy_from_slice(rest);
                    Ends::of(&padded)
                }
            };
            let (opening, closing) = ends.outside(&mut text);
            let mut left = opening | closing;
            // Most blocks close less than is open.
            if closing.count_ones() < open {
                open = open + opening.count_ones() - closing.count_ones();
                left = 0;
            }
            while left != 0 {
                let bit = left & left.wrapping_neg();
                left ^= bit;
                if opening & bit != 0 {
                    open += 1;
                } else if open > 1 {
                    open -= 1;
                } else {
                    self.at += bit.trailing_zeros() as usize + 1;
                    return Some(());
                }
            }
            self.at += BLOCK.min(rest.len());
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        self.end_string().ok()?;
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where a value ends, byte by byte.
    fn naively(text: &str) -> Option<usize> {
        let (mut open, mut within, mut escaped) = (0_usize, false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if within => escaped = true,
                b'"' => within = !within,
                b'{' | b'[' if !within => open += 1,
                b'}' | b']' if !within => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    /// Arrays, objects and strings of all lengths about those of blocks, and hostile strings.
    fn value() -> impl Strategy<Value = String> {
        let string = prop_oneof![r#"([a-z{}\[\]:, é日]|\\\\|\\"|\\n|\\u00e9){0,12}"#, r"(\\\\){0,40}", "[a{]{50,80}",];
        let leaf = prop_oneof![
            string.prop_map(|text| format!("\"{text}\"")),
            Just("-1.5e3".to_owned()),
            Just("null".to_owned())
        ];
        let nested = leaf.prop_recursive(5, 60, 6, |inner| {
            let items = prop::collection::vec(inner, 0..6);
            prop_oneof![
                items.clone().prop_map(|items| format!("[{}]", items.join(", "))),
                items.prop_map(|items| {
                    let members: Vec<_> = items.iter().map(|item| format!(r#""}}{{\"":{item}"#)).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        });
        nested.prop_map(|value| format!("[{value}]"))
    }

    proptest! {
        #[test]
        fn a_value_ends_where_its_brackets_close(value in value(), before in 0..70_usize, tail in "[\\]}\"{a]{0,70}") {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&value).is_ok(), "{}", value);
            let text = format!("{}{value}{tail}", " ".repeat(before));
            prop_assert_eq!(Scanner::new(&text).skip(), Some(value.as_str()));
            prop_assert_eq!(naively(&value), Some(value.len()));
            for end in (0..value.len()).filter(|end| value.is_char_boundary(*end)) {
                prop_assert_eq!(Scanner::new(&value[..end]).skip(), None, "{}", &value[..end]);
            }
        }
    }
}
