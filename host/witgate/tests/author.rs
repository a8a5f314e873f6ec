//! The author's verbs, as an author uses them: each in its own folder, with what is built in.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn witgate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.arg("plugin").args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("WITGATE_CONFIG");
    command.output().expect("witgate runs")
}

#[track_caller]
fn good(folder: &Path, arguments: &[&str]) -> String {
    let done = witgate(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}

/// Fails with this code, and says each of these.
#[track_caller]
fn bad(folder: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    let done = witgate(folder, arguments);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    for part in says {
        assert!(said.contains(part), "{arguments:?}: {said:?} does not say {part:?}");
    }
    text(&done.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn case(folder: &Path, name: &str, case: &Value, verdict: Option<&Value>) {
    let folder = folder.join("cases").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("case.json"), case.to_string()).expect("writes");
    if let Some(verdict) = verdict {
        fs::write(folder.join("verdict.json"), verdict.to_string()).expect("writes");
    }
}

/// Two calls in a minute.
fn rate() -> Value {
    json!({ "limits": [{ "calls": 2, "window-s": 60 }] })
}

#[test]
fn a_new_project_is_whole_and_nothing_is_written_over() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let said = good(at, &["new", "--kind", "validate", "--language", "rust", "my-rule"]);
    assert!(said.contains("witgate plugin build") && said.contains("src/lib.rs"), "{said}");
    let project = at.join("my-rule");
    let manifest = fs::read_to_string(project.join("plugin.toml")).expect("a manifest");
    assert_eq!(manifest, "name = \"my-rule\"\nkind = \"validate\"\nlanguage = \"rust\"\n");
    for part in ["Cargo.toml", "src/lib.rs", ".gitignore", "witgate/wit/types@0.1.0/types.wit", "cases/fits/case.json"]
    {
        assert!(project.join(part).is_file(), "{part}");
    }
    assert!(!fs::read_to_string(project.join("Cargo.toml")).expect("a file").contains("{{"));
    bad(at, &["new", "--kind", "validate", "--language", "rust", "my-rule"], 2, &["my-rule is there already"]);
    bad(at, &["new", "--kind", "validator", "--language", "rust", "a"], 2, &["no kind `validator`", "sanitize"]);
    bad(at, &["new", "--kind", "auth", "--language", "cobol", "a"], 2, &["no template for `cobol`", "rust"]);
    bad(at, &["new", "--kind", "auth", "--language", "rust", "My_Rule"], 2, &["`My_Rule`", "as `my-rule`"]);
    assert!(!at.join("a").exists() && !at.join("My_Rule").exists());
    let web = ["new", "--kind", "route", "--language", "c", "--import", "wasi:http/outgoing-handler", "a"];
    bad(at, &web, 2, &["kind route cannot import `wasi:http/outgoing-handler`", "wasi:keyvalue/store@0.2.0-draft"]);
    let here = at.join("here");
    fs::create_dir(&here).expect("a folder");
    good(&here, &["new", "--kind", "auth", "--language", "python", "--import", "wasi:keyvalue/store", "."]);
    assert!(fs::read_to_string(here.join("plugin.toml")).expect("a manifest").contains("name = \"here\""));
    let world = fs::read_to_string(here.join("wit/world.wit")).expect("a world");
    let imports = "  import wasi:logging/logging@0.1.0-draft;\n  import wasi:keyvalue/store@0.2.0-draft;\n";
    assert!(world.contains(imports), "{world}");
}

/// A world that is not what the manifest says is told before a tool of the language says it in its own way.
#[test]
fn a_wrong_world_is_explained() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    good(at, &["new", "--kind", "validate", "--language", "c", "rule"]);
    let world = |text: &str| {
        let text = format!("package witgate:plugin@0.1.0;\n\nworld plugin {{ {text} }}\n");
        fs::write(at.join("rule/wit/world.wit"), text).expect("writes");
    };
    let build = |says: &[&str]| bad(at, &["build", "rule"], 2, says);
    world("");
    build(&["kind = \"validate\"", "export witgate:validate/validator@0.1.0;", "this one exports nothing"]);
    world("export witgate:validate/validator@0.2.0;");
    build(&["rule/wit/world.wit:3", "deps/ has version 0.1.0 of `witgate:validate`, not 0.2.0"]);
    world("export witgate:auth/authenticator@0.1.0;");
    build(&["rule/wit/world.wit:3", "witgate:auth", "--kind auth"]);
}

