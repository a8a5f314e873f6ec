use http::{HeaderMap, HeaderName};
use witgate_policy::Payload;

use super::mirror::{decode_value, named_by};

pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// A header that mirrors the message and does not agree with it (2026-07-28, streamable HTTP, server validation).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It has to be there.
    #[error("the header `{0}` is missing")]
    Missing(String),
    /// Two of them, of which different readers might take different ones.
    #[error("the header `{0}` is there more than once")]
    Repeated(String),
    /// It has characters that it may not have, or says that it is Base64 and is not.
    #[error("the header `{0}` is malformed")]
    Malformed(String),
    /// It is there for a value that is not.
    #[error("the header `{0}` mirrors a value that the message does not have")]
    Unexpected(String),
    /// The two differ.
    #[error("the header `{name}` says `{header}`, the message says `{body}`")]
    Different {
        /// The header.
        name: String,
        /// Its value, decoded.
        header: String,
        /// What the message says.
        body: String,
    },
}

impl Mismatch {
    pub(crate) fn different(name: &str, header: &str, body: &str) -> Self {
        // Enough to see the difference by, not enough to fill a log with.
        let short = |text: &str| text.chars().take(120).collect();
        Self::Different { name: name.to_owned(), header: short(header), body: short(body) }
    }
}

/// Holds `Mcp-Method` and `Mcp-Name` against the message. `required`: whether they have to be there, as for a modern
/// request; where they need not, they must still not contradict it.
pub fn check_headers(headers: &HeaderMap, method: &str, params: &Payload, required: bool) -> Result<(), Mismatch> {
    match sole(headers, &METHOD, "Mcp-Method")? {
        Some(said) if said != method => return Err(Mismatch::different("Mcp-Method", said, method)),
        None if required => return Err(Mismatch::Missing("Mcp-Method".into())),
        _ => {}
    }
    let Some((pointer, core)) = named_by(method) else { return Ok(()) };
    let name = params.string(pointer);
    match (sole(headers, &NAME, "Mcp-Name")?, name) {
        (Some(said), Some(name)) => match decode_value(said) {
            Some(said) if said == name => Ok(()),
            Some(said) => Err(Mismatch::different("Mcp-Name", &said, &name)),
            None => Err(Mismatch::Malformed("Mcp-Name".into())),
        },
        (Some(_), None) => Err(Mismatch::Unexpected("Mcp-Name".into())),
        (None, Some(_)) if required && core => Err(Mismatch::Missing("Mcp-Name".into())),
        (None, _) => Ok(()),
    }
}

/// `MCP-Protocol-Version`, where a client sends it.
pub fn version_header(headers: &HeaderMap) -> Result<Option<&str>, Mismatch> {
    sole(headers, &VERSION, "MCP-Protocol-Version")
}

/// The only value of a header.
fn sole<'a>(headers: &'a HeaderMap, header: &HeaderName, name: &str) -> Result<Option<&'a str>, Mismatch> {
    let mut values = headers.get_all(header).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Mismatch::Repeated(name.into()));
    }
    value.to_str().map(Some).map_err(|_| Mismatch::Malformed(name.into()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_agree_with_the_message_or_are_refused() {
        #[track_caller]
        fn check(headers: &[(&str, &str)], body: (&str, &str), required: bool, want: Result<(), &str>) {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                    (name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"))
                })
                .collect();
            let params = Payload::parse_str(body.1).expect("test JSON");
            let got = check_headers(&map, body.0, &params, required).map_err(|e| e.to_string());
            match (&got, want) {
                (Ok(()), Ok(())) => {}
                (Err(got), Err(want)) if got.contains(want) => {}
                _ => panic!("{got:?} instead of {want:?}"),
            }
        }
        let call = ("tools/call", r#"{"name":"a"}"#);
        check(&[("mcp-method", "tools/call"), ("mcp-name", "a")], call, true, Ok(()));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "=?base64?YQ==?=")], call, true, Ok(()));
        check(&[], call, false, Ok(()));
        check(&[], call, true, Err("`Mcp-Method` is missing"));
        check(&[("mcp-method", "tools/call")], call, true, Err("`Mcp-Name` is missing"));
        check(&[("mcp-method", "tools/list")], call, false, Err("says `tools/list`, the message says `tools/call`"));
        check(&[("mcp-method", "Tools/Call")], call, true, Err("says"));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "b")], call, true, Err("says `b`, the message says `a`"));
        check(&[("mcp-name", "b")], call, false, Err("says `b`"));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "=?base64?YQ?=")], call, true, Err("malformed"));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "é")], call, true, Err("malformed"));
        check(&[("mcp-method", "tools/call"), ("mcp-method", "tools/call")], call, true, Err("more than once"));
        check(&[("mcp-method", "tools/call"), ("mcp-name", "a")], ("tools/call", "{}"), true, Err("does not have"));
        check(&[("mcp-method", "tools/call")], ("tools/call", "{}"), true, Ok(()));
        check(&[("mcp-method", "tools/list")], ("tools/list", "{}"), true, Ok(()));
        let task = ("tasks/get", r#"{"taskId":"t"}"#);
        check(&[("mcp-method", "tasks/get")], task, true, Ok(()));
        check(&[("mcp-method", "tasks/get"), ("mcp-name", "u")], task, true, Err("says `u`"));
        let read = ("resources/read", r#"{"uri":"file:///x","name":"n"}"#);
        check(&[("mcp-method", "resources/read"), ("mcp-name", "file:///x")], read, true, Ok(()));
    }
}
