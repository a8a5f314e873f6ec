//! One core module: what of it a guest can change, and the tools with which the host puts that back.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, InstructionSink, Module, RawSection,
    TypeSection, ValType,
};
use wasmparser::{
    BinaryReader, Encoding, ExportSectionReader, ExternalKind, FunctionBody, Operator, Parser, Payload, RefType,
    TypeRef, TypeSectionReader,
};

use super::{AGAIN, KNOWN, STEADY, Unfit, may_be_named};

/// What the memory is exported as, beside the tools.
pub(super) const MEMORY: &str = "witgate-recycle-memory";

const TYPES: u8 = wasm_encoder::SectionId::Type as u8;
const FUNCTIONS: u8 = wasm_encoder::SectionId::Function as u8;
const EXPORTS: u8 = wasm_encoder::SectionId::Export as u8;
const CODE: u8 = wasm_encoder::SectionId::Code as u8;

/// A module with more numbers that change is not recycled: the tools are to be short.
const MOST_MOVING: usize = 256;

/// What was found.
pub(super) enum Judged {
    /// Nothing in it changes once it was instantiated.
    Still,
    /// Its memory changes, and globals: the module again, with tools.
    Moving(Vec<u8>),
}

/// The initial value of a global that changes.
#[derive(Clone, Copy)]
enum Initial {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

/// What is known of a module when all of it was read.
#[derive(Default)]
struct Survey<'a> {
    sections: Vec<RawSection<'a>>,
    types: u32,
    functions: u32,
    /// Functions that it imports come first.
    bodies: Vec<FunctionBody<'a>>,
    function_types: Vec<u32>,
    globals: u32,
    moving: Vec<(u32, Initial)>,
    memories: u32,
    memory_is_own: bool,
}

/// Looks through a module that was found valid, with nothing in it but what is [`KNOWN`].
pub(super) fn judge(module: &[u8]) -> Result<Judged, Unfit> {
    let mut survey = Survey::default();
    let mut parser = Parser::new(0);
    parser.set_features(KNOWN);
    for payload in parser.parse_all(module) {
        let payload = payload?;
        if let Some((id, range)) = payload.as_section() {
            survey.sections.push(RawSection { id, data: &module[range] });
        }
        survey.note(payload)?;
    }
    if survey.memories == 0 && survey.moving.is_empty() {
        return Ok(Judged::Still);
    }
    if survey.memories != 1 || !survey.memory_is_own {
        return Err(Unfit::Form("a memory is not the module's own, or not its only one"));
    }
    if survey.moving.len() > MOST_MOVING {
        return Err(Unfit::Form("too many numbers change"));
    }
    survey.with_tools().map(Judged::Moving)
}

impl<'a> Survey<'a> {
    fn note(&mut self, payload: Payload<'a>) -> Result<(), Unfit> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    self.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) => self.functions += 1,
                        TypeRef::Table(table) => holds_functions(table.element_type)?,
                        TypeRef::Memory(_) => self.memories += 1,
                        TypeRef::Global(global) if !global.mutable => {
                            is_plain(global.content_type)?;
                            self.globals += 1;
                        }
                        _ => return Err(Unfit::Form("it imports what may change elsewhere")),
                    }
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    self.function_types.push(ty?);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    holds_functions(table?.ty.element_type)?;
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    let memory = memory?;
                    let usual = !memory.memory64 && !memory.shared && memory.page_size_log2.is_none();
                    if !usual || memory.initial == 0 {
                        return Err(Unfit::Form("its memory is not a usual one"));
                    }
                    self.memories += 1;
                    self.memory_is_own = true;
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let global = global?;
                    is_plain(global.ty.content_type)?;
                    if global.ty.mutable {
                        self.moving.push((self.globals, initial(&global.init_expr)?));
                    }
                    self.globals += 1;
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    may_be_named(export.name).map_err(|_| Unfit::Form("a name in it is the host's"))?;
                    match export.kind {
                        ExternalKind::Func | ExternalKind::Table | ExternalKind::Memory | ExternalKind::Global => {}
                        ExternalKind::Tag | ExternalKind::FuncExact => return Err(Unfit::Form("it has tags")),
                    }
                }
            }
            Payload::StartSection { .. } => return Err(Unfit::Form("it has a start function")),
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    still(&operator?)?;
                }
                self.bodies.push(body);
            }
            Payload::Version { encoding: Encoding::Module, .. }
            | Payload::ElementSection(_)
            | Payload::DataCountSection { .. }
            | Payload::DataSection(_)
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Err(Unfit::Form("it has a part that is unknown, or tags")),
        }
        Ok(())
    }
}

/// Functions do not change. What else can be referred to may.
fn holds_functions(ty: RefType) -> Result<(), Unfit> {
    if ty == RefType::FUNCREF { Ok(()) } else { Err(Unfit::Form("it has references to what may change")) }
}

