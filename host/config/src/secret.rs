use std::collections::BTreeMap;
use std::path::PathBuf;

use witgate_policy::secret::Secret;

use super::Cause;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::{RawFile, RawSecret};

/// A secret is a token or a key; a larger file is a mistake.
const MAX_BYTES: usize = 64 << 10;

/// The secrets by name, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    by_name: BTreeMap<String, Secret>,
    files: Vec<PathBuf>,
}

impl Secrets {
    /// The secret of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.by_name.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The files that they were read from.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter()
    }
}

impl Desk<'_> {
    pub(super) fn secrets(&mut self, raw: &RawFile) -> Secrets {
        let mut secrets = BTreeMap::new();
        for (name, from) in &raw.secret {
            let place = Place::root().key("secret").key(name);
            let secret = self.secret(name, from).unwrap_or_else(|cause| {
                self.report(cause, &place, Part::Key);
                Secret::new("")
            });
            secrets.insert(name.clone(), secret);
        }
        let files = raw.secret.values().filter_map(|from| from.file.as_deref());
        Secrets { by_name: secrets, files: files.map(|file| self.path(file)).collect() }
    }

    fn secret(&self, name: &str, from: &RawSecret) -> Result<Secret, Cause> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(Cause::BadName { text: name.to_owned(), what: "a secret", hint: None, max: 64 });
        }
        let unreadable = |why: String| Cause::SecretUnreadable { name: name.to_owned(), why };
        let text = match (&from.env, &from.file) {
            (Some(variable), None) => (self.environment)(variable)
                .ok_or_else(|| unreadable(format!("the environment variable `{variable}` is not set")))?,
            (None, Some(file)) => {
                let path = self.path(file);
                let text = std::fs::read_to_string(&path)
                    .map_err(|cause| unreadable(format!("{}: {cause}", path.display())))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            _ => return Err(Cause::SecretForm { name: name.to_owned() }),
        };
        match text.len() {
            0 => Err(unreadable("it is empty".to_owned())),
            1..=MAX_BYTES => Ok(Secret::new(text)),
            bytes => Err(unreadable(format!("it is {bytes} bytes, more than {MAX_BYTES}"))),
        }
    }
}
