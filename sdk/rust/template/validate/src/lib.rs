//! Checks the fields of a tool's arguments, and fills in what was left out.

use serde::Deserialize;
use serde_json::value::RawValue;
use witgate_sdk::validate::{Validator, Verdict};
use witgate_sdk::{Call, Document, Edit, Finding, Identity, Plugin, Refusal};

#[derive(Deserialize)]
struct Settings {
    /// The tool that is meant; all of them by default.
    tool: Option<String>,
    fields: Vec<Field>,
    defaults: Option<Vec<Fill>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Field {
    pointer: String,
    r#type: Type,
    required: Option<bool>,
    /// Of the value's JSON text.
    max_bytes: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    String,
    Number,
    Boolean,
    Array,
    Object,
}

/// A value for what was left out.
#[derive(Deserialize)]
struct Fill {
    pointer: String,
    value: Box<RawValue>,
}

struct Fields(Settings);

impl Plugin for Fields {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.fields.is_empty() { Err("setting `fields`: is empty".to_owned()) } else { Ok(Self(settings)) }
    }
}

impl Validator for Fields {
    fn validate(&self, call: &Call, _: &Identity, _: Option<&Document>, params: &Document) -> Verdict {
        let Settings { tool, fields, defaults } = &self.0;
        if call.method != "tools/call" || tool.as_ref().is_some_and(|tool| Some(tool) != call.target.as_ref()) {
            return Verdict::Accept;
        }
        let findings: Vec<Finding> = fields.iter().filter_map(|field| field.check(params)).collect();
        if !findings.is_empty() {
            let message = format!("{} of {} fields do not fit", findings.len(), fields.len());
            return Refusal { findings, ..Refusal::invalid(message) }.into();
        }
        let missing = defaults.iter().flatten().filter(|fill| params.raw(&fill.pointer).is_none());
        let set = |fill: &Fill| Edit { pointer: fill.pointer.clone(), value: Some(fill.value.get().to_owned()) };
        missing.map(set).collect::<Vec<_>>().into()
    }
}

impl Field {
    fn check(&self, params: &Document) -> Option<Finding> {
        let wrong = |message: String| Some(Finding::at(&self.pointer, message));
        let Some(text) = params.raw(&self.pointer) else {
            return if self.required.unwrap_or_default() { wrong("is missing".to_owned()) } else { None };
        };
        if !self.r#type.is_of(&text) {
            return wrong(format!("is not of type {}", self.r#type.name()));
        }
        let max_bytes = self.max_bytes.filter(|max| text.len() > *max as usize)?;
        wrong(format!("is longer than {max_bytes} bytes"))
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// The first byte of a JSON text tells its type.
    fn is_of(self, text: &str) -> bool {
        matches!(
            (self, text.as_bytes().first()),
            (Self::String, Some(b'"'))
                | (Self::Number, Some(b'-' | b'0'..=b'9'))
                | (Self::Boolean, Some(b't' | b'f'))
                | (Self::Array, Some(b'['))
                | (Self::Object, Some(b'{'))
        )
    }
}

witgate_sdk::export!(Fields as validate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_missing_is_named() {
        let settings = r#"{"fields": [{"pointer": "/arguments/id", "type": "string", "required": true}]}"#;
        let plugin: Fields = witgate_sdk::configure(settings).expect("settings");
        let ask = |params: &str| {
            plugin.validate(&Call::default(), &Identity::default(), None, &Document::from_text(params))
        };
        assert!(matches!(ask(r#"{"arguments": {"id": "E001"}}"#), Verdict::Accept));
        let Verdict::Refuse(refusal) = ask(r#"{"arguments": {}}"#) else { panic!("accepted") };
        assert_eq!(refusal.findings[0].pointer, "/arguments/id");
    }
}
