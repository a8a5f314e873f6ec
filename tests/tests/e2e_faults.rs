//! Servers die, clients go away, configurations change and are wrong: what is lost is what cannot be kept.

use std::path::Path;

use serde_json::{Value, json};
use witgate_tests::gate::{Gate, configured};
use witgate_tests::pipe::Pipe;
use witgate_tests::process::{Stream, children, eventually, kill, stat};
use witgate_tests::reports::Reports;
use witgate_tests::server::Server;
use witgate_tests::wire::{Era, Wire};
use witgate_tests::{paths, patiently, settings};

fn one_raw(reports: &Reports, arguments: &[&str]) -> String {
    format!("anonymous = true\n{}", settings::raw("raw", reports, arguments))
}

fn pid(event: &Value) -> u32 {
    event["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process id")
}

fn zombies(of: u32) -> usize {
    children(of).iter().filter(|(_, state)| *state == 'Z').count()
}

#[tokio::test]
async fn a_server_that_dies_within_a_call_is_started_again() {
    for era in ["legacy", "modern"] {
        let reports = Reports::listen().await;
        let gate = Gate::start(&one_raw(&reports, &["--era", era])).await;
        let mut client = Wire::modern(gate.url());
        assert_eq!(client.call("plain", "{}").await.text(), "plain");
        for death in 1..=3 {
            let answer = client.call("die", "{}").await;
            assert_eq!(answer.error()["code"], -31503, "{era}: {answer:#?}");
            reports.nth("gone", death).await;
            assert_eq!(client.call("plain", "{}").await.text(), "plain", "{era}: the server does not come back");
        }
        let process = gate.process().id();
        eventually("an end of all zombies", || zombies(process) == 0).await;
    }
}

#[tokio::test]
async fn a_remote_server_that_dies_within_a_call_is_no_answer() {
    let reports = Reports::listen().await;
    let server = Server::raw("raw", &reports, &["--era", "modern"]).await;
    let gate = Gate::start(&format!("anonymous = true\n{}", settings::remote("raw", server.url()))).await;
    let mut client = Wire::modern(gate.url());
    let answer = client.call("die", "{}").await;
    assert_eq!(answer.error()["code"], -31503, "{answer:#?}");
    let again = client.call("plain", "{}").await;
    assert_eq!(again.error()["code"], -31503, "nobody listens: {again:#?}");
}

/// Begins a call that waits, and goes away once the server has it.
async fn go_away(mut client: Wire, reports: &Reports, tool: &str) {
    let params = json!({ "name": tool, "arguments": {} }).to_string();
    let call = tokio::spawn(async move { client.begin("tools/call", &params).await.bytes().await.map(|_| ()) });
    reports.nth("waiting", 1).await;
    call.abort();
    assert!(call.await.is_err_and(|error| error.is_cancelled()), "the call ended by itself");
}

#[tokio::test]
async fn a_modern_client_that_goes_away_cancels() {
    for era in ["legacy", "modern"] {
        for tool in ["wait", "wait-quietly"] {
            let reports = Reports::listen().await;
            let gate = Gate::start(&one_raw(&reports, &["--era", era])).await;
            go_away(Wire::modern(gate.url()), &reports, tool).await;
            let waiting = reports.nth("waiting", 1).await;
            assert_eq!(reports.nth("cancelled", 1).await["id"], waiting["id"], "{era} {tool}");
            let record = gate.record("the cancelled call", 0, |record| record["target"] == tool).await;
            assert_eq!(record["outcome"], "cancelled", "{record:#}");
        }
    }
}

#[tokio::test]
async fn a_modern_client_that_goes_away_cancels_over_http() {
    for tool in ["wait", "wait-quietly"] {
        let reports = Reports::listen().await;
        let server = Server::raw("raw", &reports, &["--era", "modern"]).await;
        let gate = Gate::start(&format!("anonymous = true\n{}", settings::remote("raw", server.url()))).await;
        go_away(Wire::modern(gate.url()), &reports, tool).await;
        reports.nth("cancelled", 1).await;
    }
}

#[tokio::test]
async fn a_legacy_client_that_goes_away_does_not_cancel() {
    let reports = Reports::listen().await;
    let gate = Gate::start(&one_raw(&reports, &["--era", "legacy"])).await;
    let leaving = Wire::legacy(gate.url()).await;
    let session = leaving.session().expect("a session").to_owned();
    go_away(leaving, &reports, "wait").await;

    // The session is still there for its client, and so is the call.
    let mut back = Wire::new(gate.url(), Era::Legacy, &[]);
    back.set_session(Some(&session));
    assert!(!back.request("tools/list", "{}").await.names("tools").is_empty());
    reports.release().await;
    reports.nth("released", 1).await;
    assert_eq!(reports.count("cancelled"), 0, "{:#?}", reports.events());
}

