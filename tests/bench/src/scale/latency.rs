//! What the gate adds at a load that leaves it time.

use std::fmt::Write as _;

use anyhow::Result;

use super::Scale;
use crate::configuration::{Configuration, FIVE};
use crate::rounds::measure;
use crate::setting::{Between, Setting};

const RATE: f64 = 1000.0;

pub(super) fn table(scale: &Scale) -> Result<String> {
    let settings = [
        Setting::new("direct", Between::Nothing),
        Setting::new("nginx", Between::Nginx),
        scale.gate("bare", Configuration::default()),
        scale.gate("five", Configuration::of(FIVE)),
    ];
    let settings = settings.map(|setting| Setting { rate: Some(RATE), ..setting });
    let rows = measure(&scale.bench, settings.to_vec(), scale.rounds)?;
    let mut table = "| 1,000 messages/s | p50 µs | p99 µs | p50 over direct | p99 over direct |\n".to_owned();
    table += "|---|---|---|---|---|\n";
    for row in &rows {
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} |",
            row.setting.name,
            row.spread(|sample| sample.report.p50_us),
            row.spread(|sample| sample.report.p99_us),
            row.beside(&rows[0], |own, direct| own.report.p50_us - direct.report.p50_us),
            row.beside(&rows[0], |own, direct| own.report.p99_us - direct.report.p99_us),
        );
    }
    Ok(table)
}
