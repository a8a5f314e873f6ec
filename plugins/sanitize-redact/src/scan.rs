//! One pass over a text, which looks closer only where a block has marks.

use std::ops::Range;

use crate::assignment;
use crate::block::{AHEAD, BLOCK, Marks, marks};
use crate::rules::{Rule, Rules};
use crate::token::Search;

/// What the pass found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Something may be hidden in it.
    pub(crate) suspicious: bool,
    /// Secrets, in no order.
    pub(crate) spans: Vec<Range<usize>>,
}

/// The shortest of what is made of numerals: a social security number.
const NUMERALS_MIN: usize = 11;

/// Looks through `text` for all built-in secrets; for values that are assigned too, where that is asked for.
pub(crate) fn find(rules: &Rules, text: &str, assignments: bool) -> Found {
    let bytes = text.as_bytes();
    let assignments = assignments && rules.has(Rule::Assignments);
    let (mut found, mut search, mut runs) = (Found::default(), Search::new(rules, text), Runs::default());
    let spans = &mut found.spans;
    for start in (0..bytes.len()).step_by(BLOCK) {
        let here = at(bytes, start);
        found.suspicious |= here.hidden != 0;
        let long = runs.next(here.numerals);
        let mut left = here.tokens | here.signs | long;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            let place = start + left.trailing_zeros() as usize;
            left ^= bit;
            if here.signs & bit != 0 {
                if bytes[place] == b'@' {
                    search.address(place, spans);
                } else if assignments {
                    spans.extend(assignment::value(rules, text, place));
                }
            } else if here.tokens & bit != 0 {
                search.word(place, spans);
            }
            if long & bit != 0 {
                search.numerals(place + 1 - NUMERALS_MIN, spans);
            }
        }
    }
    search.finish(spans);
    found
}

/// Whether something may be hidden in a text.
pub(crate) fn is_suspicious(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).step_by(BLOCK).any(|start| at(bytes, start).hidden != 0)
}

/// The marks of the block at `start`. Behind the end is what has no marks.
fn at(bytes: &[u8], start: usize) -> Marks {
    let rest = &bytes[start..];
    if let Some(block) = rest.first_chunk() {
        return marks(block, BLOCK);
    }
    let mut block = [b'\n'; BLOCK + AHEAD];
    block[..rest.len()].copy_from_slice(rest);
    marks(&block, rest.len())
}

/// Finds where marks have stood long enough without a gap, over the borders of blocks.
#[derive(Default)]
struct Runs {
    /// Of the block before: where 1, 2, 4, 8 and 11 marks end.
    before: [u64; 5],
}

impl Runs {
    /// Where the shortest number could end for the first time.
    fn next(&mut self, marks: u64) -> u64 {
        let mut runs = [marks; 5];
        for (step, further) in [1, 2, 4, 3].into_iter().enumerate() {
            let shifted = runs[step] << further | self.before[step] >> (64 - further);
            runs[step + 1] = runs[step] & shifted;
        }
        let first = runs[4] & !(runs[4] << 1 | self.before[4] >> 63);
        self.before = runs;
        first
    }
}
