//! Where a value stands: written down only when something is found there.

use std::fmt::{self, Display, Formatter};

/// A JSON pointer, from its end to its beginning.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    /// A pointer.
    Root(&'p str),
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Root(pointer) => f.write_str(pointer),
            Self::Member(outer, name) => {
                outer.fmt(f)?;
                token(name, f)
            }
            Self::Item(outer, index) => {
                outer.fmt(f)?;
                write!(f, "/{index}")
            }
        }
    }
}

/// One more token of a JSON pointer.
pub(crate) fn token(name: &str, out: &mut impl fmt::Write) -> fmt::Result {
    out.write_char('/')?;
    let mut rest = name;
    while let Some(at) = rest.find(['~', '/']) {
        out.write_str(&rest[..at])?;
        out.write_str(if rest[at..].starts_with('~') { "~0" } else { "~1" })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}
