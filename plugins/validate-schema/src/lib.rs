//! `validate-schema`: lets a tool call in when its arguments fit the tool's own `inputSchema`, and the operator's rules.
//!
//! | setting | type | default | |
//! |---|---|---|---|
//! | `input-schema` | `true`, `false` | `true` | whether arguments are checked against the tool's `inputSchema` |
//! | `on-bad-schema` | `"refuse"`, `"skip"` | `"refuse"` | what becomes of a call whose schema cannot be judged |
//! | `rules` | list | `[]` | further demands |
//! | `rules[].methods` | list of globs | `["tools/call"]` | for messages of these methods … |
//! | `rules[].targets` | list of globs | every target | … to these tools, prompts or URIs … |
//! | `rules[].pointer` | JSON pointer | required | … what stands here, from the root of `params` … |
//! | `rules[].schema` | JSON Schema | required | … has to fit this, if it is there |
//! | `rules[].required` | `true`, `false` | `false` | and it has to be there |
//! | `rules[].message` | string | what the schema says | what the client is told instead |
//!
//! ```json
//! {"rules": [
//!   {"targets": ["*_leave"], "pointer": "/arguments/employee_id", "required": true,
//!    "schema": {"type": "string", "pattern": "^E[0-9]{3}$"}, "message": "employee ids look like E001"},
//!   {"targets": ["apply_leave"], "pointer": "/arguments/dates",
//!    "schema": {"items": {"type": "string", "format": "date"}, "minItems": 1, "maxItems": 30}}
//! ]}
//! ```
//!
//! Schemas are JSON Schema 2020-12, or draft-07 where `$schema` says so, with all keywords that assert or apply. `format`
//! asserts: `date`, `time`, `date-time`, `duration`, `email`, `hostname`, `ipv4`, `ipv6`, `uri`, `uri-reference`, `uuid`,
//! `json-pointer`; others say nothing. Regular expressions are those of the crate `regex-lite`: linear in time, and so
//! without look-around and back references, with classes of ASCII.
//!
//! `$ref` stays inside its schema; nothing is ever fetched. A reference that leads elsewhere, a regular expression that is
//! not understood and a keyword with a value that it cannot have are the upstream's fault: with `refuse` the call is
//! refused as `unavailable`, with a note that names the place in the schema; with `skip` that keyword alone is passed over.
//! So is a call that would take more than 100,000 steps or 64 levels to judge, but that is always refused.
//!
//! Findings are JSON pointers from the root of `params`, 16 at most, and do not repeat values. A call without `arguments`
//! is judged as `{}`. A call to a tool that no upstream lists meets the rules only.
//!
//! Why not a library: `jsonschema` 0.60 makes a component of 2.5 MB and `boon` 0.6 one of 1.4 MB, and both ask for
//! entropy, which here would be an import. The tests compare with `jsonschema`.

mod assert;
mod eval;
mod format;
mod keyword;
mod number;
mod reference;
mod rule;
mod seen;

use serde::Deserialize;
use serde_json::Value;
use witgate_sdk::validate::{Validator, Verdict};
use witgate_sdk::{Call, Document, Finding, Identity, Plugin, Refusal};

use eval::{Fault, Judge};
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
        let schema: Value =
            serde_json::from_str(&schema).map_err(|_| Fault::limit("the schema is nested too deeply"))?;
        let arguments = params.raw("/arguments").unwrap_or_else(|| "{}".to_owned());
        let arguments: Value =
            serde_json::from_str(&arguments).map_err(|_| Fault::limit("the arguments are nested too deeply"))?;
        findings.extend(Judge::new(&schema, self.0.on_bad_schema).findings(&arguments, "/arguments")?);
        Ok(())
    }

    fn by_rules(&self, call: &Call, params: &Document, findings: &mut Vec<Finding>) -> Result<(), Fault> {
        for rule in self.0.rules.iter().filter(|rule| rule.applies_to(call)) {
            rule.judge(params, self.0.on_bad_schema, findings)?;
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
