//! What is looked at before a message is read: for whom it is, from which page it comes, what form it has.

use std::net::IpAddr;

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use super::{Options, ServeError};
use crate::wire::Reject;

/// The names by which a front may be addressed, and the pages that may do so.
#[derive(Debug)]
pub(super) struct Names {
    hosts: Rules,
    origins: Rules,
}

#[derive(Debug)]
enum Rules {
    Any,
    Listed(Vec<Rule>),
}

/// What is not said matches anything.
#[derive(Debug)]
struct Rule {
    scheme: Option<String>,
    host: String,
    port: Option<u16>,
}

impl Names {
    pub(super) fn new(options: &Options, bound: IpAddr) -> Result<Self, ServeError> {
        let hosts = if !options.hosts.is_empty() {
            Rules::read("hosts", &options.hosts, host_rule, "a host name, or a host and a port")?
        } else if bound.is_loopback() {
            Rules::Listed(loopback(Some(bound)))
        } else {
            Rules::Any
        };
        let origins = if options.origins.is_empty() {
            Rules::Listed(loopback(None))
        } else {
            Rules::read("origins", &options.origins, origin_rule, "an origin, as `https://app.example`")?
        };
        Ok(Self { hosts, origins })
    }

    /// `Host` (or `:authority`) has to be a name of ours, `Origin`, where a page sends one, an allowed one.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Reject> {
        if !self.host_allowed(uri, headers) {
            return Err(Reject::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if self.origin_allowed(origin) => Ok(()),
            _ => Err(Reject::Origin),
        }
    }

    fn host_allowed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        if let (Some((name, port)), None, None) = (first.and_then(plain), second, uri.authority()) {
            return self.hosts.allow(None, name, port);
        }
        let from_header = first.and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
        // RFC 9112 section 3.2: one `Host`, and one that can be read.
        if second.is_some() || (first.is_some() && from_header.is_none()) {
            return false;
        }
        let matches = |name: &Authority| self.hosts.allow(None, name.host(), name.port_u16());
        match (uri.authority(), from_header) {
            (Some(target), Some(header)) => matches(target) && matches(&header),
            (Some(target), None) => matches(target),
            (None, Some(header)) => matches(&header),
            (None, None) => matches!(self.hosts, Rules::Any),
        }
    }

    fn origin_allowed(&self, origin: &HeaderValue) -> bool {
        let parsed = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        match parsed.as_ref().map(|uri| (uri.scheme_str(), uri.authority())) {
            Some((Some(scheme), Some(name))) => {
                let port = name.port_u16().or_else(|| default_port(scheme));
                self.origins.allow(Some(scheme), name.host(), port)
            }
            // `null` is the origin of sandboxed frames and of files: nobody in particular.
            _ => matches!(self.origins, Rules::Any),
        }
    }
}

impl Rules {
    fn read(
        list: &'static str,
        entries: &[String],
        rule: fn(&str) -> Option<Rule>,
        want: &'static str,
    ) -> Result<Self, ServeError> {
        if entries.iter().any(|entry| entry == "*") {
            return Ok(Self::Any);
        }
        let rules = entries
            .iter()
            .map(|entry| rule(entry).ok_or_else(|| ServeError::Name { list, entry: entry.clone(), want }));
        rules.collect::<Result<_, _>>().map(Self::Listed)
    }

    fn allow(&self, scheme: Option<&str>, host: &str, port: Option<u16>) -> bool {
        let Self::Listed(rules) = self else { return true };
        rules.iter().any(|rule| {
            rule.host.eq_ignore_ascii_case(host)
                && rule.scheme.as_deref().is_none_or(|want| scheme == Some(want))
                && rule.port.is_none_or(|want| port == Some(want))
        })
    }
}

/// A `Host` of the usual form: a name or an IPv4 address, and maybe a port. Others are read with more care.
fn plain(host: &HeaderValue) -> Option<(&str, Option<u16>)> {
    let host = host.to_str().ok()?;
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if name.is_empty() || !name.bytes().all(is_plain) {
        return None;
    }
    let Some(port) = port else { return Some((name, None)) };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| is_number).map(|port| (name, Some(port)))
}

