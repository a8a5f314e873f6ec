//! Guests that reach for what is not theirs: files, the environment, what others stored. Each row is a sequence of
//! operations for the probe (`tests/guests/probe`), which tells how each went; what matters is the last of them. Whatever
//! it tells is searched for canaries.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use witgate_test_guests::probe;
use witgate_tests::settings;
use witgate_tests::wire::Wire;

use crate::arena::{ATTACKED, Arena, write};
use crate::attempt::{Breach, Outcome, times};
use crate::canary::{self, Canaries};
use crate::renames;

/// One sequence.
pub(crate) struct Reach {
    pub(crate) name: &'static str,
    /// The probe that does it, and the tool that leads to it.
    pub(crate) probe: &'static str,
    /// The operations. `OUTSIDE` stands for the absolute path of the file outside, other words for addresses.
    pub(crate) ops: &'static str,
    pub(crate) last: Last,
}

/// How the last operation has to end.
pub(crate) enum Last {
    /// It is refused.
    Refused,
    /// It is refused with this word: the harm went as far as it should, and no farther.
    Fails(&'static str),
    /// It works, and this is what it gives at first: what it asks for was granted.
    Works(&'static str),
    /// However it ends, the call does.
    Ends,
    /// It gives this, which is nothing of anybody's.
    Gives(&'static str),
    /// The whole call ends in a fault of one of these labels.
    Fault(&'static [&'static str]),
}

const fn files(name: &'static str, ops: &'static str) -> Reach {
    Reach { name, probe: "files", ops, last: Last::Refused }
}

const fn local(name: &'static str, ops: &'static str, last: Last) -> Reach {
    Reach { name, probe: "local", ops, last }
}

/// `/data` may be written to, `/ro` may not.
pub(crate) static ROWS: &[Reach] = &[
    files("parent", r#"[{"op":"cat","dir":"/data","path":"../canary"}]"#),
    files("parent-of-a-folder", r#"[{"op":"cat","dir":"/data","path":"sub/../../canary"}]"#),
    files("absolute", r#"[{"op":"cat","dir":"/data","path":"OUTSIDE"}]"#),
    files("doubled-slashes", r#"[{"op":"cat","dir":"/data","path":"//..//canary"}]"#),
    files("link-that-is-there", r#"[{"op":"cat","dir":"/data","path":"out"}]"#),
    files("folder-link-that-is-there", r#"[{"op":"cat","dir":"/data","path":"up/canary"}]"#),
    files(
        "list-through-a-link",
        r#"[{"op":"open","dir":"/data","path":"up","flags":{"directory":true},"as":"u"},{"op":"list","dir":"u"}]"#,
    ),
    files(
        "link-of-its-own",
        r#"[{"op":"symlink","dir":"/data","target":"../canary","path":"own"},{"op":"cat","dir":"/data","path":"own"}]"#,
    ),
    files(
        "absolute-link-of-its-own",
        r#"[{"op":"symlink","dir":"/data","target":"OUTSIDE","path":"abs"},{"op":"cat","dir":"/data","path":"abs"}]"#,
    ),
    files("loop-of-links", r#"[{"op":"cat","dir":"/data","path":"loop"}]"#),
    files("proc-environ", r#"[{"op":"cat","dir":"/data","path":"environ"}]"#),
    files("proc-root", r#"[{"op":"cat","dir":"/data","path":"root/etc/passwd"}]"#),
    files("device", r#"[{"op":"cat","dir":"/data","path":"zero"}]"#),
    files("fifo", r#"[{"op":"cat","dir":"/data","path":"fifo"}]"#),
    files("fifo-to-write", r#"[{"op":"open","dir":"/data","path":"fifo","flags":{"write":true},"as":"f"}]"#),
    files("hard-link-from-outside", r#"[{"op":"link","dir":"/data","path":"../canary","to-dir":"/data","to":"hard"}]"#),
    files("rename-out", r#"[{"op":"rename","dir":"/data","path":"inside","to-dir":"/data","to":"../moved"}]"#),
    files(
        "make-outside",
        r#"[{"op":"open","dir":"/data","path":"../made","flags":{"create":true,"write":true},"as":"f"}]"#,
    ),
    files("folder-outside", r#"[{"op":"mkdir","dir":"/data","path":"../made"}]"#),
    files("remove-outside", r#"[{"op":"unlink","dir":"/data","path":"../canary"}]"#),
    files("stat-outside", r#"[{"op":"stat","dir":"/data","path":"../canary"}]"#),
    files("write-what-is-to-be-read", r#"[{"op":"open","dir":"/ro","path":"inside","flags":{"write":true},"as":"f"}]"#),
    files("make-where-to-read", r#"[{"op":"mkdir","dir":"/ro","path":"made"}]"#),
    files("remove-what-is-to-be-read", r#"[{"op":"unlink","dir":"/ro","path":"inside"}]"#),
    files("date-what-is-to-be-read", r#"[{"op":"set-times","dir":"/ro","path":"inside"}]"#),
    files("link-into-where-to-write", r#"[{"op":"link","dir":"/ro","path":"inside","to-dir":"/data","to":"hard"}]"#),
    files("a-folder-that-is-not-there", r#"[{"op":"cat","dir":"/","path":"etc/passwd"}]"#),
    files(
        "more-than-the-quota",
        r#"[{"op":"open","dir":"/data","path":"big","flags":{"create":true,"write":true},"as":"f"},{"op":"set-size","file":"f","size":1099511627776}]"#,
    ),
    files(
        "far-behind-the-end",
        r#"[{"op":"open","dir":"/data","path":"far","flags":{"create":true,"write":true},"as":"f"},{"op":"write","file":"f","text":"x","offset":1099511627776}]"#,
    ),
    Reach {
        name: "file-handles",
        probe: "files",
        ops: r#"[{"op":"repeat","times":5000,"ops":[{"op":"open","dir":"/ro","path":"inside"}]}]"#,
        last: Last::Fault(&["memory", "limit", "trap"]),
    },
    local("environment", r#"[{"op":"env"}]"#, Last::Gives("{}")),
    local("arguments", r#"[{"op":"args"}]"#, Last::Gives("[]")),
    local("standard-input", r#"[{"op":"stdin"}]"#, Last::Gives("")),
    local("another-bucket", r#"[{"op":"kv-open","bucket":"neighbour"}]"#, Last::Refused),
    local("a-large-value", r#"[{"op":"kv-set","key":"k","zeros":7000000}]"#, Last::Refused),
    local("settings-of-others", r#"[{"op":"config","key":"keys"}]"#, Last::Refused),
];

/// The plugins that are driven, one for each probe.
pub(crate) fn plugins(folder: &Path) -> String {
    let text = |path: &str| settings::text(&folder.join(path).display().to_string());
    let files = format!(
        "grants = {{ files = [{{ path = {}, as = \"/data\", write = true, quota-bytes = 65536 }}, {{ path = {}, as = \"/ro\" }}] }}",
        text("data"),
        text("ro")
    );
    let local = "grants = { keyvalue = true, counter = true, config = true, clocks = true, random = true }".to_owned();
    let plugin = |(name, grants): (&str, String)| {
        write(folder, &format!("probe-{name}"), &probe(name));
        let file = folder.join(format!("probe-{name}.wasm")).display().to_string();
        let keys = format!("when = {{ targets = [\"probe-{name}\"] }}\nlimits = {{ guest-time-ms = 2000 }}\n{grants}");
        settings::plugin(&format!("probe-{name}"), &file, &keys, "")
    };
    [("files", files), ("local", local)].map(plugin).concat()
}

/// What the probes find, and beside it what they must not: `folder/canary`.
pub(crate) fn furnish(folder: &Path, canaries: &Canaries) {
    let put = |path: &str, text: &str| std::fs::write(folder.join(path), text).expect("a file");
    let link = |target: &str, path: &str| std::os::unix::fs::symlink(target, folder.join(path)).expect("a link");
    put("canary", canaries.text(canary::FILE));
    for path in ["data", "ro", "data/sub"] {
        std::fs::create_dir(folder.join(path)).expect("a folder");
    }
    put("data/inside", "inside");
    put("ro/inside", "inside");
    link("../canary", "data/out");
    link("..", "data/up");
    link("loop", "data/loop");
    link("/proc/self/environ", "data/environ");
    link("/proc/self/root", "data/root");
    link("/dev/zero", "data/zero");
    renames::furnish(folder);
    let made = Command::new("mkfifo").arg(folder.join("data/fifo")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo, of coreutils, makes a FIFO");
}

/// What was changed outside, which nobody may.
pub(crate) fn changed(folder: &Path, canaries: &Canaries) -> Vec<String> {
    let kept = std::fs::read_to_string(folder.join("canary")).is_ok_and(|text| text == canaries.text(canary::FILE));
    let made = ["made", "moved"].into_iter().filter(|name| folder.join(name).exists());
    let inside = std::fs::read_to_string(folder.join("ro/inside")).is_ok_and(|text| text == "inside");
    let broken =
        [("canary", kept), ("ro/inside", inside)].into_iter().filter(|(_, whole)| !whole).map(|(name, _)| name);
    made.chain(broken).map(str::to_owned).collect()
}

/// Tries one sequence.
pub(crate) async fn attempt(arena: &Arena, reach: &Reach, client: &mut Wire) -> Outcome {
    let tool = format!("probe-{}", reach.probe);
    let outside = arena.folder.path().join("canary").display().to_string();
    let ops = arena.addressed(reach.ops).replace("OUTSIDE", &outside);
    let from = arena.gate.process().lines();
    let answer = client.call(&tool, &format!("{{\"ops\":{ops}}}")).await;
    let leaks = arena.leaks_in(&answer.body.replace(&outside, ""));
    if !leaks.is_empty() {
        return Err(Breach::Leak(format!("{leaks:?} in {}", answer.body)));
    }
    let is_it = |record: &Value| record["tenant"] == ATTACKED && record["target"] == *tool;
    let record = arena.gate.record(reach.name, from, is_it).await;
    let steps = record["plugins"].as_array().cloned().unwrap_or_default();
    let step = steps.iter().rfind(|step| step["plugin"] == *tool).cloned().unwrap_or_default();
    let fault = step["fault"].as_str().unwrap_or_default();
    let last = last_told(&answer.body, &ops);
    let as_it_should = match &reach.last {
        Last::Refused => last.starts_with("error"),
        Last::Fails(word) => last.strip_prefix("error: ").is_some_and(|rest| rest == *word),
        Last::Works(what) => last.strip_prefix("ok: ").is_some_and(|rest| rest.starts_with(what)),
        Last::Ends => !step.is_null(),
        Last::Gives(what) => last.strip_prefix("ok:").is_some_and(|rest| rest.trim() == *what),
        Last::Fault(labels) => labels.iter().any(|label| fault.starts_with(label)),
    };
    if as_it_should {
        times(&record, &step)
    } else {
        Err(Breach::Escape(format!("`{last}`, {step}, in {}", answer.body)))
    }
}

/// What the probe tells of its last operation, if it has done all of them.
fn last_told(body: &str, ops: &str) -> String {
    let told = told(body);
    let last = told.last().and_then(|finding| finding["message"].as_str());
    last.filter(|_| told.len() == list(ops, "").len()).unwrap_or_default().to_owned()
}

/// What the probe tells of each of its operations.
pub(crate) fn told(body: &str) -> Vec<Value> {
    list(body, "/error/data/findings")
}

fn list(text: &str, pointer: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
}
