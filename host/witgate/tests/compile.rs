//! Compiling in a child, with the program as it is: bombs, what is kept and sealed, and children that are not wanted.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use witgate_sandbox::{ChildCompiler, Compiler, LoadError, Sandbox, SandboxConfig};
use witgate_test_guests::{Stage, compile_bomb, pass};

const PROGRAM: &str = env!("CARGO_BIN_EXE_witgate");
/// Enough for minutes.
const LOOPS: usize = 6_000;
const MIB: u64 = 1 << 20;

/// A folder with a component and a configuration, and a cache of its own.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new(component: &[u8], compiler: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("plugin.wasm"), component).expect("writes");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nanonymous = true\n[compiler]\ncache = \"cache\"\n{compiler}\n\
             [upstream.leave]\nbuiltin = \"leave\"\n[[plugin]]\nname = \"guest\"\nsource = \"plugin.wasm\"\n"
        );
        fs::write(folder.path().join("witgate.toml"), text).expect("writes");
        Self { folder }
    }

    fn start(&self, verb: &str) -> Child {
        let mut command = Command::new(PROGRAM);
        command.args([verb, "--config", "witgate.toml"]).current_dir(self.folder.path()).env_remove("WITGATE_CONFIG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("witgate runs")
    }

    #[track_caller]
    fn good(&self) {
        let done = self.start("check").wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", said(&done));
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The files of the cache that end so, by name.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(end)).collect();
        files.sort();
        files
    }

    #[track_caller]
    fn artifact(&self) -> PathBuf {
        let mut found = self.files(".artifact");
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// A new file has a new number: what was loaded from the cache is still the old one.
fn number(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").ino()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_bomb_ends_by_its_limit_and_the_message_names_the_key() {
    #[track_caller]
    fn check(compiler: &str, want: &[&str]) {
        let bomb = compile_bomb(Stage::Route, LOOPS);
        assert!(bomb.len() < 256 << 10, "{} bytes", bomb.len());
        let done = Case::new(&bomb, compiler).start("check").wait_with_output().expect("ends");
        // As a person reads it, whose terminal breaks lines.
        let said =
            said(&done).split(['\n', '│', '×', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        assert_eq!(done.status.code(), Some(2), "{said}");
        for want in want.iter().chain(&["plugin `guest`", "witgate.toml:"]) {
            assert!(said.contains(want), "{want} is not in {said}");
        }
    }
    let gib8 = 8 * 1024 * MIB;
    check(
        &format!("cpu-time-s = 1\nmemory-bytes = {gib8}\nwall-time-s = 600"),
        &["more than 1 s of processor time", "`cpu-time-s` under [compiler]"],
    );
    check(
        &format!("cpu-time-s = 600\nmemory-bytes = {gib8}\nwall-time-s = 1"),
        &["longer than 1 s", "`wall-time-s` under [compiler]"],
    );
    check(
        "cpu-time-s = 600\nmemory-bytes = 100000000\nwall-time-s = 600",
        &["more than 100000000 bytes of memory", "`memory-bytes` under [compiler]"],
    );
    // What strangers get.
    check("", &["raise", "under [compiler]"]);
}

#[test]
fn a_compiler_has_no_more_memory_than_its_limit() {
    let limit = 200 * MIB;
    let mut child = Command::new(PROGRAM)
        .args(["compile", &format!("light,{limit},600")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("witgate runs");
    let bomb = compile_bomb(Stage::Route, LOOPS);
    let mut input = child.stdin.take().expect("its input");
    input.write_all(&(bomb.len() as u64).to_le_bytes()).expect("writes");
    input.write_all(&bomb).expect("writes");
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        peak = peak.max(resident(child.id()).unwrap_or(0));
        look_again();
    }
    assert!((limit / 4..=limit).contains(&peak), "{peak} of {limit} bytes");
}

#[expect(clippy::disallowed_methods, reason = "the system tells nobody of a process that is not its child")]
fn look_again() {
    std::thread::sleep(Duration::from_millis(1));
}

/// The memory that a process has written, in bytes.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[test]
fn what_was_compiled_is_kept_for_its_owner_only() {
    let case = Case::new(&pass(Stage::Route), "");
    case.good();
    let artifact = case.artifact();
    assert_eq!((mode(&case.cache()), mode(&case.cache().join("key")), mode(&artifact)), (0o700, 0o600, 0o600));
    assert_eq!(fs::metadata(case.cache().join("key")).expect("a key").len(), 32);
    let first = number(&artifact);
    case.good();
    assert_eq!(number(&artifact), first, "it was compiled again");
    assert_eq!(case.files(".new"), Vec::<PathBuf>::new());
}

#[test]
fn what_was_changed_is_compiled_again_and_replaced() {
    let case = Case::new(&pass(Stage::Route), "");
    case.good();
    let artifact = case.artifact();
    let whole = fs::read(&artifact).expect("an artifact");
    let check = |what: &str, bytes: &[u8]| {
        fs::write(&artifact, bytes).expect("writes");
        let before = number(&artifact);
        case.good();
        assert_ne!(number(&artifact), before, "{what}: it was loaded");
        assert!(fs::read(&artifact).expect("an artifact") == whole, "{what}: it was not put right");
    };
    // Magic, component, engine, compatibility, length, the artifact's ends and middle, the seal.
    for at in
        [0, 15, 16, 47, 48, 49, 80, 81, 88, 89, whole.len() / 2, whole.len() - 33, whole.len() - 32, whole.len() - 1]
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        check(&format!("bit of byte {at}"), &bytes);
    }
    check("empty", b"");
    check("cut", &whole[..whole.len() - 1]);
    check("half", &whole[..whole.len() / 2]);
    check("header only", &whole[..89]);
    check("longer", &[&whole[..], b"x"].concat());
    fs::remove_file(case.cache().join("key")).expect("removes");
    let before = number(&artifact);
    case.good();
    assert_ne!(number(&artifact), before, "another key: it was loaded");
    assert!(fs::read(&artifact).expect("an artifact") != whole, "sealed with the same key");
}

#[test]
fn an_artifact_under_the_name_of_another_is_not_loaded() {
    let (one, other) = (Case::new(&pass(Stage::Route), ""), Case::new(&pass(Stage::Retry), ""));
    one.good();
    // The same key, so that only the name is wrong.
    fs::create_dir(other.cache()).expect("a folder");
    fs::copy(one.cache().join("key"), other.cache().join("key")).expect("copies");
    other.good();
    let theirs = other.artifact();
    let before = fs::read(&theirs).expect("an artifact");
    fs::copy(one.artifact(), &theirs).expect("copies");
    other.good();
    assert!(fs::read(&theirs).expect("an artifact") == before, "it was not put right");
}

#[test]
fn a_key_or_folder_that_others_may_use_is_not_used_and_the_log_says_so() {
    #[track_caller]
    fn check(what: &str, want: &str, spoil: impl Fn(&Path)) {
        let case = Case::new(&pass(Stage::Route), "");
        fs::create_dir(case.cache()).expect("a folder");
        fs::write(case.cache().join("key"), [7; 32]).expect("writes");
        fs::set_permissions(case.cache().join("key"), PermissionsExt::from_mode(0o600)).expect("a mode");
        spoil(&case.cache());
        case.good();
        assert_eq!(case.files(".artifact"), Vec::<PathBuf>::new(), "{what}");
        let mut gate = case.start("run");
        let log = std::io::BufReader::new(gate.stderr.take().expect("its log"));
        let mut lines = std::io::BufRead::lines(log).map(|line| line.expect("a line"));
        let line = lines.find(|line| line.contains("are not kept"));
        gate.kill().expect("ends");
        gate.wait().expect("ends");
        let line = line.unwrap_or_else(|| panic!("{what}: nothing is said"));
        assert!(line.contains(want), "{what}: {line}");
    }
    let allow = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
    check("readable", "must be 0600", |cache| allow(&cache.join("key"), 0o644));
    check("cut", "another length", |cache| fs::write(cache.join("key"), [7; 31]).expect("writes"));
    check("long", "another length", |cache| fs::write(cache.join("key"), [7; 33]).expect("writes"));
    check("linked", "symbolic link", |cache| {
        fs::rename(cache.join("key"), cache.join("real")).expect("renames");
        std::os::unix::fs::symlink("real", cache.join("key")).expect("links");
    });
    check("open to all", "must be 0700", |cache| allow(cache, 0o777));
}

#[test]
fn gates_that_start_at_once_have_one_key_and_whole_artifacts() {
    let case = Case::new(&pass(Stage::Route), "");
    let gates: Vec<_> = (0..4).map(|_| case.start("check")).collect();
    for gate in gates {
        let done = gate.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", said(&done));
    }
    let first = number(&case.artifact());
    assert_eq!(case.files("").len(), 2, "{:?}", case.files(""));
    case.good();
    assert_eq!(number(&case.artifact()), first, "it was sealed with another key");
}

/// The children of a process, once there are some.
fn children(of: u32) -> Vec<u32> {
    loop {
        let found: Vec<u32> = processes().filter(|(_, parent)| *parent == of).map(|(process, _)| process).collect();
        if !found.is_empty() {
            return found;
        }
        look_again();
    }
}

/// Every process, with its parent.
fn processes() -> impl Iterator<Item = (u32, u32)> {
    fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
        let process = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some((process, parent))
    })
}

fn wait_for_the_end_of(process: u32) {
    let alive = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // One that is not reaped yet is dead all the same.
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
    };
    while alive() {
        look_again();
    }
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().expect("kill runs").success());
}

