use std::collections::BTreeMap;

use super::super::cause::GrantCause;
use super::super::desk::Desk;
use super::super::document::Part;
use super::super::place::Place;
use super::super::raw::RawGrants;

/// Environment and arguments, together. They are copied into each instance that asks for them; a system gives a program
/// a few times as much.
const MAX_WORDS_BYTES: usize = 64 << 10;

/// Standard input, likewise.
const MAX_STDIN_BYTES: usize = 1 << 20;

impl Desk<'_> {
    pub(super) fn environment_of(&mut self, raw: &RawGrants, place: &Place) -> BTreeMap<String, String> {
        let place = place.key("environment");
        for (key, value) in &raw.environment {
            if key.is_empty() || key.contains('=') || key.chars().any(char::is_control) {
                self.report(GrantCause::BadVariableName { name: key.clone() }, &place.key(key), Part::Key);
            }
            self.argument(value, false, &place.key(key));
        }
        let bytes = raw.environment.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.within(bytes, MAX_WORDS_BYTES, &place);
        raw.environment.clone().into_iter().collect()
    }

    pub(super) fn arguments_of(&mut self, raw: &RawGrants, place: &Place) -> Vec<String> {
        let place = place.key("arguments");
        for (at, argument) in raw.arguments.iter().enumerate() {
            self.argument(argument, false, &place.index(at));
        }
        self.within(raw.arguments.iter().map(String::len).sum(), MAX_WORDS_BYTES, &place);
        raw.arguments.clone()
    }

    pub(super) fn stdin_of(&mut self, raw: &RawGrants, place: &Place) -> String {
        let stdin = raw.stdin.clone().unwrap_or_default();
        self.within(stdin.len(), MAX_STDIN_BYTES, &place.key("stdin"));
        stdin
    }

    fn within(&mut self, bytes: usize, limit: usize, place: &Place) {
        if bytes > limit {
            self.report(GrantCause::TooMuchText { place: place.to_string(), bytes, limit }, place, Part::Key);
        }
    }
}
