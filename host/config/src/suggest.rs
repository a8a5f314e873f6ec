use super::Cause;
use crate::builtin;

impl Cause {
    pub(super) fn unknown_key(key: &str, place: &str, known: &[&str]) -> Self {
        let (near, known) = (suggestion(key, known), listed(known));
        Self::UnknownKey { key: key.to_owned(), place: place.to_owned(), known, near }
    }

    pub(super) fn unknown_word(word: &str, place: &str, known: &[&str]) -> Self {
        let (near, known) = (suggestion(word, known), listed(known));
        Self::UnknownWord { word: word.to_owned(), place: place.to_owned(), known, near }
    }

    /// A `builtin:NAME` that there is not, with those that there are.
    pub fn unknown_builtin(name: &str) -> Self {
        let known: Vec<_> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
        Self::UnknownBuiltin { name: name.to_owned(), near: suggestion(name, &known), known: listed(&known) }
    }

    pub(super) fn unknown_secret(name: &str, known: &[&str]) -> Self {
        let near = suggestion(name, known);
        let known = if known.is_empty() {
            format!("write it as [secret.{name}] with `env`, `file` or `command`")
        } else {
            format!("the secrets are {}", listed(known))
        };
        Self::UnknownSecret { name: name.to_owned(), near, known }
    }
}

/// The known word that is most likely meant.
fn suggestion(word: &str, known: &[&str]) -> String {
    let plain = word.to_lowercase().replace('_', "-");
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&plain, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance);
    near.map_or_else(String::new, |(_, known)| format!("did you mean `{known}`? "))
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested_if_any_is_near() {
        #[track_caller]
        fn check(word: &str, want: &str) {
            let known = ["listen", "log", "on-fault", "deadline-ms", "mode"];
            assert_eq!(suggestion(word, &known), want, "{word}");
        }
        check("listn", "did you mean `listen`? ");
        check("ON_FAULT", "did you mean `on-fault`? ");
        check("deadline", "did you mean `deadline-ms`? ");
        check("lgo", "did you mean `log`? ");
        check("node", "did you mean `mode`? ");
        check("mcpServers", "");
        check("x", "");
    }
}
