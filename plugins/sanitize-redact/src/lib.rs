#![doc = include_str!("../README.md")]

mod assignment;
mod block;
mod field;
mod hidden;
mod rules;
mod scan;
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
            Err(error) => withheld(error.told()),
        }
    }
}

fn withheld(cause: &str) -> Verdict {
    Refusal::unavailable("the answer could not be checked and is withheld").note(cause).into()
}

witgate_sdk::export!(Redact as sanitize);

#[cfg(test)]
mod tests;
