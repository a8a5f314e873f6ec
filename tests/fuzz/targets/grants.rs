//! Where a plugin may go: origins, patterns of them, secrets in headers, the globs of `when`, addresses, and folders.
//!
//! The input is lines: an origin, two patterns, a header's template, a glob, a name, an address, a plugin's name for a
//! folder, three folders of the host.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use url::Url;
use witgate_policy::address::special;
use witgate_policy::folder::{guest_path, touch, within};
use witgate_policy::origin::{Host, Origin, OriginPattern};
use witgate_policy::secret::{Secret, fill};
use witgate_policy::{Reach, SecretGrant, When};

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut line = || lines.next().unwrap_or_default();
    let (origin, first, second) = (line(), line(), line());
    let parsed = origin.parse::<Origin>().ok();
    if let Some(origin_parsed) = &parsed {
        canonical(origin, origin_parsed);
    }
    let patterns: Vec<OriginPattern> = [first, second].iter().filter_map(|text| text.parse().ok()).collect();
    for pattern in &patterns {
        stable(pattern);
        if let Some(origin) = &parsed {
            assert_eq!(pattern.matches(origin), model_matches(&pattern.to_string(), origin), "{pattern} {origin}");
            granted(pattern, origin);
        }
    }
    if let [wide, narrow] = patterns.as_slice() {
        covers(wide, narrow, parsed.as_ref());
        covers(narrow, wide, parsed.as_ref());
    }
    template(line());
    glob(line(), line());
    if let Ok(at) = line().parse() {
        address(at);
        patterns.iter().for_each(|pattern| reach(pattern, at));
    }
    guest(line());
    folders([line(), line(), line()]);
});

/// One spelling, without anything that another reader could read in another way.
fn canonical(written: &str, origin: &Origin) {
    let text = origin.to_string();
    assert_eq!(text.parse().as_ref(), Ok(origin));
    assert_eq!(Origin::new(origin.scheme(), &origin.authority()).as_ref(), Ok(origin));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:[]".contains(&byte);
    assert!(origin.authority().bytes().all(plain), "{text}");
    assert!(origin.port() != 0);
    if let Host::Address(IpAddr::V6(address)) = origin.host() {
        assert_eq!(address.to_ipv4_mapped(), None, "an IPv4 address in other clothes");
    }
    other_readers(written, origin);
    other_readers(&text, origin);
    let pattern: OriginPattern = text.parse().expect("an origin is a pattern");
    assert!(pattern.matches(origin) && pattern.covers(&pattern));
}

/// The WHATWG's algorithm (what browsers and most clients do) and hyper's own would go to the same place.
fn other_readers(text: &str, origin: &Origin) {
    let url = Url::parse(text).unwrap_or_else(|e| panic!("{text:?} is {origin} to us, and to `url`: {e}"));
    let host = match url.host() {
        Some(url::Host::Domain(name)) => Host::Name(name.strip_suffix('.').unwrap_or(name).to_owned()),
        Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
        Some(url::Host::Ipv6(address)) => Host::Address(IpAddr::V6(address).to_canonical()),
        None => panic!("{text:?} is {origin} to us, and has no host to `url`"),
    };
    assert_eq!((&host, url.port_or_known_default()), (origin.host(), Some(origin.port())), "{text:?} to `url`");
    assert_eq!((url.scheme(), url.username(), url.password()), (origin.scheme().as_str(), "", None), "{text:?}");
    let uri: http::Uri = origin.to_string().parse().unwrap_or_else(|e| panic!("{origin} to `http`: {e}"));
    assert_eq!(uri.host(), Some(origin.host().to_string().as_str()));
    assert_eq!(uri.port_u16().unwrap_or(origin.scheme().default_port()), origin.port());
}

fn stable(pattern: &OriginPattern) {
    let text = pattern.to_string();
    assert_eq!(text.parse().as_ref(), Ok(pattern), "{text}");
    assert!(pattern.covers(pattern), "{text}");
    assert!(text.is_ascii() && !text.contains(['@', '%', '\\', '?', '#', ' ']), "{text}");
    // What names one address names no other, and a wildcard names none.
    if pattern.address().is_some() {
        assert!(!text.contains('*'), "{text}");
    }
}

