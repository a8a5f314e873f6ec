//! The official conformance suite, run against the gate in front of a server that passes it, and beside it against that
//! server alone: whatever passes direct has to pass through the gate, with no plugins and with one in every hook.
//!
//! The suite is the npm package of `tests/package.json`; its requirement sets say which scenarios a revision asks for.
//! A [`Leg`](leg::Leg) is a way to the server, a [`Tally`](tally::Tally) what one scenario found there. README.md is the
//! table of both, written by `tests/conformance/run --bless` and held against each run.
//!
//! Invariants:
//! - each leg has a server of its own, so that no leg sees what another one does;
//! - compared are the ids of checks and their statuses, one by one, never how many passed;
//! - the suite itself is not steady where it waits for events: what differs is run again, on all legs, and has to agree
//!   once within [`TURNS`]; what fails direct is a fault of the fixtures, and fails here too.

mod leg;
mod plugins;
mod report;
mod suite;
mod tally;

use futures_util::StreamExt as _;
use leg::Leg;
use report::{ClientSide, ServerSide};
use suite::{Requirements, Suite};
use tally::Tally;

/// The revisions whose requirement sets are run.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];
/// How often a scenario that differs is run.
const TURNS: usize = 4;
/// How many scenarios for clients are run beside each other.
const BESIDE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_direct_passes_through_the_gate() {
    let suite = Suite::find();
    let mut text = report::preface(&suite.version());
    let mut faults = Vec::new();
    for revision in REVISIONS {
        let requirements = suite.requirements(revision).await;
        let server = server_side(&suite, &requirements).await;
        let client = client_side(&suite, &requirements).await;
        text += &server.table(&requirements);
        text += &client.table(&requirements);
        faults.extend(server.faults(&requirements));
        faults.extend(client.faults(&requirements));
    }
    assert!(faults.is_empty(), "{}\n\n{text}", faults.join("\n"));
    report::hold(&text);
}

/// The three legs beside each other, and again what differs.
async fn server_side(suite: &Suite, requirements: &Requirements) -> ServerSide {
    let (direct, gate, plugins) = tokio::join!(Leg::direct(), Leg::gate(), Leg::plugins());
    let run = |leg: &Leg| suite.server(leg.url().to_owned(), requirements.revision);
    let (one, other, third) = tokio::join!(run(&direct), run(&gate), run(&plugins));
    let mut side = ServerSide { legs: [one, other, third] };
    for _ in 1..TURNS {
        let unsteady = side.unequal(requirements);
        if unsteady.is_empty() {
            break;
        }
        for scenario in &unsteady {
            let again = |leg: &Leg| suite.server_scenario(leg.url().to_owned(), requirements.revision, scenario);
            let (one, other, third) = tokio::join!(again(&direct), again(&gate), again(&plugins));
            side.replace(scenario, [one, other, third]);
        }
    }
    plugins.expect_all_asked().await;
    side
}

/// Each scenario for clients, driven through a gate that its client starts.
async fn client_side(suite: &Suite, requirements: &Requirements) -> ClientSide {
    let names = requirements.client.iter().filter(|name| !report::out_of_scope(name));
    let runs = names.map(async |name| {
        let mut tally = Tally::default();
        for _ in 0..TURNS {
            tally = suite.client_scenario(requirements.revision, name).await;
            if tally.passes() {
                break;
            }
        }
        (name.clone(), tally)
    });
    ClientSide { found: futures_util::stream::iter(runs).buffer_unordered(BESIDE).collect().await }
}
