use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldItem, WorldKey};
use witgate_policy::Stage;

use crate::contract;

/// The handle of `params` in the body of a validator's decision. Its arguments are too many for locals, so they come as
/// a record in memory whose address is local 0.
pub const VALIDATE_PARAMS: &str = "(i32.load offset=108 (local.get 0))";
/// The handle of `payload` in the body of a sanitizer's decision.
pub const SANITIZE_PAYLOAD: &str = "(i32.load offset=124 (local.get 0))";

/// Where an answer is laid out, and how much room there is before the heap. All zeros until a guest writes there.
pub(crate) const ANSWER: u32 = 1024;
const HEAP: u32 = 8192;

/// Where documents come from.
const TYPES: &str = "witgate:types/types@0.1.0";

/// A component in the making. What is not said is as [`pass`](crate::pass) has it.
///
/// Bodies are instructions in the text format. They find `$answer` (a global with the address of an answer that is all
/// zeros), `$realloc`, the fields that [`field`](Self::field) added, and each function of an imported interface by its
/// name without brackets, as `$document.text` or `$add`, in its lowered form. `configure` has the local 0:
/// the settings, a document.
pub struct Guest {
    kind: Stage,
    version: String,
    imports: Vec<String>,
    drops: bool,
    fields: String,
    configure: String,
    decide: String,
}

impl Guest {
    /// One that decides nothing.
    pub fn new(kind: Stage) -> Self {
        let verdict = match kind {
            Stage::Auth => 3,
            Stage::Route => 2,
            Stage::Credential | Stage::Validate | Stage::Retry | Stage::Sanitize => 0,
        };
        Self {
            kind,
            version: "0.1.0".into(),
            imports: Vec::new(),
            drops: false,
            fields: String::new(),
            configure: "global.get $answer".into(),
            decide: format!("(i32.store8 (global.get $answer) (i32.const {verdict})) global.get $answer"),
        }
    }

    /// The body of the deciding function; it leaves the address of the answer.
    #[must_use]
    pub fn decide(mut self, body: &str) -> Self {
        body.clone_into(&mut self.decide);
        self
    }

    /// The body of `configure`, likewise.
    #[must_use]
    pub fn configure(mut self, body: &str) -> Self {
        body.clone_into(&mut self.configure);
        self
    }

    /// A `configure` that refuses its settings with this message.
    #[must_use]
    pub fn refuse_settings(self, message: &str) -> Self {
        let body = format!(
            "(i32.store8 (global.get $answer) (i32.const 1))
             (i32.store offset=4 (global.get $answer) (i32.const 4096))
             (i32.store offset=8 (global.get $answer) (i32.const {}))
             global.get $answer",
            message.len()
        );
        self.data(4096, message).configure(&body)
    }

    /// Imports an interface, as `witgate:counter/counter@0.1.0`.
    #[must_use]
    pub fn import(mut self, interface: &str) -> Self {
        self.imports.push(interface.to_owned());
        self
    }

    /// Imports `$drop`, which drops a document, and drops its settings as `configure` begins.
    #[must_use]
    pub fn dropping(mut self) -> Self {
        self.drops = true;
        self.import(TYPES)
    }

