//! Tests of the judge: who is recycled, who is not, who is refused; and whose functions the tools are.

use std::path::PathBuf;
use std::sync::Arc;

use wasmparser::{CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Payload, Validator};
use wasmtime::component::{Instance, Linker};
use wasmtime::{Engine, Store};
use witgate_test_guests::{Guest, Stage, component as text};

use super::{KNOWN, READY, component, module, prepare, tools};
use crate::compiler::Made;
use crate::component::Compiled;
use crate::engine::{self, Weight};
use crate::error::LoadError;

/// A component with a memory and a number that changes. `fields` are its module's, `more` are its own; `name` is that of
/// a function that it exports.
fn small(fields: &str, more: &str, name: &str) -> Vec<u8> {
    text(&format!(
        r#"(component
          (core module $m
            (memory (export "memory") 1)
            (global $number (mut i32) (i32.const 5))
            (func (export "f") (global.set $number (i32.const 6)))
            {fields})
          (core instance $i (instantiate $m))
          (func $f (canon lift (core func $i "f")))
          {more}
          (export "{name}" (func $f)))"#
    ))
}

fn is_recyclable(component: &[u8]) -> bool {
    prepare(Weight::Light, component).expect("of use").recyclable
}

/// Fields and parts of components that are not recycled.
const UNFIT: [(&str, &str); 8] = [
    ("(func $s) (start $s)", ""),
    ("(table $t 1 funcref) (func (table.set $t (i32.const 0) (ref.null func)))", ""),
    ("(data $d \"x\") (func (data.drop $d))", ""),
    ("(elem $e func) (func (elem.drop $e))", ""),
    ("(memory 1)", ""),
    ("", "(core module $o (func (export \"witgate-recycle-ready\"))) (core instance (instantiate $o))"),
    ("(func (export \"witgate-recycle-ready\"))", ""),
    ("", "(core instance (instantiate $m))"),
];

#[test]
fn the_tools_names_are_the_hosts() {
    const NAMES: [&str; 4] = [READY, "witgate-recycle", "WITGATE-RECYCLE-READY", "witgate-recycle-other"];
    let fit = ("", "");
    for (fields, more) in UNFIT.into_iter().chain([fit]) {
        for weight in [Weight::Light, Weight::Heavy] {
            for name in NAMES {
                let exports = prepare(weight, &small(fields, more, name)).map(|prepared| prepared.recyclable);
                assert!(exports.is_err_and(|why| why.contains(name)), "{weight:?} {name} {fields} {more}");
                let more = format!("(import \"{name}\" (func)) {more}");
                let imports = prepare(weight, &small(fields, &more, "f")).map(|prepared| prepared.recyclable);
                assert!(imports.is_err_and(|why| why.contains(name)), "{weight:?} {name} {fields} {more}");
            }
            let recyclable = prepare(weight, &small(fields, more, "f")).expect("of use").recyclable;
            assert_eq!(recyclable, (fields, more) == fit && weight == Weight::Light, "{weight:?} {fields} {more}");
        }
    }
    assert!(!is_recyclable(b"no component"), "whoever compiles it says so");
}

/// Whoever gets past the judge with the tools' names, or past the child, has no tools.
#[test]
fn what_a_component_exports_does_not_make_it_recyclable() {
    let engine = engine::light(1).expect("an engine");
    let guest = Guest::new(Stage::Route).build();
    let prepared = prepare(Weight::Light, &guest).expect("of use");
    let compiled = |recyclable| {
        let code = wasmtime::component::Component::new(&engine, &prepared.component).expect("compiles");
        Compiled::new(&"p".into(), &engine, Weight::Light, "digest".into(), 1, Made { code, recyclable })
    };
    let exports = compiled(true).expect("loads").exports;
    assert!(matches!(exports.as_slice(), [interface] if interface.starts_with("witgate:")), "{exports:?}");
    let cause = compiled(false).map(|compiled| compiled.exports);
    assert!(matches!(cause, Err(LoadError::Compile { cause, .. }) if cause.contains(READY)));
}

