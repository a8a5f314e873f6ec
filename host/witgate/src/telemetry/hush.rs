//! The last thing before a line is written: secrets that came back to the gate, since an upstream said again what it was
//! shown, are taken out of what is quoted of it.

use std::sync::{Arc, PoisonError, RwLock};

use witgate_config::Secrets;
use witgate_policy::secret::Secret;

/// Shorter ones cannot be told from ordinary words.
const LEAST_BYTES: usize = 4;
/// What is kept at most: secrets that a reload replaced may still be on their way.
const MOST: usize = 4096;

/// What stands in a secret's place.
const INSTEAD: &str = "[secret]";

static HIDDEN: RwLock<Option<Arc<Vec<String>>>> = RwLock::new(None);

/// Keeps these secrets out of the log, beside those before.
pub(crate) fn hide(secrets: &Secrets) {
    let texts = secrets.names().filter_map(|name| secrets.get(name)).map(Secret::expose);
    let mut hidden: Vec<String> = texts.filter(|text| text.len() >= LEAST_BYTES).flat_map(forms).collect();
    let mut slot = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    hidden.extend(slot.iter().flat_map(|before| before.iter().cloned()));
    // The longest first, so that one within another leaves nothing of it.
    hidden.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    hidden.dedup();
    hidden.truncate(MOST);
    *slot = Some(Arc::new(hidden));
}

/// As it is, and as JSON has it between quotes.
fn forms(text: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    vec![text.to_owned(), inner]
}

/// The line without secrets.
pub(super) fn hushed(line: Vec<u8>) -> Vec<u8> {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(hidden) = hidden.filter(|hidden| !hidden.is_empty()) else { return line };
    let mut text = match String::from_utf8(line) {
        Ok(text) => text,
        Err(odd) => String::from_utf8_lossy(odd.as_bytes()).into_owned(),
    };
    for secret in hidden.iter() {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), INSTEAD);
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use witgate_config::{Config, Surroundings};

    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form_that_a_line_has() {
        #[track_caller]
        fn check(line: &str, want: &str) {
            assert_eq!(String::from_utf8(hushed(line.into())).expect("UTF-8"), want);
        }
        let file =
            "anonymous = true\n[upstream.a]\nbuiltin = \"leave\"\n[secret.a]\nenv = \"A\"\n[secret.b]\nenv = \"B\"\n";
        let environment = |name: &str| Some(if name == "A" { "hush-\"q\\" } else { "hush-\"q\\-longer" }.to_owned());
        let around = Surroundings::of(&environment);
        let config = Config::parse_in("f", file, Path::new(""), &around).expect("a good file");
        hide(&config.secrets);
        check("says hush-\"q\\!", "says [secret]!");
        check(r#"{"said":"hush-\"q\\-longer, hush-\"q\\"}"#, r#"{"said":"[secret], [secret]"}"#);
        check("hush", "hush");
    }
}
