use std::borrow::Cow;
use std::collections::HashSet;

use super::outline::{Level, Notes, Outline, Page};
use super::scan::{DEPTH_MAX, Flaw, Raw, Scanner};

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

/// Checks in one pass without building a tree, and notes where the upper members stand.
pub(super) fn check(text: &str, limits: Limits) -> Result<Outline, StrictError> {
    if text.len() > limits.bytes {
        return Err(StrictError::Size { size: text.len(), limit: limits.bytes });
    }
    let keys = Vec::with_capacity(2 * Names::FEW);
    let mut strict = Strict { scanner: Scanner::new(text), keys, notes: Notes::new() };
    let complete = strict.document(limits.depth.min(DEPTH_MAX)).map_err(|fault| {
        let (line, column) = position(text, strict.scanner.at());
        match fault {
            Fault::Flaw(flaw) => StrictError::Syntax(format!("{} at line {line} column {column}", flaw.told())),
            Fault::Twice(key) => {
                StrictError::Syntax(format!("duplicate key {:?} at line {line} column {column}", short(&key)))
            }
        }
    })?;
    Ok(strict.notes.done(complete))
}

/// Line and column of a place, from 1 on; a column is a byte, as in what other parsers say.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    (line, at - line_start + 1)
}

/// What is shown of a key: its error is told to whoever sent it and to the log, and a key may be as long as a message.
fn short(key: &str) -> &str {
    &key[..key.floor_char_boundary(SHOWN_BYTES)]
}

enum Fault<'t> {
    Flaw(Flaw),
    Twice(Cow<'t, str>),
}

impl From<Flaw> for Fault<'_> {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// Accepts any value and looks at its keys.
struct Strict<'t> {
    scanner: Scanner<'t>,
    /// The keys of all objects that are open, the innermost one's last: one list serves a whole document.
    keys: Vec<Raw<'t>>,
    notes: Notes,
}

impl<'t> Strict<'t> {
    fn document(&mut self, depth: usize) -> Result<bool, Fault<'t>> {
        let complete = self.value(depth, Level::TOP)?;
        if self.scanner.peek().is_some() { Err(Flaw::Trailing.into()) } else { Ok(complete) }
    }

    /// `depth` is what may still come within it. Says whether it is an object all of whose members are noted.
    fn value(&mut self, depth: usize, level: Level) -> Result<bool, Fault<'t>> {
        match self.scanner.peek().ok_or(Flaw::End)? {
            b'"' => {
                self.scanner.take();
                self.scanner.end_string()?;
                self.scanner.take();
            }
            b'{' => return self.object(depth.checked_sub(1).ok_or(Flaw::Depth)?, level),
            b'[' => self.array(depth.checked_sub(1).ok_or(Flaw::Depth)?)?,
            b'-' | b'0'..=b'9' => self.scanner.number()?,
            b't' => self.scanner.word("true")?,
            b'f' => self.scanner.word("false")?,
            b'n' => self.scanner.word("null")?,
            _ => return Err(Flaw::Value.into()),
        }
        Ok(false)
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault<'t>> {
        self.scanner.take();
        if self.scanner.takes(b']') {
            return Ok(());
        }
        loop {
            self.value(depth, Level::BELOW)?;
            match self.scanner.peek().ok_or(Flaw::End)? {
                b',' => self.scanner.take(),
                b']' => break,
                _ => return Err(Flaw::CommaOrBracket.into()),
            }
            if self.scanner.peek() == Some(b']') {
                return Err(Flaw::TrailingComma.into());
            }
        }
        self.scanner.take();
        Ok(())
    }

    fn object(&mut self, depth: usize, level: Level) -> Result<bool, Fault<'t>> {
        self.scanner.take();
        let mut page = Page::new(level);
        if self.scanner.takes(b'}') {
            return Ok(page.complete);
        }
        let mut names = Names::new(self.keys.len());
        loop {
            match self.scanner.peek().ok_or(Flaw::End)? {
                b'"' => self.scanner.take(),
                b'}' => return Err(Flaw::TrailingComma.into()),
                _ => return Err(Flaw::Name.into()),
            }
            let start = self.scanner.at();
            let escaped = self.scanner.end_string()?;
            let noted = self.notes.begin(&mut page, start..self.scanner.at(), escaped);
            let key = self.scanner.ended(start, escaped);
            if !names.insert(&mut self.keys, key) {
                return Err(Fault::Twice(key.said()));
            }
            if !self.scanner.takes(b':') {
                return Err(self.scanner.peek().map_or(Flaw::End, |_| Flaw::Colon).into());
            }
            self.scanner.peek();
            let start = self.scanner.at();
            let complete = self.value(depth, Notes::level(&page, noted))?;
            self.notes.end(noted, &mut page, start..self.scanner.at(), complete);
            match self.scanner.peek().ok_or(Flaw::End)? {
                b',' => self.scanner.take(),
                b'}' => break,
                _ => return Err(Flaw::CommaOrBrace.into()),
            }
        }
        self.scanner.take();
        self.keys.truncate(names.first);
        Ok(page.complete)
    }
}

