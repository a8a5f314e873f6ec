//! Bindings: what a guest language needs to speak a world, made from a project's `wit/`.
//!
//! The generators are libraries, so that an author of C, C++ or Go installs a compiler and nothing else.
//!
//! Invariants: what is written depends on nothing but `wit/` and this program; a folder of bindings holds what was made
//! last and nothing older; text that is not WIT is an error that shows the line.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{Resolve, WorldId};

use crate::contract::KINDS;

/// The world of a project; `wit/` has it.
pub const WORLD: &str = "plugin";

/// The module that a Go project is: its bindings are packages of it.
const GO_MODULE: &str = "policy";

/// The packages that Go bindings ask for by the address of a repository; a project has its own, in `wit/`.
const GO_RUNTIME: &str = "go.bytecodealliance.org/pkg/wit/";

/// A language whose bindings this program makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// `plugin.h`, `plugin.c` and an object that carries the component's type.
    C,
    /// `plugin_cpp.h`, `plugin.cpp` and an object that carries the component's type.
    Cpp,
    /// Packages of the module `policy`, in `gen/`. They need that module's packages `wit/runtime` and `wit/types`.
    Go,
}

/// Why there are no bindings.
#[derive(Debug, thiserror::Error)]
pub enum BindingsError {
    /// The folder holds no WIT that can be understood. The text names a file and a line where there is one.
    #[error("the WIT in `{}` is wrong: {text}", .wit.display())]
    Wit {
        /// The folder.
        wit: PathBuf,
        /// What is wrong.
        text: String,
    },
    /// The generator does not know something that the world has.
    #[error("no bindings can be made of the world `{WORLD}`: {0}")]
    World(String),
    /// A file cannot be written, or an old one not be removed.
    #[error("`{}` cannot be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

/// Makes the bindings of the world in the folder `wit` and puts them into the folder `into`, whose former content is
/// removed. Returns the names of the files, in order.
pub fn generate(wit: &Path, language: Language, into: &Path) -> Result<Vec<String>, BindingsError> {
    let (mut resolve, world) = world(wit)?;
    let mut files = Files::default();
    let made = generator(language).generate(&mut resolve, world, &mut files);
    made.map_err(|error| BindingsError::World(format!("{error:#}")))?;
    if into.exists() {
        fs::remove_dir_all(into).map_err(|source| BindingsError::Write { path: into.to_owned(), source })?;
    }
    files.iter().map(|(name, bytes)| write(into, name, &mended(language, bytes))).collect()
}

/// The world of the folder `wit`: `world.wit`, with the packages that it needs in `deps/`.
pub(crate) fn world(wit: &Path) -> Result<(Resolve, WorldId), BindingsError> {
    let mut resolve = Resolve::default();
    let pushed = resolve.push_dir(wit);
    let chosen = pushed.and_then(|(package, _)| resolve.select_world(&[package], Some(WORLD)));
    match chosen {
        Ok(world) => Ok((resolve, world)),
        Err(error) => {
            let text = resolve.render_error(&error);
            let hint = hint(wit, &text).map(|hint| format!("\n  {hint}")).unwrap_or_default();
            Err(BindingsError::Wit { wit: wit.to_owned(), text: text.trim_end().to_owned() + &hint })
        }
    }
}

/// What to do about a package that is not there: the parser names those only that it has read.
fn hint(wit: &Path, text: &str) -> Option<String> {
    let (name, version) = text.split_once("package '")?.1.split_once('\'')?.0.split_once('@')?;
    let (namespace, package) = name.split_once(':')?;
    let folder = if namespace == "witgate" { format!("{package}@") } else { format!("{namespace}-{package}@") };
    let folders = fs::read_dir(wit.join("deps")).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let there: Vec<String> = folders.filter_map(|there| there.strip_prefix(&folder).map(str::to_owned)).collect();
    if !there.is_empty() {
        return Some(format!("deps/ has version {} of `{name}`, not {version}", there.join(" and ")));
    }
    let kind = namespace == "witgate" && KINDS.iter().any(|(kind, _)| *kind == package);
    kind.then(|| {
        format!("deps/ has what one kind needs; `witgate plugin new --kind {package}` begins one of this kind")
    })
}

fn generator(language: Language) -> Box<dyn WorldGenerator> {
    match language {
        Language::C => wit_bindgen_c::Opts::default().build(),
        Language::Cpp => wit_bindgen_cpp::Opts::default().build(None),
        Language::Go => {
            let opts = wit_bindgen_go::Opts {
                format: wit_bindgen_go::Format::False,
                pkg_name: Some(format!("{GO_MODULE}/gen")),
                export_pkg_name: Some(GO_MODULE.to_owned()),
                ..Default::default()
            };
            opts.build()
        }
    }
}

/// What the generators write, with what would not build put right.
fn mended(language: Language, bytes: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Cow::Borrowed(bytes) };
    match language {
        Language::C => Cow::Borrowed(bytes),
        Language::Cpp => Cow::Owned(unchecked(text).into_bytes()),
        Language::Go => Cow::Owned(text.replace(GO_RUNTIME, &format!("{GO_MODULE}/wit/")).into_bytes()),
    }
}

