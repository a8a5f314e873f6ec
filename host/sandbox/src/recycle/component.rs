//! A whole component: whether all that its guests can change is one memory and numbers, and where the tools show.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentSectionId, ComponentTypeSection, ComponentValType, ExportKind, PrimitiveValType,
    RawSection,
};
use wasmparser::{
    CanonicalFunction, Chunk, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, Encoding, Instance,
    Parser, Payload,
};

use super::module::{self, Judged};
use super::{OWN, Unfit};

/// How far each kind of thing is counted when all was read.
#[derive(Default)]
struct Survey<'a> {
    sections: Vec<Part<'a>>,
    modules: u32,
    /// The module that moves.
    moving: Option<u32>,
    /// The instance that was made of it.
    instance: Option<u32>,
    core_instances: u32,
    core_functions: u32,
    core_memories: u32,
    types: u32,
    functions: u32,
}

enum Part<'a> {
    Raw(RawSection<'a>),
    Module(Vec<u8>),
}

/// The component with tools.
pub(super) fn with_tools(component: &[u8]) -> Result<Vec<u8>, Unfit> {
    let survey = Survey::of(component)?;
    let Some(instance) = survey.instance else { return Err(Unfit::Form("it has no memory")) };
    let mut encoder = Component::new();
    for part in &survey.sections {
        match part {
            Part::Raw(section) => encoder.section(section),
            Part::Module(data) => encoder.section(&RawSection { id: ComponentSectionId::CoreModule as u8, data }),
        };
    }
    survey.show_tools(instance, &mut encoder);
    Ok(encoder.finish())
}

impl<'a> Survey<'a> {
    fn of(component: &'a [u8]) -> Result<Self, Unfit> {
        let (mut survey, mut parser, mut rest) = (Self::default(), Parser::new(0), component);
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
                return Err(Unfit::Form("it is cut off"));
            };
            rest = &rest[consumed..];
            match payload {
                // Each is looked through by itself, or not at all.
                Payload::ModuleSection { unchecked_range, .. } => {
                    let body = component.get(unchecked_range).ok_or(Unfit::Form("it is cut off"))?;
                    survey.module(body)?;
                    rest = &rest[body.len()..];
                }
                Payload::ComponentSection { unchecked_range, .. } => {
                    let body = component.get(unchecked_range).ok_or(Unfit::Form("it is cut off"))?;
                    stands_still(body)?;
                    survey.raw(ComponentSectionId::Component as u8, body);
                    rest = &rest[body.len()..];
                }
                Payload::End(_) => return Ok(survey),
                payload => {
                    if let Some((id, range)) = payload.as_section() {
                        survey.raw(id, &component[range]);
                    }
                    survey.note(payload)?;
                }
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
            Judged::Moving(with_tools) => {
                self.moving = Some(self.modules);
                self.sections.push(Part::Module(with_tools));
            }
        }
        self.modules += 1;
        Ok(())
    }

    fn note(&mut self, payload: Payload<'a>) -> Result<(), Unfit> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => Err(Unfit::Form("it is no component")),
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
                        CanonicalFunction::Lift { .. } => self.functions += 1,
                        CanonicalFunction::Lower { .. } | CanonicalFunction::ResourceDrop { .. } => {
                            self.core_functions += 1;
                        }
                        // Resources of its own, or tasks: the host's tables would hold something of the guest's.
                        _ => return Err(Unfit::Form("it has resources or tasks of its own")),
                    }
                }
                Ok(())
            }
            Payload::ComponentImportSection(reader) => {
                for import in reader {
                    self.count(import?.ty.kind())?;
                }
                Ok(())
            }
            Payload::ComponentExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    if export.name.name.starts_with(OWN) {
                        return Err(Unfit::Name(export.name.name.to_owned()));
                    }
                    self.count(export.kind)?;
                }
                Ok(())
            }
            Payload::ComponentTypeSection(reader) => {
                self.types += reader.count();
                Ok(())
            }
            Payload::ComponentStartSection { .. } => Err(Unfit::Form("it has a start function")),
            _ => Ok(()),
        }
    }

    fn core_instance(&mut self, instance: &Instance<'_>) -> Result<(), Unfit> {
        if let Instance::Instantiate { module_index, .. } = instance
            && Some(*module_index) == self.moving
            && self.instance.replace(self.core_instances).is_some()
        {
            return Err(Unfit::Form("its module with a memory is instantiated twice"));
        }
        self.core_instances += 1;
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Unfit> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind: wasmparser::ExternalKind::Func, .. } => self.core_functions += 1,
            ComponentAlias::CoreInstanceExport { kind: wasmparser::ExternalKind::Memory, .. } => {
                self.core_memories += 1;
            }
            ComponentAlias::CoreInstanceExport { .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreType, .. } => {}
            ComponentAlias::InstanceExport { kind, .. } => self.count(*kind)?,
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. } => self.types += 1,
            ComponentAlias::Outer { .. } => return Err(Unfit::Form("modules come from elsewhere")),
        }
        Ok(())
    }

    fn count(&mut self, kind: ComponentExternalKind) -> Result<(), Unfit> {
        match kind {
            ComponentExternalKind::Func => self.functions += 1,
            ComponentExternalKind::Type => self.types += 1,
            ComponentExternalKind::Instance => {}
            _ => return Err(Unfit::Form("modules come from elsewhere, or go there")),
        }
        Ok(())
    }

    /// Adds the tools as functions of the component, behind all that it has.
    fn show_tools(&self, instance: u32, encoder: &mut Component) {
        let mut aliases = ComponentAliasSection::new();
        let mut alias = |kind, name| {
            aliases.alias(Alias::CoreInstanceExport { instance, kind, name });
        };
        alias(ExportKind::Memory, module::MEMORY);
        alias(ExportKind::Func, super::STEADY);
        alias(ExportKind::Func, super::AGAIN);
        encoder.section(&aliases);

        let mut types = ComponentTypeSection::new();
        let none: [(&str, ComponentValType); 0] = [];
        types.function().params(none).result(Some(PrimitiveValType::Bool.into()));
        types.function().params([("place", PrimitiveValType::U32)]).result(None);
        encoder.section(&types);

        let mut functions = CanonicalFunctionSection::new();
        functions.lift(self.core_functions, self.types, []);
        functions.lift(self.core_functions + 1, self.types + 1, [CanonicalOption::Memory(self.core_memories)]);
        encoder.section(&functions);

        let mut exports = ComponentExportSection::new();
        exports.export(super::STEADY, ComponentExportKind::Func, self.functions, None);
        exports.export(super::AGAIN, ComponentExportKind::Func, self.functions + 1, None);
        encoder.section(&exports);
    }
}

/// A component within the component may hold types, and nothing that runs.
fn stands_still(component: &[u8]) -> Result<(), Unfit> {
    for payload in Parser::new(0).parse_all(component) {
        if matches!(payload?, Payload::ModuleSection { .. } | Payload::InstanceSection(_)) {
            return Err(Unfit::Form("a component within it has code"));
        }
    }
    Ok(())
}