/// A number, or a reference to a function.
fn is_plain(ty: wasmparser::ValType) -> Result<(), Unfit> {
    match ty {
        wasmparser::ValType::Ref(ty) => holds_functions(ty),
        _ => Ok(()),
    }
}

/// Refuses what changes anything but memory and globals: tables, and whether segments were dropped. Of what is [`KNOWN`]
/// nothing else does.
fn still(operator: &Operator) -> Result<(), Unfit> {
    match operator {
        Operator::TableSet { .. }
        | Operator::TableGrow { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::TableInit { .. }
        | Operator::TableAtomicSet { .. }
        | Operator::TableAtomicRmwXchg { .. }
        | Operator::TableAtomicRmwCmpxchg { .. }
        | Operator::ElemDrop { .. }
        | Operator::DataDrop { .. } => Err(Unfit::Form("its code changes tables, or drops segments")),
        _ => Ok(()),
    }
}

/// A plain number, or something that cannot be put back so simply.
fn initial(expression: &wasmparser::ConstExpr<'_>) -> Result<Initial, Unfit> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read()? {
        Operator::I32Const { value } => Initial::I32(value),
        Operator::I64Const { value } => Initial::I64(value),
        Operator::F32Const { value } => Initial::F32(value.bits()),
        Operator::F64Const { value } => Initial::F64(value.bits()),
        _ => return Err(Unfit::Form("a global that changes does not begin as a number")),
    };
    match operators.read()? {
        Operator::End => Ok(value),
        _ => Err(Unfit::Form("a global that changes does not begin as a number")),
    }
}

/// A tool: what it is exported as, its type, and what it does.
struct Tool {
    name: &'static str,
    takes: &'static [ValType],
    gives: &'static [ValType],
    body: Function,
}

impl Survey<'_> {
    /// The module with the tools added behind all that it has; no index in it changes.
    fn with_tools(&self) -> Result<Vec<u8>, Unfit> {
        if self.bodies.len() != self.function_types.len() {
            return Err(Unfit::Form("its functions are not whole"));
        }
        let mut module = Module::new();
        let tools = self.tools();
        let (mut exports, mut code) = (false, false);
        for section in &self.sections {
            match section.id {
                TYPES => module.section(&Self::types_section(section.data, &tools)?),
                FUNCTIONS => module.section(&self.functions_section(&tools)),
                EXPORTS => {
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

    fn types_section(data: &[u8], tools: &[Tool]) -> Result<TypeSection, Unfit> {
        let mut types = TypeSection::new();
        let reader = TypeSectionReader::new(BinaryReader::new_features(data, 0, KNOWN))?;
        RoundtripReencoder.parse_type_section(&mut types, reader).map_err(|_| Unfit::Form("its types are unusual"))?;
        for tool in tools {
            types.ty().function(tool.takes.iter().copied(), tool.gives.iter().copied());
        }
        Ok(types)
    }

    fn functions_section(&self, tools: &[Tool]) -> FunctionSection {
        let mut functions = FunctionSection::new();
        for ty in &self.function_types {
            functions.function(*ty);
        }
        for (ty, _) in (self.types..).zip(tools) {
            functions.function(ty);
        }
        functions
    }

    fn exports_section(&self, data: &[u8], tools: &[Tool]) -> Result<ExportSection, Unfit> {
        let mut exports = ExportSection::new();
        let reader = ExportSectionReader::new(BinaryReader::new_features(data, 0, KNOWN))?;
        RoundtripReencoder
            .parse_export_section(&mut exports, reader)
            .map_err(|_| Unfit::Form("its exports are unusual"))?;
        exports.export(MEMORY, ExportKind::Memory, 0);
        let own = self.functions + u32::try_from(self.function_types.len()).unwrap_or(u32::MAX);
        for (index, tool) in (own..).zip(tools) {
            exports.export(tool.name, ExportKind::Func, index);
        }
        Ok(exports)
    }

    fn code_section(&self, tools: &[Tool]) -> CodeSection {
        let mut code = CodeSection::new();
        for body in &self.bodies {
            code.raw(body.as_bytes());
        }
        for tool in tools {
            code.function(&tool.body);
        }
        code
    }

    fn tools(&self) -> [Tool; 2] {
        use ValType::I32;
        [
            Tool { name: STEADY, takes: &[], gives: &[I32], body: body(|code| self.steady(code)) },
            Tool { name: AGAIN, takes: &[I32], gives: &[], body: body(|code| self.again(code)) },
        ]
    }

    /// Whether all globals are as they were in the beginning.
    fn steady(&self, code: &mut InstructionSink<'_>) {
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
    }

    /// Puts the globals back. What it is given is of no use to it, but for the host, which puts the memory back where it
    /// lowers it.
    fn again(&self, code: &mut InstructionSink<'_>) {
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
}

fn body(write: impl FnOnce(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    write(&mut code);
    code.end();
    function
}