/// What validates as an alias of a function and is none of those that are usually written is not recycled.
#[test]
fn a_function_by_its_exact_type_is_not_recycled() {
    let mut component = small("(func (export \"exact\"))", "(alias core export $i \"exact\" (core func))", "f");
    assert!(is_recyclable(&component));
    // Core, function, of an export, of the instance 0, by its name.
    let alias = b"\x00\x00\x01\x00\x05exact";
    let at: Vec<usize> =
        component.windows(alias.len()).enumerate().filter(|(_, it)| it == alias).map(|it| it.0).collect();
    let [at] = at[..] else { panic!("one alias: {at:?}") };
    component[at + 1] = 0x20;
    Validator::new_with_features(KNOWN).validate_all(&component).expect("the validator takes it for a function");
    assert!(!is_recyclable(&component));
}

/// Looks for the tools where the validator counts them, in what is compiled.
fn its_tool_is_its_own(what: &str, component: &[u8]) {
    let prepared = prepare(Weight::Light, component).expect("of use");
    assert!(prepared.recyclable, "{what} is not recycled");
    let types = Validator::new_with_features(KNOWN).validate_all(&prepared.component).expect("valid");
    let types = types.as_ref();
    let (mut aliases, mut lifted, mut exports) = (Vec::new(), Vec::new(), Vec::new());
    component::parts(&prepared.component, |part| {
        match part {
            Payload::ComponentAliasSection(reader) => aliases = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::ComponentCanonicalSection(reader) => lifted = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::ComponentExportSection(reader) => exports = reader.into_iter().collect::<Result<_, _>>()?,
            _ => {}
        }
        Ok(())
    })
    .expect("reads");
    // The last of each are those of one instance.
    let last: Vec<_> = aliases
        .iter()
        .map(|alias| match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index, name } => (*kind, *instance_index, *name),
            other => panic!("{what}: {other:?}"),
        })
        .collect();
    let [(ExternalKind::Memory, memory_of, tools::MEMORY), (ExternalKind::Func, ready_of, READY)] = last[..] else {
        panic!("{what}: {last:?}")
    };
    assert_eq!(memory_of, ready_of, "{what}");
    let [CanonicalFunction::Lift { core_func_index, type_index, options }] = &lifted[..] else {
        panic!("{what}: {lifted:?}")
    };
    let (function, ty) = (types.function_count() - 1, types.component_type_count() - 1);
    assert_eq!((*core_func_index, *type_index), (function, ty), "{what}");
    assert_eq!(**options, [CanonicalOption::Memory(types.memory_count() - 1)], "{what}");
    // The export is a function again.
    let exports: Vec<_> = exports.iter().map(|export| (export.name.name, export.index)).collect();
    assert_eq!(exports, [(READY, types.component_function_count() - 2)], "{what}");
}

#[test]
fn the_tools_are_the_modules_own() {
    let dist = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist");
    let mut plugins = 0;
    for entry in std::fs::read_dir(dist).expect("the standard plugins") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|end| end == "wasm") {
            plugins += 1;
            its_tool_is_its_own(&path.display().to_string(), &std::fs::read(&path).expect("a component"));
        }
    }
    assert_eq!(plugins, 8);
    for kind in Stage::ALL {
        its_tool_is_its_own("a guest", &Guest::new(kind).build());
        its_tool_is_its_own("a guest that imports", &Guest::new(kind).dropping().build());
    }
    let more = r#"
        (type $t (func (param "a" string)))
        (import "imported" (instance $imported (export "r" (type (sub resource))) (export "g" (func))))
        (alias export $imported "g" (func $g))
        (alias export $imported "r" (type $r))
        (core func $drop (canon resource.drop $r))
        (core func $lowered (canon lower (func $g)))
        (core module $still (import "" "g" (func)) (import "" "d" (func (param i32))) (table (export "t") 1 funcref))
        (core instance $s (instantiate $still
            (with "" (instance (export "g" (func $lowered)) (export "d" (func $drop))))))
        (alias core export $s "t" (core table))
        (alias core export $i "memory" (core memory))
        (alias core export $i "f" (core func))
        (core type $c (module))"#;
    its_tool_is_its_own("one with all that there is", &small("(global (export \"g\") i32 (i32.const 1))", more, "f"));
}

