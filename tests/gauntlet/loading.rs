//! Files that do harm when they are loaded, or that are no plugins at all. A reload with any of them is refused, says why
//! and where, and the old configuration serves on.

use witgate_test_guests::{Guest, Stage, core_module, pad, pass, swell};
use witgate_tests::process::Stream;
use witgate_tests::settings;

use crate::arena::{ATTACKED, Arena, write};
use crate::attempt::{Breach, Outcome};
use crate::compiling;
use crate::figures::Figures;

/// A file, and what the log has to say of it.
struct Bad {
    name: String,
    file: Vec<u8>,
    says: &'static str,
    /// Further keys of the plugin's table.
    keys: &'static str,
}

fn bad(name: &str, file: Vec<u8>, says: &'static str) -> Bad {
    Bad { name: name.to_owned(), file, says, keys: "" }
}

/// What a guest of one kind does before it is asked anything.
fn harm(kind: Stage) -> Vec<Bad> {
    let start = |body: &str| Guest::new(kind).field(&format!("(func $s {body}) (start $s)")).build();
    let configure = |body: &str| Guest::new(kind).configure(&format!("{body} unreachable")).build();
    let endless = "(loop $again (br $again))";
    let greedy = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let named = |what: &str, file, says| bad(&format!("{what}-{kind}"), file, says);
    vec![
        named("loop-in-start", start(endless), "took longer than its limit"),
        named("loop-in-configure", configure(endless), "took longer than its limit"),
        named("trap-in-start", start("unreachable"), "trapped"),
        named("trap-in-configure", configure(""), "trapped"),
        named("memory-in-start", start(greedy), "asked for more memory"),
        named("memory-in-configure", configure(greedy), "asked for more memory"),
        named("recursion-in-start", start("call $s"), "asked for more stack"),
    ]
}

/// Components that are larger than they look.
fn swollen() -> Vec<Bad> {
    let good = pass(Stage::Validate);
    let with = |module: &str, count| swell(&good, module, count);
    vec![
        bad("instances", with("(module)", 10_000), "instances"),
        bad("memories", with("(module (memory 1))", 100), "memor"),
        bad("tables", with("(module (table 10 funcref))", 100), "table"),
        bad("large-memory", with("(module (memory 4096))", 1), "memory"),
        bad("largest-memory", with("(module (memory 65536))", 1), "memory"),
        bad("large-table", with("(module (table 100001 funcref))", 1), "table"),
        bad("many-loops", compiling::loops(6_000, 1_000), "compiling it t"),
        bad("long-loops", compiling::loops(30_000, 100), "compiling it t"),
        bad("start-of-another", with("(module (func $s (loop $l (br $l))) (start $s))", 3), "took longer"),
    ]
}

/// What is no plugin.
fn no_plugins() -> Vec<Bad> {
    let good = pass(Stage::Validate);
    let cut = |at: usize| good[..at].to_vec();
    let component = |text: &str| wat(text);
    vec![
        bad("core-module", core_module(), "is a core module, not a component"),
        bad("empty", Vec::new(), "not WebAssembly"),
        bad("script", b"#!/bin/sh\nexit 0\n".to_vec(), "not WebAssembly"),
        bad("text", b"(component)".to_vec(), "not WebAssembly"),
        bad("magic-only", b"\0asm".to_vec(), ""),
        bad("cut-at-a-quarter", cut(good.len() / 4), ""),
        bad("cut-in-half", cut(good.len() / 2), ""),
        bad("cut-by-one", cut(good.len() - 1), ""),
        bad("wrong-world", component("(component)"), "is of no kind"),
        bad("wrong-version", Guest::new(Stage::Validate).version("9.0.0").build(), "this gate speaks"),
        bad(
            "escapes-in-configure",
            Guest::new(Stage::Validate).refuse_settings(crate::logs::FORGERY).build(),
            "settings",
        ),
        bad("too-long", pad(&good, 65 << 20), "are allowed"),
        bad("deep-types", component(&deep_types()), ""),
        bad("deep-components", nested(10_000), ""),
    ]
}

/// What no grant was given for, or none can be.
fn ungranted() -> Vec<Bad> {
    let import = |kind, interface: &str| Guest::new(kind).import(interface).build();
    let mut all = vec![
        bad("counter", import(Stage::Route, "witgate:counter/counter@0.1.0"), "not granted"),
        bad("clocks", import(Stage::Route, "wasi:clocks/monotonic-clock@0.2.12"), "not granted"),
        bad("keyvalue", import(Stage::Route, "wasi:keyvalue/store@0.2.0-draft"), "not granted"),
        bad("random", import(Stage::Route, "wasi:random/random@0.2.12"), "not granted"),
        bad("batch", import(Stage::Validate, "wasi:keyvalue/batch@0.2.0-draft"), "does not have"),
    ];
    for kind in Stage::ALL {
        let sockets = import(kind, "wasi:sockets/tcp@0.2.12");
        all.push(bad(&format!("sockets-{kind}"), sockets, "no grant can allow"));
    }
    for kind in [Stage::Route, Stage::Retry, Stage::Sanitize] {
        let network = import(kind, "wasi:http/outgoing-handler@0.2.12");
        all.push(bad(&format!("network-{kind}"), network.clone(), "no grant can allow"));
        let granted = bad(&format!("granted-network-{kind}"), network, "which no grant can give it");
        all.push(Bad { keys: "grants = { network = [{ origin = \"https://api.good.example\" }] }", ..granted });
    }
    all
}

