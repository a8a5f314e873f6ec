//! What the operator demands besides.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use witgate_sdk::{Call, Document, Finding, Glob};

use crate::eval::{Fault, Judge};
use crate::json::Tree;
use crate::learnt::Learnt;
use crate::survey::survey;

/// One demand; the crate's documentation says what each field means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default = "tool_calls")]
    methods: Vec<Glob>,
    targets: Option<Vec<Glob>>,
    pointer: String,
    #[serde(deserialize_with = "tree")]
    schema: Tree,
    /// Of the schema, when it is checked.
    #[serde(skip)]
    learnt: Learnt,
    #[serde(default)]
    required: bool,
    message: Option<String>,
}

fn tree<'de, D: Deserializer<'de>>(schema: D) -> Result<Tree, D::Error> {
    let schema = serde_json::Value::deserialize(schema)?;
    Tree::of_schema(schema.to_string()).map_err(|why| Error::custom(why.told()))
}

fn tool_calls() -> Vec<Glob> {
    vec![Glob::new("tools/call")]
}

impl Rule {
    /// An error begins with the rest of the setting's path.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.pointer.is_empty() && !self.pointer.starts_with('/') {
            return Err(format!(
                ".pointer`: `{}` is no JSON pointer: write `/arguments/NAME`",
                self.pointer.escape_debug()
            ));
        }
        if self.methods.is_empty() || self.targets.as_ref().is_some_and(Vec::is_empty) {
            return Err("`: an empty list of methods or targets fits no call; leave it out for all".to_owned());
        }
        survey(self.schema.root(), &self.learnt, true)
            .map_err(|(place, cause)| format!(".schema{}`: {cause}", place.replace('/', ".")))
    }

    pub(crate) fn applies_to(&self, call: &Call) -> bool {
        let addressed = |targets: &Vec<Glob>| {
            call.target.as_ref().is_some_and(|target| targets.iter().any(|glob| glob.matches(target)))
        };
        self.methods.iter().any(|glob| glob.matches(&call.method)) && self.targets.as_ref().is_none_or(addressed)
    }

    pub(crate) fn judge(&self, params: &Document, findings: &mut Vec<Finding>) -> Result<(), Fault> {
        let Some(text) = params.raw(&self.pointer) else {
            if self.required {
                findings.push(Finding::at(&self.pointer, self.message.as_deref().unwrap_or("is required")));
            }
            return Ok(());
        };
        let value = Tree::of_value(text).map_err(|why| Fault::limit(format!("the params are {}", why.told())))?;
        for finding in Judge::new(self.schema.root(), &self.learnt).findings(value.root().value(), &self.pointer)? {
            let message = self.message.clone().unwrap_or(finding.message);
            findings.push(Finding { message, ..finding });
        }
        Ok(())
    }
}
