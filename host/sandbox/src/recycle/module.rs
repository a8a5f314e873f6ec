//! One core module: what of it a guest can change.

use wasm_encoder::RawSection;
use wasmparser::{
    CompositeInnerType, Encoding, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload, RefType, TypeRef,
};

use super::{KNOWN, Unfit, may_be_named};

/// A module with more numbers that change is not recycled: the tools are to be short.
const MOST_MOVING: usize = 256;

/// What was found.
pub(super) enum Judged<'a> {
    /// Nothing in it changes once it was instantiated.
    Still,
    /// Its memory changes, and globals.
    Moving(Box<Survey<'a>>),
}

/// The initial value of a global that changes.
#[derive(Clone, Copy)]
pub(super) enum Initial {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

/// What is known of a module when all of it was read.
#[derive(Default)]
pub(super) struct Survey<'a> {
    pub(super) sections: Vec<RawSection<'a>>,
    /// `None` for one that is not a function's.
    pub(super) types: Vec<Option<FuncType>>,
    /// How many functions it imports; they come first.
    pub(super) imported: u32,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Of each of its own functions.
    pub(super) function_types: Vec<u32>,
    /// Its functions that are exported, by their names.
    pub(super) exported: Vec<(&'a str, u32)>,
    pub(super) globals: u32,
    pub(super) moving: Vec<(u32, Initial)>,
    memories: u32,
    memory_is_own: bool,
}

/// Looks through a module that was found valid, with nothing in it but what is [`KNOWN`].
pub(super) fn judge(module: &[u8]) -> Result<Judged<'_>, Unfit> {
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
    if survey.bodies.len() != survey.function_types.len() {
        return Err(Unfit::Form("its functions are not whole"));
    }
    Ok(Judged::Moving(Box::new(survey)))
}

impl<'a> Survey<'a> {
    fn note(&mut self, payload: Payload<'a>) -> Result<(), Unfit> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    self.types.extend(group?.types().map(|ty| match &ty.composite_type.inner {
                        CompositeInnerType::Func(function) => Some(function.clone()),
                        _ => None,
                    }));
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) => self.imported += 1,
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
                        ExternalKind::Func => self.exported.push((export.name, export.index)),
                        ExternalKind::Table | ExternalKind::Memory | ExternalKind::Global => {}
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
