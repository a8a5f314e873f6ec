//! Guests that walk while somebody renames. Every answer is looked at: one canary in thousands is an escape.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::probe::ask;

use super::tree::{CANARY, Tree, fifo};

/// Calls, and opens in each.
const CALLS: usize = 60;
const OPENS: usize = 60;
/// Renames that have to happen meanwhile for the race to be one.
const RENAMES: u64 = 1_000;

/// Has a guest do `op` again and again while `meddle` is done again and again, and returns all answers.
async fn race(tree: &Tree, op: &str, meddle: impl Fn() + Send + Sync) -> Vec<String> {
    let plugin = tree.plugin().await;
    let ops = format!("[{}]", vec![op; OPENS].join(","));
    let (over, renames) = (AtomicBool::new(false), AtomicU64::new(0));
    let runtime = tokio::runtime::Handle::current();
    let mut answers = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                meddle();
                renames.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut calls = 0;
        while calls < CALLS || renames.load(Ordering::Relaxed) < RENAMES {
            answers.extend(tokio::task::block_in_place(|| runtime.block_on(ask(&plugin, &ops))).unwrap_or_default());
            calls += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(answers.len() >= CALLS * OPENS, "every call answered");
    let leaked: Vec<_> = answers.iter().filter(|answer| answer.contains(CANARY)).collect();
    assert!(leaked.is_empty(), "{} leaks", leaked.len());
    answers
}

/// What `one` and `other` are changes places, in one step.
fn exchange(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("both are there");
}

#[track_caller]
fn assert_both(answers: &[String], inside: &str) {
    assert!(answers.iter().any(|answer| answer == inside), "never the file that is inside");
    assert!(answers.iter().any(|answer| answer.starts_with("error:")), "never refused, so never a race");
}

/// `p/q/../../canary` is below the folder while `q` is in `p`; when `q` is moved up at the right moment, `..` twice
/// leads out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_moves_up_leads_nowhere() {
    let tree = Tree::new();
    fs::create_dir_all(tree.work("p/q/r")).expect("made");
    fs::write(tree.work("decoy"), "inside").expect("written");
    let (down, up) = (tree.work("p/q"), tree.work("q"));
    // The canary has the decoy's name outside.
    let outside = tree.canary().with_file_name("decoy");
    fs::write(&outside, CANARY).expect("written");
    let answers = race(&tree, r#"{"op":"cat","dir":"/data","path":"p/q/r/../../../decoy"}"#, || {
        fs::rename(&down, &up).expect("moved up");
        fs::rename(&up, &down).expect("moved down");
    })
    .await;
    assert_both(&answers, "ok: inside");
    fs::remove_file(outside).expect("there");
    tree.assert_whole("a race");
}

/// A directory that is now one, now a link to outside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_becomes_a_link_leads_nowhere() {
    let tree = Tree::new();
    fs::create_dir(tree.work("now")).expect("made");
    fs::write(tree.work("now/canary"), "inside").expect("written");
    symlink("..", tree.work("then")).expect("linked");
    let (now, then) = (tree.work("now"), tree.work("then"));
    let op = r#"{"op":"cat","dir":"/data","path":"now/canary"}"#;
    assert_both(&race(&tree, op, || exchange(&now, &then)).await, "ok: inside");
    let op = r#"{"op":"open","dir":"/data","path":"now/canary","flags":{"write":true,"truncate":true}}"#;
    race(&tree, op, || exchange(&now, &then)).await;
    tree.assert_whole("a race");
}

/// A file that is now one, now a link to outside, now a FIFO: neither read nor waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_becomes_something_else_is_not_opened() {
    let tree = Tree::new();
    fs::write(tree.work("now"), "inside").expect("written");
    symlink("../canary", tree.work("link")).expect("linked");
    fifo(&tree.work("pipe"));
    let (now, link, pipe) = (tree.work("now"), tree.work("link"), tree.work("pipe"));
    let op = r#"{"op":"cat","dir":"/data","path":"now"}"#;
    let answers = race(&tree, op, || {
        exchange(&now, &link);
        exchange(&now, &pipe);
    })
    .await;
    assert_both(&answers, "ok: inside");
    tree.assert_whole("a race");
}
