//! Against the kernel that runs the tests: what is confined is a thread, so each test confines one of its own.

use std::fs;
use std::io::ErrorKind;
use std::net::ToSocketAddrs;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;
use witgate_policy::Folder;

use super::rule::{Access, Rule};
use super::*;

/// Runs on a thread with walls; nothing on a kernel that has none.
fn within(rules: Vec<Rule>, work: impl FnOnce(Walls) + Send + 'static) {
    let confined = thread::spawn(move || match kernel::confine(&rules) {
        Ok(walls) => work(walls),
        Err(Unconfined::Missing(_)) => {}
        Err(cause) => panic!("{cause}"),
    });
    confined.join().expect("the thread ends well");
}

/// A folder with one file `canary` in each of its folders.
fn tree(folders: &[&str]) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for folder in folders {
        fs::create_dir(root.path().join(folder)).expect("makes");
        fs::write(root.path().join(folder).join("canary"), "canary").expect("writes");
    }
    root
}

fn rule(root: &TempDir, folder: &str, access: Access) -> Rule {
    Rule { path: root.path().join(folder), access }
}

fn configuration(text: &str) -> Config {
    let parsed = Config::parse("test.toml", text, Path::new(""), &|_| None);
    parsed.map_err(|problems| problems.to_string()).expect("a good configuration")
}

const MINIMAL: &str = "anonymous = true
[upstream.leave]
builtin = \"leave\"
[[plugin]]
name = \"p\"
source = \"builtin:sanitize-redact\"
";

#[test]
fn what_is_open_is_open_as_far_as_it_was_left() {
    #[track_caller]
    fn check(what: &str, done: std::io::Result<()>, allowed: bool) {
        match done {
            Ok(()) => assert!(allowed, "{what}"),
            Err(cause) => assert!(!allowed && cause.kind() == ErrorKind::PermissionDenied, "{what}: {cause}"),
        }
    }
    let root = tree(&["read", "change", "own", "closed"]);
    let rules =
        vec![rule(&root, "read", Access::Read), rule(&root, "change", Access::Change), rule(&root, "own", Access::Own)];
    let path = root.path().to_owned();
    within(rules, move |_| {
        for (folder, read, change, socket) in [
            ("read", true, false, false),
            ("change", true, true, false),
            ("own", true, true, true),
            ("closed", false, false, false),
        ] {
            let at = |name: &str| path.join(folder).join(name);
            check(&format!("read {folder}"), fs::read(at("canary")).map(drop), read);
            check(&format!("list {folder}"), fs::read_dir(at("")).map(drop), read);
            check(&format!("make in {folder}"), fs::write(at("new"), "x"), change);
            check(&format!("write in {folder}"), fs::write(at("canary"), "canary"), change);
            check(&format!("link in {folder}"), std::os::unix::fs::symlink("canary", at("link")), change);
            check(&format!("folder in {folder}"), fs::create_dir(at("folder")), change);
            check(&format!("socket in {folder}"), UnixListener::bind(at("socket")).map(drop), socket);
            check(&format!("run in {folder}"), Command::new(at("canary")).spawn().map(drop), false);
        }
        // By a way that goes through what is open.
        check("a link out", std::os::unix::fs::symlink(path.join("closed"), path.join("change/out")), true);
        check("through a link", fs::read(path.join("change/out/canary")).map(drop), false);
        check("up", fs::read(path.join("change/../closed/canary")).map(drop), false);
        let later = thread::spawn(move || fs::read(path.join("closed/canary")).map(drop));
        check("a later thread", later.join().expect("ends"), false);
    });
    assert_eq!(fs::read_to_string(root.path().join("closed/canary")).expect("an older thread reads"), "canary");
}

#[test]
fn a_gate_finds_its_program_its_libraries_and_its_names() {
    let processors = thread::available_parallelism().expect("a number");
    within(rule::rules(&configuration(MINIMAL), &[]), move |_| {
        let program = std::env::current_exe().expect("a program");
        let done = Command::new(&program).arg("--list").output().expect("the program runs itself");
        assert!(done.status.success(), "{done:?}");
        let other = Command::new("sh").arg("-c").arg("exit 0").status().expect_err("another program");
        assert_eq!(other.kind(), ErrorKind::PermissionDenied);
        assert!(("localhost", 80).to_socket_addrs().expect("resolves").next().is_some());
        assert_eq!(thread::available_parallelism().expect("a number"), processors);
        fs::File::open("/proc/self/pagemap").expect("its own memory's map");
        for closed in ["/proc/self/environ", "/proc/1/status", "/dev/urandom", "/tmp"] {
            let refused = fs::File::open(closed).expect_err(closed);
            assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{closed}");
        }
    });
}

