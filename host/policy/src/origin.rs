//! Origins (RFC 6454): scheme, host and port in one canonical spelling, and patterns of them that an operator writes.
//!
//! A name that could be read in two ways is refused, so that what was checked is what is connected to: no user
//! information, no address but in its plain decimal form, no escapes, and names in their ASCII form (RFC 5891), in
//! which two that look alike differ.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name of a host, RFC 1035 section 2.3.4.
const NAME_BYTES: usize = 253;
/// The longest part of one.
const LABEL_BYTES: usize = 63;
/// What is looked at at all: a name whose every character is escaped, and the rest.
const TEXT_BYTES: usize = 4 << 10;

/// How an origin is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when none is written.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The host of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name in ASCII and lower case, without a dot at its end.
    Name(String),
    /// An address; never an IPv4 address written as IPv6.
    Address(IpAddr),
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// Why a text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It does not begin with one of the two schemes.
    #[error("it does not begin with http:// or https://")]
    Scheme,
    /// It goes on after the port.
    #[error("it has more than scheme, host and port")]
    More,
    /// It names a user.
    #[error("it holds user information")]
    User,
    /// The host cannot be a name.
    #[error("its host is not a name as DNS has it")]
    Name,
    /// The host is an address in another form than the plain one.
    #[error("its host is an address in an unusual form; write it as 192.0.2.1 or [2001:db8::1]")]
    Address,
    /// The port is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// `*` somewhere else than for the first labels of a name.
    #[error("`*` may only stand for the whole host, or as `*.` at its beginning")]
    Wildcard,
}

impl Origin {
    /// From its parts: a scheme, and host and port as in a URL (RFC 3986 `authority`).
    pub fn new(scheme: Scheme, authority: &str) -> Result<Self, OriginError> {
        let (host, port) = split(authority)?;
        Ok(Self { scheme, host: Host::parse(host)?, port: port.unwrap_or(scheme.default_port()) })
    }

    /// How it is spoken to.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a URL has them; the port only when it is not the scheme's own.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port, self.scheme)
    }
}

fn authority(host: &impl fmt::Display, port: u16, scheme: Scheme) -> String {
    if port == scheme.default_port() { host.to_string() } else { format!("{host}:{port}") }
}

/// Accepts a `/` at the end, and nothing after it.
impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = scheme(text)?;
        Self::new(scheme, authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn scheme(text: &str) -> Result<(Scheme, &str), OriginError> {
    let (word, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
    let scheme = [Scheme::Http, Scheme::Https].into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(word));
    Ok((scheme.ok_or(OriginError::Scheme)?, rest.strip_suffix('/').unwrap_or(rest)))
}

/// Host and port, the latter if it is written.
fn split(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    if authority.len() > TEXT_BYTES {
        return Err(OriginError::Name);
    }
    if authority.contains('@') {
        return Err(OriginError::User);
    }
    if authority.contains(['/', '\\', '?', '#']) {
        return Err(OriginError::More);
    }
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']').ok_or(OriginError::Address)? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let Some(port) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Ok((host, None)) } else { Err(OriginError::Name) };
    };
    let plain = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = plain.then(|| port.parse().ok()).flatten().filter(|port| *port != 0);
    port.map(|port| (host, Some(port))).ok_or(OriginError::Port)
}

impl Host {
    fn parse(text: &str) -> Result<Self, OriginError> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: Ipv6Addr = inner.parse().map_err(|_| OriginError::Address)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        let ascii =
            idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL).map_err(|_| OriginError::Name)?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        if !is_name(name) {
            return Err(OriginError::Name);
        }
        if ends_in_a_number(name) {
            let address: Ipv4Addr = name.parse().map_err(|_| OriginError::Address)?;
            return Ok(Self::Address(address.into()));
        }
        Ok(Self::Name(name.to_owned()))
    }
}

/// Letters, digits, `-` and `_` in labels that are neither empty nor too long.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
    };
    name.len() <= NAME_BYTES && name.split('.').all(label)
}

/// What resolvers take for an address in one of its old forms: `127.1`, `0x7f000001`, `2130706433`.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Origins that an operator names together: `https://api.example.com`, `https://*.example.com:8443` (names below it, at
/// any depth, not itself), `https://*` (any name; never an address).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginPattern {
    scheme: Scheme,
    hosts: Hosts,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Hosts {
    One(Host),
    Below(String),
    AnyName,
}

