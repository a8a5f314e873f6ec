//! Which of 64 bytes end a stretch of a string that stands for itself: quotes, backslashes and control characters. One
//! bit each, so that finding the next one is a shift and a count, however short the strings are.

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;

/// The marks of a block, the first byte's as the lowest bit.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the language does not take for granted what every such processor has")]
pub(super) fn marks(block: &[u8; BLOCK]) -> u64 {
    // SAFETY: every x86-64 processor has SSE2, and that is all that is asked for; the bytes are passed by reference.
    unsafe { lanes(block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn lanes(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let (lanes, _) = block.as_chunks::<16>();
    let mut marks = 0;
    for (at, lane) in lanes.iter().enumerate() {
        let (halves, _) = lane.as_chunks::<8>();
        let lane = _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]));
        let quotes = _mm_cmpeq_epi8(lane, _mm_set1_epi8(b'"'.cast_signed()));
        let backslashes = _mm_cmpeq_epi8(lane, _mm_set1_epi8(b'\\'.cast_signed()));
        let controls = _mm_cmpeq_epi8(lane, _mm_min_epu8(lane, _mm_set1_epi8(0x1f)));
        let found = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls));
        marks |= u64::from(found.cast_unsigned()) << (16 * at);
    }
    marks
}

/// The marks of a block, the first byte's as the lowest bit.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn marks(block: &[u8; BLOCK]) -> u64 {
    words(block)
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
    }
}
