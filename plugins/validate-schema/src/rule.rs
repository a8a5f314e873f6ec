//! What the operator demands besides.

use serde::Deserialize;
use serde_json::Value;
use witgate_sdk::{Call, Document, Finding, Glob};

use crate::OnBadSchema;
use crate::eval::{Fault, Judge};
use crate::keyword;

/// One demand; the crate's documentation says what each field means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default = "tool_calls")]
    methods: Vec<Glob>,
    targets: Option<Vec<Glob>>,
    pointer: String,
    schema: Value,
    #[serde(default)]
    required: bool,
    message: Option<String>,
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
        keyword::survey(&self.schema).map_err(|(place, cause)| format!(".schema{}`: {cause}", place.replace('/', ".")))
    }

    pub(crate) fn applies_to(&self, call: &Call) -> bool {
        let addressed = |targets: &Vec<Glob>| {
            call.target.as_ref().is_some_and(|target| targets.iter().any(|glob| glob.matches(target)))
        };
        self.methods.iter().any(|glob| glob.matches(&call.method)) && self.targets.as_ref().is_none_or(addressed)
    }

    pub(crate) fn judge(
        &self,
        params: &Document,
        on_bad_schema: OnBadSchema,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Fault> {
        let Some(text) = params.raw(&self.pointer) else {
            if self.required {
                findings.push(Finding::at(&self.pointer, self.message.as_deref().unwrap_or("is required")));
            }
            return Ok(());
        };
        let value: Value = serde_json::from_str(&text).map_err(|_| Fault::limit("the params are nested too deeply"))?;
        for finding in Judge::new(&self.schema, on_bad_schema).findings(&value, &self.pointer)? {
            let message = self.message.clone().unwrap_or(finding.message);
            findings.push(Finding { message, ..finding });
        }
        Ok(())
    }
}