#[tokio::test]
async fn a_legacy_client_cancels_by_saying_so() {
    let reports = Reports::listen().await;
    let gate = Gate::start(&one_raw(&reports, &["--era", "legacy"])).await;
    let client = Wire::legacy(gate.url()).await;
    let body = r#"{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"wait","arguments":{}}}"#;
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"mine"}}"#;
    let say = async {
        reports.nth("waiting", 1).await;
        assert_eq!(client.post(cancel, &[]).await.status, 202);
        reports.nth("cancelled", 1).await;
    };
    // The call's stream ends, with or without a last word: the specification leaves that open.
    let call = patiently("the end of a cancelled call", client.post(body, &[]));
    tokio::join!(say, call);
}

#[tokio::test]
async fn a_call_has_a_deadline() {
    let reports = Reports::listen().await;
    let gate = Gate::start(&format!("deadline-ms = 700\n{}", one_raw(&reports, &["--era", "modern"]))).await;
    let mut client = Wire::modern(gate.url());
    client.call("plain", "{}").await;
    let answer = client.call("wait", "{}").await;
    assert_eq!(answer.error()["code"], -31504, "{answer:#?}");
    reports.nth("cancelled", 1).await;
}

#[tokio::test]
async fn sigterm_lets_calls_end_and_leaves_no_process() {
    let reports = Reports::listen().await;
    let upstreams =
        settings::raw("one", &reports, &["--era", "modern"]) + &settings::raw("two", &reports, &["--era", "legacy"]);
    let gate = Gate::start(&format!("anonymous = true\n{upstreams}")).await;
    let mut client = Wire::modern(gate.url());
    assert_eq!(client.call("one__plain", "{}").await.text(), "plain");
    assert_eq!(client.call("two__plain", "{}").await.text(), "plain");

    let url = gate.url().to_owned();
    let waiting = tokio::spawn(async move { Wire::modern(&url).call("one__wait", "{}").await });
    reports.nth("waiting", 1).await;
    let from = gate.process().lines();
    gate.process().signal("TERM");
    gate.process().line("a word about stopping", from, |_, line| (!line.is_empty()).then_some(())).await;
    reports.release().await;
    let answer = patiently("the call's answer", waiting).await.expect("no panic");
    assert_eq!(answer.text(), "plain");

    let mut gate = gate.into_process();
    assert!(gate.wait().await.success(), "{}", gate.text());
    for number in 1..=reports.count("started") {
        let child = pid(&reports.nth("started", number).await);
        assert_eq!(stat(child), None, "process {child} is still there");
    }
}

/// Not even one behind a shell that stays when its input ends and when it is asked to go.
#[tokio::test]
async fn stubborn_servers_are_ended() {
    let reports = Reports::listen().await;
    let script = paths::script("servers/raw.py");
    let line = format!("python3 {} stdio --stubborn --report {}; true", script.display(), reports.address());
    let upstream = settings::child("raw", Path::new("sh"), &["-c", &line]);
    let gate = Gate::start(&format!("anonymous = true\n{upstream}timeouts = {{ close-ms = 200 }}\n")).await;
    assert_eq!(Wire::modern(gate.url()).call("plain", "{}").await.text(), "plain");
    let (status, log) = gate.stop().await;
    assert!(status.success(), "{status}: {log}");
    for number in 1..=reports.count("started") {
        let child = pid(&reports.nth("started", number).await);
        // Orphans are reaped by whoever is process 1, in its own time.
        eventually("an end of the server", || stat(child).is_none_or(|(state, _)| state == 'Z')).await;
    }
}

#[tokio::test]
async fn servers_end_with_a_gate_that_is_killed() {
    let reports = Reports::listen().await;
    let gate = Gate::start(&one_raw(&reports, &[])).await;
    assert_eq!(Wire::modern(gate.url()).call("plain", "{}").await.text(), "plain");
    kill(gate.process().id(), "KILL");
    for number in 1..=reports.count("started") {
        reports.nth("gone", number).await;
    }
}

/// A client that starts its servers itself ends them by closing their input.
#[tokio::test]
async fn witgate_stdio_ends_with_its_input_and_leaves_no_process() {
    for era in [Era::Legacy, Era::Modern] {
        let reports = Reports::listen().await;
        let (_folder, file) = configured(&one_raw(&reports, &[]));
        let mut command = witgate_tests::gate::command();
        command.arg("stdio").arg("--config").arg(file);
        let mut pipe = Pipe::open(command, era).await;
        assert_eq!(pipe.call("plain", "{}").await.text(), "plain");
        // What is no message is answered, and the next one is served.
        let from = pipe.process().lines();
        pipe.send("this is no JSON").await;
        let is_answer = |stream, line: &str| (stream == Stream::Stdout && line.contains("-32700")).then_some(());
        pipe.process().line("a parse error", from, is_answer).await;
        assert_eq!(pipe.call("plain", "{}").await.text(), "plain");
        let (status, text) = pipe.close().await;
        assert!(status.success(), "{status}: {text}");
        for number in 1..=reports.count("started") {
            let child = pid(&reports.nth("started", number).await);
            assert_eq!(stat(child), None, "process {child} is still there");
        }
    }
}

