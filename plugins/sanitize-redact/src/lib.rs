//! `sanitize-redact`: takes secrets out of what leaves the gate, and hidden text out of what a model will read.
//!
//! | setting | type | default | |
//! |---|---|---|---|
//! | `fields` | list of names | `[]` | further field names whose values are secret |
//! | `patterns` | list of regular expressions | `[]` | further secrets in text; syntax of the crate `regex-lite` |
//! | `off` | list of built-in rules | `[]` | rules that are not to be applied, see below |
//! | `keep-fields` | list of names | `[]` | field names that are no secret after all |
//! | `allow` | list of globs over JSON pointers | `[]` | places that are left as they are, as `/structuredContent/id` |
//! | `replacement` | string | `"[redacted]"` | what is put in a secret's place |
//!
//! Names are compared without case and separators, and a name's last words count: `password` is found in `Password`,
//! `db_password` and `userPassword`.
//!
//! ```json
//! {"fields": ["iban"], "patterns": ["EMP-[0-9]{6}"], "off": ["email"], "allow": ["/structuredContent/contact/*"]}
//! ```
//!
//! | rule | what it finds |
//! |---|---|
//! | `fields` | values of fields named `password`, `passwd`, `pwd`, `passphrase`, `secret`, `token`, `api_key`, `access_key`, `private_key`, `authorization`, `cookie`, `ssn`, `credit_card`, `card_number`, `cvv`, … |
//! | `assignments` | the same names in text, as `password: x` or `token=x`; not in listings, which explain such names |
//! | `nested-json` | all of this in text that is JSON |
//! | `keys` | tokens of AWS, GitHub, GitLab, Google, Hugging Face, npm, `OpenAI` and alike (`sk-…`), `PyPI`, Slack, Stripe |
//! | `jwt`, `private-key` | JSON Web Tokens; PEM private keys |
//! | `card`, `ssn`, `email` | payment card numbers (Luhn); US social security numbers; e-mail addresses |
//! | `escapes` | terminal escape sequences and control characters but tab, line feed and carriage return: removed |
//! | `invisible` | zero-width, bidirectional and tag characters, stray joiners and variation selectors: removed |
//!
//! It works alike for results, errors, notifications, requests and listings, on values and on names of fields, which it
//! renames. What it leaves: `true`, `false`, `null` and empty strings; base64 in `data` and `blob`; what only the
//! protocol reads (`requestState`, cursors, progress tokens). In the schemas of listings and elicitations the structure
//! stays: names of properties, enumerations and patterns lose hidden characters and nothing else, while descriptions,
//! titles, defaults and examples are treated as text. A secret number becomes the replacement, which is a string.
//! Deeper than 120 levels nothing can be judged and the message is withheld.

mod field;
mod hidden;
mod rules;
mod span;
mod text;
mod token;
mod walk;

use witgate_sdk::sanitize::{Message, Sanitizer, Verdict};
use witgate_sdk::{Call, Document, Identity, Plugin, Refusal};

use rules::{Rules, Settings};

struct Redact(Rules);

/// The host takes 4,096 edits; beyond this the message is handed back whole.
const EDITS_MAX: usize = 2_000;

impl Plugin for Redact {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        Rules::resolve(settings).map(Self)
    }
}

impl Sanitizer for Redact {
    fn sanitize(&self, _: &Call, _: &Identity, message: &Message, payload: &Document) -> Verdict {
        let text = payload.text();
        match walk::edits(&self.0, message.kind, &text) {
            Ok(edits) if edits.len() <= EDITS_MAX => edits.into(),
            Ok(edits) => walk::apply(&text, &edits).map_or_else(|| withheld("edits do not apply"), Verdict::Replace),
            Err(error) => withheld(&error.to_string()),
        }
    }
}

fn withheld(cause: &str) -> Verdict {
    Refusal::unavailable("the answer could not be checked and is withheld").note(cause).into()
}

witgate_sdk::export!(Redact as sanitize);

#[cfg(test)]
mod tests;
