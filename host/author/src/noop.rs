//! A plugin of each kind that decides nothing: what any other is compared with.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Handle, Resolve, SizeAlign, Type, TypeDefKind, WorldId, WorldItem};

use crate::contract;
use crate::error::Error;
use crate::files::File;

/// The least that is a component of the kind: it abstains, accepts, gives up, passes, or shows nothing.
pub fn noop(kind: &str) -> Result<Vec<u8>, Error> {
    let files = contract::wit(kind, &[]).ok_or_else(|| Error::Kind { found: kind.to_owned() })?;
    make(kind, &files).map_err(|cause| Error::Noop(format!("{cause:#}")))
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The world of a kind, as the contract's files say it.
fn world(kind: &str, files: &[File]) -> Result<(Resolve, WorldId), Cause> {
    let mut resolve = Resolve::default();
    let mut world = None;
    // Each package after those that it needs: ours need each other only.
    for package in ["types", kind, "world"] {
        let of =
            |file: &&File| file.path.contains(&format!("/{package}@")) || file.path == format!("wit/{package}.wit");
        for file in files.iter().filter(of) {
            let text = std::str::from_utf8(&file.content)?;
            // The worlds of the contract say what a plugin may import; this one imports nothing but the types.
            let text = text.split("/// What a").next().filter(|_| package == kind).unwrap_or(text);
            world = Some(resolve.push_source(&file.path, text)?);
        }
    }
    let package = world.ok_or("there is no world")?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    Ok((resolve, world))
}

fn make(kind: &str, files: &[File]) -> Result<Vec<u8>, Cause> {
    let (resolve, world) = world(kind, files)?;
    let types = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key));
    let types = types.into_iter().find(|name| name.starts_with("witgate:types/")).ok_or("it has no documents")?;
    let mut functions = String::new();
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else { continue };
        for function in resolve.interfaces[*id].functions.values() {
            export(&mut functions, &resolve, &resolve.name_world_key(key), function, calm(kind));
        }
    }
    let mut module = wat::parse_str(format!(
        r#"(module (import "{types}" "[resource-drop]document" (func $drop (param i32)))
        (memory (export "memory") 1) (global $heap (mut i32) (i32.const 4096))
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
    let drops = drops(resolve, function, signature.indirect_params);
    let _ = writeln!(
        out,
        r#"(func (export "{interface}#{}") (param{params}) (result i32) {drops} (call $rewind)
           (i32.store8 (i32.const 1024) (i32.const {case})) (i32.const 1024))"#,
        function.name
    );
}

/// Drops the documents that a function was handed, the last first. `indirect`: its arguments are a record, whose address is
/// its only one; else it has one argument, the document.
fn drops(resolve: &Resolve, function: &Function, indirect: bool) -> String {
    if !indirect {
        return "(call $drop (local.get 0))".to_owned();
    }
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let offsets = sizes.field_offsets(function.params.iter().map(|param| &param.ty));
    let mut drops = String::new();
    for (offset, ty) in offsets.into_iter().rev() {
        let at = offset.size_wasm32();
        if is_document(resolve, ty) {
            let _ = write!(drops, "(call $drop (i32.load offset={at} (local.get 0)))");
        } else if let Some(TypeDefKind::Option(ty)) = kind(resolve, ty)
            && is_document(resolve, ty)
        {
            let _ = write!(
                drops,
                "(if (i32.load8_u offset={at} (local.get 0))
                   (then (call $drop (i32.load offset={} (local.get 0)))))",
                at + 4
            );
        }
    }
    drops
}

fn kind<'a>(resolve: &'a Resolve, ty: &Type) -> Option<&'a TypeDefKind> {
    match ty {
        Type::Id(id) => Some(&resolve.types[*id].kind),
        _ => None,
    }
}

/// The contract has no other resource.
fn is_document(resolve: &Resolve, ty: &Type) -> bool {
    matches!(kind(resolve, ty), Some(TypeDefKind::Handle(Handle::Own(_))))
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

    /// What is handed over and not dropped could not be put back, and then this would take longer than what is compared
    /// with it.
    #[test]
    fn all_documents_are_dropped() {
        for (kind, _) in contract::KINDS {
            let files = contract::wit(kind, &[]).expect("the contract");
            let (resolve, world) = world(kind, &files).expect("a world");
            let interfaces = resolve.worlds[world].exports.values().filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(*id),
                _ => None,
            });
            let functions = interfaces.flat_map(|id| resolve.interfaces[id].functions.values());
            let dropped: Vec<_> = functions
                .map(|function| {
                    let indirect = resolve.wasm_signature(AbiVariant::GuestExport, function).indirect_params;
                    (function.name.as_str(), drops(&resolve, function, indirect).matches("$drop").count())
                })
                .collect();
            let (name, documents) = match kind {
                "auth" => ("authenticate", 0),
                "credential" => ("provide", 0),
                "validate" => ("validate", 2),
                "route" => ("route", 0),
                "retry" => ("decide", 0),
                _ => ("sanitize", 1),
            };
            assert_eq!(dropped, [("configure", 1), (name, documents)], "{kind}");
        }
    }
}
