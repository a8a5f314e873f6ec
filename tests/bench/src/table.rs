//! The table: a row for each setting, with medians over the rounds and what lay between the least and the most.

use std::fmt::Write as _;

use crate::rounds::Row;
use crate::spread::Figure;
use crate::window::Sample;

const HEAD: &str = "| | connections | CPU µs/message | × nginx | messages/s | p50 µs | p99 µs | p99.9 µs | MiB |
|---|---|---|---|---|---|---|---|---|
";

/// The table in Markdown.
pub(crate) fn of(rows: &[Row]) -> String {
    rows.iter().fold(HEAD.to_owned(), |mut table, row| {
        let median = |figure: fn(&Sample) -> f64| Figure(row.spread(figure).median);
        let cpu = (!row.setting.is_direct()).then(|| row.spread(|sample| sample.cpu_us).to_string());
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.setting.name,
            row.setting.connections,
            cpu.as_deref().unwrap_or("–"),
            ratio(rows, row).as_deref().unwrap_or("–"),
            median(Sample::throughput),
            row.spread(|sample| sample.report.p50_us),
            median(|sample| sample.report.p99_us),
            median(|sample| sample.report.p999_us),
            median(mebibytes),
        );
        table
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures")]
fn mebibytes(sample: &Sample) -> f64 {
    sample.resident as f64 / f64::from(1 << 20)
}

/// The processor time beside that of nginx in the same round.
fn ratio(rows: &[Row], row: &Row) -> Option<String> {
    let is_nginx = |of: &&Row| of.setting.is_nginx() && of.setting.connections == row.setting.connections;
    let nginx = rows.iter().find(is_nginx).filter(|_| !row.setting.is_direct())?;
    Some(row.beside(nginx, |sample, nginx| sample.cpu_us / nginx.cpu_us).to_string())
}
