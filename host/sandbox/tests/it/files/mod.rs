//! Files: what a guest may do in the folders that it was granted, and what it may not.

mod escapes;
mod quota;
mod races;
mod tree;

use insta::assert_snapshot;
use witgate_policy::{Fault, LimitKey, Limits};

use self::tree::{Tree, folder};
use crate::probe::{ask, ask_sanitizer, last, load_probe, patient, probing};
use crate::world::{sandbox, soon};

#[tokio::test]
async fn folders_can_be_used() {
    #[track_caller]
    fn check(answers: &[String], want: &[&str]) {
        assert_eq!(answers, want);
    }
    let tree = Tree::new();
    let plugin = tree.plugin().await;
    let read = r#"[{"op":"preopens"},
        {"op":"cat","dir":"/data","path":"note"},
        {"op":"cat","dir":"/data","path":"sub/../inner"},
        {"op":"cat","dir":"/fixed","path":"./page"},
        {"op":"readlink","dir":"/data","path":"inner"},
        {"op":"stat","dir":"/data","path":"note"},
        {"op":"stat","dir":"/data","path":"inner","nofollow":true},
        {"op":"open","dir":"/data","path":"sub","as":"sub"},
        {"op":"list","dir":"sub"},
        {"op":"open","dir":"sub","path":"deep","as":"deep"},
        {"op":"read","file":"deep","offset":1},
        {"op":"read","file":"deep","offset":2,"stream":true},
        {"op":"read","file":"deep","offset":4},
        {"op":"same","file":"sub","other":"deep"},
        {"op":"same","file":"deep","other":"deep"},
        {"op":"hash","dir":"/data","path":"note"},
        {"op":"advise","file":"deep"},
        {"op":"flags","file":"deep"}]"#;
    check(
        &ask(&plugin, read).await.expect("answers"),
        &[
            "ok: /data /fixed",
            "ok: hello",
            "ok: deep",
            "ok: fixed",
            "ok: sub/deep",
            "ok: RegularFile 5 bytes 1 links",
            "ok: SymbolicLink 8 bytes 1 links",
            "ok: Directory",
            "ok: deep:RegularFile",
            "ok: RegularFile",
            "ok: eep",
            "ok: ep",
            "ok:",
            "ok: false",
            "ok: true",
            "ok: done",
            "ok: done",
            "ok: DescriptorFlags(READ)",
        ],
    );
    let write = r#"[{"op":"mkdir","dir":"/data","path":"new"},
        {"op":"open","dir":"/data","path":"new/file","as":"f","flags":{"create":true,"exclusive":true,"write":true}},
        {"op":"write","file":"f","text":"one"},
        {"op":"write","file":"f","text":"two","offset":3,"stream":true},
        {"op":"append","file":"f","text":"three"},
        {"op":"set-size","file":"f","size":8},
        {"op":"set-times","dir":"f"},
        {"op":"set-times","dir":"/data","path":"new/file"},
        {"op":"sync","file":"f"},
        {"op":"rename","dir":"/data","path":"new/file","to-dir":"/data","to":"moved"},
        {"op":"link","dir":"/data","path":"moved","to-dir":"/data","to":"new/again"},
        {"op":"cat","dir":"/data","path":"new/again"},
        {"op":"open","dir":"/data","path":"moved","flags":{"truncate":true}},
        {"op":"stat","dir":"/data","path":"new/again"},
        {"op":"unlink","dir":"/data","path":"new/again"},
        {"op":"rmdir","dir":"/data","path":"new"}]"#;
    let answers = ask(&plugin, write).await.expect("answers");
    assert!(answers.iter().all(|answer| answer.starts_with("ok:")), "{answers:?}");
    assert_eq!((&*answers[11], &*answers[13]), ("ok: onetwoth", "ok: RegularFile 0 bytes 2 links"));
    assert_eq!(std::fs::read(tree.work("moved")).expect("there"), b"");
    assert!(!tree.work("new").exists());
    tree.assert_whole("ordinary use");
}

#[tokio::test]
async fn a_long_directory_is_listed_whole() {
    let tree = Tree::new();
    let names: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("_-+=@%,^".chars()).collect();
    std::fs::create_dir(tree.work("many")).expect("made");
    for name in &names {
        std::fs::write(tree.work(&format!("many/{name}")), "").expect("written");
    }
    let ops = r#"[{"op":"open","dir":"/data","path":"many","as":"many"},{"op":"list","dir":"many"}]"#;
    let listed = last(&tree.plugin().await, ops).await;
    assert_eq!(listed.matches(":RegularFile").count(), names.len(), "{listed}");
}

/// A language's runtime that imports files and never uses them needs no grant, and finds no folder.
#[tokio::test]
async fn without_a_grant_there_is_no_folder() {
    let plugin = load_probe(&sandbox(), "files", probing()).await.expect("loads");
    let ops = r#"[{"op":"preopens"},{"op":"cat","dir":"/","path":"etc/passwd"}]"#;
    assert_eq!(ask(&plugin, ops).await.expect("answers"), ["ok:", "error: no handle `/`"]);
}

