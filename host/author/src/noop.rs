//! A plugin of each kind that decides nothing: what any other is compared with.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve};

use crate::contract;
use crate::error::Error;
use crate::files::File;

/// The least that is a component of the kind: it abstains, accepts, gives up, passes, or shows nothing.
pub fn noop(kind: &str) -> Result<Vec<u8>, Error> {
    let files = contract::wit(kind, &[]).ok_or_else(|| Error::Kind { found: kind.to_owned() })?;
    make(kind, &files).map_err(|cause| Error::Noop(format!("{cause:#}")))
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn make(kind: &str, files: &[File]) -> Result<Vec<u8>, Cause> {
    let mut resolve = Resolve::default();
    let mut world = None;
    // Each package after those that it needs: ours need each other only.
    for package in ["types", kind, "world"] {
        let of =
            |file: &&File| file.path.contains(&format!("/{package}@")) || file.path == format!("wit/{package}.wit");
        for file in files.iter().filter(of) {
            let text = std::str::from_utf8(&file.content)?;
            // The worlds of the contract say what a plugin may import; this one imports nothing.
            let text = text.split("/// What a").next().filter(|_| package == kind).unwrap_or(text);
            world = Some(resolve.push_source(&file.path, text)?);
        }
    }
    let package = world.ok_or("there is no world")?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    let mut functions = String::new();
    for (key, item) in &resolve.worlds[world].exports {
        let wit_parser::WorldItem::Interface { id, .. } = item else { continue };
        for function in resolve.interfaces[*id].functions.values() {
            export(&mut functions, &resolve, &resolve.name_world_key(key), function, calm(kind));
        }
    }
    let mut module = wat::parse_str(format!(
        r#"(module (memory (export "memory") 1) (global $heap (mut i32) (i32.const 4096))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
          (global.set $heap (i32.add (local.get $at) (local.get 3)))
          (block $fits
            (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
            (br_if $fits (i32.ne (i32.const -1)
              (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))))
            unreachable)
          (local.get $at))
        {functions}
        (func $rewind (global.set $heap (i32.const 4096))))"#
    ))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(Cause::from)?;
    let encoded = ComponentEncoder::default().module(&module).map_err(Cause::from)?.encode().map_err(Cause::from)?;
    Ok(encoded)
}

/// The case of a verdict that has no effect.
fn calm(kind: &str) -> u32 {
    match kind {
        "auth" => 3,
        "route" => 2,
        _ => 0,
    }
}

/// A function that answers zeros, but for the case of a verdict, and forgets what it was handed.
fn export(out: &mut String, resolve: &Resolve, interface: &str, function: &Function, case: u32) {
    let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
    let params: String = signature.params.iter().copied().map(name).collect();
    let case = if function.name == "configure" { 0 } else { case };
    let _ = writeln!(
        out,
        r#"(func (export "{interface}#{}") (param{params}) (result i32) (call $rewind)
           (i32.store8 (i32.const 1024) (i32.const {case})) (i32.const 1024))"#,
        function.name
    );
}

fn name(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => " i64",
        WasmType::F32 => " f32",
        WasmType::F64 => " f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => " i32",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_of_each_kind() {
        for (kind, _) in contract::KINDS {
            let bytes = noop(kind).unwrap_or_else(|e| panic!("{kind}: {e}"));
            assert!(bytes.starts_with(b"\0asm"), "{kind}");
        }
        assert!(matches!(noop("other"), Err(Error::Kind { .. })));
    }
}
