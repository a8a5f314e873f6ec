//! Builds a project with its language's own tools.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wit_component::DecodedWasm;

use crate::contract;
use crate::error::Error;
use crate::hidden;
use crate::language::{Language, Recipe, Step, Tool};
use crate::project::Project;

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub component: PathBuf,
    /// Its length.
    pub size_bytes: u64,
    /// How long it took.
    pub time: Duration,
}

/// Builds `plugin.wasm`. What is run is said before it runs; what it prints itself goes to standard error.
pub fn build(project: &Project, mut say: impl FnMut(&str)) -> Result<Built, Error> {
    let begun = Instant::now();
    let language = Language::named(&project.manifest.language).ok_or_else(|| Error::Language {
        found: project.manifest.language.clone(),
        known: Language::all().iter().map(|language| language.name).collect::<Vec<_>>().join(", "),
    })?;
    let recipe = &language.recipe;
    let wit = project.folder.join("wit");
    if recipe.vendor.is_empty() {
        // Before a tool of the language says the same in its own way.
        let (resolve, world) = crate::bindings::world(&wit)?;
        contract::check(project, &resolve, world)?;
    }
    let mut names = names(project, recipe);
    find(project, &recipe.tools, &mut names)?;
    // What was built before is not what a failed build leaves.
    match fs::remove_file(project.component()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::Io { what: "cannot replace", path: project.component(), cause });
        }
        _ => {}
    }
    if let Some(bindings) = recipe.bindings {
        say("bindings of wit/ to gen/");
        crate::bindings::generate(&wit, bindings, &project.folder.join("gen"))?;
    }
    let made_in = recipe.artifact.iter().chain(recipe.component.as_ref().map(|component| &component.module));
    for path in made_in.map(|path| project.folder.join(filled(path, &names))) {
        let folder = path.parent().unwrap_or(&project.folder);
        fs::create_dir_all(folder).map_err(|cause| Error::Io { what: "cannot make", path: folder.into(), cause })?;
    }
    for step in &recipe.steps {
        run(project, step, &names, &mut say)?;
    }
    deliver(project, recipe, &names, &mut say)?;
    let component = project.component();
    let size_bytes = fs::metadata(&component).map(|data| data.len()).unwrap_or_default();
    Ok(Built { component, size_bytes, time: begun.elapsed() })
}

/// What the steps left becomes the project's component.
fn deliver(
    project: &Project,
    recipe: &Recipe,
    names: &BTreeMap<String, String>,
    say: &mut impl FnMut(&str),
) -> Result<(), Error> {
    let left = |path: &str| read(&project.folder.join(filled(path, names)));
    let mut bytes = Vec::new();
    if let Some(module) = &recipe.component {
        say("component of the module");
        let adapter = project.manifest.adapt.unwrap_or(module.adapt);
        bytes = crate::component::encode(&left(&module.module)?, &project.folder.join("wit"), adapter)?;
    }
    if let Some(artifact) = &recipe.artifact {
        bytes = left(artifact)?;
    }
    if recipe.steps.iter().any(|step| !step.hides.is_empty()) {
        hidden::show(&mut bytes);
    }
    // Where there is no world, what a component exports is in its code.
    if let (false, Ok(DecodedWasm::Component(resolve, world))) =
        (recipe.vendor.is_empty(), wit_component::decode(&bytes))
    {
        contract::check(project, &resolve, world)?;
    }
    let component = project.component();
    fs::write(&component, bytes).map_err(|cause| Error::Io { what: "cannot write", path: component, cause })
}

/// What stands for what in a recipe, tools apart.
fn names(project: &Project, recipe: &Recipe) -> BTreeMap<String, String> {
    let name = &project.manifest.name;
    let own = [("name", name.clone()), ("ident", name.replace('-', "_")), ("kind", project.manifest.kind.clone())];
    let variables = recipe.variables.iter().map(|(name, variable)| {
        let set = std::env::var(&variable.env).ok().filter(|value| !value.is_empty());
        (name.clone(), set.unwrap_or_else(|| variable.default.clone()))
    });
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(variables).collect()
}

fn filled(text: &str, names: &BTreeMap<String, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Finds each tool, the first of its names that can do it; an error names all that are missing.
fn find(project: &Project, tools: &[Tool], names: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let mut missing = Vec::new();
    for tool in tools {
        let mut found = tool.any.iter().filter_map(|program| locate(&project.folder, program)).peekable();
        let there = found.peek().is_some();
        let able = found.find(|program| {
            names.insert(tool.name.clone(), program.display().to_string());
            checks(project, tool, names)
        });
        match (able, there) {
            (Some(_), _) => {}
            (None, true) => missing.push(format!("a `{}` that can do it: {}", tool.name, tool.get)),
            (None, false) => missing.push(format!("`{}`: {}", tool.any.join("` or `"), tool.get)),
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing(missing)) }
}

/// A program of `PATH`, or, with a `/` in it, of the project.
fn locate(folder: &Path, program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        let path = folder.join(program);
        // Not resolved: some programs are others by the name that they are called by.
        return path.is_file().then(|| std::path::absolute(path).ok()).flatten();
    }
    let paths = std::env::var_os("PATH")?;
    let there = std::env::split_paths(&paths).any(|path| path.join(program).is_file());
    there.then(|| program.into())
}

fn checks(project: &Project, tool: &Tool, names: &BTreeMap<String, String>) -> bool {
    let Some(check) = &tool.check else { return true };
    let words: Vec<String> = check.iter().map(|word| filled(word, names)).collect();
    let Some((program, arguments)) = words.split_first() else { return true };
    let output = Command::new(program).args(arguments).current_dir(&project.folder).stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        let said = [output.stdout, output.stderr].concat();
        output.status.success()
            && tool.expect.as_ref().is_none_or(|expect| String::from_utf8_lossy(&said).contains(expect.as_str()))
    })
}

fn run(
    project: &Project,
    step: &Step,
    names: &BTreeMap<String, String>,
    say: &mut impl FnMut(&str),
) -> Result<(), Error> {
    let words: Vec<String> = step.run.iter().map(|word| filled(word, names)).collect();
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let command = words.join(" ");
    for (from, to) in &step.hides {
        let (from, path) = (project.folder.join(from), project.folder.join(to));
        hidden::hide(&from, &path).map_err(|cause| Error::Io { what: "cannot make", path, cause })?;
    }
    say(&command);
    // The whole of it was said when it began.
    let failed = |how: String| Error::Step { command: program.clone(), how, hint: step.hint.clone() };
    // Made by an earlier step, it is found in the project.
    let program = locate(&project.folder, program).unwrap_or_else(|| program.into());
    let status = Command::new(program)
        .args(arguments)
        .current_dir(&project.folder)
        .envs(step.environment.iter().map(|(name, value)| (name, filled(value, names))))
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|cause| failed(format!("could not be started: {cause}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("failed: {status}"))) }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => Error::NoArtifact { path: path.to_owned() },
        _ => Error::Io { what: "cannot read", path: path.to_owned(), cause },
    })
}