/// An instance of a component as it is compiled, in a store of its own.
fn instance(engine: &Engine, component: &[u8]) -> (Store<()>, Instance) {
    let prepared = prepare(Weight::Light, component).expect("of use");
    assert!(prepared.recyclable);
    let code = wasmtime::component::Component::new(engine, &prepared.component).expect("compiles");
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1_000_000);
    let instance = Linker::new(engine).instantiate(&mut store, &code).expect("an instance");
    (store, instance)
}

/// A component whose number is seen and set from outside, behind one that it imports. `get` leaves another there, and what
/// frees what it gives likewise. `post` says what that is.
fn counting(post: &str) -> Vec<u8> {
    text(&format!(
        r#"(component
          (core module $s (global (export "fixed") i32 (i32.const 3)))
          (core instance $s (instantiate $s))
          (core module $m
            (import "s" "fixed" (global i32))
            (memory (export "memory") 1)
            (global $number (mut i32) (i32.const 5))
            (func (export "get") (result i32) (global.get $number) (global.set $number (i32.const 9)))
            (func (export "set") (param i32) (global.set $number (local.get 0)))
            (func (export "post") (param i32)
              (global.set $number (i32.const 8))
              (i32.store8 (i32.const 9) (i32.add (i32.const 1) (i32.load8_u (i32.const 9)))))
            (func (export "add") (param i32) (global.set $number (i32.add (local.get 0) (i32.const 1))))
            (func (export "freed") (result i32) (i32.load8_u (i32.const 9))))
          (core instance $i (instantiate $m (with "s" (instance $s))))
          (func (export "get") (result u32) (canon lift (core func $i "get") {post}))
          (func (export "freed") (result u32) (canon lift (core func $i "freed")))
          (func (export "add") (param "to" u32) (canon lift (core func $i "add")))
          (func (export "set") (param "to" u32) (canon lift (core func $i "set"))))"#
    ))
}

