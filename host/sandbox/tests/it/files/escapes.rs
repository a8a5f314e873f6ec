//! Every way out that is known, tried; each ends in an error.

use crate::probe::{ask, last, probing};

use super::tree::{CANARY, Tree, folder};

/// Operations of which the last is the attempt, and what the guest is told of it.
const ATTEMPTS: [(&str, &str); 69] = [
    // Paths that lead up.
    (r#"{"op":"cat","dir":"/data","path":"../canary"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"sub/../../canary"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"./.././canary"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"..//canary"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"../work/note"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"nowhere/../../canary"}"#, "no-entry"),
    (r#"{"op":"cat","dir":"/data","path":"..\\canary"}"#, "no-entry"),
    (r#"{"op":"cat","dir":"/data","path":"%2e%2e/canary"}"#, "no-entry"),
    (r#"{"op":"cat","dir":"/data","path":"note\u0000/../../canary"}"#, "invalid"),
    (r#"{"op":"cat","dir":"/data","path":""}"#, "no-entry"),
    (r#"{"op":"open","dir":"/data","path":".."}"#, "not-permitted"),
    (
        r#"{"op":"open","dir":"/data","path":"sub","as":"sub"},{"op":"cat","dir":"sub","path":"../../canary"}"#,
        "not-permitted",
    ),
    // Even to the folder that the directory was opened in: a handle is for what is below it.
    (
        r#"{"op":"open","dir":"/data","path":"sub","as":"sub"},{"op":"cat","dir":"sub","path":"../note"}"#,
        "not-permitted",
    ),
    (r#"{"op":"stat","dir":"/data","path":"../canary"}"#, "not-permitted"),
    (r#"{"op":"stat","dir":"/data","path":"..","nofollow":true}"#, "not-permitted"),
    (r#"{"op":"hash","dir":"/data","path":"../canary"}"#, "not-permitted"),
    (r#"{"op":"mkdir","dir":"/data","path":"../made"}"#, "not-permitted"),
    (r#"{"op":"rmdir","dir":"/data","path":"../fixed"}"#, "not-permitted"),
    (r#"{"op":"unlink","dir":"/data","path":"../canary"}"#, "not-permitted"),
    (r#"{"op":"set-times","dir":"/data","path":"../canary"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"../canary","to-dir":"/data","to":"mine"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"note","to-dir":"/data","to":"../canary"}"#, "not-permitted"),
    (r#"{"op":"link","dir":"/data","path":"../canary","to-dir":"/data","to":"mine"}"#, "not-permitted"),
    (r#"{"op":"link","dir":"/data","path":"note","to-dir":"/data","to":"../made"}"#, "not-permitted"),
    (r#"{"op":"readlink","dir":"/data","path":"../work/inner"}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"../made","flags":{"create":true,"write":true}}"#, "not-permitted"),
    // Absolute paths.
    (r#"{"op":"cat","dir":"/data","path":"/etc/passwd"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"//etc/passwd"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"/data/note"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"/proc/self/environ"}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"/"}"#, "not-permitted"),
    // Symbolic links that were there.
    (r#"{"op":"cat","dir":"/data","path":"out"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"out","nofollow":true}"#, "loop"),
    (r#"{"op":"cat","dir":"/data","path":"out-twice"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"outside/canary","nofollow":true}"#, "not-permitted"),
    (r#"{"op":"list","dir":"/data/outside"}"#, "no handle `/data/outside`"),
    (r#"{"op":"open","dir":"/data","path":"outside"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"absolute"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"root/etc/passwd"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"magic/etc/passwd"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"loop"}"#, "loop"),
    (r#"{"op":"readlink","dir":"/data","path":"absolute"}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"out","flags":{"write":true}}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"out","flags":{"truncate":true}}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"out","flags":{"create":true,"exclusive":true,"write":true}}"#, "exist"),
    (r#"{"op":"set-times","dir":"/data","path":"out"}"#, "not-permitted"),
    (r#"{"op":"mkdir","dir":"/data","path":"outside/made"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"note","to-dir":"/data","to":"outside/made"}"#, "not-permitted"),
    // Links that the guest would make.
    (r#"{"op":"symlink","dir":"/data","target":"../canary","path":"made"}"#, "not-permitted"),
    (r#"{"op":"symlink","dir":"/data","target":"note","path":"made"}"#, "not-permitted"),
    (r#"{"op":"link","dir":"/data","path":"out","to-dir":"/data","to":"made"}"#, "not-permitted"),
    (r#"{"op":"link","dir":"/data","path":"out","to-dir":"/data","to":"made","follow":true}"#, "invalid"),
    // What it could not have made is not moved either.
    (r#"{"op":"rename","dir":"/data","path":"out","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"inner","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"loop","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"sub/../outside","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"fifo","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"socket","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"/note","to-dir":"/data","to":"sub/moved"}"#, "not-permitted"),
    (r#"{"op":"rename","dir":"/data","path":"..","to-dir":"/data","to":"sub/moved"}"#, "invalid"),
    (r#"{"op":"rename","dir":"/data","path":"note/","to-dir":"/data","to":"sub/moved"}"#, "not-directory"),
    (r#"{"op":"rename","dir":"/data","path":"nowhere","to-dir":"/data","to":"sub/moved"}"#, "no-entry"),
    (r#"{"op":"rename","dir":"/data","path":"","to-dir":"/data","to":"sub/moved"}"#, "no-entry"),
    // What blocks, and what is no file.
    (r#"{"op":"cat","dir":"/data","path":"fifo"}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"fifo","flags":{"write-only":true}}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"fifo","flags":{"create":true,"write":true}}"#, "not-permitted"),
    (r#"{"op":"link","dir":"/data","path":"fifo","to-dir":"/data","to":"made"}"#, "not-permitted"),
    (r#"{"op":"cat","dir":"/data","path":"socket"}"#, "not-permitted"),
    (r#"{"op":"open","dir":"/data","path":"note/..","flags":{"directory":true}}"#, "not-directory"),
];

#[tokio::test]
async fn no_path_leads_out() {
    let tree = Tree::new();
    let plugin = tree.plugin().await;
    let mut wrong = Vec::new();
    for (attempt, told) in ATTEMPTS {
        let answers = ask(&plugin, &format!("[{attempt}]")).await.expect("an answer");
        if answers.last() != Some(&format!("error: {told}")) || answers.iter().any(|answer| answer.contains(CANARY)) {
            wrong.push(format!("{attempt}: {answers:?}, not {told}"));
        }
        tree.assert_whole(attempt);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not for writing is written to in no way, nor is it made writable by a name elsewhere.
#[tokio::test]
async fn a_read_only_folder_stays_as_it_is() {
    let attempts = [
        (r#"{"op":"open","dir":"/fixed","path":"page","flags":{"write":true}}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"page","flags":{"truncate":true}}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"new","flags":{"create":true}}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"page","as":"f"},{"op":"write","file":"f","text":"x"}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"page","as":"f"},{"op":"append","file":"f","text":"x"}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"page","as":"f"},{"op":"set-size","file":"f","size":0}"#, "read-only"),
        (r#"{"op":"open","dir":"/fixed","path":"page","as":"f"},{"op":"set-times","dir":"f"}"#, "read-only"),
        (r#"{"op":"set-times","dir":"/fixed","path":"page"}"#, "read-only"),
        (r#"{"op":"mkdir","dir":"/fixed","path":"new"}"#, "read-only"),
        (r#"{"op":"rmdir","dir":"/fixed","path":"new"}"#, "read-only"),
        (r#"{"op":"unlink","dir":"/fixed","path":"page"}"#, "read-only"),
        (r#"{"op":"rename","dir":"/fixed","path":"page","to-dir":"/fixed","to":"new"}"#, "read-only"),
        (r#"{"op":"rename","dir":"/fixed","path":"page","to-dir":"/data","to":"new"}"#, "read-only"),
        (r#"{"op":"rename","dir":"/data","path":"note","to-dir":"/fixed","to":"page"}"#, "read-only"),
        (r#"{"op":"link","dir":"/fixed","path":"page","to-dir":"/data","to":"new"}"#, "read-only"),
        (r#"{"op":"link","dir":"/data","path":"note","to-dir":"/fixed","to":"new"}"#, "read-only"),
        (r#"{"op":"symlink","dir":"/fixed","target":"page","path":"new"}"#, "not-permitted"),
        // Opened for reading in a folder that may be written to.
        (
            r#"{"op":"open","dir":"/data","path":"note","as":"f"},{"op":"write","file":"f","text":"x"}"#,
            "bad-descriptor",
        ),
        (
            r#"{"op":"open","dir":"/data","path":"note","as":"f"},{"op":"set-size","file":"f","size":0}"#,
            "bad-descriptor",
        ),
        (
            r#"{"op":"open","dir":"/data","path":"note","as":"f","flags":{"write-only":true}},{"op":"read","file":"f"}"#,
            "bad-descriptor",
        ),
    ];
    let tree = Tree::new();
    let plugin = tree.plugin().await;
    for (attempt, told) in attempts {
        assert_eq!(last(&plugin, &format!("[{attempt}]")).await, format!("error: {told}"), "{attempt}");
        let page = std::fs::read_to_string(tree.fixed("page")).expect("there");
        assert_eq!((&*page, std::fs::read_dir(tree.fixed("")).expect("there").count()), ("fixed", 1), "{attempt}");
        assert_eq!(std::fs::read_to_string(tree.work("note")).expect("there"), "hello", "{attempt}");
    }
}

/// To the guest, folders are devices: no file gets a second name in another one, writable or not.
#[tokio::test]
async fn folders_are_apart() {
    let tree = Tree::new();
    let other = tempfile::tempdir_in(tree.work("sub")).expect("a folder");
    let mut spec = tree.spec();
    spec.grants.files.push(folder(&other.path().canonicalize().expect("a folder"), "/other", Some(1 << 20)));
    let plugin = tree.load(spec).await;
    for op in ["rename", "link"] {
        let ops = format!(r#"[{{"op":"{op}","dir":"/data","path":"note","to-dir":"/other","to":"note"}}]"#);
        assert_eq!(last(&plugin, &ops).await, "error: cross-device", "{op}");
    }
    assert_eq!(std::fs::read_dir(other.path()).expect("there").count(), 0);
}

/// Folders that nobody should grant, and that still lead nowhere and block nothing.
#[tokio::test]
async fn devices_and_the_kernels_own_links_are_refused() {
    let tree = Tree::new();
    let mut spec = probing();
    // A link to the folder of this process.
    let own = std::fs::canonicalize("/proc/self").expect("a folder");
    spec.grants.files = vec![
        folder("/dev".as_ref(), "/dev", Some(1 << 20)),
        folder(&own, "/self", None),
        folder(&own.join("fd"), "/fd", None),
    ];
    let plugin = tree.load(spec).await;
    let canary = tree.canary();
    let canary = canary.to_str().expect("plain").trim_start_matches('/');
    for (attempt, told) in [
        (r#"{"op":"cat","dir":"/dev","path":"null"}"#.to_owned(), "not-permitted"),
        (r#"{"op":"cat","dir":"/dev","path":"zero"}"#.to_owned(), "not-permitted"),
        (r#"{"op":"cat","dir":"/dev","path":"tty"}"#.to_owned(), "not-permitted"),
        (r#"{"op":"open","dir":"/dev","path":"null","flags":{"write":true}}"#.to_owned(), "not-permitted"),
        (
            r#"{"op":"open","dir":"/dev","path":"full","flags":{"create":true,"write":true}}"#.to_owned(),
            "not-permitted",
        ),
        (r#"{"op":"cat","dir":"/dev","path":"stdin"}"#.to_owned(), "not-permitted"),
        (format!(r#"{{"op":"cat","dir":"/self","path":"root/{canary}"}}"#), "loop"),
        (r#"{"op":"open","dir":"/self","path":"cwd"}"#.to_owned(), "loop"),
        (r#"{"op":"cat","dir":"/self","path":"exe"}"#.to_owned(), "loop"),
        (r#"{"op":"readlink","dir":"/self","path":"exe"}"#.to_owned(), "not-permitted"),
        (r#"{"op":"cat","dir":"/fd","path":"0"}"#.to_owned(), "loop"),
    ] {
        assert_eq!(last(&plugin, &format!("[{attempt}]")).await, format!("error: {told}"), "{attempt}");
    }
}