    /// One more field of the module.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.fields.push_str(field);
        self.fields.push('\n');
        self
    }

    /// Text at an address between 2,048 and 8,192.
    #[must_use]
    pub fn data(self, at: u32, text: &str) -> Self {
        let mut escaped = String::new();
        for byte in text.bytes() {
            let _ = write!(escaped, "\\{byte:02x}");
        }
        self.field(&format!("(data (i32.const {at}) \"{escaped}\")"))
    }

    /// Speaks another version of its kind's interface.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The component, at least so many bytes long: padding in a custom section makes a heavy one of it.
    pub fn build_padded(&self, bytes: u32) -> Vec<u8> {
        let mut component = self.build();
        // Section 0; its length and the name's as LEB128, the former padded to five bytes; an empty name.
        component.push(0);
        let length = bytes + 1;
        component.extend((0..5).map(|at| {
            let seven = u8::try_from((length >> (7 * at)) & 0x7f).unwrap_or(0);
            if at < 4 { seven | 0x80 } else { seven }
        }));
        component.resize(component.len() + length as usize, 0);
        component
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let mut resolve = contract::load(self.kind, &self.version);
        let (interface, _) = contract::interface(self.kind);
        let mut world = String::from("package witgate:guest; world guest {\n");
        for import in &self.imports {
            let _ = writeln!(world, "import {import};");
        }
        let _ = writeln!(world, "export witgate:{}/{interface}@{};\n}}", self.kind, self.version);
        let package = resolve.push_source("guest.wit", &world).expect("a world");
        let world = resolve.select_world(&[package], Some("guest")).expect("one world");
        let mut module = wat::parse_str(self.module(&resolve, world)).expect("bodies in the text format");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
        let mut encoder = ComponentEncoder::default();
        encoder.module(&module).expect("a module that fits").encode().expect("a component")
    }

    fn module(&self, resolve: &Resolve, world: wit_parser::WorldId) -> String {
        let mut imports = String::new();
        let mut exports = String::new();
        if self.drops {
            let _ = writeln!(imports, "(import \"{TYPES}\" \"[resource-drop]document\" (func $drop (param i32)))");
        }
        for (key, item) in &resolve.worlds[world].imports {
            let name = resolve.name_world_key(key);
            if self.imports.contains(&name) {
                functions(resolve, item).for_each(|function| import(&mut imports, resolve, &name, function));
            }
        }
        for (key, item) in &resolve.worlds[world].exports {
            functions(resolve, item).for_each(|function| self.export(&mut exports, resolve, key, function));
        }
        let fields = &self.fields;
        format!(
            r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $answer i32 (i32.const {ANSWER}))
            (global $heap (mut i32) (i32.const {HEAP}))
            (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
              (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
              (global.set $heap (i32.add (local.get $at) (local.get 3)))
              (block $fits
                (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                (br_if $fits (i32.ne (i32.const -1)
                  (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))))
                unreachable)
              (local.get $at))
            {fields}
            {exports})"#
        )
    }

    fn export(&self, out: &mut String, resolve: &Resolve, key: &WorldKey, function: &Function) {
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
        let dropped = if self.drops { "(call $drop (local.get 0))" } else { "" };
        let body = match function.name.as_str() {
            "configure" => format!("{dropped} {}", self.configure),
            _ => self.decide.clone(),
        };
        let name = format!("{}#{}", resolve.name_world_key(key), function.name);
        let types = types(&signature.params, &signature.results);
        let _ = writeln!(out, "(func (export \"{name}\") {types} {body})");
    }
}

fn functions<'a>(resolve: &'a Resolve, item: &WorldItem) -> Box<dyn Iterator<Item = &'a Function> + 'a> {
    match item {
        WorldItem::Interface { id, .. } => Box::new(resolve.interfaces[*id].functions.values()),
        WorldItem::Function(_) | WorldItem::Type { .. } => Box::new(std::iter::empty()),
    }
}

fn import(out: &mut String, resolve: &Resolve, interface: &str, function: &Function) {
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    let short = function.name.rsplit(']').next().unwrap_or_default();
    let types = types(&signature.params, &signature.results);
    let _ = writeln!(out, "(import \"{interface}\" \"{}\" (func ${short} {types}))", function.name);
}

fn types(params: &[WasmType], results: &[WasmType]) -> String {
    let name = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => " i64",
        WasmType::F32 => " f32",
        WasmType::F64 => " f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => " i32",
    };
    let list = |types: &[WasmType]| types.iter().map(name).collect::<String>();
    format!("(param{}) (result{})", list(params), list(results))
}
