//! What is known of each guest language: `sdk/<language>/language.toml` and the template beside it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::bindings;
use crate::component::Adapter;
use crate::files;

/// A language in which a plugin can be begun.
#[derive(Debug, Clone)]
pub struct Language {
    /// As the folder of `sdk/` is named.
    pub name: &'static str,
    pub(crate) recipe: Recipe,
}

/// How a project in a language is built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// What a new project needs once, for a person to type.
    pub(crate) install: Option<String>,
    /// What the steps leave, relative to the project.
    pub(crate) artifact: Option<String>,
    /// Folders of the repository that a project has a copy of, below `witgate/`; then it has no `wit/` of its own.
    #[serde(default)]
    pub(crate) vendor: Vec<String>,
    /// What the help of the template imports.
    #[serde(default)]
    pub(crate) imports: Vec<String>,
    /// Bindings that are made before the steps.
    pub(crate) bindings: Option<bindings::Language>,
    /// The core module of which a component is made after them.
    pub(crate) component: Option<Module>,
    /// Names that stand for an environment variable, or a default.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    #[serde(default, rename = "tool")]
    pub(crate) tools: Vec<Tool>,
    #[serde(default, rename = "step")]
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Module {
    pub(crate) module: String,
    #[serde(default)]
    pub(crate) adapt: Adapter,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    pub(crate) env: String,
    pub(crate) default: String,
}

/// A program that has to be there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    /// What stands for it in the steps.
    pub(crate) name: String,
    /// Its names; the first that is found is taken. One with a `/` is in the project.
    pub(crate) any: Vec<String>,
    /// Must succeed,
    pub(crate) check: Option<Vec<String>>,
    /// and say this.
    pub(crate) expect: Option<String>,
    /// How to get it.
    pub(crate) get: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) run: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// Folders, and where it finds a copy of each in which WASI has another name; see [`crate::hidden`].
    #[serde(default)]
    pub(crate) hides: BTreeMap<String, String>,
    /// What to do when it fails.
    pub(crate) hint: Option<String>,
}

impl Language {
    /// All of them, by name.
    pub fn all() -> Vec<Self> {
        files::names("sdk").into_iter().filter_map(Self::read).collect()
    }

    /// The one of this name, or of an alias that people type.
    pub fn named(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let name = match &*lower {
            "javascript" | "typescript" | "ts" => "js",
            "c++" | "cxx" => "cpp",
            "golang" => "go",
            "py" => "python",
            "rs" => "rust",
            name => name,
        };
        Self::all().into_iter().find(|language| language.name == name)
    }

    /// What a new project needs once before it is built, as a person types it.
    pub fn install(&self) -> Option<String> {
        self.recipe.install.clone()
    }

    fn read(name: &'static str) -> Option<Self> {
        let text = files::text(&format!("sdk/{name}/language.toml"))?;
        // The tests read every one, so that none is lost here.
        Some(Self { name, recipe: toml::from_str(text).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_read() {
        for name in files::names("sdk") {
            if let Some(text) = files::text(&format!("sdk/{name}/language.toml")) {
                let recipe: Recipe = toml::from_str(text).unwrap_or_else(|e| panic!("sdk/{name}/language.toml: {e}"));
                assert!(recipe.artifact.is_some() != recipe.component.is_some(), "{name}: one of the two");
                assert!(recipe.tools.iter().all(|tool| !tool.any.is_empty() && !tool.get.is_empty()), "{name}");
            }
        }
    }
}
