//! What to look for.

use regex_lite::Regex;
use serde::Deserialize;
use witgate_sdk::Glob;

use crate::field::Names;

/// What the operator writes; the crate's documentation says what each means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Settings {
    fields: Vec<String>,
    patterns: Vec<String>,
    off: Vec<Rule>,
    keep_fields: Vec<String>,
    allow: Vec<Glob>,
    replacement: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            patterns: Vec::new(),
            off: Vec::new(),
            keep_fields: Vec::new(),
            allow: Vec::new(),
            replacement: "[redacted]".to_owned(),
        }
    }
}

/// A built-in rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    Fields,
    Assignments,
    NestedJson,
    Keys,
    Jwt,
    PrivateKey,
    Card,
    Ssn,
    Email,
    Escapes,
    Invisible,
}

pub(crate) struct Rules {
    off: Vec<Rule>,
    pub(crate) patterns: Vec<Regex>,
    names: Names,
    allow: Vec<Glob>,
    pub(crate) replacement: String,
}

impl Rules {
    /// An error names the setting.
    pub(crate) fn resolve(settings: Settings) -> Result<Self, String> {
        let mut patterns = Vec::with_capacity(settings.patterns.len());
        for (position, pattern) in settings.patterns.iter().enumerate() {
            let regex = Regex::new(pattern).map_err(|error| format!("setting `patterns[{position}]`: {error}"))?;
            if regex.is_match("") {
                return Err(format!("setting `patterns[{position}]`: finds nothing everywhere; ask for one character"));
            }
            patterns.push(regex);
        }
        let names = Names::resolve(&settings.fields, &settings.keep_fields)
            .map_err(|cause| format!("settings `fields` and `keep-fields`: {cause}"))?;
        Ok(Self { off: settings.off, patterns, names, allow: settings.allow, replacement: settings.replacement })
    }

    pub(crate) fn has(&self, rule: Rule) -> bool {
        !self.off.contains(&rule)
    }

    /// Whether a field of this name holds a secret.
    pub(crate) fn is_secret_field(&self, name: &str) -> bool {
        self.names.is_secret(name)
    }

    /// Whether a name that ends so could be one of a secret.
    pub(crate) fn may_end_secret(&self, last: [u8; 3]) -> bool {
        self.names.may_end(last)
    }

    /// Whether a field of this name holds a secret, by all of its words.
    #[cfg(test)]
    pub(crate) fn is_secret_by_words(&self, name: &str) -> bool {
        self.names.is_secret_by_words(name)
    }

    /// Whether there is a value that is not looked at.
    pub(crate) fn may_allow(&self) -> bool {
        !self.allow.is_empty()
    }

    pub(crate) fn allows(&self, pointer: &str) -> bool {
        self.allow.iter().any(|glob| glob.matches(pointer))
    }
}