const ENDLESS: &str = "cpu-time-s = 3600\nwall-time-s = 3600\nmemory-bytes = 8589934592";

#[test]
fn a_compiler_that_is_killed_is_a_refusal_with_its_signal() {
    let case = Case::new(&compile_bomb(Stage::Route, LOOPS), ENDLESS);
    let gate = case.start("check");
    children(gate.id()).into_iter().for_each(kill);
    let done = gate.wait_with_output().expect("ends");
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    assert!(said(&done).contains("signal 9"), "{}", said(&done));
}

#[test]
fn a_compiler_ends_with_its_gate() {
    let case = Case::new(&compile_bomb(Stage::Route, LOOPS), ENDLESS);
    let mut gate = case.start("check");
    let compilers = children(gate.id());
    kill(gate.id());
    gate.wait().expect("ends");
    compilers.into_iter().for_each(wait_for_the_end_of);
}

fn sandbox(cache: Option<PathBuf>) -> Arc<Sandbox> {
    let compiler = Compiler::Child(ChildCompiler {
        program: PROGRAM.into(),
        arguments: vec!["compile".into()],
        cache,
        memory_bytes: None,
        cpu_time: None,
        wall_time: None,
    });
    Sandbox::new(SandboxConfig { instances: 4, compiler, ..SandboxConfig::default() }).expect("a sandbox")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_ends_when_nobody_waits_any_more() {
    let sandbox = sandbox(None);
    let bomb = compile_bomb(Stage::Route, LOOPS);
    let compiling = tokio::spawn(async move { sandbox.compile("guest", bomb.into(), 1 << 20).await.map(drop) });
    let compilers = tokio::task::spawn_blocking(|| children(std::process::id())).await.expect("a child");
    compiling.abort();
    assert!(compiling.await.expect_err("aborted").is_cancelled());
    compilers.into_iter().for_each(wait_for_the_end_of);
}

#[tokio::test]
async fn a_light_component_does_not_wait_for_heavy_ones() {
    let sandbox = sandbox(None);
    // Beyond 1 MiB it is heavy.
    let heavy = |name| {
        let (sandbox, mut bomb) = (sandbox.clone(), compile_bomb(Stage::Route, LOOPS));
        bomb.extend_from_slice(&padding(1 << 20, name));
        tokio::spawn(async move { sandbox.compile("heavy", bomb.into(), 4 << 20).await.map(drop) })
    };
    let bombs = [heavy(b'a'), heavy(b'b'), heavy(b'c')];
    sandbox.compile("light", pass(Stage::Route).into(), 1 << 20).await.expect("compiles");
    assert!(bombs.iter().all(|bomb| !bomb.is_finished()), "a bomb was over first");
    bombs.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A custom section of about so many bytes.
fn padding(bytes: usize, name: u8) -> Vec<u8> {
    let mut section = vec![0];
    let (mut rest, mut length) = (bytes + 2, Vec::new());
    while rest >= 0x80 {
        length.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    length.push(u8::try_from(rest).expect("seven bits"));
    section.extend(length);
    section.extend([1, name]);
    section.resize(section.len() + bytes, 0);
    section
}

#[tokio::test]
async fn every_standard_plugin_compiles_in_confinement() {
    let sandbox = sandbox(None);
    for plugin in witgate_config::builtin::ALL {
        let bytes = bytes::Bytes::from_static(plugin.component);
        let compiled = sandbox.compile(plugin.name, bytes, 1 << 20).await;
        compiled.unwrap_or_else(|cause| panic!("{}: {cause}", plugin.name));
    }
}

#[tokio::test]
async fn the_compilers_own_words_come_through() {
    let mut broken = pass(Stage::Auth);
    broken.truncate(200);
    let refused = sandbox(None).compile("guest", broken.into(), 1 << 20).await.expect_err("refused");
    assert!(matches!(refused, LoadError::Compile { .. }), "{refused}");
    assert!(refused.to_string().contains("unexpected end"), "{refused}");
}

/// What a bomb would take, `cargo test -p witgate --test compile -- --ignored --nocapture unbounded`
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn unbounded() {
    let compiler = Compiler::Child(ChildCompiler {
        program: PROGRAM.into(),
        arguments: vec!["compile".into()],
        cache: None,
        memory_bytes: Some(16 * 1024 * MIB),
        cpu_time: Some(Duration::from_hours(1)),
        wall_time: Some(Duration::from_hours(1)),
    });
    let sandbox =
        Sandbox::new(SandboxConfig { instances: 4, compiler, ..SandboxConfig::default() }).expect("a sandbox");
    let bomb = compile_bomb(Stage::Route, LOOPS);
    let bytes = bomb.len();
    let began = std::time::Instant::now();
    let compiling = tokio::spawn(async move { sandbox.compile("guest", bomb.into(), 1 << 20).await.map(drop) });
    let compiler = tokio::task::spawn_blocking(|| children(std::process::id())).await.expect("a child")[0];
    let mut peak = 0;
    while !compiling.is_finished() {
        peak = peak.max(resident(compiler).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{bytes} bytes: {:.0} s, {} MiB, {:?}", began.elapsed().as_secs_f64(), peak / MIB, compiling.await);
}

/// `cargo test -p witgate --test compile -- --ignored --nocapture cost`
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn cost() {
    let folder = TempDir::new().expect("a folder");
    let cache = folder.path().join("cache");
    for what in ["cold", "warm"] {
        let sandbox = sandbox(Some(cache.clone()));
        let began = std::time::Instant::now();
        for plugin in witgate_config::builtin::ALL {
            let bytes = bytes::Bytes::from_static(plugin.component);
            sandbox.compile(plugin.name, bytes, 1 << 20).await.expect("compiles");
        }
        println!("{what}: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    }
}
