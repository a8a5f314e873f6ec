//! Results from 1 KiB to 1 MiB.

use std::fmt::Write as _;

use anyhow::Result;

use super::Scale;
use crate::configuration::{Configuration, Plugin};
use crate::rounds::{Row, measure};
use crate::setting::{Between, Setting};
use crate::spread::{Figure, Spread};

const TOOLS: [&str; 4] = ["echo_1k", "echo_8k", "echo_64k", "echo_1m"];
const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn table(scale: &Scale) -> Result<String> {
    let settings = [
        Setting::new("nginx", Between::Nginx),
        scale.gate("bare", Configuration::default()),
        scale.gate("redact", Configuration::of(&[Plugin::Redact])),
    ];
    let sized = |setting: &Setting| TOOLS.map(|tool| Setting { tools: vec![tool.to_owned()], ..setting.clone() });
    let rows = measure(&scale.bench, settings.iter().flat_map(sized).collect(), scale.rounds)?;
    let mut table =
        "| CPU µs/message | 1 KiB | 8 KiB | 64 KiB | 1 MiB | 1 MiB ÷ 1 KiB | growth × nginx's |\n".to_owned();
    table += "|---|---|---|---|---|---|---|\n";
    let groups: Vec<_> = rows.chunks(TOOLS.len()).collect();
    for group in &groups {
        let cpu: Vec<_> = group.iter().map(|row| row.spread(|sample| sample.cpu_us).to_string()).collect();
        let (own, nginx) = (growth(group), growth(groups[0]));
        let beside = Spread::of(own.iter().zip(nginx).map(|(own, nginx)| own / nginx));
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {beside} |",
            group[0].setting.name,
            cpu.join(" | "),
            Figure(Spread::of(own).median)
        );
    }
    // Bytes in a microsecond are megabytes in a second.
    let speed = groups[2][TOOLS.len() - 1]
        .beside(&groups[1][TOOLS.len() - 1], |redact, bare| MEBIBYTE / (redact.cpu_us - bare.cpu_us));
    let _ = writeln!(table, "\n`sanitize-redact` reads {speed} MB of JSON in a second of one core (1 MiB results).");
    Ok(table)
}

/// The longest result's cost beside the shortest's, in each round.
fn growth(group: &[Row]) -> Vec<f64> {
    let pairs = group[TOOLS.len() - 1].samples.iter().zip(&group[0].samples);
    pairs.map(|(long, short)| long.cpu_us / short.cpu_us).collect()
}
