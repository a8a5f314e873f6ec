//! Figures for people.

use std::time::Duration;

/// `26 KiB`.
pub(super) fn bytes(number: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match number {
        1 => "1 byte".to_owned(),
        0..KIB => format!("{number} bytes"),
        KIB..MIB => format!("{} KiB", number.div_ceil(KIB)),
        _ => format!("{}.{} MiB", number / MIB, number % MIB * 10 / MIB),
    }
}

/// `2.4 s`.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// `24.1 us`.
pub(super) fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}