/// Many clients at once, of both eras, over both transports.
#[tokio::test]
async fn answers_find_their_requests() {
    let reports = Reports::listen().await;
    let server = Server::raw("far", &reports, &["--era", "modern"]).await;
    let upstreams = settings::raw("near", &reports, &[]) + &settings::remote("far", server.url());
    let gate = Gate::start(&format!("anonymous = true\n{upstreams}")).await;
    let mut calls = tokio::task::JoinSet::new();
    for client in 0..8 {
        let url = gate.url().to_owned();
        calls.spawn(async move {
            let mut wire = if client % 2 == 0 { Wire::modern(&url) } else { Wire::legacy(&url).await };
            for call in 0..10 {
                let tool = if (client + call) % 3 == 0 { "near__seen" } else { "far__seen" };
                let mark = format!("client {client} call {call}");
                let text = wire.call(tool, &json!({ "mark": mark }).to_string()).await.text();
                assert!(text.contains(&mark), "{mark}: {text}");
            }
        });
    }
    while let Some(ended) = patiently("all answers", calls.join_next()).await {
        ended.expect("no panic");
    }
}

const SWAPPED: &str = "the new configuration serves";
const REFUSED: &str = "the new configuration is refused";

async fn said(gate: &Gate, from: usize, what: &str) {
    gate.process().line(what, from, |_, line| line.contains(what).then_some(())).await;
}

/// Under a session and a call, both of which go on.
#[tokio::test]
async fn a_changed_file_takes_effect_and_loses_nothing() {
    let reports = Reports::listen().await;
    let one = format!("anonymous = true\n{}prefix = \"one\"\n", settings::raw("one", &reports, &[]));
    let two = settings::raw("two", &reports, &[]);
    let gate = Gate::start(&one).await;
    let mut client = Wire::legacy(gate.url()).await;
    assert_eq!(client.call("one__plain", "{}").await.text(), "plain");
    assert!(!client.request("tools/list", "{}").await.names("tools").contains(&"two__plain".to_owned()));
    let url = gate.url().to_owned();
    let waiting = tokio::spawn(async move { Wire::modern(&url).call("one__wait", "{}").await });
    reports.nth("waiting", 1).await;

    let from = gate.process().lines();
    gate.reconfigure(&format!("{one}{two}"));
    said(&gate, from, SWAPPED).await;
    assert!(client.request("tools/list", "{}").await.names("tools").contains(&"two__plain".to_owned()));
    assert_eq!(client.call("two__plain", "{}").await.text(), "plain");
    assert_eq!(client.call("one__plain", "{}").await.text(), "plain");
    reports.release().await;
    assert_eq!(patiently("the old call", waiting).await.expect("no panic").text(), "plain");

    let from = gate.process().lines();
    gate.reconfigure(&one);
    said(&gate, from, SWAPPED).await;
    assert_eq!(client.call("one__plain", "{}").await.text(), "plain");
    assert_eq!(client.call("two__plain", "{}").await.error()["code"], -32602);
    let gone = reports.nth("gone", 1).await;
    assert_eq!(gone["name"], "two", "the server that is not used any more ends: {:#?}", reports.events());
}

#[tokio::test]
async fn sighup_takes_effect() {
    let reports = Reports::listen().await;
    let one = format!("anonymous = true\n{}prefix = \"one\"\n", settings::raw("one", &reports, &[]));
    let gate = Gate::start_with(&one, &["--no-watch"]).await;
    let mut client = Wire::legacy(gate.url()).await;
    client.request("tools/list", "{}").await;
    gate.reconfigure(&format!("{one}{}", settings::raw("two", &reports, &[])));
    let from = gate.process().lines();
    gate.process().signal("HUP");
    said(&gate, from, SWAPPED).await;
    assert_eq!(client.call("two__plain", "{}").await.text(), "plain");
}

#[tokio::test]
async fn a_bad_configuration_leaves_the_old_serving() {
    let reports = Reports::listen().await;
    let good = one_raw(&reports, &[]);
    let gate = Gate::start(&good).await;
    let mut client = Wire::legacy(gate.url()).await;
    let bad = [
        ("no TOML", "anonymous = \n"),
        ("unknown key", "anonimous = true\n"),
        ("nothing to serve", "anonymous = true\n"),
        ("no such plugin", &format!("{good}[[plugin]]\nname = \"x\"\nsource = \"builtin:nothing\"\n")),
    ];
    for (what, text) in bad {
        let from = gate.process().lines();
        gate.reconfigure(text);
        said(&gate, from, REFUSED).await;
        assert_eq!(client.call("plain", "{}").await.text(), "plain", "{what}");
    }
    let from = gate.process().lines();
    gate.reconfigure(&format!("deadline-ms = 5000\n{good}"));
    said(&gate, from, SWAPPED).await;
    assert_eq!(client.call("plain", "{}").await.text(), "plain");
}