fn loopback(bound: Option<IpAddr>) -> Vec<Rule> {
    let bound = bound.map(|ip| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
    let names = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
    names.into_iter().chain(bound).map(|host| Rule { scheme: None, host, port: None }).collect()
}

fn host_rule(entry: &str) -> Option<Rule> {
    // `::1` without brackets is an address, too.
    let bare: Option<IpAddr> = entry.parse().ok().filter(IpAddr::is_ipv6);
    let name: Authority = bare.map_or_else(|| entry.to_owned(), |ip| format!("[{ip}]")).parse().ok()?;
    let plain = !entry.contains('@') && !name.host().is_empty();
    plain.then(|| Rule { scheme: None, host: name.host().to_owned(), port: name.port_u16() })
}

fn origin_rule(entry: &str) -> Option<Rule> {
    let uri: Uri = entry.strip_suffix('/').unwrap_or(entry).parse().ok()?;
    let (scheme, name) = (uri.scheme_str()?, uri.authority()?);
    let port = name.port_u16().or_else(|| default_port(scheme));
    let plain = uri.path() == "/" && uri.query().is_none() && !entry.contains('@');
    plain.then(|| Rule { scheme: Some(scheme.to_owned()), host: name.host().to_owned(), port })
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The forms of answer that a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) json: bool,
    pub(super) events: bool,
}

/// The body has to be JSON, and the client has to take JSON or a stream. The specification wants it to take both; one
/// that takes only one gets that.
pub(super) fn media(headers: &HeaderMap) -> Result<Wants, Reject> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let content = types.next().filter(|_| types.next().is_none()).and_then(|value| value.to_str().ok()).map(essence);
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Reject::Coding);
    }
    if !content.is_some_and(|content| content.eq_ignore_ascii_case("application/json")) {
        return Err(Reject::MediaType);
    }
    let wants = accepted(headers);
    if wants.json || wants.events { Ok(wants) } else { Err(Reject::NotAcceptable) }
}

/// What nearly all clients accept, as the specification has it.
const BOTH: &str = "application/json, text/event-stream";

