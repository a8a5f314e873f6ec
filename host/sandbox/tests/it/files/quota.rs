//! What a plugin may add to a folder.

use witgate_policy::Fault;
use witgate_sandbox::Plugin;

use crate::probe::{ask, last};

use super::tree::Tree;

/// A new entry takes 4 KiB of it.
const ENTRY: u64 = 4096;

const OPEN: &str = r#"{"op":"open","dir":"/data","path":"new","as":"f","flags":{"create":true,"write":true}}"#;

/// Opens a file, making it if need be, and does things with it as `f`.
async fn with_file(plugin: &Plugin, ops: &str) -> Result<Vec<String>, Fault> {
    Ok(ask(plugin, &format!("[{OPEN},{ops}]")).await?.split_off(1))
}

#[tokio::test]
async fn growth_is_counted_wherever_it_is() {
    // With 1,000 bytes left once the file is there.
    let cases = [
        (r#"{"op":"write","file":"f","zeros":1000}"#, "ok: 1000 bytes"),
        (r#"{"op":"write","file":"f","zeros":1001}"#, "error: quota"),
        (r#"{"op":"write","file":"f","zeros":1001,"stream":true}"#, "error: quota"),
        (r#"{"op":"append","file":"f","zeros":1001}"#, "error: quota"),
        (r#"{"op":"append","file":"f","zeros":1000}"#, "ok: 1000 bytes"),
        (r#"{"op":"set-size","file":"f","size":1000}"#, "ok: done"),
        (r#"{"op":"set-size","file":"f","size":1001}"#, "error: quota"),
        (r#"{"op":"set-size","file":"f","size":18446744073709551615}"#, "error: quota"),
        // A hole is growth too.
        (r#"{"op":"write","file":"f","text":"x","offset":1000}"#, "error: quota"),
        (r#"{"op":"write","file":"f","text":"x","offset":1099511627776}"#, "error: quota"),
        (r#"{"op":"write","file":"f","text":"x","offset":1099511627776,"stream":true}"#, "error: quota"),
        (r#"{"op":"write","file":"f","text":"x","offset":18446744073709551615}"#, "error: file-too-large"),
        // What is written over, and what is cut off and grows again, is counted once.
        (
            r#"{"op":"repeat","times":9,"ops":[{"op":"write","file":"f","zeros":1000}]}"#,
            "ok: 9 times, 0 errors, last: 1000 bytes",
        ),
        (
            r#"{"op":"repeat","times":9,"ops":[{"op":"set-size","file":"f","size":1000},{"op":"set-size","file":"f","size":0}]}"#,
            "ok: 9 times, 0 errors, last: done",
        ),
        (
            r#"{"op":"repeat","times":9,"ops":[{"op":"open","dir":"/data","path":"new","as":"f","flags":{"truncate":true,"write":true}},{"op":"append","file":"f","zeros":1000}]}"#,
            "ok: 9 times, 0 errors, last: 1000 bytes",
        ),
        // What is cut off somebody else's file is no credit.
        (
            r#"{"op":"open","dir":"/data","path":"note","as":"g","flags":{"truncate":true,"write":true}},{"op":"set-size","file":"g","size":5102}"#,
            "error: quota",
        ),
    ];
    for (ops, want) in cases {
        let tree = Tree::new();
        let plugin = tree.with_quota(ENTRY + 1000).await;
        let answers = with_file(&plugin, ops).await.expect("answers");
        assert_eq!(answers.last().map(String::as_str), Some(want), "{ops}");
        let size = std::fs::metadata(tree.work("new")).expect("there").len();
        assert!(size <= 1000, "{ops}: {size} bytes are there");
    }
}

#[tokio::test]
async fn entries_are_counted() {
    let cases = [
        r#"{"op":"mkdir","dir":"/data","path":"NAME"}"#,
        r#"{"op":"open","dir":"/data","path":"NAME","flags":{"create":true,"write":true}}"#,
        r#"{"op":"open","dir":"/data","path":"NAME","flags":{"create":true,"exclusive":true,"write":true}}"#,
        r#"{"op":"link","dir":"/data","path":"note","to-dir":"/data","to":"NAME"}"#,
    ];
    for op in cases {
        let tree = Tree::new();
        let before = std::fs::read_dir(tree.work("")).expect("there").count();
        let plugin = tree.with_quota(3 * ENTRY + ENTRY / 2).await;
        let ops: Vec<_> = (0..5).map(|n| op.replace("NAME", &format!("new-{n}"))).collect();
        let answers = ask(&plugin, &format!("[{}]", ops.join(","))).await.expect("answers");
        assert!(answers[..3].iter().all(|answer| answer.starts_with("ok:")), "{op}: {answers:?}");
        assert_eq!(answers[3..], ["error: quota", "error: quota"], "{op}");
        assert_eq!(std::fs::read_dir(tree.work("")).expect("there").count(), before + 3, "{op}");
    }
}

/// What cannot be made takes nothing, and what is removed gives nothing back: it may still be open somewhere.
#[tokio::test]
async fn only_what_was_made_counts_and_it_stays_counted() {
    let tree = Tree::new();
    let plugin = tree.with_quota(2 * ENTRY).await;
    let failing = r#"[{"op":"repeat","times":50,"ops":[{"op":"mkdir","dir":"/data","path":"sub"}]}]"#;
    assert_eq!(last(&plugin, failing).await, "error: 50 times, 50 errors, last: exist");
    let churn = r#"[{"op":"mkdir","dir":"/data","path":"a"},{"op":"rmdir","dir":"/data","path":"a"}]"#;
    for want in ["ok: done", "ok: done", "error: no-entry"] {
        assert_eq!(last(&plugin, churn).await, want);
    }
}

#[tokio::test]
async fn a_quota_is_one_for_all_instances_and_outlives_a_reload() {
    let tree = Tree::new();
    let quota = ENTRY + 1000;
    let plugin = tree.with_quota(quota).await;
    let write = r#"{"op":"append","file":"f","zeros":600}"#;
    assert_eq!(with_file(&plugin, write).await.expect("answers"), ["ok: 600 bytes"]);
    assert_eq!(with_file(&plugin, write).await.expect("answers"), ["error: quota"], "another instance");
    let reloaded = tree.with_quota(quota).await;
    assert_eq!(with_file(&reloaded, write).await.expect("answers"), ["error: quota"], "after a reload");
    let raised = tree.with_quota(quota + 200).await;
    assert_eq!(with_file(&raised, write).await.expect("answers"), ["ok: 600 bytes"], "with more");
    let mut other = tree.spec();
    other.name = "another".into();
    other.grants.files[0].quota_bytes = 600;
    assert_eq!(with_file(&tree.load(other).await, write).await.expect("answers"), ["ok: 600 bytes"], "its own");
}

/// Calls at the same time do not add up to more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_holds_for_calls_at_once() {
    let tree = Tree::new();
    let plugin = tree.with_quota(ENTRY + 64 * 100).await;
    assert_eq!(with_file(&plugin, r#"{"op":"sync","file":"f"}"#).await.expect("answers"), ["ok: done"]);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let ops = r#"{"op":"repeat","times":20,"ops":[{"op":"append","file":"f","zeros":100}]}"#;
                with_file(&plugin, ops).await
            })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("answers");
    }
    assert_eq!(std::fs::metadata(tree.work("new")).expect("there").len(), 64 * 100, "160 tried, 64 fit");
}
