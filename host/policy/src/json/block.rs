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
        Self::by_bytes(block)
    }

    /// The same for any processor.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn by_bytes(block: &[u8; BLOCK]) -> Self {
        let like = |found: fn(u8) -> bool| (0..BLOCK).fold(0, |bits, at| bits | u64::from(found(block[at])) << at);
        Self {
            quotes: like(|byte| byte == b'"'),
            backslashes: like(|byte| byte == b'\\'),
            opening: like(|byte| matches!(byte, b'{' | b'[')),
            closing: like(|byte| matches!(byte, b'}' | b']')),
        }
    }

    /// The same without what is within strings. `text` goes from block to block.
    pub(super) fn outside(self, text: &mut Text) -> Self {
        let escaped = text.escaped(self.backslashes);
        let quotes = self.quotes & !escaped;
        // From each quote to the next one: whether an odd number of them stand up to here.
        let mut within = quotes;
        for step in [1, 2, 4, 8, 16, 32] {
            within ^= within << step;
        }
        within ^= text.within;
        text.within = (within.cast_signed() >> 63).cast_unsigned();
        Self { quotes, backslashes: 0, opening: self.opening & !within, closing: self.closing & !within }
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
    const ONES: u64 = u64::MAX / 255;
    const LOWS: u64 = ONES * 0x7f;
    // The highest bit of each byte that is at least `least`, of those below 128.
    let at_least = |word: u64, least: u64| ((word & LOWS) + ONES * (0x80 - least)) | word;
    let (words, _) = block.as_chunks::<8>();
    let mut marks = 0;
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let unlike = |byte: u8| at_least(word ^ (ONES * u64::from(byte)), 1);
        let others = unlike(b'"') & unlike(b'\\');
        let found = !(others & at_least(word, 0x20)) & !LOWS;
        // Gathers the highest bits of all bytes in the highest byte.
        marks |= ((found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
    }
    marks
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
            prop_assert_eq!(Ends::of(block), Ends::by_bytes(block));
        }

        #[test]
        fn what_is_within_strings_is_told_from_the_rest(
            bytes in prop::collection::vec(prop::sample::select(&b"{}[]\"\\\\\\a"[..]), 4 * BLOCK),
        ) {
            let (mut within, mut escapes) = (false, false);
            let mut text = Text::default();
            for block in bytes.chunks(BLOCK) {
                let block: &[u8; BLOCK] = block.try_into().expect("as long as a block");
                let mut want = Ends::default();
                for (at, byte) in block.iter().enumerate() {
                    let bit = 1 << at;
                    match byte {
                        _ if escapes => {}
                        b'"' => {
                            want.quotes |= bit;
                            within = !within;
                        }
                        b'{' | b'[' if !within => want.opening |= bit,
                        b'}' | b']' if !within => want.closing |= bit,
                        _ => {}
                    }
                    escapes = !escapes && *byte == b'\\';
                }
                let got = Ends::of(block).outside(&mut text);
                // Brackets behind backslashes outside of strings are no JSON.
                let strict = |ends: Ends| if bytes.contains(&b'\\') { (ends.quotes, 0, 0) } else { (ends.quotes, ends.opening, ends.closing) };
                prop_assert_eq!(strict(got), strict(want));
            }
        }
    }
}