/// What a pattern means, read off its text.
fn model_matches(pattern: &str, origin: &Origin) -> bool {
    let (scheme, authority) = pattern.split_once("://").expect("a pattern has a scheme");
    let same_scheme = scheme == origin.scheme().as_str();
    let port_at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (host, port) = match port_at {
        Some(at) => (&authority[..at], authority[at + 1..].parse().expect("a port")),
        None => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    let holds = match (host, origin.host()) {
        ("*", host) => matches!(host, Host::Name(_)),
        (below, Host::Name(name)) if below.starts_with("*.") => {
            name.ends_with(&below[1..]) && name.len() >= below.len()
        }
        (one, host) => one == host.to_string(),
    };
    same_scheme && port == origin.port() && holds
}

/// To cover is to hold all that the other holds: true of the origin at hand, and of two made up for the purpose.
fn covers(wide: &OriginPattern, narrow: &OriginPattern, origin: Option<&Origin>) {
    let covers = wide.covers(narrow);
    if let Some(origin) = origin.filter(|origin| covers && narrow.matches(origin)) {
        assert!(wide.matches(origin), "{wide} covers {narrow}, {origin}");
    }
    let text = narrow.to_string();
    let witnesses: Result<Vec<Origin>, _> = match text.split_once("://*") {
        // Two, since a pattern of one name could be one of them.
        Some((scheme, rest)) => {
            let rest = if rest.starts_with('.') { rest.to_owned() } else { format!(".example{rest}") };
            ["w", "v.w"].iter().map(|first| format!("{scheme}://{first}{rest}").parse()).collect()
        }
        None => [text.parse()].into_iter().collect(),
    };
    // A name may be so long that there is none below it.
    let Ok(witnesses) = witnesses else { return };
    assert!(witnesses.iter().all(|origin| narrow.matches(origin)), "{narrow}");
    if covers {
        assert!(witnesses.iter().all(|origin| wide.matches(origin)), "{wide} covers {narrow}");
    } else if !wide.to_string().contains("w.") {
        assert!(!witnesses.iter().all(|origin| wide.matches(origin)), "{wide} does not cover {narrow}");
    }
}

fn granted(pattern: &OriginPattern, origin: &Origin) {
    let grant = SecretGrant { name: "key".to_owned(), origins: vec![pattern.clone()] };
    assert_eq!(grant.allows("key", origin), pattern.matches(origin));
    assert!(!grant.allows("Key", origin) && !grant.allows("", origin));
}

/// A filled template holds what was granted, and an unfilled one nothing; no error says what a secret is.
fn template(template: &str) {
    const CANARY: &str = "\u{1f511}canary";
    if template.contains(CANARY) {
        return;
    }
    let only = |name: &str| (name == "key").then(|| Secret::new(CANARY));
    match fill(template, only) {
        Ok(filled) => {
            // Escapes may write the same text, so the count is a bound.
            assert!(filled.expose().matches(CANARY).count() <= template.matches("${secret:key}").count());
            assert!(!format!("{filled:?}").contains(CANARY));
            assert!(fill(template, |_| None).is_err() || !filled.expose().contains(CANARY));
        }
        Err(error) => assert!(!format!("{error} {error:?}").contains(CANARY)),
    }
    if !template.contains("${") {
        assert_eq!(fill(template, |_| None), Ok(Secret::new(template)));
    }
}

/// A glob without special characters holds for itself only; `*` holds for everything.
fn glob(glob: &str, name: &str) {
    let Ok(when) = When::new(&[], &[glob.to_owned()], &[]) else { return };
    let holds = when.holds("tools/call", Some(name), None);
    if !glob.contains(['*', '?', '[', ']', '{', '}', '\\', ',', '!']) {
        assert_eq!(holds, glob == name, "{glob:?} {name:?}");
    }
    if glob == "*" {
        assert!(holds, "{name:?}");
    }
    assert!(!when.holds("tools/call", None, None), "a call without a target");
    assert!(when.holds_for(name) && when.names_calls());
}

/// What the standard library knows to be no public address has a name here, in whatever clothes.
fn address(address: IpAddr) {
    let name = special(address);
    assert!(name.is_some() || !is_special(address), "{address} is public");
    let IpAddr::V4(inner) = address else { return };
    let [a, b, c, d] = inner.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let clothes = [
        inner.to_ipv6_mapped(),
        inner.to_ipv6_compatible(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7),
    ];
    for dressed in clothes {
        assert!(name.is_none() || special(dressed.into()).is_some(), "{inner} as {dressed} is public");
    }
}

fn is_special(address: IpAddr) -> bool {
    let v4 = |address: Ipv4Addr| {
        let at_home = address.is_private() || address.is_loopback() || address.is_link_local();
        let to_many = address.is_multicast() || address.is_broadcast();
        at_home || to_many || address.is_documentation() || address.octets()[0] == 0
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => {
            let at_home = address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local();
            let inner = address.to_ipv4_mapped().is_some_and(v4);
            at_home || address.is_multicast() || address.is_unspecified() || inner
        }
    }
}

/// A name may lead to public addresses and to listed ones; a host that is an address lists itself.
fn reach(pattern: &OriginPattern, address: IpAddr) {
    let rule = |addresses| Reach { origins: pattern.clone(), methods: vec!["GET".to_owned()], addresses };
    let is_own = pattern.address() == Some(address.to_canonical());
    assert_eq!(rule(Vec::new()).may_lead_to(address).is_ok(), special(address).is_none() || is_own, "{pattern}");
    assert_eq!(rule(vec![address.to_canonical().into()]).may_lead_to(address), Ok(()), "{pattern} {address}");
}

/// A plugin's name for a folder is accepted when the standard library takes it apart and puts it together as it was.
fn guest(text: &str) {
    let mut again = String::new();
    let mut is_plain = true;
    for part in Path::new(text).components() {
        match part {
            Component::RootDir => {}
            Component::Normal(part) => again.extend(["/", part.to_str().expect("part of a text")]),
            _ => is_plain = false,
        }
    }
    let is_same = if again.is_empty() { text == "/" } else { text == again };
    let is_good = is_plain && is_same && text.len() <= 256 && !text.contains(char::is_control);
    assert_eq!(guest_path(text).is_ok(), is_good, "{text:?}");
    // The same folder or one around it in other words, which would hide that a name is taken twice.
    let others =
        [format!("/{text}"), format!("{text}/"), format!("{text}/."), format!("{text}/.."), format!(".{text}")];
    assert!(!is_good || others.iter().all(|other| guest_path(other).is_err()), "{text:?}");
}

/// Folders are compared as lists of names; one that is relative or has `..` is within none and touches all.
fn folders(texts: [&str; 3]) {
    let is_within = |inner: &str, outer: &str| within(Path::new(inner), Path::new(outer));
    let do_touch = |one: &str, other: &str| touch(Path::new(one), Path::new(other));
    for one in texts {
        for other in texts {
            let (holds, apart) = match (names(one), names(other)) {
                (Some(one), Some(other)) => (one.starts_with(&other), !one.iter().zip(&other).all(|(a, b)| a == b)),
                _ => (false, false),
            };
            assert_eq!((is_within(one, other), do_touch(one, other)), (holds, !apart), "{one:?} {other:?}");
            assert_eq!(do_touch(one, other), do_touch(other, one), "{one:?} {other:?}");
            // What is apart stays so, however deep a plugin goes.
            assert!(!apart || !do_touch(&format!("{one}/deep"), other), "{one:?} {other:?}");
            for third in texts {
                let chain = is_within(one, other) && is_within(other, third);
                assert!(!chain || is_within(one, third), "{one:?} {other:?} {third:?}");
            }
        }
        if let Some(names) = names(one) {
            neighbours(&names);
        }
    }
}

/// The names on the way to a folder, of text alone.
fn names(text: &str) -> Option<Vec<&str>> {
    let names = text.strip_prefix('/')?.split('/').filter(|name| !matches!(*name, "" | "."));
    let names: Vec<_> = names.collect();
    (!names.contains(&"..")).then_some(names)
}

/// A folder holds what is below it and lies in all above it; names that only begin or end as its own are elsewhere.
fn neighbours(names: &[&str]) {
    let at = |names: &[&str]| format!("/{}", names.join("/"));
    let here = at(names);
    let path = Path::new(&here);
    for depth in 0..=names.len().min(8) {
        let above = at(&names[..depth]);
        assert!(within(path, Path::new(&above)), "{here:?} {above:?}");
        assert_eq!(within(Path::new(&above), path), depth == names.len(), "{above:?} {here:?}");
    }
    let below = path.join("x");
    assert!(within(&below, path) && !within(path, &below) && touch(path, &below), "{here:?}");
    let out = path.join("x/../..");
    assert!(!within(&out, path) && touch(&out, path), "{here:?}");
    let Some((last, above)) = names.split_last() else { return };
    for sibling in [format!("{last}x"), format!("x{last}"), format!("{last} ")] {
        let sibling = at(&[above, &[sibling.as_str()]].concat());
        let sibling = Path::new(&sibling);
        assert!(!within(sibling, path) && !within(path, sibling) && !touch(sibling, path), "{here:?} {sibling:?}");
    }
}
