//! From a header's text to the parts of a token, nothing of which is trusted yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use witgate_sdk::auth::Header;

use crate::Bad;
use crate::strict::Members;

/// A token in compact serialization (RFC 7515 section 7.1).
pub(crate) struct Token<'a> {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
    kind: Option<String>,
    pub(crate) claims: Map<String, Value>,
    /// What was signed: header, dot, claims, as they came.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

/// Beyond this a token is no token; what issuers make is a tenth of it.
const TOKEN_MAX: usize = 8 * 1_024;

/// The Bearer value of this header, if it has the form of a JWT.
pub(crate) fn bearer(header: &Header) -> Option<&str> {
    if header.name != "authorization" {
        return None;
    }
    let value = std::str::from_utf8(&header.value).ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.matches('.').count() == 2).then_some(token)
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Bad> {
        const MALFORMED: Bad = Bad::Token("malformed token");
        if text.len() > TOKEN_MAX {
            return Err(Bad::Token("the token is too long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        let mut header = object(header).ok_or(MALFORMED)?;
        if header.contains_key("crit") {
            return Err(Bad::Token("the token has a critical extension that is not understood"));
        }
        let mut text_of = |name: &str| match header.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(MALFORMED),
        };
        Ok(Self {
            algorithm: text_of("alg")?.ok_or(MALFORMED)?,
            key_id: text_of("kid")?,
            kind: text_of("typ")?,
            claims: object(claims).ok_or(MALFORMED)?,
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?,
        })
    }

    /// Compared as media types are: without case, and without the prefix that RFC 7515 section 4.1.9 lets be left out.
    pub(crate) fn has_type(&self, types: &[String]) -> bool {
        let short = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_prefix("application/").map_or(name.clone(), str::to_owned)
        };
        self.kind.as_ref().is_some_and(|kind| types.iter().any(|wanted| short(wanted) == short(kind)))
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Members>(&text).ok().map(|members| members.0)
}
