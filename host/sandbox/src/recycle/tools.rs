//! A module again, with the tools that put its numbers back.
//!
//! Its memory is the host's to put back; its numbers only code of its own can set. So what a call runs last does that:
//! behind all that the module has come a number of the host's, which says whether that is wanted yet, a function that
//! puts the numbers back, and one for each export with which a call may end, which is exported in its place. No index
//! changes, and so neither does anything in the component around it.

use std::collections::BTreeSet;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    InstructionSink, Module, TypeSection, ValType,
};
use wasmparser::{BinaryReader, ExportSectionReader, ExternalKind, GlobalSectionReader, TypeSectionReader};

use super::module::{Initial, Survey};
use super::{KNOWN, READY, Unfit};

/// What the memory is exported as, beside the tools.
pub(super) const MEMORY: &str = "witgate-recycle-memory";

/// A module with more functions that end a call is not recycled.
const MOST_ENDS: usize = 64;

const TYPES: u8 = wasm_encoder::SectionId::Type as u8;
const FUNCTIONS: u8 = wasm_encoder::SectionId::Function as u8;
const GLOBALS: u8 = wasm_encoder::SectionId::Global as u8;
const EXPORTS: u8 = wasm_encoder::SectionId::Export as u8;
const CODE: u8 = wasm_encoder::SectionId::Code as u8;

/// The exports with which a call may end.
pub(super) type Ends<'a> = BTreeSet<&'a str>;

/// A function that is added.
struct Tool<'a> {
    export: Option<&'a str>,
    ty: u32,
    body: Function,
}

