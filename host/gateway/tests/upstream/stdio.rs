//! Upstreams that are child processes: shell scripts as servers, and what is left of them in the end.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use witgate_gateway::upstream::{Spawner, Start, Started, Stdio, Transport, Upstream};
use witgate_policy::{Failure, Revision};

use crate::support::*;

/// A server in `sh`: `id` is the id of the request on `$line`.
const SERVER: &str = r#"
say() { printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$1"; }
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"server/discover"'*) say '"error":{"code":-32601,"message":"no"}' ;;
    *'"initialize"'*) say '"result":{"protocolVersion":"2025-06-18","capabilities":{}}' ;;
    *'"initialized"'*|*'"notifications/'*) ;;
    *'"die"'*) exit 3 ;;
    *'"last words"'*) say '"result":{"said":"bye"}'; exit 0 ;;
    *'"breed"'*) sleep 1000 & say "\"result\":{\"pid\":$!}" ;;
    *'"deaf"'*) exec <&-; sleep 1000 ;;
    *'"env"'*) say "\"result\":{\"home\":\"$HOME\",\"secret\":\"$SECRET\",\"given\":\"$GIVEN\"}" ;;
    *'"pid"'*) say "\"result\":{\"pid\":$$,\"child\":$(cat child 2>/dev/null || echo 0)}" ;;
    *) say '"result":{"ok":true}' ;;
  esac
done
"#;

fn sh(script: &str) -> Stdio {
    Stdio {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: BTreeMap::from([("GIVEN".to_owned(), "value".to_owned())]),
        cwd: None,
    }
}

fn child(script: &str) -> (Arc<Upstream>, Arc<Ledger>) {
    upstream(Transport::Stdio(sh(script)))
}

async fn ask(upstream: &Upstream, method: &str) -> Result<Value, witgate_gateway::upstream::Failed> {
    let mut exchange = send(upstream, method, json!({})).await?;
    Ok(result(&mut exchange).await?.0)
}

async fn pid(upstream: &Upstream) -> i64 {
    ask(upstream, "pid").await.expect("answered")["pid"].as_i64().expect("a number")
}