impl OriginPattern {
    /// Whether the origin is one of these.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.scheme == origin.scheme && self.port == origin.port && self.hosts.hold(&origin.host)
    }

    /// What one thing keeps an origin from being one of these, if it is one thing: the scheme or the port.
    pub fn all_but(&self, origin: &Origin) -> Option<&'static str> {
        if !self.hosts.hold(&origin.host) || self.matches(origin) {
            return None;
        }
        Some(if self.scheme == origin.scheme { "port" } else { "scheme" })
    }

    /// Whether every origin of `other` is one of these.
    pub fn covers(&self, other: &Self) -> bool {
        let hosts = match (&self.hosts, &other.hosts) {
            (hosts, Hosts::One(host)) => hosts.hold(host),
            (Hosts::AnyName, _) => true,
            (Hosts::Below(above), Hosts::Below(name)) => name == above || below(name, above),
            (Hosts::One(_) | Hosts::Below(_), _) => false,
        };
        self.scheme == other.scheme && self.port == other.port && hosts
    }

    /// The one address that this names, when it names an address.
    pub const fn address(&self) -> Option<IpAddr> {
        match &self.hosts {
            Hosts::One(Host::Address(address)) => Some(*address),
            Hosts::One(Host::Name(_)) | Hosts::Below(_) | Hosts::AnyName => None,
        }
    }
}

impl Hosts {
    fn hold(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::One(one), host) => one == host,
            (Self::Below(above), Host::Name(name)) => below(name, above),
            (Self::AnyName, Host::Name(_)) => true,
            (Self::Below(_) | Self::AnyName, Host::Address(_)) => false,
        }
    }
}

