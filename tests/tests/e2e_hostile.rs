//! A plugin that traps, computes for ever or takes all memory costs the call that it was asked about, and nothing else.

use serde_json::Value;
use witgate_test_guests::{Stage, endless_loop, memory_bomb, trap};
use witgate_tests::gate::Gate;
use witgate_tests::reports::Reports;
use witgate_tests::settings;
use witgate_tests::wire::{Era, Wire};

const KEY: &str = "key";
/// `printf key | sha256sum`
const KEY_SHA256: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";

/// The call that a hostile plugin is asked about, and how it is refused. A retry plugin is asked when something has failed
/// already, which then stands; a credential belongs to an upstream, and without one the upstream is out of reach.
fn victim(kind: Stage) -> (&'static str, &'static str, i32, &'static str) {
    match kind {
        Stage::Retry => ("die", r#"targets = ["die"]"#, -31503, "unavailable"),
        Stage::Credential => ("plain", r#"upstreams = ["raw"]"#, -31503, "unavailable"),
        _ => ("plain", r#"targets = ["plain"]"#, -31500, "fault"),
    }
}

/// In each kind of hook: the call is refused, the log says who and how, other calls and another tenant go on.
async fn check(guest: fn(Stage) -> Vec<u8>, fault: &str) {
    for kind in Stage::ALL {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("hostile.wasm");
        std::fs::write(&file, guest(kind)).expect("a component");
        let reports = Reports::listen().await;
        let (victim, when, code, reason) = victim(kind);
        let configuration = [
            settings::raw("raw", &reports, &["--era", "modern"]) + "prefix = \"\"\n",
            settings::raw("calm", &reports, &["--era", "modern"]),
            settings::plugin("hostile", &file.display().to_string(), &format!("when = {{ {when} }}"), ""),
            settings::plugin(
                "keys",
                "builtin:auth-api-key",
                "",
                &format!("keys = [{{ id = \"k\", sha256 = \"{KEY_SHA256}\" }}]"),
            ),
            settings::tenant(
                "neighbour",
                &format!("anonymous = true\n{}", settings::raw("other", &reports, &["--era", "modern"])),
            ),
        ];
        let gate = Gate::start(&configuration.concat()).await;
        let mut client = Wire::new(gate.url(), Era::Modern, &[("x-api-key", KEY)]);
        let mut neighbour = Wire::modern(&gate.at("/neighbour/mcp"));
        assert_eq!(neighbour.call("plain", "{}").await.text(), "plain", "{kind}");

        for round in 0..3 {
            let from = gate.process().lines();
            let (refused, other) = tokio::join!(client.call(victim, "{}"), neighbour.call("plain", "{}"));
            assert_eq!(other.text(), "plain", "{kind}: the neighbour noticed");
            assert_eq!(refused.status, 200, "{kind}: {refused:#?}");
            assert_eq!(refused.error()["code"], code, "{kind}: {refused:#?}");
            assert_eq!(refused.error()["data"]["reason"], reason, "{kind}: {refused:#?}");
            let is_it = |record: &Value| record["tenant"] == "default" && record["target"] == victim;
            let record = gate.record("the refused call", from, is_it).await;
            let step = record["plugins"].as_array().and_then(|steps| steps.last().cloned()).unwrap_or_default();
            assert_eq!(step["plugin"], "hostile", "{kind}: {record:#}");
            assert_eq!(step["stage"], kind.as_str(), "{kind}: {record:#}");
            assert_eq!(step["verdict"], "fault", "{kind}: {record:#}");
            let said = step["fault"].as_str().unwrap_or_default();
            assert!(said.starts_with(fault), "{kind}, round {round}: `{said}` is no {fault}");

            // The next call is one that the plugin is not asked about.
            assert_eq!(client.call("calm__plain", "{}").await.text(), "plain", "{kind}: the gate does not go on");
        }
        let (status, log) = gate.stop().await;
        assert!(status.success(), "{kind}: {status}\n{log}");
    }
}

#[tokio::test]
async fn a_trap_costs_one_call() {
    check(trap, "trap").await;
}

#[tokio::test]
async fn an_endless_loop_costs_one_call() {
    check(endless_loop, "deadline").await;
}

#[tokio::test]
async fn a_memory_bomb_costs_one_call() {
    check(memory_bomb, "memory").await;
}