fn process(pid: i64) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// Waits until a process has left the table, as one does that was reaped. The table tells nobody, so it is looked at.
async fn gone(pid: i64) {
    soon(async {
        while process(pid).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits until a grandchild has ended. It belongs to init (or a subreaper) then, which reaps it or not.
async fn dead(pid: i64) {
    soon(async {
        while std::fs::read_to_string(process(pid).join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_child_answers_and_sees_a_small_environment() {
    let (upstream, ledger) = child(SERVER);
    let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2025_06_18);
    let env = ask(&upstream, "env").await.expect("answered");
    assert_eq!(env["home"], std::env::var("HOME").unwrap_or_default());
    assert_eq!(env["given"], "value");
    assert_eq!(env["secret"], "");
    assert_eq!(ledger.told(), ["answered", "answered"]);
    assert_eq!(upstream.facts().origin, "stdio:");
    upstream.close().await;
}

/// Starts children on a thread that no runtime knows, and keeps those for which it was told to.
struct Elsewhere {
    kept: Option<std::sync::mpsc::Sender<Started>>,
}

impl Spawner for Elsewhere {
    fn spawn(&self, start: Start) -> futures_util::future::BoxFuture<'static, std::io::Result<Started>> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let kept = self.kept.clone();
        std::thread::spawn(move || match (kept, start.start()) {
            (Some(kept), Ok(started)) => drop(kept.send(started)),
            (_, started) => drop(answer.send(started)),
        });
        Box::pin(async { answered.await.unwrap_or_else(|_| Err(std::io::ErrorKind::Interrupted.into())) })
    }
}

#[tokio::test]
async fn a_child_may_be_started_by_another_thread() {
    let ledger = Arc::new(Ledger::default());
    let spec = spec(Transport::Stdio(sh(SERVER)));
    let upstream = Upstream::with_spawner(spec, ledger.clone(), Arc::new(Elsewhere { kept: None }));
    let first = pid(&upstream).await;
    ask(&upstream, "die").await.expect_err("it died");
    let second = pid(&upstream).await;
    assert_ne!(first, second);
    upstream.close().await;
    gone(first).await;
    gone(second).await;
}

#[tokio::test]
async fn a_child_that_nobody_takes_is_ended_with_its_own_children() {
    let folder = std::env::temp_dir().join(format!("witgate-untaken-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (kept, untaken) = std::sync::mpsc::channel();
    let script = "sleep 1000 & echo $$ $! > new; mv new pids; wait";
    let transport = Transport::Stdio(Stdio { cwd: Some(folder.clone()), ..sh(script) });
    let upstream =
        Upstream::with_spawner(spec(transport), Arc::new(Ledger::default()), Arc::new(Elsewhere { kept: Some(kept) }));
    ask(&upstream, "pid").await.expect_err("its starter keeps it");
    let started = untaken.recv().expect("a child");
    let pids = soon(async {
        loop {
            match std::fs::read_to_string(folder.join("pids")) {
                Ok(pids) => break pids,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
    let pids: Vec<i64> = pids.await.split_whitespace().map(|pid| pid.parse().expect("a number")).collect();
    drop(started);
    for pid in pids {
        dead(pid).await;
    }
    std::fs::remove_dir_all(folder).expect("removes");
}

#[tokio::test]
async fn a_child_that_dies_in_a_call_is_reported_and_started_again() {
    let (upstream, ledger) = child(SERVER);
    let first = pid(&upstream).await;
    let failed = ask(&upstream, "die").await.expect_err("it died");
    assert_eq!(failed.failure, Failure::NoReply("the server's process ended (exit status: 3)".to_owned()));
    let second = pid(&upstream).await;
    assert_ne!(first, second);
    gone(first).await;
    assert_eq!(ledger.told(), ["answered", "failed", "answered"]);
    assert!(upstream.list_version() >= 2);
    upstream.close().await;
    gone(second).await;
}

#[tokio::test]
async fn a_child_that_dies_takes_its_own_children_along() {
    let (upstream, _) = child(SERVER);
    let offspring = ask(&upstream, "breed").await.expect("answered")["pid"].as_i64().expect("a number");
    assert!(process(offspring).exists());
    ask(&upstream, "die").await.expect_err("it died");
    dead(offspring).await;
}

#[tokio::test]
async fn a_child_that_closes_its_input_is_ended() {
    let (upstream, _) = child(SERVER);
    let first = pid(&upstream).await;
    let mut exchange = send(&upstream, "deaf", json!({})).await.expect("sent");
    // What is written into a pipe that nobody reads breaks it.
    let mut held = Vec::new();
    let why = soon(async {
        loop {
            match send(&upstream, "more", json!({})).await {
                Ok(more) => held.push(more),
                Err(failed) => return failed,
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!why.failure.may_have_arrived(), "{why:?}");
    let failed = result(&mut exchange).await.expect_err("no answer");
    assert!(matches!(failed.failure, Failure::NoReply(_)), "{failed:?}");
    gone(first).await;
    assert_ne!(pid(&upstream).await, first);
    upstream.close().await;
}

#[tokio::test]
async fn last_words_are_heard() {
    let (upstream, _) = child(SERVER);
    assert_eq!(ask(&upstream, "last words").await.expect("answered"), json!({ "said": "bye" }));
}

#[tokio::test]
async fn nothing_is_left_of_a_child_whose_upstream_is_dropped() {
    let (upstream, _) = child(SERVER);
    let pid = pid(&upstream).await;
    drop(upstream);
    gone(pid).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_stubborn_child_and_its_own_children() {
    let stubborn = format!("trap '' TERM; sleep 1000 & child=$!; cd /; cat() {{ echo $child; }}; {SERVER} sleep 1000");
    let (upstream, _) = child(&stubborn);
    let pids = ask(&upstream, "pid").await.expect("answered");
    let (parent, offspring) = (pids["pid"].as_i64().expect("pid"), pids["child"].as_i64().expect("pid"));
    assert!(process(parent).exists() && process(offspring).exists());
    soon(upstream.close()).await;
    assert!(!process(parent).exists(), "close waits until the child is reaped");
    dead(offspring).await;
}

#[tokio::test]
async fn a_child_that_ends_at_the_probe_is_a_legacy_server() {
    let touchy = format!("read -r line; case $line in *discover*) exit 1;; esac; {SERVER}");
    // The first line is read by the guard, so the handshake has to be answered by it.
    let touchy = touchy.replacen(
        "esac;",
        "esac; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2024-11-05\"}}';",
        1,
    );
    let (upstream, _) = child(&touchy);
    let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2024_11_05);
    upstream.close().await;
}

#[tokio::test]
async fn a_child_that_cannot_start_says_why() {
    let missing = Stdio { command: "no-such-program".to_owned(), ..sh("") };
    let lost = Stdio { cwd: Some("/no/such/dir".into()), ..sh("") };
    for (stdio, why) in [(missing, "no such program"), (lost, "its directory /no/such/dir does not exist")] {
        let (upstream, ledger) = upstream(Transport::Stdio(stdio));
        match ask(&upstream, "x").await.expect_err("it cannot start").failure {
            Failure::NotSent(text) => assert!(text.contains(why), "{text}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(ledger.told(), ["failed"]);
    }
}

#[tokio::test]
async fn a_child_that_always_dies_is_not_started_without_pause() {
    let (upstream, _) = child("exit 1");
    for _ in 0..2 {
        assert!(matches!(ask(&upstream, "x").await.expect_err("dead").failure, Failure::NotSent(_)));
    }
    let failed = ask(&upstream, "x").await.expect_err("dead");
    assert!(failed.retry_after.is_some());
    assert!(matches!(failed.failure, Failure::NotSent(why) if why.contains("failed 2 times in a row")));
}

#[tokio::test]
async fn nothing_is_left_of_a_child_that_is_dropped_while_it_connects() {
    let dir = std::env::temp_dir().join(format!("witgate-upstream-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("pid");
    let (upstream, _) = child(&format!("echo $$ > {}; exec sleep 1000", file.display()));
    let server = upstream.clone();
    let connecting = tokio::spawn(async move { server.server(&client(Revision::V2025_11_25), &[]).await.is_ok() });
    let pid = soon(async {
        loop {
            if let Some(pid) = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()) {
                return pid;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    connecting.abort();
    let _ = connecting.await;
    drop(upstream);
    gone(pid).await;
    std::fs::remove_dir_all(&dir).expect("removed");
}