fn below(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|first| first.len() > 1 && first.ends_with('.'))
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = scheme(text)?;
        let (host, port) = split(authority)?;
        let hosts = if host == "*" {
            Hosts::AnyName
        } else if let Some(above) = host.strip_prefix("*.") {
            match Host::parse(above) {
                _ if above.contains('*') => return Err(OriginError::Wildcard),
                Ok(Host::Name(name)) => Hosts::Below(name),
                Ok(Host::Address(_)) => return Err(OriginError::Wildcard),
                Err(error) => return Err(error),
            }
        } else if host.contains('*') {
            return Err(OriginError::Wildcard);
        } else {
            Hosts::One(Host::parse(host)?)
        };
        Ok(Self { scheme, hosts, port: port.unwrap_or(scheme.default_port()) })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match &self.hosts {
            Hosts::One(host) => host.to_string(),
            Hosts::Below(name) => format!("*.{name}"),
            Hosts::AnyName => "*".to_owned(),
        };
        write!(f, "{}://{}", self.scheme.as_str(), authority(&hosts, self.port, self.scheme))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        #[track_caller]
        fn check(text: &str, want: Result<&str, OriginError>) {
            let got: Result<Origin, _> = text.parse();
            assert_eq!(got.map(|origin| origin.to_string()), want.map(str::to_owned), "{text}");
        }
        check("https://api.example.com", Ok("https://api.example.com"));
        check("HTTPS://API.Example.COM:443/", Ok("https://api.example.com"));
        check("http://api.example.com.:8080", Ok("http://api.example.com:8080"));
        check("http://127.0.0.1", Ok("http://127.0.0.1"));
        check("http://[::1]:80", Ok("http://[::1]"));
        check("http://[0:0::1]", Ok("http://[::1]"));
        // An IPv4 address in IPv6 clothes is that IPv4 address.
        check("http://[::ffff:169.254.169.254]", Ok("http://169.254.169.254"));
        // A look-alike (Cyrillic а) is another name, and full-width digits are digits.
        check("https://аpi.example.com", Ok("https://xn--pi-6kc.example.com"));
        check("http://１２７.0.0.1", Ok("http://127.0.0.1"));
        check("http://1.2.3.4.example", Ok("http://1.2.3.4.example"));
        for unusual in ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.0x1", "1.2.3.4.5", "010.0.0.1"] {
            check(&format!("http://{unusual}"), Err(OriginError::Address));
        }
        check("http://[::1%25eth0]", Err(OriginError::Address));
        check("http://[::1", Err(OriginError::Address));
        check("http://user@api.example.com", Err(OriginError::User));
        check("http://api.example.com\\@evil", Err(OriginError::User));
        check("http://api.example.com/x", Err(OriginError::More));
        check("http://api.example.com?x", Err(OriginError::More));
        check("http://api.example.com:0", Err(OriginError::Port));
        check("http://api.example.com:", Err(OriginError::Port));
        check("http://api.example.com:65536", Err(OriginError::Port));
        check("http://api.example.com:+80", Err(OriginError::Port));
        check("http://api.example.com:8080:80", Err(OriginError::Port));
        for name in ["", ".", "a..b", "a b", "a%2eb", "*.example.com", "a\u{0}b", "a\nb", "a..", "-\u{202e}a"] {
            check(&format!("http://{name}"), Err(OriginError::Name));
        }
        check(&format!("http://{}.com", "a".repeat(64)), Err(OriginError::Name));
        check(&format!("http://{}", "a.".repeat(200)), Err(OriginError::Name));
        check("ftp://api.example.com", Err(OriginError::Scheme));
        check("//api.example.com", Err(OriginError::Scheme));
        check("api.example.com", Err(OriginError::Scheme));
    }

    #[test]
    fn patterns_hold_what_they_say() {
        #[track_caller]
        fn check(pattern: &str, origin: &str, want: bool) {
            let parsed: OriginPattern = pattern.parse().expect("a pattern");
            assert_eq!(parsed.to_string(), pattern);
            assert_eq!(parsed.matches(&origin.parse().expect("an origin")), want, "{pattern} {origin}");
        }
        check("https://api.example.com", "https://API.example.com.", true);
        check("https://api.example.com", "http://api.example.com:443", false);
        check("https://api.example.com", "https://api.example.com:8443", false);
        check("https://*.example.com", "https://a.b.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://evilexample.com", false);
        check("https://*.example.com", "https://example.com.evil.org", false);
        check("https://*:8443", "https://anything.org:8443", true);
        check("https://*", "https://192.0.2.1", false);
        check("http://127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080", true);
        for bad in ["https://a.*.com", "https://a*.com", "https://*.*.com", "https://*.127.0.0.1", "https://**"] {
            assert_eq!(bad.parse::<OriginPattern>(), Err(OriginError::Wildcard), "{bad}");
        }
    }

    #[test]
    fn a_near_miss_is_told() {
        #[track_caller]
        fn check(pattern: &str, origin: &str, want: Option<&str>) {
            let pattern: OriginPattern = pattern.parse().expect("a pattern");
            assert_eq!(pattern.all_but(&origin.parse().expect("an origin")), want, "{pattern} {origin}");
        }
        check("https://api.example.com", "https://api.example.com", None);
        check("https://api.example.com", "http://api.example.com", Some("scheme"));
        check("https://*.example.com", "https://api.example.com:8443", Some("port"));
        check("https://api.example.com", "https://example.com", None);
    }

    #[test]
    fn a_pattern_covers_narrower_ones() {
        #[track_caller]
        fn check(wide: &str, narrow: &str, want: bool) {
            let (wide, narrow): (OriginPattern, OriginPattern) =
                (wide.parse().expect("a pattern"), narrow.parse().expect("a pattern"));
            assert_eq!(wide.covers(&narrow), want, "{wide} {narrow}");
        }
        check("https://*", "https://*.example.com", true);
        check("https://*.example.com", "https://*.a.example.com", true);
        check("https://*.example.com", "https://*.example.com", true);
        check("https://*.example.com", "https://api.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.a.example.com", "https://*.example.com", false);
        check("https://api.example.com", "https://*.example.com", false);
        check("https://*", "https://192.0.2.1", false);
        check("http://*", "https://*", false);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_as_itself(text in "https?://[ -~а-я１-９]{0,24}(:[0-9]{0,6})?/?") {
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>(), Ok(origin.clone()));
                let pattern: OriginPattern = origin.to_string().parse().expect("an origin is a pattern of itself");
                prop_assert!(pattern.matches(&origin));
            }
        }
    }
}
