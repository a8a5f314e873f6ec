//! Names of fields whose values are secret.

use std::collections::BTreeSet;

/// As the last words of a name, whole words: `userToken`, not `broken`.
const WORDS: [&str; 14] = [
    "token",
    "secret",
    "secrets",
    "ssn",
    "pwd",
    "cvv",
    "cvc",
    "cvv2",
    "authorization",
    "cookie",
    "passcode",
    "jwt",
    "bearer",
    "credentials",
];

/// So telling that they count at the end of a word too: `userpassword`.
const ENDINGS: [&str; 19] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "apikey",
    "apikeys",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "clientsecret",
    "accesstoken",
    "refreshtoken",
    "creditcard",
    "creditcardnumber",
    "cardnumber",
    "socialsecuritynumber",
    "connectionstring",
];

/// Tokens that open nothing.
const HARMLESS: [&str; 7] = [
    "progresstoken",
    "nextpagetoken",
    "pagetoken",
    "continuationtoken",
    "nexttoken",
    "canceltoken",
    "cancellationtoken",
];

/// Longer names are no names.
const NAME_MAX: usize = 128;

/// Without case and separators.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The names that are secret, by the settings too.
pub(crate) struct Names {
    more: BTreeSet<String>,
    keep: BTreeSet<String>,
    /// How a secret name may end: a bit for each pair of last characters. Most names are told from it alone.
    tails: [u64; 16],
}

impl Names {
    /// An error tells what a name has to be.
    pub(crate) fn resolve(more: &[String], keep: &[String]) -> Result<Self, &'static str> {
        let plain = |names: &[String]| names.iter().map(|name| plain(name)).collect::<BTreeSet<_>>();
        let (more, keep) = (plain(more), plain(keep));
        if more.contains("") || keep.contains("") {
            return Err("a name has a letter or a digit");
        }
        let mut tails = [0; 16];
        for name in WORDS.iter().chain(&ENDINGS).copied().chain(more.iter().map(String::as_str)) {
            match tail(name) {
                Some(bit) => tails[bit / 64] |= 1 << (bit % 64),
                None => tails = [u64::MAX; 16],
            }
        }
        Ok(Self { more, keep, tails })
    }

    /// Whether a field of this name holds a secret.
    pub(crate) fn is_secret(&self, name: &str) -> bool {
        let ends_right = tail(name).is_none_or(|bit| self.tails[bit / 64] >> (bit % 64) & 1 == 1);
        if !ends_right || name.len() > NAME_MAX {
            return false;
        }
        let whole = plain(name);
        if whole.is_empty() || self.keep.contains(&whole) || HARMLESS.contains(&whole.as_str()) {
            return false;
        }
        ENDINGS.iter().any(|ending| whole.ends_with(ending))
            || last_words(name, &whole).any(|words| WORDS.contains(&words) || self.more.contains(words))
    }
}

/// The bit of a name's last two characters, five bits of each; `None` when they are not ASCII, or only one.
fn tail(name: &str) -> Option<usize> {
    let mut last = name.bytes().rev().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let (second, first) = (last.next()?, last.next()?);
    (second.is_ascii() && first.is_ascii()).then_some(usize::from(first & 31) << 5 | usize::from(second & 31))
}

/// The ends of a plain name that begin where a word begins: of `dbUserToken`, `dbusertoken`, `usertoken`, `token`.
fn last_words<'a>(name: &str, whole: &'a str) -> impl Iterator<Item = &'a str> {
    let mut starts = Vec::new();
    let (mut at, mut previous) = (0, None::<char>);
    for c in name.chars() {
        if c.is_alphanumeric() {
            let begins =
                previous.is_none_or(|before| !before.is_alphanumeric() || c.is_uppercase() && !before.is_uppercase());
            if begins {
                starts.push(at);
            }
            at += c.to_lowercase().map(char::len_utf8).sum::<usize>();
        }
        previous = Some(c);
    }
    starts.into_iter().filter_map(|start| whole.get(start..))
}