impl Survey<'_> {
    /// The module with the tools.
    pub(super) fn with_tools(&self, ends: &Ends<'_>) -> Result<Vec<u8>, Unfit> {
        let tools = self.tools(ends)?;
        let mut module = Module::new();
        let (mut globals, mut exports, mut code) = (false, false, false);
        for section in &self.sections {
            match section.id {
                TYPES => module.section(&types_section(section.data)?),
                FUNCTIONS => module.section(&self.functions_section(&tools)),
                GLOBALS => {
                    globals = true;
                    module.section(&globals_section(Some(section.data))?)
                }
                EXPORTS => {
                    if !globals {
                        module.section(&globals_section(None)?);
                    }
                    exports = true;
                    module.section(&self.exports_section(section.data, &tools)?)
                }
                CODE => {
                    code = true;
                    module.section(&self.code_section(&tools))
                }
                _ => module.section(section),
            };
        }
        if exports && code { Ok(module.finish()) } else { Err(Unfit::Form("it has no code, or exports none")) }
    }

    fn functions_section(&self, tools: &[Tool<'_>]) -> FunctionSection {
        let mut functions = FunctionSection::new();
        for ty in self.function_types.iter().copied().chain(tools.iter().map(|tool| tool.ty)) {
            functions.function(ty);
        }
        functions
    }

    fn exports_section(&self, data: &[u8], tools: &[Tool<'_>]) -> Result<ExportSection, Unfit> {
        let mut exports = ExportSection::new();
        let added = || (self.functions()..).zip(tools).filter_map(|(index, tool)| Some((tool.export?, index)));
        for export in ExportSectionReader::new(BinaryReader::new_features(data, 0, KNOWN))? {
            let export = export?;
            let kind = match export.kind {
                ExternalKind::Func if added().any(|(name, _)| name == export.name) => continue,
                ExternalKind::Func => ExportKind::Func,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Memory => ExportKind::Memory,
                ExternalKind::Global => ExportKind::Global,
                ExternalKind::Tag | ExternalKind::FuncExact => return Err(Unfit::Form("its exports are unusual")),
            };
            exports.export(export.name, kind, export.index);
        }
        exports.export(MEMORY, ExportKind::Memory, 0);
        for (name, index) in added() {
            exports.export(name, ExportKind::Func, index);
        }
        Ok(exports)
    }

    fn code_section(&self, tools: &[Tool<'_>]) -> CodeSection {
        let mut code = CodeSection::new();
        for body in &self.bodies {
            code.raw(body.as_bytes());
        }
        for tool in tools {
            code.function(&tool.body);
        }
        code
    }

    /// The first puts the numbers back, the second says that this is wanted.
    fn tools<'n>(&self, ends: &Ends<'n>) -> Result<Vec<Tool<'n>>, Unfit> {
        if ends.len() > MOST_ENDS {
            return Err(Unfit::Form("a call may end in too many ways"));
        }
        let types = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        let mut tools = vec![
            Tool { export: None, ty: types, body: body(|code| self.put_back(code)) },
            Tool { export: Some(READY), ty: types + 1, body: body(|code| self.ready(code)) },
        ];
        for name in ends {
            tools.push(self.end(name)?);
        }
        Ok(tools)
    }

    /// Which function is exported so.
    fn exported(&self, name: &str) -> Result<u32, Unfit> {
        let found = self.exported.iter().find(|(exported, _)| *exported == name);
        found.map(|(_, function)| *function).ok_or(Unfit::Form("a call ends in what is not exported"))
    }

    /// How many functions it has without tools.
    fn functions(&self) -> u32 {
        self.imported + u32::try_from(self.function_types.len()).unwrap_or(u32::MAX)
    }

    /// The number that says whether the others are put back when a call ends.
    fn wanted(&self) -> u32 {
        self.globals
    }

    fn put_back(&self, code: &mut InstructionSink<'_>) {
        for (global, initial) in &self.moving {
            match *initial {
                Initial::I32(value) => code.i32_const(value),
                Initial::I64(value) => code.i64_const(value),
                Initial::F32(bits) => code.f32_const(wasm_encoder::Ieee32::new(bits)),
                Initial::F64(bits) => code.f64_const(wasm_encoder::Ieee64::new(bits)),
            };
            code.global_set(*global);
        }
    }

    /// Whether all numbers are as they were in the beginning; if so, they are put back from now on. What it is given is of
    /// no use to it, but for the host, which sees where the memory is when it lowers it.
    fn ready(&self, code: &mut InstructionSink<'_>) {
        code.i32_const(1);
        for (global, initial) in &self.moving {
            code.global_get(*global);
            match *initial {
                Initial::I32(value) => code.i32_const(value).i32_eq(),
                Initial::I64(value) => code.i64_const(value).i64_eq(),
                // By their bits: a number that is none equals nothing.
                Initial::F32(bits) => code.i32_reinterpret_f32().i32_const(bits.cast_signed()).i32_eq(),
                Initial::F64(bits) => code.i64_reinterpret_f64().i64_const(bits.cast_signed()).i64_eq(),
            };
            code.i32_and();
        }
        code.global_set(self.wanted()).global_get(self.wanted());
    }

    /// What is exported in a function's place: it, and when it has ended the numbers are put back.
    fn end<'n>(&self, name: &'n str) -> Result<Tool<'n>, Unfit> {
        let function = self.exported(name)?;
        let own = function.checked_sub(self.imported).and_then(|own| self.function_types.get(own as usize));
        let ty = *own.ok_or(Unfit::Form("a call ends in a function of another module"))?;
        let form = self.types.get(ty as usize).and_then(Option::as_ref);
        let form = form.ok_or(Unfit::Form("a function has no type of a function"))?;
        let params = u32::try_from(form.params().len()).unwrap_or(u32::MAX);
        let body = body(|code| {
            for param in 0..params {
                code.local_get(param);
            }
            code.call(function);
            code.global_get(self.wanted()).if_(BlockType::Empty).call(self.functions()).end();
        });
        Ok(Tool { export: Some(name), ty, body })
    }
}

fn body(write: impl FnOnce(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    write(&mut code);
    code.end();
    function
}

/// Its types, and those of the first two tools.
fn types_section(data: &[u8]) -> Result<TypeSection, Unfit> {
    let mut types = TypeSection::new();
    let reader = TypeSectionReader::new(BinaryReader::new_features(data, 0, KNOWN))?;
    RoundtripReencoder.parse_type_section(&mut types, reader).map_err(|_| Unfit::Form("its types are unusual"))?;
    types.ty().function([], []);
    types.ty().function([ValType::I32], [ValType::I32]);
    Ok(types)
}

/// Its globals, if it has any, and the host's.
fn globals_section(data: Option<&[u8]>) -> Result<GlobalSection, Unfit> {
    let mut globals = GlobalSection::new();
    if let Some(data) = data {
        let reader = GlobalSectionReader::new(BinaryReader::new_features(data, 0, KNOWN))?;
        let copied = RoundtripReencoder.parse_global_section(&mut globals, reader);
        copied.map_err(|_| Unfit::Form("its globals are unusual"))?;
    }
    let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    globals.global(ty, &ConstExpr::i32_const(0));
    Ok(globals)
}
