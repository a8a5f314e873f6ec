use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use tempfile::TempDir;
use witgate_gateway::record::{Record, Recorder, TurnedAway};
use witgate_sandbox::{Sandbox, SandboxConfig};

use super::*;
use crate::generation::Stores;

struct Nobody;

impl Recorder for Nobody {
    fn record(&self, _: &Record) {}
    fn turned_away(&self, _: &TurnedAway) {}
}

struct Case {
    folder: TempDir,
    reloader: Reloader,
    gate: Arc<Gate>,
}

const FIRST: &str = "anonymous = true
[upstream.leave]
builtin = \"leave\"
[[plugin]]
name = \"own\"
source = \"own.wasm\"
";

impl Case {
    /// A gate that serves `FIRST`, with one plugin in a file.
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("witgate.toml");
        fs::write(&path, FIRST).expect("writes");
        component(folder.path(), "retry-backoff");
        let origin = Origin::File(path);
        let config = crate::surroundings::load(&origin).map_err(|found| found.to_string()).expect("a good file");
        let sandbox = Sandbox::new(SandboxConfig { instances: 4, ..SandboxConfig::default() }).expect("a sandbox");
        let builder = Builder::new(sandbox, Stores::in_memory().expect("random bytes"));
        let built = builder.build(&config, None).await.map_err(|found| found.to_string()).expect("builds");
        let gate = Arc::new(Gate::new(built.generation, Arc::new(Nobody)));
        let reloader = Reloader::new(origin, builder, gate.clone(), config, built.roster, built.retired);
        Self { folder, reloader, gate }
    }

    fn write(&self, text: &str) {
        replace(&self.folder.path().join("witgate.toml"), text.as_bytes());
    }

    #[track_caller]
    fn serves(&self, number: u64) {
        assert_eq!(self.gate.generation().number, number);
    }
}

/// As editors and configuration managers do: a new file under the old name.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).expect("writes");
    fs::rename(&beside, path).expect("renames");
}

fn component(folder: &Path, builtin: &str) {
    replace(&folder.join("own.wasm"), witgate_config::builtin::named(builtin).expect("a plugin").component);
}

fn digest(gate: &Gate) -> Arc<str> {
    let generation = gate.generation();
    let pipeline = &generation.named("default").expect("the tenant").spec().pipeline;
    let route = pipeline.route.first().map(|hook| hook.digest.clone());
    route.or(pipeline.retry.first().map(|hook| hook.digest.clone())).expect("a plugin")
}

#[tokio::test]
async fn files_that_did_not_change_change_nothing_but_a_request_does() {
    let mut case = Case::new().await;
    assert!(matches!(case.reloader.reload(Nudge::Files).await, Reloaded::Same));
    case.serves(1);
    assert!(matches!(case.reloader.reload(Nudge::Asked).await, Reloaded::Swapped { number: 2 }));
    case.serves(2);
}

#[tokio::test]
async fn a_changed_configuration_or_plugin_serves() {
    let mut case = Case::new().await;
    case.write(&format!("{FIRST}# changed\n"));
    assert!(matches!(case.reloader.reload(Nudge::Files).await, Reloaded::Swapped { number: 2 }));
    let before = digest(&case.gate);
    component(case.folder.path(), "route-weighted");
    assert!(matches!(case.reloader.reload(Nudge::Files).await, Reloaded::Swapped { number: 3 }));
    assert_ne!(digest(&case.gate), before);
}

#[tokio::test]
async fn a_bad_one_leaves_the_old_one_serving_and_says_why() {
    let mut case = Case::new().await;
    let bad = [
        ("anonymous = ", "not TOML"),
        (&FIRST.replace("anonymous", "anonimous"), "`anonimous` is not a key"),
        (&FIRST.replace("anonymous = true", ""), "no plugin of kind auth"),
    ];
    for (text, want) in bad {
        case.write(text);
        let Reloaded::Refused(problems) = case.reloader.reload(Nudge::Files).await else { panic!("{text} is bad") };
        assert!(problems.to_string().contains(want), "{problems}");
        case.serves(1);
    }
    case.write(FIRST);
    replace(&case.folder.path().join("own.wasm"), b"\0asm\x01\0\0\0");
    let Reloaded::Refused(problems) = case.reloader.reload(Nudge::Files).await else { panic!("a core module") };
    assert!(problems.to_string().contains("core module"), "{problems}");
    component(case.folder.path(), "retry-backoff");
    assert!(matches!(case.reloader.reload(Nudge::Files).await, Reloaded::Swapped { number: 2 }));
}

#[tokio::test]
async fn the_old_generation_ends_with_its_last_message() {
    let mut case = Case::new().await;
    let message = case.gate.generation();
    case.write(&FIRST.replace("upstream.leave", "upstream.other"));
    assert!(matches!(case.reloader.reload(Nudge::Files).await, Reloaded::Swapped { number: 2 }));
    assert!(case.reloader.settle().now_or_never().is_none(), "a message still holds it");
    drop(message);
    case.reloader.settle().await;
}

#[tokio::test]
async fn a_file_that_is_replaced_nudges() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("witgate.toml");
    fs::write(&path, "1").expect("writes");
    let (nudges, mut inbox) = mpsc::channel(1);
    let _watcher = Watcher::start(std::slice::from_ref(&path), nudges).expect("watches");
    for text in ["2", "3"] {
        replace(&path, text.as_bytes());
        let nudge = tokio::time::timeout(Duration::from_secs(30), inbox.recv()).await;
        assert_eq!(nudge, Ok(Some(Nudge::Files)), "{text}");
    }
}
