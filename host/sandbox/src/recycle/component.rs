//! A whole component: whether all that its guests can change is one memory and numbers, and where the tools show.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentSectionId, ComponentTypeSection, ExportKind, PrimitiveValType, RawSection,
};
use wasmparser::types::Types;
use wasmparser::{
    CanonicalFunction, CanonicalOption as LiftOption, Chunk, ComponentAlias, ComponentExternalKind,
    ComponentOuterAliasKind, Encoding, ExternalKind, Instance, Parser, Payload, Validator,
};

use super::module::{self, Judged};
use super::tools::{self, Ends};
use super::{KNOWN, Unfit};

/// No compiler writes the former, which validates as a function all the same.
const EXACT: &str = "it has exact functions, or tags";

/// What was found when all was read.
#[derive(Default)]
struct Survey<'a> {
    sections: Vec<Part<'a>>,
    modules: u32,
    /// The module that moves.
    moving: Option<(u32, Box<module::Survey<'a>>)>,
    /// The instance that was made of it.
    instance: Option<u32>,
    core_instances: u32,
    /// Whose export each core function is; `None` for one that is no instance's.
    functions: Vec<Option<Export<'a>>>,
    /// The functions with which calls end.
    ends: Vec<Export<'a>>,
    /// What may be called meanwhile: by the host, for room, or by other modules.
    within: Vec<Export<'a>>,
    /// The instances that are given to others as a whole.
    given: Vec<u32>,
}

enum Part<'a> {
    Raw(RawSection<'a>),
    /// The module that moves.
    Moving,
}

/// What a core instance exports.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Export<'a> {
    instance: u32,
    name: &'a str,
}

/// The component with tools.
pub(super) fn with_tools(component: &[u8]) -> Result<Vec<u8>, Unfit> {
    let types = valid(component)?;
    let mut survey = Survey::default();
    parts(component, |part| survey.part(component, part))?;
    let Some((instance, (_, moving))) = survey.instance.zip(survey.moving.as_ref()) else {
        return Err(Unfit::Form("it has no memory"));
    };
    let module = moving.with_tools(&survey.ends(&types, instance)?)?;
    let mut encoder = Component::new();
    for part in &survey.sections {
        match part {
            Part::Raw(section) => encoder.section(section),
            Part::Moving => encoder.section(&RawSection { id: ComponentSectionId::CoreModule as u8, data: &module }),
        };
    }
    show_tool(&types, instance, &mut encoder);
    let with_tools = encoder.finish();
    valid(&with_tools)?;
    Ok(with_tools)
}

