//! Rendezvous hashing with weights: each upstream draws a number for a key, and the best number wins.

/// FNV-1a over the parts, each with its length so that `["ab", "c"]` and `["a", "bc"]` differ, and a final mix
/// (splitmix64) because FNV leaves its high bits poor. Spreads; does not protect.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for part in parts {
        take(part);
        take(&part.len().to_le_bytes());
    }
    mix(state)
}

fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// An upstream's number for a key; the smallest wins, with a probability proportional to `weight`. It is the arrival
/// time of a Poisson process of that rate: -ln(u) / weight for a `u` in (0, 1) that key and upstream decide.
#[allow(clippy::cast_precision_loss)] // 53 bits fit into an f64's mantissa
pub(crate) fn rendezvous(seed: u64, upstream: &str, weight: f64) -> f64 {
    let bits = hash([&seed.to_le_bytes()[..], upstream.as_bytes()]) >> 11;
    let uniform = (bits as f64 + 0.5) / (1_u64 << 53) as f64;
    -uniform.ln() / weight
}
