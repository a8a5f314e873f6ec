//! Servers from the registries, of both eras and both transports, behind one endpoint.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use witgate_tests::gate::Gate;
use witgate_tests::server::Server;
use witgate_tests::settings;
use witgate_tests::wire::Wire;

/// A repository with one commit.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("README.md"), "# Hello\n").expect("a file");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path()).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
        let output = command.args(arguments).output().expect("git");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q", "-b", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "The first commit"]);
    folder
}

#[tokio::test]
async fn five_servers_behind_one_endpoint() {
    let repository = repository();
    let files = tempfile::tempdir().expect("a temporary folder");
    let root = files.path().canonicalize().expect("a path");
    std::fs::write(root.join("note.txt"), "remember the milk").expect("a file");
    let (notes, remote) = tokio::join!(Server::notes(), Server::everything());
    let configuration = [
        "anonymous = true\n".to_owned(),
        settings::everything("everything"),
        settings::remote("remote", remote.url()),
        settings::filesystem("files", &root),
        settings::git("git", repository.path()),
        settings::remote("notes", notes.url()),
        // Ends at once, each time it is started.
        settings::child("broken", Path::new("python3"), &["-c", "raise SystemExit(3)"]),
    ];
    let gate = Gate::start(&configuration.concat()).await;

    let note = root.join("note.txt").display().to_string();
    let calls = [
        ("everything__echo", json!({ "message": "hi" }), "Echo: hi"),
        ("remote__get-sum", json!({ "a": 2, "b": 3 }), "The sum of 2 and 3 is 5."),
        ("files__read_text_file", json!({ "path": note }), "remember the milk"),
        ("git__git_log", json!({ "repo_path": repository.path() }), "The first commit"),
        ("notes__add", json!({ "a": 2, "b": 3 }), "5"),
    ];
    let clients = [Wire::modern(gate.url()), Wire::legacy(gate.url()).await];
    for mut client in clients {
        let listed = client.request("tools/list", "{}").await;
        let names = listed.names("tools");
        for (tool, arguments, want) in &calls {
            assert!(names.iter().any(|name| name == tool), "{tool} is not among {names:?}");
            let answer = client.call(tool, &arguments.to_string()).await;
            assert!(answer.text().contains(want), "{tool}: {answer:#?}");
        }
        let prompts = client.request("prompts/list", "{}").await.names("prompts");
        assert!(prompts.contains(&"everything__simple-prompt".to_owned()), "{prompts:?}");
        assert!(prompts.contains(&"notes__greet".to_owned()), "{prompts:?}");
        let read = client.request("resources/read", r#"{"uri":"note://today"}"#).await;
        assert_eq!(read.result()["contents"][0]["text"], "Water the plants.", "{read:#?}");

        // The one that does not start is missing, and says so to whoever names it.
        assert!(!names.iter().any(|name| name.starts_with("broken__")), "{names:?}");
        let answer = client.call("broken__anything", "{}").await;
        assert!(answer.last().get("error").is_some(), "{answer:#?}");
    }
}

#[tokio::test]
async fn a_list_that_may_be_kept_is_told_with_what_is_left_of_its_time() {
    let notes = Server::kept_notes().await;
    let configuration = ["anonymous = true\n".to_owned(), settings::remote("notes", notes.url())];
    let gate = Gate::start(&configuration.concat()).await;
    let mut clients = [Wire::modern(gate.url()), Wire::modern(gate.url())];
    let first = clients[0].request("tools/list", "{}").await;
    assert_eq!((&first.result()["ttlMs"], &first.result()["cacheScope"]), (&json!(3_600_000), &json!("public")));
    // The server itself says an hour, each time that it is asked: as long as the gate does not listen for changes yet.
    for turn in 0.. {
        let listed = clients[1].request("tools/list", "{}").await;
        assert_eq!(listed.names("tools"), first.names("tools"));
        if listed.result()["ttlMs"].as_u64().is_some_and(|left| left < 3_600_000) {
            break;
        }
        assert!(turn < 50, "{listed:#?}");
    }
}

/// The transport of 2024-11-05, as an upstream only.
#[tokio::test]
async fn a_server_on_http_and_sse() {
    let old = Server::everything_sse().await;
    let gate = Gate::start(&format!("anonymous = true\n{}", settings::remote_sse("old", old.url()))).await;
    for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
        let names = client.request("tools/list", "{}").await.names("tools");
        assert!(names.contains(&"echo".to_owned()), "{names:?}");
        assert_eq!(client.call("echo", r#"{"message":"hi"}"#).await.text(), "Echo: hi");
        assert_eq!(client.call("get-sum", r#"{"a":2,"b":3}"#).await.text(), "The sum of 2 and 3 is 5.");
        // Longer than one event of the stream comes in at once.
        let long = "x".repeat(200_000);
        let answer = client.call("echo", &json!({ "message": long }).to_string()).await;
        assert_eq!(answer.text(), format!("Echo: {long}"));
    }
}

/// A name belongs to its server even if another has a tool that looks the same.
#[tokio::test]
async fn a_name_without_its_prefix_is_unknown() {
    let (notes, remote) = tokio::join!(Server::notes(), Server::everything());
    let upstreams = settings::remote("notes", notes.url()) + &settings::remote("remote", remote.url());
    let gate = Gate::start(&format!("anonymous = true\n{upstreams}")).await;
    let mut client = Wire::modern(gate.url());
    for name in ["echo", "notes__get-sum", "remote__add", "nobody__echo"] {
        let answer = client.call(name, r#"{"message":"hi","text":"hi","a":1,"b":2}"#).await;
        let refused = answer.last()["error"]["code"] == -32602 || answer.last()["result"]["isError"] == true;
        assert!(refused, "{name}: {answer:#?}");
    }
    assert_eq!(client.call("notes__echo", r#"{"text":"hi"}"#).await.text(), "hi");
    assert_eq!(client.call("remote__echo", r#"{"message":"hi"}"#).await.text(), "Echo: hi");
}