/// All names that the component itself gives to what it imports and exports. What is within it is not looked at, nor does
/// it matter here whether all of it makes sense.
pub(super) fn names(component: &[u8]) -> Result<Vec<&str>, Unfit> {
    let mut names = Vec::new();
    parts(component, |part| {
        match part {
            Payload::ComponentImportSection(reader) => {
                for import in reader {
                    names.push(import?.name.name);
                }
            }
            Payload::ComponentExportSection(reader) => {
                for export in reader {
                    names.push(export?.name.name);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(names)
}

/// What a component has, by the validator; the error is also for one that needs more than is [`KNOWN`].
fn valid(component: &[u8]) -> Result<Types, Unfit> {
    Ok(Validator::new_with_features(KNOWN).validate_all(component)?)
}

/// Goes through a component's parts; the modules and components within it are one each.
pub(super) fn parts<'a>(
    component: &'a [u8],
    mut visit: impl FnMut(Payload<'a>) -> Result<(), Unfit>,
) -> Result<(), Unfit> {
    let (mut parser, mut rest) = (Parser::new(0), component);
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
            return Err(Unfit::Form("it is cut off"));
        };
        let within = match &payload {
            Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. } => {
                unchecked_range.len()
            }
            _ => 0,
        };
        rest = rest.get(consumed + within..).ok_or(Unfit::Form("it is cut off"))?;
        let end = matches!(payload, Payload::End(_));
        visit(payload)?;
        if end {
            return Ok(());
        }
    }
}

impl<'a> Survey<'a> {
    fn part(&mut self, component: &'a [u8], part: Payload<'a>) -> Result<(), Unfit> {
        match part {
            // Each is looked through by itself.
            Payload::ModuleSection { unchecked_range, .. } => self.module(&component[unchecked_range]),
            Payload::ComponentSection { unchecked_range, .. } => {
                let body = &component[unchecked_range];
                self.raw(ComponentSectionId::Component as u8, body);
                stands_still(body)
            }
            part => {
                if let Some((id, range)) = part.as_section() {
                    self.raw(id, &component[range]);
                }
                self.note(part)
            }
        }
    }

    fn raw(&mut self, id: u8, data: &'a [u8]) {
        self.sections.push(Part::Raw(RawSection { id, data }));
    }

    fn module(&mut self, body: &'a [u8]) -> Result<(), Unfit> {
        match module::judge(body)? {
            Judged::Still => self.raw(ComponentSectionId::CoreModule as u8, body),
            Judged::Moving(_) if self.moving.is_some() => return Err(Unfit::Form("two modules have memories")),
            Judged::Moving(survey) => {
                self.moving = Some((self.modules, survey));
                self.sections.push(Part::Moving);
            }
        }
        self.modules += 1;
        Ok(())
    }

    fn note(&mut self, part: Payload<'a>) -> Result<(), Unfit> {
        match part {
            Payload::Version { encoding: Encoding::Component, .. }
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentTypeSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => Ok(()),
            Payload::InstanceSection(reader) => {
                for instance in reader {
                    self.core_instance(&instance?)?;
                }
                Ok(())
            }
            Payload::ComponentAliasSection(reader) => {
                for alias in reader {
                    self.alias(&alias?)?;
                }
                Ok(())
            }
            Payload::ComponentCanonicalSection(reader) => {
                for function in reader {
                    match function? {
                        CanonicalFunction::Lift { core_func_index, options, .. } => {
                            self.lift(core_func_index, &options)?;
                        }
                        CanonicalFunction::Lower { options, .. } => {
                            self.options(&options)?;
                            self.functions.push(None);
                        }
                        CanonicalFunction::ResourceDrop { .. } => self.functions.push(None),
                        // Resources of its own, or tasks: the host's tables would hold something of the guest's.
                        _ => return Err(Unfit::Form("it has resources or tasks of its own")),
                    }
                }
                Ok(())
            }
            Payload::ComponentImportSection(reader) => {
                for import in reader {
                    usual(import?.ty.kind())?;
                }
                Ok(())
            }
            Payload::ComponentExportSection(reader) => {
                for export in reader {
                    usual(export?.kind)?;
                }
                Ok(())
            }
            Payload::ComponentStartSection { .. } => Err(Unfit::Form("it has a start function")),
            _ => Err(Unfit::Form("it has a part that is unknown")),
        }
    }

    fn core_instance(&mut self, instance: &Instance<'_>) -> Result<(), Unfit> {
        match instance {
            Instance::Instantiate { module_index, args } => {
                let moves = self.moving.as_ref().is_some_and(|(moving, _)| moving == module_index);
                if moves && self.instance.replace(self.core_instances).is_some() {
                    return Err(Unfit::Form("its module with a memory is instantiated twice"));
                }
                self.given.extend(args.iter().map(|arg| arg.index));
            }
            Instance::FromExports(exports) => {
                for export in exports {
                    match export.kind {
                        ExternalKind::Func => {
                            self.within.extend(self.exported(export.index));
                        }
                        ExternalKind::Memory | ExternalKind::Table | ExternalKind::Global => {}
                        ExternalKind::FuncExact | ExternalKind::Tag => return Err(Unfit::Form(EXACT)),
                    }
                }
            }
        }
        self.core_instances += 1;
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> Result<(), Unfit> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index, name } => match kind {
                ExternalKind::Func => {
                    self.functions.push(Some(Export { instance: *instance_index, name }));
                    Ok(())
                }
                ExternalKind::Memory | ExternalKind::Table | ExternalKind::Global => Ok(()),
                ExternalKind::FuncExact | ExternalKind::Tag => Err(Unfit::Form(EXACT)),
            },
            ComponentAlias::InstanceExport { kind, .. } => usual(*kind),
            ComponentAlias::Outer { kind, .. } => match kind {
                ComponentOuterAliasKind::Type | ComponentOuterAliasKind::CoreType => Ok(()),
                ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::Component => {
                    Err(Unfit::Form("modules come from elsewhere"))
                }
            },
        }
    }

    /// Whose export a core function is.
    fn exported(&self, function: u32) -> Option<Export<'a>> {
        self.functions.get(function as usize).copied().flatten()
    }

    /// A function that the host may call: which of the guest's runs last then.
    fn lift(&mut self, function: u32, options: &[LiftOption]) -> Result<(), Unfit> {
        let freed = post_return(options);
        if freed.is_some() {
            self.within.extend(self.exported(function));
        }
        self.options(options)?;
        let last = self.exported(freed.unwrap_or(function));
        self.ends.push(last.ok_or(Unfit::Form("a call ends in a function of no module"))?);
        Ok(())
    }

    /// What is called for room is called as another call goes on.
    fn options(&mut self, options: &[LiftOption]) -> Result<(), Unfit> {
        for option in options {
            match option {
                LiftOption::UTF8
                | LiftOption::UTF16
                | LiftOption::CompactUTF16
                | LiftOption::Memory(_)
                | LiftOption::PostReturn(_) => {}
                LiftOption::Realloc(function) => {
                    self.within.extend(self.exported(*function));
                }
                _ => return Err(Unfit::Form("it has a function of an unusual kind")),
            }
        }
        Ok(())
    }

    /// The exports of the module that moves with which a call may end, when all was read. What is called while another
    /// call is under way is none of these, since numbers are put back behind them.
    fn ends(&self, types: &Types, instance: u32) -> Result<Ends<'a>, Unfit> {
        if u32::try_from(self.functions.len()) != Ok(types.as_ref().function_count()) {
            return Err(Unfit::Form("its functions are counted otherwise by the validator"));
        }
        if self.given.contains(&instance) {
            return Err(Unfit::Form("its module with a memory is called by another"));
        }
        self.ends
            .iter()
            .map(|end| match end {
                _ if end.instance != instance => Err(Unfit::Form("a call ends in a function of another module")),
                _ if self.within.contains(end) => Err(Unfit::Form("a call ends as another goes on")),
                _ => Ok(end.name),
            })
            .collect()
    }
}