/// `std::move(x).value()` as `*std::move(x)`: the former asks that an error can be copied, which one with a list cannot.
/// It is written only after `has_value()`.
fn unchecked(text: &str) -> String {
    let mut pieces = text.split("std::move(");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| match piece.split_once(").value()") {
        Some((name, rest)) if name.chars().all(|c| c.is_ascii_alphanumeric()) => format!("*std::move({name}){rest}"),
        _ => format!("std::move({piece}"),
    });
    std::iter::once(first).chain(rest).collect()
}

fn write(into: &Path, name: &str, bytes: &[u8]) -> Result<String, BindingsError> {
    let path = into.join(name);
    let folder = path.parent().unwrap_or(into);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
    written.map(|()| name.to_owned()).map_err(|source| BindingsError::Write { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project's `wit/` with this world.
    fn project(world: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("wit/deps/kind")).expect("a folder");
        fs::write(folder.path().join("wit/world.wit"), world).expect("a file");
        let kind = "package test:kind@0.1.0;\ninterface judge {\n  record fault { texts: list<string> }\n  \
                    judge: func(text: string) -> result<string, fault>;\n}\n";
        fs::write(folder.path().join("wit/deps/kind/kind.wit"), kind).expect("a file");
        folder
    }

    fn made(language: Language) -> (Vec<String>, String) {
        let folder = project("package test:plugin;\nworld plugin { export test:kind/judge@0.1.0; }\n");
        let into = folder.path().join("gen");
        let names = generate(&folder.path().join("wit"), language, &into).expect("bindings");
        let texts = names.iter().filter_map(|name| fs::read_to_string(into.join(name)).ok());
        let texts = texts.collect();
        (names, texts)
    }

    #[test]
    fn each_language_has_files_of_its_own() {
        let (names, text) = made(Language::C);
        assert_eq!(names, ["plugin.c", "plugin.h", "plugin_component_type.o"]);
        assert!(text.contains("bool exports_test_kind_judge_judge("), "{text}");
        let (names, text) = made(Language::Cpp);
        assert_eq!(names, ["plugin.cpp", "plugin_component_type.o", "plugin_cpp.h", "wit.h"]);
        assert!(text.contains("std::expected<wit::string, Fault> Judge("), "{text}");
        let (names, text) = made(Language::Go);
        assert!(names.contains(&"wit_exports/wit_exports.go".to_owned()), "{names:?}");
        assert!(text.contains("\"policy/export_test_kind_judge\""), "{text}");
    }

    #[test]
    fn an_error_with_a_list_is_not_copied() {
        let (_, text) = made(Language::Cpp);
        assert!(text.contains("*std::move(result"), "{text}");
        assert_eq!(unchecked("a = (std::move((b).c)).value();"), "a = (std::move((b).c)).value();");
        assert_eq!(unchecked("a = std::move(b1).value(); std::move(c)"), "a = *std::move(b1); std::move(c)");
    }

    #[test]
    fn go_asks_for_no_module_from_elsewhere() {
        let (_, text) = made(Language::Go);
        assert!(text.contains("\"policy/wit/runtime\""), "{text}");
        assert!(!text.contains("bytecodealliance.org"), "{text}");
    }

    #[test]
    fn what_an_older_world_left_is_removed() {
        let folder = project("package test:plugin;\nworld plugin { export test:kind/judge@0.1.0; }\n");
        let into = folder.path().join("gen");
        fs::create_dir_all(&into).expect("a folder");
        fs::write(into.join("old.h"), "").expect("a file");
        generate(&folder.path().join("wit"), Language::C, &into).expect("bindings");
        assert!(!into.join("old.h").exists());
    }

    #[test]
    fn wrong_wit_is_shown_with_its_line() {
        let folder = project("package test:plugin;\n\nworld plugin { export test:kind/jugde@0.1.0; }\n");
        let wrong = generate(&folder.path().join("wit"), Language::C, &folder.path().join("gen"));
        let text = wrong.expect_err("no such interface").to_string();
        assert!(text.contains("world.wit:3"), "{text}");
        assert!(text.contains("jugde"), "{text}");
        assert!(!folder.path().join("gen").exists());
    }

    #[test]
    fn a_folder_without_the_world_is_told() {
        let folder = project("package test:plugin;\nworld other { }\n");
        let wrong = generate(&folder.path().join("wit"), Language::C, &folder.path().join("gen"));
        assert!(wrong.expect_err("no such world").to_string().contains("plugin"));
    }
}
