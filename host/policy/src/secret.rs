//! Secrets that are named by plugins and filled in by the host.

use std::fmt;

use crate::origin::Origin;

/// A secret's text. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the bytes of a request, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who holds the secrets, and knows which plugin may send which where.
pub trait SecretSource: Send + Sync {
    /// The secret of that name, if `plugin` was granted it for `origin`, where it is about to go.
    fn secret(&self, plugin: &str, name: &str, origin: &Origin) -> Option<Secret>;
}

/// Why a template was not filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The secret does not exist or was not granted; deliberately not told apart.
    #[error("the secret `{name}` does not exist or is not granted to this plugin for where it goes")]
    Unknown {
        /// The secret's name.
        name: String,
    },
    /// A `${` that is not `${secret:NAME}`.
    #[error("`{0}` is not of the form ${{secret:NAME}}")]
    Malformed(String),
}

/// Puts secrets where `template` names them as `${secret:NAME}`; `$${` stands for a plain `${`.
pub fn fill(template: &str, lookup: impl Fn(&str) -> Option<Secret>) -> Result<Secret, FillError> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            filled.push_str(escaped);
            filled.push_str("${");
            rest = &from[2..];
            continue;
        }
        filled.push_str(before);
        let end = from.find('}').ok_or_else(|| FillError::Malformed(from.into()))?;
        let name = from[2..end]
            .strip_prefix("secret:")
            .filter(|name| !name.is_empty())
            .ok_or_else(|| FillError::Malformed(from[..=end].into()))?;
        let secret = lookup(name).ok_or_else(|| FillError::Unknown { name: name.into() })?;
        filled.push_str(secret.expose());
        rest = &from[end + 1..];
    }
    filled.push_str(rest);
    Ok(Secret(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_filled_where_they_are_named() {
        #[track_caller]
        fn check(template: &str, want: Result<&str, FillError>) {
            let got = fill(template, |name| (name == "KEY").then(|| Secret::new("s3cret")));
            assert_eq!(got, want.map(Secret::new), "{template}");
        }
        check("Bearer ${secret:KEY}", Ok("Bearer s3cret"));
        check("${secret:KEY}${secret:KEY}", Ok("s3crets3cret"));
        check("plain $ and $${secret:KEY}", Ok("plain $ and ${secret:KEY}"));
        check("${secret:OTHER}", Err(FillError::Unknown { name: "OTHER".into() }));
        check("${KEY}", Err(FillError::Malformed("${KEY}".into())));
        check("${secret:", Err(FillError::Malformed("${secret:".into())));
    }

    #[test]
    fn a_secret_does_not_show_in_debug() {
        assert!(!format!("{:?}", Secret::new("s3cret")).contains("s3cret"));
    }
}
