//! Hides some values of what comes out, and keeps back what must not go out at all.

use serde::Deserialize;
use witgate_sdk::sanitize::{Message, Sanitizer, Verdict};
use witgate_sdk::{Call, Document, Edit, Identity, Plugin, Refusal};

#[derive(Deserialize)]
struct Settings {
    /// Where the values are.
    pointers: Vec<String>,
    /// What stands in their place.
    with: Option<String>,
    /// Texts that keep a message back.
    forbidden: Option<Vec<String>>,
}

struct Redactor {
    pointers: Vec<String>,
    with: serde_json::Value,
    forbidden: Vec<String>,
}

impl Plugin for Redactor {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.pointers.is_empty() {
            return Err("setting `pointers`: is empty".to_owned());
        }
        let with = settings.with.unwrap_or_else(|| "[redacted]".to_owned()).into();
        Ok(Self { pointers: settings.pointers, with, forbidden: settings.forbidden.unwrap_or_default() })
    }
}

impl Sanitizer for Redactor {
    fn sanitize(&self, _: &Call, _: &Identity, _: &Message, payload: &Document) -> Verdict {
        if !self.forbidden.is_empty() {
            let text = payload.text();
            if let Some(at) = self.forbidden.iter().position(|forbidden| text.contains(forbidden)) {
                let note = format!("it contains forbidden text {at}");
                return Refusal::forbidden("the message was withheld").note(note).into();
            }
        }
        let there = self.pointers.iter().filter(|pointer| payload.raw(pointer).is_some());
        there.map(|pointer| Edit::set(pointer, &self.with)).collect::<Vec<_>>().into()
    }
}

witgate_sdk::export!(Redactor as sanitize);

#[cfg(test)]
mod tests {
    use witgate_sdk::sanitize::Kind;

    use super::*;

    #[test]
    fn what_is_there_is_hidden() {
        let plugin: Redactor = witgate_sdk::configure(r#"{"pointers": ["/a"]}"#).expect("settings");
        let message = Message { kind: Kind::Result, method: "tools/call".to_owned(), upstream: None };
        let ask = |payload: &str| {
            plugin.sanitize(&Call::default(), &Identity::default(), &message, &Document::from_text(payload))
        };
        assert!(matches!(ask(r#"{"b": 1}"#), Verdict::Pass));
        assert!(matches!(ask(r#"{"a": 1}"#), Verdict::Edits(edits) if edits == [Edit::set("/a", &"[redacted]".into())]));
    }
}
