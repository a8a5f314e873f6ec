//! The gauntlet: plugins that mean harm, run against the real gate beside a neighbour who must not notice.
//!
//! A [`row`](row::Row) is one way to do harm. Each is tried in each hook where it makes sense, over and over, by clients
//! of one tenant, while another tenant works at a steady rate. What has to be zero (escapes, aborts, leaks, the
//! neighbour's errors) is asserted here, in every run of the tests; `tests/gauntlet/run` does the same with ten thousand
//! attempts and prints the figures. README.md says what each family does and how to add a row.
//!
//! Invariants:
//! - an attempt is a message that a hostile guest was really asked about, or a hostile file that was really loaded; calls
//!   that a quarantine refuses are no attempts, so between bursts each plugin is asked something that it answers;
//! - each attempt has one way to end, told by the record in the gate's log: the plugin, its digest, the fault;
//! - nothing here depends on how fast the machine is, but for limits on time that are far away.

mod answers;
mod arena;
mod attempt;
mod canary;
mod compiling;
mod dns;
mod figures;
mod loading;
mod log;
mod logs;
mod neighbour;
mod network;
mod reach;
mod renames;
mod row;
mod run;
mod security;
mod space;
mod state;
mod time;
mod upstream;
mod vitals;

/// Attempts in windows, when nobody asks for another number: each plugin of each row is tried before them and in them.
const FEW: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_gets_out_and_nobody_notices() {
    let attempts = std::env::var("GAUNTLET_ATTEMPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(FEW);
    let figures = run::run(attempts).await;
    run::say(&figures.table());
    let failures = figures.failures();
    assert!(failures.is_empty(), "{}\n{}", failures.join("\n"), figures.table());
}