/// The keys of one object: a stretch of the list while there are few, for which comparing beats hashing.
struct Names<'t> {
    first: usize,
    /// A bit for what each key looks like: one whose bit is not set is new.
    looks: u64,
    many: Option<HashSet<Cow<'t, str>>>,
}

impl<'t> Names<'t> {
    const FEW: usize = 16;

    fn new(first: usize) -> Self {
        Self { first, looks: 0, many: None }
    }

    /// Adds a key; `false` when it is there already.
    #[inline]
    fn insert(&mut self, keys: &mut Vec<Raw<'t>>, key: Raw<'t>) -> bool {
        if self.many.is_some() || keys.len() - self.first >= Self::FEW {
            return self.insert_in_many(keys, key);
        }
        // An escaped one may be any other.
        let look = if key.escaped { u64::MAX } else { look(key.text.as_bytes()) };
        if self.looks & look != 0 && keys[self.first..].iter().any(|known| known.is(key)) {
            return false;
        }
        self.looks |= look;
        keys.push(key);
        true
    }

    #[cold]
    fn insert_in_many(&mut self, keys: &mut Vec<Raw<'t>>, key: Raw<'t>) -> bool {
        let many = self.many.get_or_insert_with(|| keys.drain(self.first..).map(Raw::said).collect());
        many.insert(key.said())
    }
}

fn look(key: &[u8]) -> u64 {
    let (first, last) = (key.first().copied().unwrap_or_default(), key.last().copied().unwrap_or_default());
    let sum = usize::from(first) * 5 + usize::from(last) * 11 + key.len() * 3;
    1 << (sum % 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle;
    use super::*;

    #[test]
    fn strict_text_is_told_from_the_rest() {
        #[track_caller]
        fn check_one(text: &str, want: Result<(), &str>) {
            let got = check(text, Limits { bytes: 400, depth: 3 }).map(drop).map_err(|e| e.to_string());
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

    #[track_caller]
    fn agrees(text: &str) -> Result<(), TestCaseError> {
        for depth in [3, 127] {
            let got = check(text, Limits { depth, ..Limits::default() });
            prop_assert_eq!(got.is_ok(), oracle::accepts(text, depth), "{:?}: {}", got, text);
        }
        Ok(())
    }

    #[test]
    fn numbers_are_held_to_what_a_double_can_be() {
        for text in ["1e308", "-1E+308", "1e309", "1e-999", "0e999", "1.7e308", "-1e9999999999", "0.1e310"] {
            agrees(text).expect("the same answer");
        }
        for digits in [299, 305, 309, 310, 400] {
            agrees(&"9".repeat(digits)).expect("the same answer");
            agrees(&format!("0.{}", "9".repeat(digits))).expect("the same answer");
        }
    }

    #[test]
    fn depth_ends_where_both_parsers_say() {
        for levels in [126, 127, 128, 5_000] {
            agrees(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).expect("the same answer");
            agrees(&"{\"a\":".repeat(levels)).expect("the same answer");
        }
    }

    #[test]
    fn a_place_is_told_by_line_and_column() {
        let place = |text: &str| check(text, Limits::default()).expect_err("a flaw").to_string();
        assert_eq!(place("{\n \"a\": x}"), "expected a value at line 2 column 7");
        assert_eq!(place("[1,\n\n"), "EOF before the value's end at line 3 column 1");
    }

    proptest! {
        #[test]
        fn agrees_with_another_parser_on_any_text(text in "[\\[\\]{}:,\"a-c0-9 .eE\\\\u-]{0,40}") {
            agrees(&text)?;
        }

        #[test]
        fn agrees_with_another_parser_on_json(text in oracle::text()) {
            agrees(&text)?;
        }

        #[test]
        fn agrees_with_another_parser_on_what_is_nearly_json(text in oracle::broken()) {
            agrees(&text)?;
        }
    }
}