/// A list of a list of a list …
fn deep_types() -> String {
    let lists: Vec<String> = (1..5_000).map(|at| format!("(type $t{at} (list $t{}))", at - 1)).collect();
    format!("(component (type $t0 (list u8)) {})", lists.concat())
}

/// A component in a component in a component …, made from the inside.
fn nested(depth: usize) -> Vec<u8> {
    let mut inner = wat("(component)");
    for _ in 0..depth {
        let mut outer = wat("(component)");
        // A section of components, with its length in five bytes.
        outer.push(4);
        let length = u32::try_from(inner.len()).expect("a length");
        outer.extend((0..5).map(|at| (length >> (7 * at)).to_le_bytes()[0] & 0x7f | if at < 4 { 0x80 } else { 0 }));
        outer.append(&mut inner);
        inner = outer;
    }
    inner
}

fn wat(text: &str) -> Vec<u8> {
    witgate_test_guests::component(text)
}

/// Loads all of them once.
pub(crate) async fn attack(arena: &Arena, figures: &mut Figures) {
    let mut all: Vec<Bad> = Stage::ALL.into_iter().flat_map(harm).collect();
    all.extend(swollen());
    all.extend(no_plugins());
    all.extend(ungranted());
    figures.units = arena.units.len() + all.len();
    for bad in &all {
        write(arena.folder.path(), &bad.name, &bad.file);
    }
    let plugins: String = all.iter().map(|bad| plugin(arena, &bad.name, bad.keys)).collect();
    let said = reload(arena, &plugins).await;
    for bad in &all {
        figures.tried(&bad.name, explained(&said, bad));
    }
}

fn explained(said: &Reload, bad: &Bad) -> Outcome {
    let Reload::Refused(why) = said else { return Err(Breach::Escape("it was loaded".to_owned())) };
    let problem = problem(why, &bad.name).ok_or_else(|| Breach::Escape(format!("it was loaded, as {why} says")))?;
    if problem.contains(bad.says) {
        return Ok(None);
    }
    Err(Breach::Unexplained(format!("`{}` is not in: {problem}", bad.says)))
}

/// What a refusal says of one plugin: one of its problems, of which each begins with a cross.
fn problem<'a>(why: &'a str, name: &str) -> Option<&'a str> {
    why.split(" × ")
        .find(|problem| problem.contains(&format!("`{name}`")) || problem.contains(&format!("/{name}.wasm")))
}

/// A plugin of the attacked tenant that is asked about one tool, which nobody calls until it is loaded; a credential
/// plugin, of which none here is ever loaded, can be asked about upstreams only.
fn plugin(arena: &Arena, name: &str, more: &str) -> String {
    let file = arena.folder.path().join(format!("{name}.wasm")).display().to_string();
    let when =
        if name.ends_with("-credential") { "upstreams = [\"main\"]".into() } else { format!("targets = [\"{name}\"]") };
    let keys = format!("when = {{ {when} }}\n{more}");
    settings::plugin(name, &file, &keys, "").replace("[[plugin]]", &format!("[[tenant.{ATTACKED}.plugin]]"))
}

/// How a reload ended.
enum Reload {
    Swapped,
    Refused(String),
}

/// Reloads with some more at the end of the configuration.
async fn reload(arena: &Arena, more: &str) -> Reload {
    let process = arena.gate.process();
    let from = process.lines();
    arena.gate.reconfigure(&(arena.configuration.clone() + more));
    let ended = |stream, line: &str| {
        if stream == Stream::Stderr && line.contains("the new configuration serves") {
            return Some(Reload::Swapped);
        }
        line.contains("the new configuration is refused").then(|| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            // Long lines go on after a bar.
            Reload::Refused(line["message"].as_str().unwrap_or_default().replace("\n  │ ", " "))
        })
    };
    process.line("the end of a reload", from, ended).await
}

/// One bit of a good file is another, at so many places. What is still a plugin is loaded, and asked: it may answer what
/// it likes.
pub(crate) async fn flip(arena: &Arena, figures: &mut Figures, places: usize) {
    let good = pass(Stage::Validate);
    let names: Vec<String> = (0..places).map(|at| format!("flipped-{at}-end")).collect();
    for (at, name) in names.iter().enumerate() {
        let mut file = good.clone();
        let place = at * good.len() / places;
        file[place] ^= 1 << (at % 8);
        write(arena.folder.path(), name, &file);
    }
    figures.units += places;
    let plugins = |names: &[&String]| names.iter().map(|name| plugin(arena, name, "")).collect::<String>();
    let all: Vec<&String> = names.iter().collect();
    let Reload::Refused(why) = reload(arena, &plugins(&all)).await else {
        figures.breach("bit-flips", Breach::Escape("all of them were loaded".to_owned()));
        return;
    };
    let (refused, loaded): (Vec<&String>, Vec<&String>) = all.iter().partition(|name| problem(&why, name).is_some());
    for name in refused {
        figures.tried(name, Ok(None));
    }
    if let Reload::Refused(why) = reload(arena, &plugins(&loaded)).await {
        figures.breach("bit-flips", Breach::Escape(format!("refused only when they are alone: {why}")));
        return;
    }
    let mut client = arena.client();
    for name in loaded {
        let body = client.call(name, "{}").await.body;
        let leaks = arena.leaks_in(&body);
        let outcome = if leaks.is_empty() { Ok(None) } else { Err(Breach::Leak(format!("{leaks:?}"))) };
        figures.tried(name, outcome);
    }
    if let Reload::Refused(why) = reload(arena, "").await {
        figures.breach("bit-flips", Breach::Escape(format!("the good configuration is refused: {why}")));
    }
}