/// What `Accept` allows.
pub(super) fn accepted(headers: &HeaderMap) -> Wants {
    if !headers.contains_key(ACCEPT) {
        return Wants { json: true, events: true };
    }
    let mut wants = Wants { json: false, events: false };
    if headers.get(ACCEPT).is_some_and(|accept| accept == BOTH) {
        return Wants { json: true, events: true };
    }
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in ranges.flat_map(|value| value.split(',')).filter(|range| !refuses(range)) {
        let essence = essence(range);
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        wants.json |= is("application/json") || is("application/*") || is("*/*");
        wants.events |= is("text/event-stream") || is("text/*") || is("*/*");
    }
    wants
}

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// RFC 9110 section 12.4.2: a weight of 0 means "not acceptable".
fn refuses(range: &str) -> bool {
    range.split(';').skip(1).any(|parameter| {
        let weight = parameter.trim().strip_prefix("q=").or_else(|| parameter.trim().strip_prefix("Q="));
        weight.and_then(|weight| weight.trim().parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn names(hosts: &[&str], origins: &[&str], bound: &str) -> Names {
        let list = |entries: &[&str]| entries.iter().map(ToString::to_string).collect();
        let options = Options { hosts: list(hosts), origins: list(origins), ..Options::default() };
        Names::new(&options, bound.parse().expect("an address")).expect("names")
    }

    #[test]
    fn a_front_answers_to_its_own_names_only() {
        #[track_caller]
        fn check(names: &Names, uri: &str, host: &[&str], want: bool) {
            let pairs: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
            let got = names.check(&uri.parse().expect("a URI"), &headers(&pairs));
            assert_eq!(got.is_ok(), want, "{uri} {host:?}");
        }
        let local = names(&[], &[], "127.0.0.7");
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:9", "127.0.0.7"] {
            check(&local, "/mcp", &[host], true);
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.2", "0.0.0.0", "", "a b"] {
            check(&local, "/mcp", &[host], false);
        }
        check(&local, "/mcp", &[], false);
        check(&local, "/mcp", &["localhost", "localhost"], false);
        check(&local, "http://localhost/mcp", &[], true);
        check(&local, "http://evil.example/mcp", &["localhost"], false);
        check(&local, "http://localhost/mcp", &["evil.example"], false);
        let public = names(&[], &[], "10.0.0.1");
        check(&public, "/mcp", &["anything.example"], true);
        check(&public, "/mcp", &[], true);
        let listed = names(&["gate.example", "other.example:8443", "::1"], &[], "10.0.0.1");
        check(&listed, "/mcp", &["gate.example:99"], true);
        check(&listed, "/mcp", &["other.example:8443"], true);
        check(&listed, "/mcp", &["other.example"], false);
        check(&listed, "/mcp", &["[::1]"], true);
        check(&listed, "/mcp", &["localhost"], false);
        check(&names(&["*"], &[], "127.0.0.1"), "/mcp", &["evil.example"], true);
    }

    #[test]
    fn pages_of_strangers_are_refused() {
        #[track_caller]
        fn check(names: &Names, origins: &[&str], want: bool) {
            let mut pairs = vec![("host", "localhost")];
            pairs.extend(origins.iter().map(|origin| ("origin", *origin)));
            assert_eq!(names.check(&"/mcp".parse().expect("a URI"), &headers(&pairs)).is_ok(), want, "{origins:?}");
        }
        let local = names(&[], &[], "127.0.0.1");
        check(&local, &[], true);
        check(&local, &["http://localhost:3000"], true);
        check(&local, &["https://[::1]"], true);
        check(&local, &["https://evil.example"], false);
        check(&local, &["http://localhost.evil.example"], false);
        check(&local, &["null"], false);
        check(&local, &[""], false);
        check(&local, &["http://localhost", "https://evil.example"], false);
        let listed = names(&[], &["https://app.example", "http://app.example:3000/"], "127.0.0.1");
        check(&listed, &["https://app.example"], true);
        check(&listed, &["https://app.example:443"], true);
        check(&listed, &["http://app.example:3000"], true);
        check(&listed, &["http://app.example"], false);
        check(&listed, &["https://app.example:8443"], false);
        check(&listed, &["http://localhost:3000"], false);
        check(&names(&[], &["*"], "127.0.0.1"), &["null"], true);
    }

    #[test]
    fn a_name_that_is_none_is_told() {
        #[track_caller]
        fn check(hosts: &[&str], origins: &[&str], want: &str) {
            let list = |entries: &[&str]| entries.iter().map(ToString::to_string).collect();
            let options = Options { hosts: list(hosts), origins: list(origins), ..Options::default() };
            let error = Names::new(&options, [127, 0, 0, 1].into()).expect_err("no name").to_string();
            assert!(error.contains(want), "{error}");
        }
        check(&["a b"], &[], "`a b` in `hosts`");
        check(&["user@host"], &[], "`user@host` in `hosts`");
        check(&[], &["app.example"], "`app.example` in `origins`");
        check(&[], &["https://app.example/path"], "in `origins`");
    }

    #[test]
    fn forms_of_body_and_answer() {
        #[track_caller]
        fn check(content: &str, accept: Option<&str>, want: Result<(bool, bool), Reject>) {
            let mut map = headers(&[("content-type", content)]);
            if let Some(accept) = accept {
                map.insert(ACCEPT, accept.parse().expect("a value"));
            }
            assert_eq!(media(&map), want.map(|(json, events)| Wants { json, events }), "{content} {accept:?}");
        }
        let json = "application/json";
        check(json, Some("application/json, text/event-stream"), Ok((true, true)));
        check("Application/JSON; charset=utf-8", None, Ok((true, true)));
        check(json, Some("*/*"), Ok((true, true)));
        check(json, Some("application/json;q=0.9"), Ok((true, false)));
        check(json, Some("text/event-stream"), Ok((false, true)));
        check(json, Some("application/json, text/event-stream;q=0"), Ok((true, false)));
        check(json, Some("text/html"), Err(Reject::NotAcceptable));
        check("text/plain", None, Err(Reject::MediaType));
        check("application/jsonp", None, Err(Reject::MediaType));
        assert_eq!(media(&HeaderMap::new()), Err(Reject::MediaType));
    }
}
