//! A request's head: what is judged before anything is looked up, and what goes out in its place.

use std::cell::Cell;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use witgate_policy::Reach;
use witgate_policy::origin::{Host, Origin, OriginError, Scheme};
use witgate_policy::secret::{FillError, Secret, fill};

use crate::error::EgressError;

/// Fields that belong to the connection (RFC 9110 section 7.6.1) or say who is asked. Those of proxies too, by their
/// first letters.
const OURS: [&str; 9] =
    ["connection", "expect", "host", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
/// Places in one head that are filled in. A request names a secret once or twice; and what a plugin writes in a few bytes
/// must not become any number of megabytes. It is not the length that is bounded, which would tell how long a secret is.
pub(crate) const FILLED: u32 = 16;
/// What of a secret's or a field's name is repeated in an error.
const NAME_BYTES: usize = 64;

/// A head that was judged.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) origin: Origin,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) fields: HeaderMap,
    /// The rules that allow it, by their places.
    pub(crate) rules: Vec<usize>,
}

/// Judges a head by the rules.
pub(crate) fn judge(parts: Parts, rules: &[Reach], header_bytes: usize) -> Result<Head, EgressError> {
    let origin = origin(&parts.uri)?;
    let rules = allowing(&origin, &parts.method, rules)?;
    let target = target(&parts.uri)?;
    let mut fields = HeaderMap::with_capacity(parts.headers.len() + 2);
    let host = HeaderValue::try_from(origin.authority()).map_err(|_| EgressError::Url(OriginError::Name))?;
    fields.insert(HOST, host);
    // One request for one connection.
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    check_fields(&parts.headers)?;
    fields.extend(parts.headers);
    let line_bytes = parts.method.as_str().len() + target.path_and_query().map_or(0, |path| path.as_str().len());
    let field_bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line_bytes + field_bytes > header_bytes {
        return Err(EgressError::RequestHead(header_bytes));
    }
    Ok(Head { origin, method: parts.method, target, fields, rules })
}

/// The one spelling of where a URL leads.
pub(crate) fn origin(uri: &Uri) -> Result<Origin, EgressError> {
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err(EgressError::Url(OriginError::Scheme)),
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    Origin::new(scheme, authority).map_err(EgressError::Url)
}

fn allowing(origin: &Origin, method: &Method, rules: &[Reach]) -> Result<Vec<usize>, EgressError> {
    let holds: Vec<usize> = (0..rules.len()).filter(|at| rules[*at].origins.matches(origin)).collect();
    if holds.is_empty() {
        let near = rules.iter().find_map(|rule| Some((rule, rule.origins.all_but(origin)?)));
        let near = near.map(|(rule, what)| format!(" (the grant of {} has another {what})", rule.origins));
        return Err(EgressError::Origin { origin: Box::new(origin.clone()), near: near.unwrap_or_default() });
    }
    // A tunnel would carry anything; TRACE sends the request's fields back, secrets with them.
    if [Method::CONNECT, Method::TRACE].contains(method) {
        return Err(EgressError::MethodForbidden(method.to_string()));
    }
    let allow = |at: &usize| rules[*at].methods.iter().any(|granted| granted == method.as_str());
    let allowing: Vec<usize> = holds.iter().copied().filter(allow).collect();
    if allowing.is_empty() {
        let granted: Vec<_> = holds.iter().flat_map(|at| &rules[*at].methods).map(String::as_str).collect();
        let method = clipped(method.as_str());
        return Err(EgressError::Method {
            origin: Box::new(origin.clone()),
            method,
            granted: if granted.is_empty() { "no method".to_owned() } else { granted.join(", ") },
        });
    }
    Ok(allowing)
}

/// The target in its origin form (RFC 9112 section 3.2.1).
fn target(uri: &Uri) -> Result<Uri, EgressError> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = if path.is_empty() || path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EgressError::Target);
    }
    Uri::builder().path_and_query(path).build().map_err(|_| EgressError::Target)
}

fn check_fields(fields: &HeaderMap) -> Result<(), EgressError> {
    let ours = |name: &&HeaderName| OURS.contains(&name.as_str()) || name.as_str().starts_with("proxy-");
    if let Some(name) = fields.keys().find(ours) {
        return Err(EgressError::Field(name.to_string()));
    }
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let number = |value: &HeaderValue| {
        let digits = !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
        digits && value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok())
    };
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if number(one) => Ok(()),
        _ => Err(EgressError::Length),
    }
}

/// Fills secrets in. What was filled is marked, so that nothing prints it.
pub(crate) fn fill_in(fields: &mut HeaderMap, lookup: impl Fn(&str) -> Option<Secret>) -> Result<(), EgressError> {
    let asked = Cell::new(0);
    let lookup = |name: &str| {
        asked.set(asked.get() + 1);
        if asked.get() > FILLED { None } else { lookup(name) }
    };
    for (name, value) in fields.iter_mut() {
        let field = || clipped(name.as_str());
        if !value.as_bytes().windows(2).any(|pair| pair == b"${") {
            continue;
        }
        let template = value.to_str().map_err(|_| EgressError::Template(field()))?;
        let filled = fill(template, lookup).map_err(|e| match e {
            FillError::Unknown { .. } if asked.get() > FILLED => EgressError::Placeholders(FILLED),
            FillError::Unknown { name } => EgressError::Secret { field: field(), name: clipped(&name) },
            FillError::Malformed(_) => EgressError::Template(field()),
        })?;
        let mut filled = HeaderValue::from_str(filled.expose()).map_err(|_| EgressError::SecretForm(field()))?;
        filled.set_sensitive(true);
        *value = filled;
    }
    Ok(())
}

/// A name for TLS.
pub(crate) fn host_name(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    }
}

/// A plugin's word in an error: visible and short.
fn clipped(word: &str) -> String {
    word.escape_default().take(NAME_BYTES).collect()
}

/// A URL's origin for the log, as a plugin wrote it if it is none.
pub(crate) fn label(uri: &Uri) -> String {
    origin(uri).map_or_else(
        |_| {
            // Without the user: what is written there is often a password.
            let host = uri.authority().map_or("", |authority| authority.as_str());
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{}://{}", clipped(uri.scheme_str().unwrap_or_default()), clipped(host))
        },
        |origin| origin.to_string(),
    )
}

#[cfg(test)]
mod tests;