/// What frees an answer.
fn post_return(options: &[LiftOption]) -> Option<u32> {
    options.iter().find_map(|option| match option {
        LiftOption::PostReturn(function) => Some(*function),
        _ => None,
    })
}

fn usual(kind: ComponentExternalKind) -> Result<(), Unfit> {
    match kind {
        ComponentExternalKind::Func | ComponentExternalKind::Type | ComponentExternalKind::Instance => Ok(()),
        ComponentExternalKind::Module | ComponentExternalKind::Component | ComponentExternalKind::Value => {
            Err(Unfit::Form("modules come from elsewhere, or go there"))
        }
    }
}

/// Adds the tool as a function of the component, behind all that it has.
fn show_tool(types: &Types, instance: u32, encoder: &mut Component) {
    let types = types.as_ref();
    let mut aliases = ComponentAliasSection::new();
    let mut alias = |kind, name| {
        aliases.alias(Alias::CoreInstanceExport { instance, kind, name });
    };
    alias(ExportKind::Memory, tools::MEMORY);
    alias(ExportKind::Func, super::READY);
    encoder.section(&aliases);
    let (memory, ready) = (types.memory_count(), types.function_count());

    let mut added = ComponentTypeSection::new();
    added.function().params([("place", PrimitiveValType::U32)]).result(Some(PrimitiveValType::Bool.into()));
    encoder.section(&added);

    let mut functions = CanonicalFunctionSection::new();
    functions.lift(ready, types.component_type_count(), [CanonicalOption::Memory(memory)]);
    encoder.section(&functions);

    let mut exports = ComponentExportSection::new();
    exports.export(super::READY, ComponentExportKind::Func, types.component_function_count(), None);
    encoder.section(&exports);
}

/// A component within the component may hold types, and pass on what it is given: nothing that runs, nothing of its own.
fn stands_still(component: &[u8]) -> Result<(), Unfit> {
    for part in Parser::new(0).parse_all(component) {
        match part? {
            Payload::Version { encoding: Encoding::Component, .. }
            | Payload::ComponentSection { .. }
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentAliasSection(_)
            | Payload::ComponentTypeSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::ComponentImportSection(_)
            | Payload::ComponentExportSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Err(Unfit::Form("a component within it has code, or functions of its own")),
        }
    }
    Ok(())
}
