//! What the verbs print, and how they end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn witgate(args: &[&str]) -> Command {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(args).current_dir(folder).env_remove("WITGATE_CONFIG").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    witgate(args).output().expect("witgate runs")
}

#[track_caller]
fn good(args: &[&str]) -> String {
    let done = run(args);
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

#[test]
fn inspect_shows_what_a_plugin_is() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-f]{64}", "[SHA-256]");
    settings.add_filter(r"size     \d+", "size     [SIZE]");
    settings.bind(|| {
        insta::assert_snapshot!("inspect_validate_rate", good(&["plugin", "inspect", "builtin:validate-rate"]));
    });
    let json = good(&["plugin", "inspect", "builtin:credential-static", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["kinds"], serde_json::json!(["credential"]));
    assert_eq!(json["grants"], serde_json::json!([]));
}

#[test]
fn what_inspect_says_to_paste_is_a_good_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in good(&["plugin", "list"]).lines() {
        let source = line.split_whitespace().next().expect("a source");
        let text = good(&["plugin", "inspect", source]);
        let (_, paste) = text.split_once("\n\n").expect("an empty line before the part to paste");
        let config = format!("anonymous = true\n[upstream.leave]\nbuiltin = \"leave\"\n\n{paste}");
        let file = folder.path().join("witgate.toml");
        std::fs::write(&file, config).expect("writes");
        let done = run(&["check", "--config", file.to_str().expect("UTF-8")]);
        let said = String::from_utf8_lossy(&done.stderr);
        // Some have settings that they need; nothing else may be missing.
        assert!(done.status.success() || said.contains("does not accept its settings"), "{source}: {said}");
    }
}

#[test]
fn list_names_every_builtin() {
    insta::assert_snapshot!("plugin_list", good(&["plugin", "list"]));
}

#[test]
fn the_schema_is_what_it_was() {
    insta::assert_snapshot!("schema", good(&["schema"]));
}

#[test]
fn the_example_is_the_demonstration_and_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("witgate.toml");
    std::fs::write(&file, good(&["example"])).expect("writes");
    for args in [&["check"][..], &["check", "--config", file.to_str().expect("UTF-8")]] {
        let said = good(args);
        assert!(said.ends_with("is good: 1 tenant, 1 upstream, 6 plugins\n"), "{said}");
    }
}

#[test]
fn the_environment_names_the_configuration() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/open-to-all/witgate.toml");
    let done = witgate(&["check"]).env("WITGATE_CONFIG", &case).output().expect("witgate runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("open-to-all/witgate.toml is good"), "{said}");
}

#[test]
fn exit_codes_tell_what_is_at_fault() {
    #[track_caller]
    fn check(args: &[&str], code: i32, want: &str) {
        let done = run(args);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(want), "{args:?}: {said}");
    }
    check(&["chek"], 2, "unrecognized subcommand");
    check(&["check", "--config", "no/such.toml"], 2, "cannot read no/such.toml");
    check(&["run", "--config", "no/such.toml"], 2, "cannot read no/such.toml");
    check(&["stdio", "--tenant", "acme"], 2, "there is no tenant `acme`; the tenants are default");
    check(&["plugin", "inspect", "builtin:nothing"], 2, "there is no built-in plugin `nothing`");
    check(&["plugin", "inspect", "no/such.wasm"], 2, "no/such.wasm cannot be read");
    check(&["import", "no/such.json"], 2, "cannot read no/such.json");
}

#[test]
fn import_reads_standard_input_and_writes_over_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("witgate.toml");
    let import = || {
        let mut child = witgate(&["import", "-", "-o", out.to_str().expect("UTF-8")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("witgate runs");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(br#"{"mcpServers": {"a": {"command": "a"}}}"#).expect("writes");
        drop(input);
        child.wait_with_output().expect("ends")
    };
    assert_eq!(import().status.code(), Some(0));
    let again = import();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("File exists"));
    good(&["check", "--config", out.to_str().expect("UTF-8")]);
}
