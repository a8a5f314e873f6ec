//! Components: a core module, as a compiler leaves it, becomes a component of a project's world.
//!
//! A module that carries its component's type (as objects of C and C++ bindings do) keeps it; any other gets the type of
//! the world in `wit/`. Imports of WASI preview 1 are served by an adapter that is put into the component.
//!
//! Invariants: what is returned was validated; a component imports nothing that the module or its adapter does not use.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;
use wasi_preview1_component_adapter_provider as preview1;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

use crate::bindings::{self, BindingsError};

/// What serves a module's imports of WASI preview 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// Nothing: the module has no such imports.
    #[default]
    None,
    /// Standard error alone: no clock that runs, no entropy (what asks for a key fails), no files, no environment, no arguments. What the component
    /// answers then depends on nothing but what it is told, and it imports nothing that needs a grant.
    Pure,
    /// Output, clocks and entropy; no files, no environment, no arguments.
    Proxy,
    /// Files, an environment and arguments besides.
    Reactor,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The world could not be read.
    #[error(transparent)]
    World(#[from] BindingsError),
    /// The module does not fit the world, or is no module.
    #[error("the module is no component of the world `plugin`: {0}")]
    Module(String),
}

/// Makes a component of a core module. `wit` is the project's folder of that name.
pub fn encode(module: &[u8], wit: &Path, adapter: Adapter) -> Result<Vec<u8>, ComponentError> {
    let module = typed(module, wit)?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).map_err(|error| wrong(&error))?;
    if let Some(bytes) = adapter.bytes()? {
        encoder.adapter(preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, &bytes).map_err(|error| wrong(&error))?;
    }
    encoder.encode().map_err(|error| wrong(&error))
}

impl Adapter {
    fn bytes(self) -> Result<Option<Cow<'static, [u8]>>, ComponentError> {
        Ok(match self {
            Self::None => None,
            Self::Pure => Some(Cow::Owned(pure()?)),
            Self::Proxy => Some(Cow::Borrowed(preview1::WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER)),
            Self::Reactor => Some(Cow::Borrowed(preview1::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)),
        })
    }
}

/// The adapter that is our own, with the type of what it imports.
fn pure() -> Result<Vec<u8>, ComponentError> {
    let mut module = wat::parse_str(include_str!("component/pure.wat")).map_err(|error| wrong(&error))?;
    let mut resolve = Resolve::default();
    let pushed = resolve.push_source("pure.wit", include_str!("component/pure.wit"));
    let chosen = pushed.and_then(|package| resolve.select_world(&[package], None)).map_err(|error| wrong(&error))?;
    embed(&mut module, &resolve, chosen)?;
    Ok(module)
}

/// The module, with the type of its component.
fn typed(module: &[u8], wit: &Path) -> Result<Vec<u8>, ComponentError> {
    let (untyped, _) = wit_component::metadata::decode(module).map_err(|error| wrong(&error))?;
    let mut typed = module.to_vec();
    if untyped.is_none() {
        let (resolve, world) = bindings::world(wit)?;
        embed(&mut typed, &resolve, world)?;
    }
    Ok(typed)
}

fn embed(module: &mut Vec<u8>, resolve: &Resolve, world: WorldId) -> Result<(), ComponentError> {
    wit_component::embed_component_metadata(module, resolve, world, StringEncoding::UTF8).map_err(|error| wrong(&error))
}

fn wrong(error: &impl std::fmt::Display) -> ComponentError {
    ComponentError::Module(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"(func (export "answer") (result i32) (i32.const 42))"#;
    const DRAWS: &str = r#"
        (import "wasi_snapshot_preview1" "random_get" (func $draw (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "answer") (result i32) (call $draw (i32.const 0) (i32.const 4)))"#;
    const SPEAKS: &str = r#"
        (import "wasi_snapshot_preview1" "fd_write" (func $say (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
          (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "answer") (result i32)
          (drop (call $say (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)))
          (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i64.const 0)
            (i32.const 0) (i32.const 0)))"#;

    /// The names of what the component of a module imports.
    fn imports(module: &str, adapter: Adapter) -> Result<Vec<String>, ComponentError> {
        let wit = tempfile::tempdir().expect("a folder");
        let world = "package test:plugin;\nworld plugin { export answer: func() -> u32; }\n";
        std::fs::write(wit.path().join("world.wit"), world).expect("a file");
        let module = wat::parse_str(format!("(module {module})")).expect("a module");
        let component = encode(&module, wit.path(), adapter)?;
        let decoded = wit_component::decode(&component).expect("a component");
        let wit_component::DecodedWasm::Component(resolve, world) = decoded else { panic!("not a component") };
        let imports = &resolve.worlds[world].imports;
        Ok(imports.keys().map(|key| resolve.name_world_key(key)).collect())
    }

    #[test]
    fn a_module_that_needs_nothing_imports_nothing() {
        assert_eq!(imports(ANSWER, Adapter::None).expect("a component"), [""; 0]);
        assert_eq!(imports(ANSWER, Adapter::Pure).expect("a component"), [""; 0]);
        assert_eq!(imports(ANSWER, Adapter::Reactor).expect("a component"), [""; 0]);
    }

    #[test]
    fn the_pure_adapter_answers_within_the_component() {
        assert_eq!(imports(DRAWS, Adapter::Pure).expect("a component"), [""; 0]);
        let spoken = imports(SPEAKS, Adapter::Pure).expect("a component");
        assert_eq!(spoken, ["wasi:io/error@0.2.12", "wasi:io/streams@0.2.12", "wasi:cli/stderr@0.2.12"]);
    }

    #[test]
    fn the_other_adapters_hand_on_to_the_host() {
        let drawn = imports(DRAWS, Adapter::Proxy).expect("a component");
        assert!(drawn.contains(&"wasi:random/random@0.2.12".to_owned()), "{drawn:?}");
        assert!(!drawn.iter().any(|name| name.starts_with("wasi:filesystem")), "{drawn:?}");
        let spoken = imports(SPEAKS, Adapter::Reactor).expect("a component");
        assert!(spoken.contains(&"wasi:filesystem/types@0.2.12".to_owned()), "{spoken:?}");
    }

    #[test]
    fn what_does_not_fit_the_world_is_told() {
        let unserved = imports(DRAWS, Adapter::None).expect_err("an import that nothing serves").to_string();
        assert!(unserved.contains("wasi_snapshot_preview1::random_get"), "{unserved}");
        let missing = imports("", Adapter::None).expect_err("an export that is not there").to_string();
        assert!(missing.contains("answer"), "{missing}");
    }

    #[test]
    fn what_is_no_module_is_told() {
        assert!(matches!(encode(b"no module", Path::new("wit"), Adapter::None), Err(ComponentError::Module(_))));
    }
}