#[tokio::test]
async fn a_sanitizer_may_have_files() {
    let tree = Tree::new();
    let plugin = load_probe(&tree.sandbox, "sanitize", tree.spec()).await.expect("loads");
    let ops = r#"[{"op":"cat","dir":"/data","path":"note"},{"op":"cat","dir":"/data","path":"out"}]"#;
    assert_eq!(ask_sanitizer(&plugin, ops).await.expect("answers"), ["ok: hello", "error: not-permitted"]);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    async fn check(host: &str, name: &str) -> String {
        let mut spec = probing();
        spec.grants.files = vec![folder(host.as_ref(), "/data", None)];
        load_probe(&sandbox(), name, spec).await.expect_err("refused").to_string()
    }
    let links = tempfile::tempdir().expect("a folder");
    let link = links.path().join("link");
    std::os::unix::fs::symlink(links.path(), &link).expect("linked");
    let refused = check(link.to_str().expect("plain"), "files").await;
    assert!(refused.contains("symbolic link"), "{refused}");
    assert_snapshot!(check("/nowhere/at all", "files").await, @"plugin `probe` was granted the folder `/nowhere/at all`, which cannot be opened: No such file or directory (os error 2)");
    assert_snapshot!(check("/dev/null", "files").await, @"plugin `probe` was granted the folder `/dev/null`, which cannot be opened: Not a directory (os error 20)");
}

#[tokio::test]
async fn handles_are_bounded() {
    let tree = Tree::new();
    let mut spec = tree.spec();
    spec.limits = Limits { handles: 16, ..patient() };
    let plugin = tree.load(spec).await;
    for ops in [
        r#"[{"op":"repeat","times":20,"ops":[{"op":"open","dir":"/data","path":"note"}]}]"#,
        r#"[{"op":"repeat","times":20,"ops":[{"op":"open","dir":"/data","path":"sub"}]}]"#,
    ] {
        let fault = ask(&plugin, ops).await.expect_err("a bomb");
        assert_eq!(fault, Fault::Limit { key: LimitKey::Handles, limit: 16 }, "{ops}");
    }
}

/// Of what the process may have open, a tenant's plugins have a part, whatever their limit on handles; what a call held
/// is there for the next.
#[tokio::test]
async fn open_files_are_bounded_for_a_tenant() {
    let tree = Tree::new();
    let mut spec = tree.spec();
    spec.tenant = "greedy".into();
    spec.limits = Limits { handles: 1 << 20, memory_bytes: Some(64 << 20), ..patient() };
    let plugin = tree.load(spec).await;
    let bomb = r#"[{"op":"repeat","times":3000,"ops":[{"op":"open","dir":"/data","path":"note"}]}]"#;
    for _ in 0..3 {
        // The files of the last call are closed elsewhere, so they may take a moment.
        soon(async {
            while last(&plugin, r#"[{"op":"cat","dir":"/data","path":"note"}]"#).await != "ok: hello" {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(last(&plugin, bomb).await.ends_with("last: busy"), "as many as a tenant may have");
    }
}

#[tokio::test]
async fn what_is_read_is_counted() {
    let tree = Tree::new();
    std::fs::write(tree.work("long"), vec![b'x'; 100_000]).expect("written");
    for how in [
        r#"{"op":"repeat","times":1000,"ops":[{"op":"cat","dir":"/data","path":"note"}]}"#,
        r#"{"op":"read","file":"long","length":3000}"#,
        r#"{"op":"read","file":"long","length":3000,"stream":true}"#,
        r#"{"op":"repeat","times":1000,"ops":[{"op":"list","dir":"/data"}]}"#,
        r#"{"op":"repeat","times":1000,"ops":[{"op":"readlink","dir":"/data","path":"inner"}]}"#,
    ] {
        let mut spec = tree.spec();
        spec.limits = Limits { bytes_in: 2_000, ..patient() };
        let plugin = tree.load(spec).await;
        let ops = format!(r#"[{{"op":"open","dir":"/data","path":"long","as":"long"}},{how}]"#);
        let fault = ask(&plugin, &ops).await.expect_err("too much");
        assert_eq!(fault, Fault::Limit { key: LimitKey::BytesIn, limit: 2_000 }, "{how}");
    }
}

#[tokio::test]
async fn calls_are_counted() {
    let tree = Tree::new();
    let mut spec = tree.spec();
    spec.limits = Limits { host_calls: 100, ..patient() };
    let plugin = tree.load(spec).await;
    let ops = r#"[{"op":"repeat","times":200,"ops":[{"op":"stat","dir":"/data","path":"note"}]}]"#;
    let fault = ask(&plugin, ops).await.expect_err("a flood");
    assert_eq!(fault, Fault::Limit { key: LimitKey::HostCalls, limit: 100 });
}
