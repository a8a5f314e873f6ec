//! The environment, the arguments and the standard input: what was granted, and nothing of the gate's own.

use witgate_policy::Grants;

use crate::probe::{ask, load_probe, probing};
use crate::world::sandbox;

const ALL: &str = r#"[{"op":"env"},{"op":"args"},{"op":"stdin"},{"op":"cwd"}]"#;

async fn seen(grants: Grants) -> Vec<String> {
    let mut spec = probing();
    spec.grants = grants;
    let plugin = load_probe(&sandbox(), "files", spec).await.expect("loads");
    ask(&plugin, ALL).await.expect("answers")
}

#[tokio::test]
async fn nothing_is_there_that_was_not_granted() {
    assert!(std::env::vars().next().is_some(), "the gate itself has an environment to leak");
    assert_eq!(seen(Grants::default()).await, ["ok: {}", "ok: []", "ok:", "error: none"]);
}

#[tokio::test]
async fn what_was_granted_is_there() {
    let grants = Grants {
        environment: [("REGION".to_owned(), "eu".to_owned()), ("EMPTY".to_owned(), String::new())].into(),
        arguments: vec!["--strict".into(), "two words".into()],
        stdin: "a line\nand another".into(),
        ..Grants::default()
    };
    let want = [
        r#"ok: {"EMPTY":"","REGION":"eu"}"#,
        r#"ok: ["probe","--strict","two words"]"#,
        "ok: a line\u{fffd}and another",
        "error: none",
    ];
    assert_eq!(seen(grants).await, want);
}

/// Each call reads the standard input from its start, since each has an instance of its own.
#[tokio::test]
async fn calls_do_not_share_an_input() {
    let mut spec = probing();
    spec.grants.stdin = "once".into();
    let plugin = load_probe(&sandbox(), "files", spec).await.expect("loads");
    for _ in 0..2 {
        let twice = ask(&plugin, r#"[{"op":"stdin"},{"op":"stdin"}]"#).await;
        assert_eq!(twice.expect("answers"), ["ok: once", "ok:"]);
    }
}
