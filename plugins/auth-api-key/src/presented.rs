//! What a client presented as a key.

use serde::Deserialize;
use witgate_sdk::auth::Header;

/// A header in which a key may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    Authorization,
    XApiKey,
}

impl Place {
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::Authorization, Self::XApiKey]
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    Nothing,
    One {
        key: &'a [u8],
        /// It is a Bearer value with the form of a JWT.
        could_be_jwt: bool,
    },
    Several,
}

/// A key and a JWT beside it are one key: the JWT is another plugin's.
pub(crate) fn read<'a>(places: &[Place], headers: &'a [Header]) -> Presented<'a> {
    let found: Vec<_> = headers.iter().filter_map(|header| key_in(places, header)).collect();
    let keys: Vec<_> = found.iter().filter(|(_, could_be_jwt)| !could_be_jwt).collect();
    match (keys.as_slice(), found.as_slice()) {
        ([], []) => Presented::Nothing,
        ([(key, _)], _) => Presented::One { key, could_be_jwt: false },
        ([], [(key, _)]) => Presented::One { key, could_be_jwt: true },
        _ => Presented::Several,
    }
}

fn key_in<'a>(places: &[Place], header: &'a Header) -> Option<(&'a [u8], bool)> {
    match header.name.as_str() {
        "x-api-key" if places.contains(&Place::XApiKey) => Some((header.value.trim_ascii(), false)),
        "authorization" if places.contains(&Place::Authorization) => {
            let value = header.value.trim_ascii();
            let (scheme, token) = value.split_at_checked(6)?;
            // A scheme is followed by a space; `Bearer` alone is a key that is empty.
            let bearer = scheme.eq_ignore_ascii_case(b"bearer") && matches!(token.first(), None | Some(b' '));
            bearer.then(|| (token.trim_ascii(), has_form_of_jwt(token.trim_ascii())))
        }
        _ => None,
    }
}

/// Three base64url parts, the first of which begins as a JSON object does.
fn has_form_of_jwt(token: &[u8]) -> bool {
    let is_base64url = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    token.starts_with(b"ey")
        && token.split(|byte| *byte == b'.').count() == 3
        && token.split(|byte| *byte == b'.').all(is_base64url)
}
