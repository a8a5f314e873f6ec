//! Tenants, upstreams and tools, from few to many: a call costs the same.

use std::fmt::Write as _;

use anyhow::Result;

use super::Scale;
use crate::configuration::{Configuration, Plugin};
use crate::rounds::{Row, measure};
use crate::setting::{Between, Served, Setting};
use crate::spread::Spread;

const TENANTS: usize = 1000;
const UPSTREAMS: usize = 100;
const TOOLS: usize = 10_000;

pub(super) fn table(scale: &Scale) -> Result<String> {
    let rows = measure(&scale.bench, settings(scale), scale.rounds)?;
    let mut table = "| | CPU µs/message | × few |\n|---|---|---|\n".to_owned();
    // Each kind begins with its few.
    let mut few = &rows[0];
    for row in &rows {
        if row.setting.name.starts_with("1 ") || row.setting.name.starts_with("10 ") {
            few = row;
        }
        let beside = row.beside(few, |many, few| many.cpu_us / few.cpu_us);
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {} | {} | {beside} |", row.setting.name, row.spread(|sample| sample.cpu_us));
    }
    let (idle, busy, bare) = (memory(&rows[1], &rows[0]), memory(&rows[2], &rows[0]), memory(&rows[4], &rows[3]));
    let _ = writeln!(
        table,
        "\nA further tenant with one plugin takes {idle} KiB before its first call and {busy} KiB after; one without \
         plugins takes {bare} KiB after its first call."
    );
    Ok(table)
}

fn settings(scale: &Scale) -> Vec<Setting> {
    let tenants = |name: &str, tenants: usize| {
        let configuration = Configuration { tenants, ..Configuration::of(&[Plugin::Schema]) };
        Setting { served: Served { ports: 1, ..Served::default() }, ..scale.gate(name, configuration) }
    };
    let bare = |name: &str, tenants: usize| {
        let configuration = Configuration { tenants, ..Configuration::default() };
        Setting { served: Served { ports: 1, ..Served::default() }, ..scale.gate(name, configuration) }
    };
    let nginx = |name: &str, servers: usize, ports: usize| {
        let paths = (0..servers).map(|server| format!("/s{server:03}/mcp")).collect();
        Setting { served: Served { ports, ..Served::default() }, paths, ..Setting::new(name, Between::Nginx) }
    };
    let upstreams = |name: &str, ports: usize| {
        let configuration = Configuration { apart: true, ..Configuration::default() };
        Setting { served: Served { ports, ..Served::default() }, ..scale.gate(name, configuration) }
    };
    let tools = |name: &str, tools: usize| {
        let setting = scale.gate(name, Configuration::of(&[Plugin::Schema]));
        Setting { served: Served { tools, ports: 1, ..Served::default() }, ..setting }
    };
    let paths = Configuration { tenants: TENANTS, ..Configuration::default() };
    let paths: Vec<_> = (0..TENANTS).map(|tenant| paths.path(tenant)).collect();
    let names = |count: usize| (0..count).map(|upstream| format!("u{upstream:03}__echo")).collect();
    vec![
        tenants("1 tenant", 1),
        tenants("1,000 tenants, one called", TENANTS),
        Setting { paths: paths.clone(), ..tenants("1,000 tenants, all called", TENANTS) },
        bare("1 tenant without plugins", 1),
        Setting { paths, ..bare("1,000 tenants without plugins, all called", TENANTS) },
        upstreams("1 upstream", 1),
        Setting { tools: names(1), ..upstreams("100 upstreams, one called", UPSTREAMS) },
        Setting { tools: names(UPSTREAMS), ..upstreams("100 upstreams, all called", UPSTREAMS) },
        nginx("1 server behind nginx", 1, 1),
        nginx("100 servers behind nginx, all called", UPSTREAMS, UPSTREAMS),
        nginx("1,000 servers behind nginx, all called", TENANTS, 1),
        tools("10 tools", 10),
        tools("10,000 tools", TOOLS),
    ]
}

/// What each tenant but the first adds to resident memory, in KiB: before the first call where one is called, else after.
#[expect(clippy::cast_precision_loss, reason = "figures")]
fn memory(many: &Row, few: &Row) -> Spread {
    let is_idle = many.setting.paths.len() == 1;
    many.beside(few, |many, few| {
        let (many, few) = if is_idle { (many.idle, few.idle) } else { (many.resident, few.resident) };
        many.saturating_sub(few) as f64 / 1024.0 / (TENANTS - 1) as f64
    })
}