#[test]
fn every_language_can_begin_every_kind() {
    let folder = TempDir::new().expect("a folder");
    for language in ["rust", "js", "python", "c", "cpp", "go"] {
        for kind in ["auth", "credential", "validate", "route", "retry", "sanitize"] {
            let name = format!("{language}-{kind}");
            let made = good(folder.path(), &["new", "--kind", kind, "--language", language, &name, "--json"]);
            let files = json(&made)["files"].as_array().expect("files").len();
            assert!(files > 20, "{name}: {files} files");
        }
    }
}

#[test]
fn what_a_build_needs_is_named_all_at_once() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    bad(at, &["build"], 2, &["no plugin.toml", "witgate plugin new"]);
    good(at, &["new", "--kind", "auth", "--language", "c", "keys"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_witgate"));
    command.args(["plugin", "build", "keys"]).current_dir(at).env("PATH", at);
    let done = command.output().expect("witgate runs");
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("clang") && said.contains("wasm-ld") && said.contains("apt-get install"), "{said}");
    bad(at, &["test", "keys"], 1, &["plugin.wasm is not there", "witgate plugin build"]);
}

#[test]
fn cases_pass_differ_and_are_blessed() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let full = json!({ "counter": {} });
    case(at, "first", &json!({ "settings": rate(), "host": full }), Some(&json!("accept")));
    case(at, "wrong", &json!({ "about": "Nothing is limited.", "settings": rate() }), Some(&json!({ "edits": [] })));
    case(at, "open", &json!({ "settings": rate() }), None);
    case(at, "refused", &json!({ "settings": { "limit": [] } }), Some(&json!({ "configure": { "names": "limit" } })));
    let test = ["test", "builtin:validate-rate", "--cases", "cases"];
    let said = bad(at, &test, 1, &["2 cases failed"]);
    for part in
        ["ok      first", "ok      refused", "FAILED  wrong", "Nothing is limited.", "+ \"accept\"", "no verdict.json"]
    {
        assert!(said.contains(part), "{said} does not say {part:?}");
    }
    let mut values = test.to_vec();
    values.push("--json");
    let done = witgate(at, &values);
    let summary = json(&text(&done.stdout));
    assert_eq!(
        (summary["failed"].as_u64(), summary["cases"].as_array().map(Vec::len)),
        (Some(2), Some(4)),
        "{summary}"
    );
    good(at, &[&test[..], &["--bless"]].concat());
    good(at, &test);
    assert_eq!(fs::read_to_string(at.join("cases/open/verdict.json")).expect("a verdict"), "\"accept\"\n");
    assert!(good(at, &[&test[..], &["--only", "first"]].concat()).contains("1 passed"));
}

/// What a case must not be is said with its file, its member, and what would do.
#[test]
fn a_case_that_is_none_is_explained() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let test = ["test", "builtin:validate-rate", "--cases", "cases"];
    bad(at, &test, 2, &["cases"]);
    fs::create_dir(at.join("cases")).expect("a folder");
    bad(at, &test, 1, &["no case is in cases", "case.json"]);
    case(at, "a", &json!({ "setings": {} }), None);
    case(at, "b", &json!({ "settings": rate() }), Some(&json!("accept")));
    let said = bad(at, &test, 1, &["1 case failed"]);
    for part in ["cases/a/case.json", "setings", "`settings`", "ok      b", "1 passed"] {
        assert!(said.contains(part), "{said} does not say {part:?}");
    }
    case(at, "a", &json!({ "settings": rate(), "payload": {} }), None);
    assert!(bad(at, &test, 1, &[]).contains("`payload` has no meaning for validate"));
    case(at, "a", &json!({ "settings": rate(), "call": { "revision": "2020-01-01" } }), None);
    assert!(bad(at, &test, 1, &[]).contains("`call.revision`: the gate does not know `2020-01-01`"));
    bad(at, &["test", "builtin:nothing"], 2, &["nothing"]);
    bad(at, &["test", "missing.wasm", "--cases", "cases"], 2, &["missing.wasm"]);
}

