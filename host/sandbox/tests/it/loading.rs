//! What is refused before anything of it runs, and in which words.

use insta::assert_snapshot;
use witgate_policy::{Limits, Stage};
use witgate_sandbox::{LoadError, PluginSpec};
use witgate_test_guests::{Guest, core_module, pass, trap};

use crate::world::{LIMIT_BYTES, compile, load, sandbox, spec};

async fn refused(wasm: Vec<u8>, spec: PluginSpec) -> String {
    load(&sandbox(), wasm, spec).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn every_kind_is_found_by_its_exports() {
    let sandbox = sandbox();
    for kind in Stage::ALL {
        let plugin = load(&sandbox, pass(kind), spec()).await.expect("loads");
        assert_eq!(plugin.kinds(), [kind]);
        assert_eq!(plugin.authenticator().is_some(), kind == Stage::Auth);
        assert_eq!(plugin.output_sanitizer().is_some(), kind == Stage::Sanitize);
    }
}

#[tokio::test]
async fn a_core_module_is_no_component() {
    assert_snapshot!(refused(core_module(), spec()).await, @"plugin `guest` is a core module, not a component; build it for the target `wasm32-wasip2`, or link it with `wasm-component-ld`, or make a component of it with `wasm-tools component new`");
}

#[tokio::test]
async fn what_is_not_wasm_is_refused() {
    assert_snapshot!(refused(b"(component)".to_vec(), spec()).await, @"plugin `guest` is not WebAssembly in its binary form");
    assert_snapshot!(refused(Vec::new(), spec()).await, @"plugin `guest` is not WebAssembly in its binary form");
}

#[tokio::test]
async fn what_does_not_compile_is_refused() {
    let mut wasm = pass(Stage::Auth);
    wasm.truncate(200);
    assert!(matches!(compile(&sandbox(), wasm).await, Err(LoadError::Compile { .. })));
}

#[tokio::test]
async fn a_file_may_be_too_long() {
    let wasm = pass(Stage::Auth);
    let limit = wasm.len() - 1;
    let refused = sandbox().compile("guest", wasm.into(), limit).await;
    assert!(matches!(refused, Err(LoadError::TooLarge { limit_bytes, .. }) if limit_bytes == limit));
}

#[tokio::test]
async fn another_version_is_named() {
    let wasm = Guest::new(Stage::Validate).version("0.2.0").build();
    assert_snapshot!(refused(wasm, spec()).await, @"plugin `guest` exports `witgate:validate/validator@0.2.0`, this gate speaks `witgate:validate/validator@0.1.0`");
}

#[tokio::test]
async fn settings_that_the_plugin_refuses_are_its_words() {
    let wasm = Guest::new(Stage::Auth).refuse_settings("`keys` is missing\u{1b}[2J").build();
    assert_snapshot!(refused(wasm, spec()).await, @"plugin `guest` does not accept its settings: `keys` is missing [2J");
}

#[tokio::test]
async fn a_self_test_that_fails_says_how() {
    let wasm = Guest::new(Stage::Auth).configure("unreachable").build();
    assert_snapshot!(refused(wasm, spec()).await, @"plugin `guest` failed its self test: it trapped: wasm `unreachable` instruction executed");
    let wasm = Guest::new(Stage::Auth).configure("(loop $again (br $again)) unreachable").build();
    assert_snapshot!(refused(wasm, spec()).await, @"plugin `guest` failed its self test: it took longer than its limit of 10ms of guest time (`guest-time-ms`); raise it, or for long documents `guest-time-ms-per-mib`, under [plugin.limits] if the plugin is meant to need more");
    let greedy = "(if (i32.eq (memory.grow (i32.const 300)) (i32.const -1)) (then unreachable)) unreachable";
    let wasm = Guest::new(Stage::Auth).configure(greedy).build();
    assert_snapshot!(refused(wasm, spec()).await, @"plugin `guest` failed its self test: it asked for more memory (`memory-bytes` = 16777216) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");
}

#[tokio::test]
async fn a_limit_has_a_ceiling() {
    let limits = Limits { memory_bytes: Some(4 << 30), ..Limits::default() };
    assert_snapshot!(refused(trap(Stage::Auth), PluginSpec { limits, ..spec() }).await, @"the limit `memory-bytes` of plugin `guest` is 4294967296, it must be between 1 and 1073741824");
}

#[tokio::test]
async fn the_same_file_is_compiled_once() {
    let sandbox = sandbox();
    let first = compile(&sandbox, pass(Stage::Auth)).await.expect("compiles");
    let second = compile(&sandbox, pass(Stage::Auth)).await.expect("is there");
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.digest().len(), 64);
    assert!(first.is(&second), "not only equal");
}

#[tokio::test]
async fn an_inspection_says_what_a_component_needs() {
    let wasm = Guest::new(Stage::Sanitize)
        .import("witgate:counter/counter@0.1.0")
        .import("wasi:random/random@0.2.12")
        .import("wasi:logging/logging@0.1.0-draft")
        .import("wasi:cli/environment@0.2.12")
        .build();
    let size_bytes = wasm.len();
    let found = sandbox().inspect("guest", wasm.into(), LIMIT_BYTES).await.expect("a component");
    assert_eq!(found.kinds, [Stage::Sanitize]);
    assert_eq!(found.exports, ["witgate:sanitize/sanitizer@0.1.0"]);
    assert_eq!(found.grants, ["counter", "random"]);
    assert_eq!(found.size_bytes, size_bytes);
    assert!(found.unknown.is_empty() && found.forbidden.is_empty());
    assert!(found.imports.contains(&"wasi:cli/environment@0.2.12".to_owned()), "{:?}", found.imports);
}
