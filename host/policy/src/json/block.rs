//! What stands where in 64 bytes, one bit each, so that finding the next one is a shift and a count: what ends a stretch
//! of a string that stands for itself (quotes, backslashes and control characters), and what tells where a value ends.

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;

#[cfg(target_arch = "x86_64")]
pub(super) use lanes::marks;

/// Sixteen bytes at a time.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the language does not take for granted what every such processor has")]
mod lanes {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    use super::{BLOCK, Ends};

    /// The marks of a block, the first byte's as the lowest bit.
    pub(in super::super) fn marks(block: &[u8; BLOCK]) -> u64 {
        // SAFETY: every x86-64 processor has SSE2, and that is all that is asked for; the bytes are passed by reference.
        unsafe { find_marks(block) }
    }

    pub(super) fn ends(block: &[u8; BLOCK]) -> Ends {
        // SAFETY: as above.
        unsafe { find_ends(block) }
    }

    #[target_feature(enable = "sse2")]
    fn find_marks(block: &[u8; BLOCK]) -> u64 {
        let mut marks = 0;
        for (at, lane) in block.as_chunks().0.iter().enumerate() {
            let lane = load(lane);
            let controls = _mm_cmpeq_epi8(lane, _mm_min_epu8(lane, _mm_set1_epi8(0x1f)));
            let found = _mm_or_si128(_mm_or_si128(like(lane, b'"'), like(lane, b'\\')), controls);
            marks |= bits(found) << (16 * at);
        }
        marks
    }

    #[target_feature(enable = "sse2")]
    fn find_ends(block: &[u8; BLOCK]) -> Ends {
        let mut ends = Ends::default();
        for (at, lane) in block.as_chunks().0.iter().enumerate() {
            let lane = load(lane);
            // Brackets are braces but for this bit.
            let braced = _mm_or_si128(lane, _mm_set1_epi8(0x20));
            ends.quotes |= bits(like(lane, b'"')) << (16 * at);
            ends.backslashes |= bits(like(lane, b'\\')) << (16 * at);
            ends.opening |= bits(like(braced, b'{')) << (16 * at);
            ends.closing |= bits(like(braced, b'}')) << (16 * at);
        }
        ends
    }

    #[target_feature(enable = "sse2")]
    fn load(lane: &[u8; 16]) -> __m128i {
        let (halves, _) = lane.as_chunks::<8>();
        _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]))
    }

    #[target_feature(enable = "sse2")]
    fn like(lane: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(lane, _mm_set1_epi8(byte.cast_signed()))
    }

    #[target_feature(enable = "sse2")]
    fn bits(found: __m128i) -> u64 {
        u64::from(_mm_movemask_epi8(found).cast_unsigned())
    }
}

/// The marks of a block, the first byte's as the lowest bit.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn marks(block: &[u8; BLOCK]) -> u64 {
    words(block)
}

/// What tells where a value ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// Brackets and braces.
    pub(super) opening: u64,
    pub(super) closing: u64,
}

impl Ends {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of(block: &[u8; BLOCK]) -> Self {
        lanes::ends(block)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn of(block: &[u8; BLOCK]) -> Self {
        Self::by_words(block)
    }

    /// The same for any processor.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn by_words(block: &[u8; BLOCK]) -> Self {
        let mut ends = Self::default();
        for (at, word) in block.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            // Brackets are braces but for this bit.
            let braced = word | (ONES * 0x20);
            let like = |word: u64, byte: u8| gathered(!unlike(word, byte) & !LOWS) << (8 * at);
            ends.quotes |= like(word, b'"');
            ends.backslashes |= like(word, b'\\');
            ends.opening |= like(braced, b'{');
            ends.closing |= like(braced, b'}');
        }
        ends
    }

    /// Which brackets open and close something, and are not within strings. `text` goes from block to block.
    pub(super) fn outside(self, text: &mut Text) -> (u64, u64) {
        let quotes = self.quotes & !text.escaped(self.backslashes);
        // From each quote to the next one: whether an odd number of them stand up to here.
        let mut within = quotes;
        for step in [1, 2, 4, 8, 16, 32] {
            within ^= within << step;
        }
        within ^= text.within;
        text.within = (within.cast_signed() >> 63).cast_unsigned();
        (self.opening & !within, self.closing & !within)
    }
}

/// What a block leaves for the next one.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// All bits, if the block ended within a string.
    within: u64,
    /// Whether its last byte escapes the next.
    escapes: bool,
}

impl Text {
    /// Which bytes are escaped.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        let (mut escaped, mut left) = (0, backslashes);
        if std::mem::take(&mut self.escapes) {
            escaped = 1;
            left &= !1;
        }
        while left != 0 {
            let at = left.trailing_zeros();
            if at == 63 {
                self.escapes = true;
                break;
            }
            escaped |= 2 << at;
            left &= !(3 << at);
        }
        escaped
    }
}

/// The same for any processor, eight bytes at a time.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn words(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let mut marks = 0;
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let others = unlike(word, b'"') & unlike(word, b'\\');
        marks |= gathered(!(others & at_least(word, 0x20)) & !LOWS) << (8 * at);
    }
    marks
}

#[cfg(any(test, not(target_arch = "x86_64")))]
const ONES: u64 = u64::MAX / 255;
#[cfg(any(test, not(target_arch = "x86_64")))]
const LOWS: u64 = ONES * 0x7f;

/// The highest bit of each byte that is at least `least`, of those below 128; of the others too.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn at_least(word: u64, least: u64) -> u64 {
    ((word & LOWS) + ONES * (0x80 - least)) | word
}

/// The highest bit of each byte that is another one.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn unlike(word: u64, byte: u8) -> u64 {
    at_least(word ^ (ONES * u64::from(byte)), 1)
}

/// The highest bits of all bytes in one.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn gathered(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_mark_is_found(bytes in prop::collection::vec(any::<u8>(), BLOCK)) {
            let block: &[u8; BLOCK] = bytes.as_slice().try_into().expect("as long as a block");
            let is_mark = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
            let want = (0..BLOCK).fold(0, |bits, at| bits | u64::from(is_mark(block[at])) << at);
            prop_assert_eq!(marks(block), want);
            prop_assert_eq!(words(block), want);
        }

        #[test]
        fn each_end_is_found(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"[]{}\"\\"[..])], BLOCK)) {
            let block: &[u8; BLOCK] = bytes.as_slice().try_into().expect("as long as a block");
            let like = |found: fn(u8) -> bool| (0..BLOCK).fold(0, |bits, at| bits | u64::from(found(block[at])) << at);
            let want = Ends {
                quotes: like(|byte| byte == b'"'),
                backslashes: like(|byte| byte == b'\\'),
                opening: like(|byte| matches!(byte, b'{' | b'[')),
                closing: like(|byte| matches!(byte, b'}' | b']')),
            };
            prop_assert_eq!(Ends::of(block), want);
            prop_assert_eq!(Ends::by_words(block), want);
        }
    }
}