/// The tools are run by themselves, without what else the sandbox does.
#[test]
fn numbers_are_put_back_when_a_call_ends() {
    let engine = engine::light(3).expect("an engine");
    let check = |post: &str, freed: [u32; 2]| {
        let (mut store, instance) = instance(&engine, &counting(post));
        let get = instance.get_typed_func::<(), (u32,)>(&mut store, "get").expect("get");
        let freed_by = instance.get_typed_func::<(), (u32,)>(&mut store, "freed").expect("freed");
        let set = instance.get_typed_func::<(u32,), ()>(&mut store, "set").expect("set");
        let ready = instance.get_typed_func::<(u32,), (bool,)>(&mut store, READY).expect("the tool");
        set.call(&mut store, (7,)).expect("sets");
        assert_eq!(get.call(&mut store, ()).expect("gives"), (7,), "{post}: nobody wants it yet");
        assert_eq!(freed_by.call(&mut store, ()).expect("counts"), (freed[0],), "{post}");
        assert_eq!(ready.call(&mut store, (0,)).expect("looks"), (false,), "{post}: a number has changed");
        set.call(&mut store, (5,)).expect("sets");
        assert_eq!(ready.call(&mut store, (0,)).expect("looks"), (true,), "{post}");
        for _ in 0..2 {
            set.call(&mut store, (7,)).expect("sets");
            assert_eq!(get.call(&mut store, ()).expect("gives"), (5,), "{post}");
            assert_eq!(get.call(&mut store, ()).expect("gives"), (5,), "{post}");
        }
        assert_eq!(freed_by.call(&mut store, ()).expect("counts"), (freed[1],), "{post}");
    };
    check("", [0, 0]);
    check(r#"(post-return (core func $i "post"))"#, [1, 5]);
    // One that may be called by itself, too.
    check(r#"(post-return (core func $i "add"))"#, [0, 0]);
}

#[test]
fn a_module_without_numbers_has_nothing_to_put_back() {
    let engine = engine::light(1).expect("an engine");
    let component = text(
        r#"(component
          (core module $m (memory (export "memory") 1) (func (export "f")))
          (core instance $i (instantiate $m))
          (func (export "f") (canon lift (core func $i "f"))))"#,
    );
    let (mut store, instance) = instance(&engine, &component);
    let ready = instance.get_typed_func::<(u32,), (bool,)>(&mut store, READY).expect("the tool");
    assert_eq!(ready.call(&mut store, (0,)).expect("looks"), (true,));
    let function = instance.get_typed_func::<(), ()>(&mut store, "f").expect("f");
    function.call(&mut store, ()).expect("ends");
}

#[test]
fn calls_end_in_the_module_that_moves() {
    let ends = |more: &str| is_recyclable(&small("(func (export \"g\")) (func (export \"f2\"))", more, "f"));
    let lifted = |lift: &str| ends(&format!("(func (export \"g\") (canon lift {lift}))"));
    assert!(lifted("(core func $i \"g\")"));
    assert!(lifted("(core func $i \"f2\") (post-return (core func $i \"g\"))"));
    let still = r#"(core module $s (func (export "h"))) (core instance $s (instantiate $s))"#;
    assert!(ends(still), "another may be there");
    assert!(!ends(&format!("{still} (func (export \"g\") (canon lift (core func $s \"h\")))")));
    let passed = r#"(core instance $p (export "h" (func $i "g")))
        (func (export "g") (canon lift (core func $p "h")))"#;
    assert!(!ends(passed), "whose it is was not looked for");
    let host = r#"(import "host" (func $host)) (core func $lowered (canon lower (func $host)))
        (func (export "g") (canon lift (core func $lowered)))"#;
    assert!(!ends(host));
    let whole =
        r#"(core module $s (import "m" "g" (func))) (core instance $s (instantiate $s (with "m" (instance $i))))"#;
    assert!(!ends(whole), "another may call it");
    let part = r#"(core module $s (import "m" "g" (func)))
        (core instance $s (instantiate $s (with "m" (instance (export "g" (func $i "g"))))))"#;
    assert!(ends(part), "no call ends there");
    assert!(!ends(&format!("{part} (func (export \"g\") (canon lift (core func $i \"g\")))")));
    let room = |name: &str| {
        let takes = "(param i32 i32 i32 i32) (result i32) (i32.const 64)";
        let fields =
            format!(r#"(func (export "r") {takes}) (func (export "o") {takes}) (func (export "t") (param i32 i32))"#);
        let more = format!(
            r#"(func (export "t") (param "a" string)
                 (canon lift (core func $i "t") (memory (core memory $i "memory")) (realloc (core func $i "r"))))
               (func (export "o") (param "a" u32) (param "b" u32) (param "c" u32) (param "d" u32) (result u32)
                 (canon lift (core func $i "{name}")))"#
        );
        is_recyclable(&small(&fields, &more, "f"))
    };
    assert!(room("o"));
    let freed = r#"(func (export "g") (canon lift (core func $i "f") (post-return (core func $i "g"))))"#;
    assert!(!is_recyclable(&small("(func (export \"g\"))", freed, "f")), "`f` ends its own call, and not that of `g`");
    assert!(!room("r"), "it is called for room in the middle of another");
    let many = |count: u32| {
        let of_each = |text: &str| (0..count).map(|at| text.replace('N', &at.to_string())).collect::<String>();
        let functions = of_each(r#"(func (export "gN"))"#);
        let lifted = of_each(r#"(func (export "hN") (canon lift (core func $i "gN")))"#);
        is_recyclable(&small(&functions, &lifted, "f"))
    };
    assert!(many(63));
    assert!(!many(64), "and `f`");
}

#[test]
fn a_component_within_has_no_functions_of_its_own() {
    let within = |inside: &str| {
        let more = format!(
            r#"(component $inner (import "f" (func $f)) {inside})
               (instance $inner (instantiate $inner (with "f" (func $f))))"#
        );
        is_recyclable(&small("", &more, "f"))
    };
    assert!(within("(export \"g\" (func $f))"));
    assert!(!within("(core func $g (canon lower (func $f))) (func (export \"g\") (canon lift (core func $g)))"));
    assert!(!within("(core module)"));
    assert!(!within("(type $r (resource (rep i32)))(core func (canon resource.new $r))"));
}

/// What a reference leads to may change though the reference does not.
#[test]
fn what_is_not_known_to_stand_still_is_not_recycled() {
    let cases = [
        "(type $s (struct (field (mut i32)))) (global $g (ref $s) (struct.new $s (i32.const 0)))",
        "(type $a (array (mut i32))) (func (drop (array.new $a (i32.const 0) (i32.const 1))))",
        "(type $s (struct (field (mut i32)))) (table 1 (ref null $s))",
        "(global $g (ref i31) (ref.i31 (i32.const 1)))",
        "(global $g externref (ref.null extern))",
        "(table 1 externref)",
        "(tag $t) (func (throw $t))",
        "(type $f (func)) (global $g (ref null $f) (ref.null $f))",
        "(memory $other 1)",
        "(func (drop (i32.atomic.load (i32.const 0))))",
        "(global $v (mut v128) (v128.const i32x4 0 0 0 0))",
    ];
    for fields in cases {
        assert!(!is_recyclable(&small(fields, "", "f")), "{fields}");
    }
    let many = "(global (mut i32) (i32.const 0))".repeat(256);
    assert!(!is_recyclable(&small(&many, "", "f")), "the tools would be long");
    for fields in [
        "(global $g funcref (ref.null func)) (table 1 funcref)",
        "(global $v v128 (v128.const i32x4 0 0 0 0))",
        "(global $n (mut f64) (f64.const nan))",
        "(func $tail (return_call $tail))",
        "(func (drop (i32.extend8_s (i32.const 0))) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
    ] {
        assert!(is_recyclable(&small(fields, "", "f")), "{fields}");
    }
}

/// The judge of modules does not lean on the validator for what is easy to see.
#[test]
fn a_module_is_judged_by_itself() {
    let module = |fields: &str| text(&format!("(module {fields})"));
    let memory = module(r#"(memory 1) (func (export "f"))"#);
    assert!(matches!(module::judge(&memory), Ok(module::Judged::Moving(_))));
    let number = module("(global i32 (i32.const 1))");
    assert!(matches!(module::judge(&number), Ok(module::Judged::Still)));
    for fields in [
        "(global $g externref (ref.null extern))",
        "(import \"\" \"g\" (global externref))",
        "(import \"\" \"g\" (global (mut i32)))",
        "(import \"\" \"t\" (table 1 externref))",
        "(table 1 anyref)",
        "(tag $t)",
        "(import \"\" \"t\" (tag))",
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(memory 1) (memory 1)",
        "(import \"\" \"m\" (memory 1))",
    ] {
        assert!(module::judge(&module(fields)).is_err(), "{fields}");
    }
}

#[test]
fn a_long_component_is_judged_as_a_short_one() {
    let guest = Guest::new(Stage::Route);
    assert!(prepare(Weight::Light, &guest.build_padded(1 << 16)).expect("of use").recyclable);
    let heavy: Arc<[u8]> = guest.build_padded(1 << 21).into();
    assert_eq!(Weight::of(&heavy), Weight::Heavy);
    assert!(!prepare(Weight::of(&heavy), &heavy).expect("of use").recyclable);
}
