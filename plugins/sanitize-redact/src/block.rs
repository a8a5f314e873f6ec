//! What may be worth a look in 64 bytes of text, one bit each: nearly all text has nothing, and is not looked at again.
//!
//! Bytes are told apart by both halves of them, sixteen at a time: what a byte may be is what its upper half and its
//! lower half both allow. A bit too many costs a second look, a bit too few would let a secret through; the tests hold
//! the marks to what the searches themselves say.

/// Bytes looked at together.
pub(crate) const BLOCK: usize = 64;

/// What is read behind a block, to tell how a token begins.
pub(crate) const AHEAD: usize = 2;

/// Where in a block something may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// A token of a form of its own, a JWT, or the last dash before `BEGIN`.
    pub(crate) tokens: u64,
    /// `:`, `=` and `@`.
    pub(crate) signs: u64,
    /// Digits, blanks and dashes: what cards and social security numbers are made of.
    pub(crate) numerals: u64,
    /// Bytes that may belong to something hidden.
    pub(crate) hidden: u64,
}

const HIDDEN: u8 = 0b0000_0111;
const SIGN: u8 = 0b0001_1000;
const NUMERAL: u8 = 0b0110_0000;

/// For each half of a byte, what it allows.
struct Halves {
    upper: [u8; 16],
    lower: [u8; 16],
}

impl Halves {
    /// From lists of bytes, the first list's as the lowest bit.
    const fn of(lists: &[&[u8]]) -> Self {
        let (mut upper, mut lower, mut bit) = ([0; 16], [0; 16], 0);
        while bit < lists.len() {
            let mut at = 0;
            while at < lists[bit].len() {
                upper[(lists[bit][at] >> 4) as usize] |= 1 << bit;
                lower[(lists[bit][at] & 15) as usize] |= 1 << bit;
                at += 1;
            }
            bit += 1;
        }
        Self { upper, lower }
    }
}

const WORD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// The first, second and third byte of tokens, in six families.
const FIRST: Halves = Halves::of(&[b"A", b"g", b"hnpw", b"srp", b"xy", b"e", b"-"]);
const SECOND: Halves = Halves::of(&[b"KSI", b"hil", b"fpyh", b"k", b"oa", b"y", b"B"]);
const THIRD: Halves = Halves::of(&[b"Iz", b"pousrt", b"_mps", b"-_", b"xp2", WORD, b"E"]);

/// Control characters but tab and line ends, in two lists; DEL; signs, in two; numerals, in two.
const KINDS: Halves = {
    let mut kinds = Halves::of(&[
        b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f",
        b"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f",
        b"\x7f",
        b":=",
        b"@",
        b"0123456789",
        b" -",
    ]);
    // And all beyond ASCII.
    let mut upper = 8;
    while upper < 16 {
        kinds.upper[upper] |= 2;
        upper += 1;
    }
    kinds
};

/// The marks of a block's first `len` bytes, and perhaps of some more; what is behind `BLOCK` is only looked ahead to.
pub(crate) fn marks(block: &[u8; BLOCK + AHEAD], len: usize) -> Marks {
    let mut marks = Marks::default();
    for at in [0, 16, 32, 48] {
        if at < len {
            lane::add(&mut marks, block, at);
        }
    }
    marks
}

#[cfg(target_arch = "wasm32")]
mod lane {
    use std::arch::wasm32::{i8x16_bitmask, i8x16_ne, u8x16_shr, u8x16_splat, u8x16_swizzle, u64x2, v128, v128_and};

    use super::{AHEAD, BLOCK, FIRST, HIDDEN, Halves, KINDS, Marks, NUMERAL, SECOND, SIGN, THIRD};

    pub(super) fn add(marks: &mut Marks, block: &[u8; BLOCK + AHEAD], at: usize) {
        let first = load(block, at);
        let tokens = v128_and(
            allowed(&FIRST, first),
            v128_and(allowed(&SECOND, load(block, at + 1)), allowed(&THIRD, load(block, at + 2))),
        );
        let kinds = allowed(&KINDS, first);
        marks.tokens |= bits(tokens, u8::MAX) << at;
        marks.signs |= bits(kinds, SIGN) << at;
        marks.numerals |= bits(kinds, NUMERAL) << at;
        marks.hidden |= bits(kinds, HIDDEN) << at;
    }

    fn load(block: &[u8; BLOCK + AHEAD], at: usize) -> v128 {
        u64x2(half(block, at), half(block, at + 8))
    }

    fn table(table: &[u8; 16]) -> v128 {
        u64x2(half(table, 0), half(table, 8))
    }

    fn half(bytes: &[u8], at: usize) -> u64 {
        bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn allowed(halves: &Halves, bytes: v128) -> v128 {
        v128_and(
            u8x16_swizzle(table(&halves.upper), u8x16_shr(bytes, 4)),
            u8x16_swizzle(table(&halves.lower), v128_and(bytes, u8x16_splat(15))),
        )
    }

    fn bits(allowed: v128, wanted: u8) -> u64 {
        u64::from(i8x16_bitmask(i8x16_ne(v128_and(allowed, u8x16_splat(wanted)), u8x16_splat(0))))
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod lane {
    use super::{AHEAD, BLOCK, FIRST, HIDDEN, Halves, KINDS, Marks, NUMERAL, SECOND, SIGN, THIRD};

    pub(super) fn add(marks: &mut Marks, block: &[u8; BLOCK + AHEAD], from: usize) {
        for at in from..from + 16 {
            let tokens = allowed(&FIRST, block[at]) & allowed(&SECOND, block[at + 1]) & allowed(&THIRD, block[at + 2]);
            let kinds = allowed(&KINDS, block[at]);
            marks.tokens |= u64::from(tokens != 0) << at;
            marks.signs |= u64::from(kinds & SIGN != 0) << at;
            marks.numerals |= u64::from(kinds & NUMERAL != 0) << at;
            marks.hidden |= u64::from(kinds & HIDDEN != 0) << at;
        }
    }

    fn allowed(halves: &Halves, byte: u8) -> u8 {
        halves.upper[usize::from(byte >> 4)] & halves.lower[usize::from(byte & 15)]
    }
}
