//! Every client with every server through a gate, and the table of it, `tests/pairs.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use witgate_tests::client::Client;
use witgate_tests::gate::Gate;
use witgate_tests::process::eventually;
use witgate_tests::{client, paths};

use crate::behind::{Behind, LEGACY, MODERN, STEPS};
use crate::rust;

/// Clients at once: each is a process with a runtime of its own.
const AT_ONCE: usize = 4;

/// A client in one of its modes, and the revision that it ends up with.
#[derive(Debug, Clone, Copy)]
struct Visitor {
    name: &'static str,
    /// `None` for rmcp's.
    client: Option<Client>,
    mode: Option<&'static str>,
    revision: &'static str,
}

const VISITORS: [Visitor; 9] = [
    visitor("Python `mcp`", Some(Client::Python), None, MODERN),
    visitor("Python `mcp`", Some(Client::Python), Some("legacy"), LEGACY),
    visitor("`@modelcontextprotocol/sdk`", Some(Client::TypeScript1), None, LEGACY),
    visitor("`@modelcontextprotocol/client`", Some(Client::TypeScript2), None, LEGACY),
    visitor("`@modelcontextprotocol/client`", Some(Client::TypeScript2), Some("auto"), MODERN),
    visitor("`rmcp`", None, None, LEGACY),
    visitor("`rmcp`", None, None, MODERN),
    visitor("`@modelcontextprotocol/inspector`", Some(Client::Inspector), Some("legacy"), LEGACY),
    visitor("`@modelcontextprotocol/inspector`", Some(Client::Inspector), Some("modern"), MODERN),
];

const fn visitor(
    name: &'static str,
    client: Option<Client>,
    mode: Option<&'static str>,
    revision: &'static str,
) -> Visitor {
    Visitor { name, client, mode, revision }
}

impl Visitor {
    async fn walk(self, url: &str, mut plan: Value) -> Value {
        let Some(client) = self.client else {
            let mode = if self.revision == MODERN { rust::modern() } else { rust::legacy() };
            return rust::walk(rust::http(url), mode, &plan).await;
        };
        plan["url"] = url.into();
        if let Some(mode) = self.mode {
            plan["mode"] = mode.into();
        }
        client.walk(&plan).await
    }
}

/// The steps that a client went with a server, as words.
fn steps(report: &Value) -> String {
    let went = STEPS.iter().filter(|(_, key)| report.get(key).is_some_and(|value| *value != Value::Bool(false)));
    went.map(|(step, _)| *step).collect::<Vec<_>>().join(" ")
}

/// What a walk that did not end well is called in the table, which is not written then.
const FAILED: &str = "failed";

/// Walks all clients through one server; the words by the client's place.
async fn round(behind: Behind, slots: Arc<Semaphore>) -> BTreeMap<usize, String> {
    let standing = behind.stand().await;
    let gate = Gate::start(&standing.configuration).await;
    let mut walks = JoinSet::new();
    for (at, visitor) in VISITORS.into_iter().enumerate() {
        let (slots, url, plan) = (slots.clone(), gate.url().to_owned(), behind.plan(&standing, visitor.revision));
        walks.spawn(async move {
            let _slot = slots.acquire().await.expect("an open semaphore");
            // A panic says what was wrong; the others go on.
            let walk = tokio::spawn(async move {
                let report = visitor.walk(&url, plan).await;
                behind.check(visitor.client, visitor.revision, &report);
                (report["cancelled"] == true, steps(&report))
            });
            (at, walk.await.unwrap_or_else(|_| (false, FAILED.to_owned())))
        });
    }
    let (mut words, mut cancels) = (BTreeMap::new(), 0);
    while let Some(walk) = walks.join_next().await {
        let (at, (cancelled, steps)) = walk.expect("no panic");
        cancels += usize::from(cancelled);
        words.insert(at, steps);
    }
    // Each of the calls that clients gave up has ended at the gate too.
    let cancelled = || gate.process().text().lines().filter(|line| line.contains(r#""outcome":"cancelled""#)).count();
    eventually(&format!("{cancels} cancelled calls of {behind:?}"), || cancelled() >= cancels).await;
    words
}

#[tokio::test]
async fn every_client_with_every_server() {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut rounds = JoinSet::new();
    for (column, behind) in Behind::ALL.into_iter().enumerate() {
        let slots = slots.clone();
        rounds.spawn(async move { (column, round(behind, slots).await) });
    }
    let mut cells = BTreeMap::new();
    while let Some(ended) = rounds.join_next().await {
        let (column, words) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        cells.extend(words.into_iter().map(|(row, steps)| ((row, column), steps)));
    }
    let table = table(&cells);
    assert!(!cells.values().any(|steps| steps == FAILED), "{table}");
    let file = paths::script("pairs.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &table).expect("the table");
    }
    let held = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(held, table, "tests/pairs.md is not what happened; with BLESS=1 this test writes it");
}

const HEAD: &str = "# Pairs

Which steps each client goes with each server through the gate; `e2e_clients` walks them all and holds this table to it
(`BLESS=1` writes it anew). A client that is asked (`ask`) answers what the server has: elicitation by form and, of
server-everything, sampling and roots. The Inspector's command line asks once for each request, and has no callbacks;
mcp-server-git has tools only, which end at once. The server on rmcp is that of the conformance suite (`conformance/`).

";

fn table(cells: &BTreeMap<(usize, usize), String>) -> String {
    let mut text = HEAD.to_owned();
    let servers = [
        ("server-everything", "@modelcontextprotocol/server-everything", "stdio"),
        ("server-everything", "@modelcontextprotocol/server-everything", "HTTP"),
        ("server-everything", "@modelcontextprotocol/server-everything", "HTTP+SSE"),
        ("mcp-server-git", "mcp-server-git", "stdio"),
        ("fastmcp", "fastmcp", "HTTP, 2026-07-28"),
        ("fastmcp", "fastmcp", "HTTP, 2025-11-25"),
        ("rmcp", "rmcp", "HTTP, both eras"),
    ];
    let servers = servers.map(|(name, package, how)| format!("{name} {}, {how}", client::version(package)));
    let _ = writeln!(text, "| client | {} |\n|---{}|", servers.join(" | "), "|---".repeat(servers.len()));
    for (row, visitor) in VISITORS.iter().enumerate() {
        let package = visitor.name.trim_start_matches("Python ").trim_matches('`');
        let _ = write!(text, "| {} {}, {} |", visitor.name, client::version(package), visitor.revision);
        for column in 0..servers.len() {
            let _ = write!(text, " {} |", cells.get(&(row, column)).map_or("–", String::as_str));
        }
        text.push('\n');
    }
    text
}