#[test]
fn what_is_outside_reads_and_a_folder_that_is_missing_is_made() {
    let root = tree(&["closed"]);
    let config = configuration(MINIMAL);
    let (closed, own) = (root.path().join("closed"), root.path().join("cache/of/ours"));
    let folder = own.clone();
    thread::spawn(move || {
        let confinement = Confinement::start(&config, std::slice::from_ref(&folder)).expect("threads");
        if let Err(Unconfined::Missing(_)) = confinement.state {
            return;
        }
        fs::write(folder.join("artifact"), "x").expect("its own folder is open");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (canary, outside) = (closed.join("canary"), confinement.outside());
            assert_eq!(fs::read(&canary).expect_err("inside").kind(), ErrorKind::PermissionDenied);
            assert_eq!(outside.file(&canary, 6).await.expect("outside"), "canary");
            let larger = outside.file(&canary, 5).await.expect_err("too large").to_string();
            assert_eq!(larger, "it is 6 bytes, 5 are allowed");
            let missing = witgate_config::Origin::File(closed.join("missing.toml"));
            let missing = outside.configuration(&missing).await.expect_err("no file").to_string();
            assert!(missing.contains("No such file"), "{missing}");
        });
    })
    .join()
    .expect("the thread ends well");
    let mode = fs::metadata(own).expect("made").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
}

#[test]
fn a_folder_that_was_given_up_is_refused_with_its_reason() {
    let root = tree(&["read", "write", "closed", "moved"]);
    fs::create_dir(root.path().join("read/below")).expect("makes");
    std::os::unix::fs::symlink(root.path().join("read"), root.path().join("link")).expect("links");
    let path = root.path().to_owned();
    let with = move |folder: &str, writable: bool| {
        let mut config = configuration(MINIMAL);
        let folder = Folder { host: path.join(folder), guest: "/data".to_owned(), writable, quota_bytes: 1 };
        config.tenants[0].plugins[0].grants.files.push(folder);
        config
    };
    let path = root.path().to_owned();
    let rules = [("read", false), ("write", true), ("moved", false)];
    let rules = rules.iter().flat_map(|(folder, writable)| rule::rules(&with(folder, *writable), &[])).collect();
    let ((replace, asked), (done, replaced)) = (mpsc::channel(), mpsc::channel());
    let from = root.path().to_owned();
    let older = thread::spawn(move || {
        if asked.recv().is_err() {
            return;
        }
        fs::rename(from.join("moved"), from.join("before")).expect("moves");
        fs::create_dir(from.join("moved")).expect("makes");
        fs::write(from.join("moved/canary"), "canary").expect("writes");
        done.send(()).expect("the confined thread waits");
    });
    within(rules, move |walls| {
        let confinement = Confinement { outside: Outside::here(), state: Ok(walls) };
        let check = |folder: &str, writable: bool, want: Option<&str>| {
            let found = confinement.admit(&with(folder, writable)).map_err(|problems| problems.to_string());
            let want = want.map(|words| {
                format!(
                    "test.toml:4: the plugin `p` is granted {}, {words} this gate gave up when it confined itself at its start",
                    path.join(folder).display()
                )
            });
            assert_eq!(found.err(), want, "{folder}");
        };
        check("read", false, None);
        check("read/below", false, None);
        check("link", false, None);
        check("read", true, Some("to write in, which"));
        check("write", true, None);
        check("write", false, None);
        check("closed", false, Some("which"));
        check("closed", true, Some("which"));
        check(".", false, Some("which"));
        check("not-there", false, None);
        // Another folder of the same name is not the one that stayed open.
        check("moved", false, None);
        replace.send(()).expect("the older thread waits");
        replaced.recv().expect("the older thread answers");
        check("moved", false, Some("which"));
        assert_eq!(
            fs::read(path.join("moved/canary")).expect_err("nor to the kernel").kind(),
            ErrorKind::PermissionDenied
        );
        check("before", false, None);
        fs::read(path.join("before/canary")).expect("the one that stayed open, by another name");
    });
    older.join().expect("the older thread ends well");
}
