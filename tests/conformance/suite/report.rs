//! What was found, as faults and as the tables of README.md.

use std::fmt::Write as _;

use witgate_tests::paths;

use crate::suite::Requirements;
use crate::tally::{Tallies, Tally};

/// What the server side's columns are called.
const LEGS: [&str; 3] = ["direct", "gate", "gate with plugins"];

/// Clients that sign in: the gate shows an upstream what a credential plugin gives it, and signs in nowhere itself.
pub(crate) fn out_of_scope(scenario: &str) -> bool {
    scenario.starts_with("auth/")
}

/// What stands above the tables.
pub(crate) fn preface(suite: &str) -> String {
    let manifest = std::fs::read_to_string(paths::repository().join("Cargo.lock")).expect("Cargo.lock");
    let (_, behind) = manifest.split_once("name = \"rmcp\"\nversion = \"").expect("rmcp in Cargo.lock");
    let rmcp = behind.split('"').next().unwrap_or_default();
    format!(
        "# Conformance\n\n\
         `@modelcontextprotocol/conformance@{suite}` against `witgate-conformance server` (rmcp {rmcp}): direct, through the gate\n\
         with one upstream and no plugins, and through the gate with a plugin in every hook that lets everything pass.\n\
         `tests/conformance/run` runs it, `tests/conformance/run --bless` writes this page too; each run of the tests holds it\n\
         against what it finds. A scenario counts as passed through the gate when each of its checks ends as it does direct.\n\n\
         For clients, the suite is the server: `witgate-conformance client` starts the gate in front of it and walks through\n\
         the scenario behind the gate. Left out are the scenarios `auth/…`, in which a client signs in with an authorization\n\
         server: the gate signs in nowhere, it shows what a credential plugin gives it.\n"
    )
}

/// What the three legs found.
pub(crate) struct ServerSide {
    pub(crate) legs: [Tallies; 3],
}

impl ServerSide {
    fn found(&self, scenario: &str) -> [Tally; 3] {
        self.legs.each_ref().map(|leg| leg.get(scenario).cloned().unwrap_or_default())
    }

    /// The scenarios that do not end the same way on all legs, or do not pass direct.
    pub(crate) fn unequal(&self, requirements: &Requirements) -> Vec<String> {
        let bad = requirements.server.iter().filter(|name| !self.faults_of(name, requirements).is_empty());
        bad.cloned().collect()
    }

    /// Takes the results of another turn.
    pub(crate) fn replace(&mut self, scenario: &str, results: [Tally; 3]) {
        for (leg, tally) in self.legs.iter_mut().zip(results) {
            leg.insert(scenario.to_owned(), tally);
        }
    }

    /// All that is not as it should be.
    pub(crate) fn faults(&self, requirements: &Requirements) -> Vec<String> {
        requirements.server.iter().flat_map(|name| self.faults_of(name, requirements)).collect()
    }

    fn faults_of(&self, scenario: &str, requirements: &Requirements) -> Vec<String> {
        let [direct, through @ ..] = self.found(scenario);
        let place = |leg: &str| format!("{} {scenario}, {leg}", requirements.revision);
        let mut faults = Vec::new();
        if direct.score() == Tally::default().score() {
            faults.push(format!("{}: broke down", place(LEGS[0])));
        }
        if !requirements.unscored.contains(&format!("server {scenario}")) {
            faults.extend(direct.failures().into_iter().map(|failure| format!("{}: {failure}", place(LEGS[0]))));
        }
        for (tally, leg) in through.iter().zip(&LEGS[1..]) {
            if !tally.agrees(&direct) {
                faults.extend(tally.against(&direct).into_iter().map(|check| format!("{}: {check}", place(leg))));
            }
        }
        faults
    }

    /// As a table.
    pub(crate) fn table(&self, requirements: &Requirements) -> String {
        let mut text = format!(
            "\n## Servers, {}\n\n| scenario | {} |\n|---|---|---|---|\n",
            requirements.revision,
            LEGS.join(" | ")
        );
        for name in &requirements.server {
            let scores = self.found(name).map(|tally| tally.score()).join(" | ");
            let _ = writeln!(text, "| {} | {scores} |", marked(name, "server", requirements));
        }
        text + &footnote(requirements, "server")
    }
}

/// What the client found, behind the gate.
pub(crate) struct ClientSide {
    pub(crate) found: Tallies,
}

impl ClientSide {
    /// The checks that failed.
    pub(crate) fn faults(&self, requirements: &Requirements) -> Vec<String> {
        let scored = self.found.iter().filter(|(name, _)| !requirements.unscored.contains(&format!("client {name}")));
        let faults = scored.flat_map(|(name, tally)| {
            let broken = tally.score() == Tally::default().score();
            let told = if broken { vec!["broke down".to_owned()] } else { tally.failures() };
            told.into_iter().map(move |failure| format!("{} {name}, client: {failure}", requirements.revision))
        });
        faults.collect()
    }

    /// As a table.
    pub(crate) fn table(&self, requirements: &Requirements) -> String {
        let mut text =
            format!("\n## Clients, {}\n\n| scenario | through the gate |\n|---|---|\n", requirements.revision);
        for name in requirements.client.iter().filter(|name| !out_of_scope(name)) {
            let score = self.found.get(name).cloned().unwrap_or_default().score();
            let _ = writeln!(text, "| {} | {score} |", marked(name, "client", requirements));
        }
        text + &footnote(requirements, "client")
    }
}

fn marked(name: &str, side: &str, requirements: &Requirements) -> String {
    let star = if requirements.unscored.contains(&format!("{side} {name}")) { " \\*" } else { "" };
    format!("{name}{star}")
}

fn footnote(requirements: &Requirements, side: &str) -> String {
    let any = requirements.unscored.iter().any(|name| name.starts_with(side) && !name.contains(" auth/"));
    if any { "\n\\* is run, and is no requirement of the revision.\n".to_owned() } else { String::new() }
}

/// Holds the page against what was found, or writes it where that is asked for.
pub(crate) fn hold(text: &str) {
    let page = paths::script("conformance/README.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, text).expect("the page");
        return;
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(written, text, "{} is not what was found: tests/conformance/run --bless writes it", page.display());
}
