#![doc = include_str!("../README.md")]

mod assert;
mod combine;
mod eval;
mod format;
mod json;
mod learnt;
mod number;
mod patterns;
mod place;
mod reference;
mod rule;
mod seen;
mod survey;
mod word;

use serde::Deserialize;
use witgate_sdk::validate::{Validator, Verdict};
use witgate_sdk::{Call, Document, Finding, Identity, Plugin, Refusal};

use eval::{Fault, Judge};
use json::Tree;
use learnt::Learnt;
use rule::Rule;

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Settings {
    input_schema: bool,
    on_bad_schema: OnBadSchema,
    rules: Vec<Rule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { input_schema: true, on_bad_schema: OnBadSchema::Refuse, rules: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnBadSchema {
    Refuse,
    Skip,
}

/// More would help nobody to mend a call.
const FINDINGS_MAX: usize = 16;

struct Schema(Settings);

impl Plugin for Schema {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        for (position, rule) in settings.rules.iter().enumerate() {
            rule.check().map_err(|cause| format!("setting `rules[{position}]{cause}"))?;
        }
        Ok(Self(settings))
    }
}

impl Validator for Schema {
    fn validate(&self, call: &Call, _: &Identity, tool: Option<&Document>, params: &Document) -> Verdict {
        let mut findings = Vec::new();
        let judged =
            self.by_tool(call, tool, params, &mut findings).and_then(|()| self.by_rules(call, params, &mut findings));
        match judged {
            Err(fault) => fault.refusal().into(),
            Ok(()) if findings.is_empty() => Verdict::Accept,
            Ok(()) => refusal(findings).into(),
        }
    }
}

impl Schema {
    fn by_tool(
        &self,
        call: &Call,
        tool: Option<&Document>,
        params: &Document,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Fault> {
        let Some(tool) = tool.filter(|_| self.0.input_schema && call.method == "tools/call") else { return Ok(()) };
        let Some(schema) = tool.raw("/inputSchema") else { return Ok(()) };
        let schema = Tree::of_schema(schema).map_err(|why| Fault::limit(format!("the schema is {}", why.told())))?;
        let arguments = params.raw("/arguments").unwrap_or_else(|| "{}".to_owned());
        let arguments =
            Tree::of_value(arguments).map_err(|why| Fault::limit(format!("the arguments are {}", why.told())))?;
        let learnt = Learnt::default();
        if self.0.on_bad_schema == OnBadSchema::Refuse {
            survey::survey(schema.root(), &learnt, false).map_err(Fault::Schema)?;
        }
        findings.extend(Judge::new(schema.root(), &learnt).findings(arguments.root().value(), "/arguments")?);
        Ok(())
    }

    fn by_rules(&self, call: &Call, params: &Document, findings: &mut Vec<Finding>) -> Result<(), Fault> {
        for rule in self.0.rules.iter().filter(|rule| rule.applies_to(call)) {
            rule.judge(params, findings)?;
        }
        Ok(())
    }
}

fn refusal(mut findings: Vec<Finding>) -> Refusal {
    findings.truncate(FINDINGS_MAX);
    Refusal { findings, ..Refusal::invalid("the call does not fit its schema") }
}

witgate_sdk::export!(Schema as validate);

#[cfg(test)]
mod tests;