#[test]
fn one_case_is_run_with_what_it_took() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let hidden = json!({ "message": { "kind": "result" }, "payload": { "password": "hunter2" } });
    case(at, "secret", &hidden, None);
    let said = good(at, &["run", "cases/secret", "--plugin", "builtin:sanitize-redact"]);
    assert!(said.contains("[redacted]") && said.contains("host calls") && said.contains("KiB"), "{said}");
    let ran = json(&good(at, &["run", "cases/secret/case.json", "--plugin", "builtin:sanitize-redact", "--json"]));
    assert_eq!(ran["verdict"]["edits"][0]["pointer"], "/password", "{ran}");
    assert!(ran["memory-bytes"].as_u64() > Some(65_535) && ran["host-calls"].as_u64() > Some(0), "{ran}");
    bad(at, &["run", "cases/secret"], 1, &["no plugin.toml", "--plugin"]);
    bad(at, &["run", "cases/other"], 1, &["cases/other is not there"]);
    bad(at, &["inspect"], 2, &["no plugin.toml"]);
}

/// Counters hold what the case says.
#[test]
fn the_hosts_stores_hold_what_a_case_says() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let call = json!({ "settings": rate(), "identity": { "subject": "ann" } });
    case(at, "call", &call, None);
    let run = ["run", "cases/call", "--plugin", "builtin:validate-rate", "--json"];
    assert_eq!(json(&good(at, &run))["verdict"], "accept");
    assert!(json(&good(at, &run))["host-calls"].as_u64() > Some(0));
}

#[test]
fn a_plugin_is_measured_beside_nothing() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    case(at, "call", &json!({ "settings": rate() }), None);
    let bench = ["bench", "builtin:validate-rate", "--case", "cases/call", "--calls", "20"];
    let said = good(at, &bench);
    for part in ["case call, 20 calls", "nothing, by default", "plugin, kept instance", "p99"] {
        assert!(said.contains(part), "{said}");
    }
    let rows = json(&good(at, &[&bench[..], &["--json"]].concat()));
    let rows = rows["micros"].as_array().expect("rows");
    assert!(rows.len() == 4 && rows.iter().all(|row| row["least"].as_f64() <= row["most"].as_f64()), "{rows:?}");
}

/// What the network would answer is in the case; the secret goes there and is shown nowhere.
#[test]
fn a_case_answers_in_the_networks_stead() {
    let folder = TempDir::new().expect("a folder");
    let at = folder.path();
    let probe = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/dist/probe-network.wasm");
    let ask = json!({ "op": "http", "method": "POST", "scheme": "https", "authority": "login.example.com",
        "path": "/token?a=b", "headers": [["authorization", "Basic ${secret:client}"]], "body": "grant" });
    let request = json!({ "method": "POST", "url": "https://login.example.com/token?a=b", "body": "grant",
        "headers": { "authorization": "Basic c3Ryb25n" } });
    let whole = |request: &Value, response: &Value| {
        json!({ "settings": { "ops": [ask] }, "host": {
            "network": [{ "request": request, "response": response }], "secrets": { "client": "c3Ryb25n" } } })
    };
    case(at, "token", &whole(&request, &json!({ "headers": { "x-own": "1" }, "body": "t0ken" })), None);
    let run = |name: &str| witgate(at, &["run", &format!("cases/{name}"), "--plugin", probe]);
    let done = run("token");
    let said = text(&done.stdout);
    assert!(
        said.contains("ok: 200") && said.contains("t0ken") && !said.contains("c3Ryb25n"),
        "{said}{}",
        text(&done.stderr)
    );
    case(at, "broken", &whole(&request, &Value::Null), None);
    assert!(text(&run("broken").stdout).contains("error: "), "a connection that was broken off");
    let mut other = request.clone();
    other["body"] = "other".into();
    case(at, "other", &whole(&other, &json!({})), None);
    bad(
        at,
        &["run", "cases/other", "--plugin", probe],
        1,
        &["POST https://login.example.com/token?a=b", "host.network"],
    );
    case(at, "url", &whole(&json!({ "url": "login" }), &json!({})), None);
    bad(at, &["run", "cases/url", "--plugin", probe], 1, &["`login` is no URL"]);
}
