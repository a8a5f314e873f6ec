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
    /// How a secret name may end. Most names are told from it alone.
    ends: Ends,
}

impl Names {
    /// An error tells what a name has to be.
    pub(crate) fn resolve(more: &[String], keep: &[String]) -> Result<Self, &'static str> {
        let plain = |names: &[String]| names.iter().map(|name| plain(name)).collect::<BTreeSet<_>>();
        let (more, keep) = (plain(more), plain(keep));
        if more.contains("") || keep.contains("") {
            return Err("a name has a letter or a digit");
        }
        let ends = if more.is_empty() { ENDS } else { ENDS.with(&more) };
        Ok(Self { more, keep, ends })
    }

    /// Whether a secret name could end in these characters, letters or digits of ASCII.
    pub(crate) fn may_end(&self, last: [u8; 3]) -> bool {
        self.ends.fit(last)
    }

    /// Whether a field of this name holds a secret.
    pub(crate) fn is_secret(&self, name: &str) -> bool {
        tail(name).is_none_or(|last| self.ends.fit(last)) && self.is_secret_by_words(name)
    }

    /// The same, by the whole name.
    pub(crate) fn is_secret_by_words(&self, name: &str) -> bool {
        if name.len() > NAME_MAX {
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

/// A name's last three characters; `None` when they are not ASCII, or fewer.
fn tail(name: &str) -> Option<[u8; 3]> {
    let mut last = name.bytes().rev().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let (third, second, first) = (last.next()?, last.next()?, last.next()?);
    let last = [first, second, third];
    last.is_ascii().then_some(last)
}

/// How names end: a bit for each pair of last characters, and of those before, five bits of each character. Upper and
/// lower case are one.
#[derive(Clone, Copy)]
struct Ends {
    last: [u64; 16],
    before: [u64; 16],
}

impl Ends {
    const fn add(mut self, last: [u8; 3]) -> Self {
        let (before, last) = (bit(last[0], last[1]), bit(last[1], last[2]));
        self.before[before / 64] |= 1 << (before % 64);
        self.last[last / 64] |= 1 << (last % 64);
        self
    }

    fn with(self, names: &BTreeSet<String>) -> Self {
        let any = Self { last: [u64::MAX; 16], before: [u64::MAX; 16] };
        names.iter().fold(self, |ends, name| tail(name).map_or(any, |last| ends.add(last)))
    }

    fn fit(&self, last: [u8; 3]) -> bool {
        let (before, last) = (bit(last[0], last[1]), bit(last[1], last[2]));
        self.last[last / 64] >> (last % 64) & 1 == 1 && self.before[before / 64] >> (before % 64) & 1 == 1
    }
}

const fn bit(first: u8, second: u8) -> usize {
    ((first & 31) as usize) << 5 | (second & 31) as usize
}

/// How the built-in names end.
const ENDS: Ends = {
    let mut ends = Ends { last: [0; 16], before: [0; 16] };
    let lists: [&[&str]; 2] = [&WORDS, &ENDINGS];
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let name = lists[list][at].as_bytes();
            ends = ends.add([name[name.len() - 3], name[name.len() - 2], name[name.len() - 1]]);
            at += 1;
        }
        list += 1;
    }
    ends
};

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
