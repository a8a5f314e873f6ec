use ipnet::IpNet;
use std::net::IpAddr;
use witgate_policy::Reach;
use witgate_policy::origin::OriginPattern;

use super::super::Cause;
use super::super::cause::GrantCause;
use super::super::desk::Desk;
use super::super::document::Part;
use super::super::place::Place;
use super::super::raw::RawReach;

/// What reading, and asking a token endpoint, need.
const DEFAULT_METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

/// What no plugin can do with a request, RFC 9110 sections 9.3.6 and 9.3.8: a tunnel, and an echo of filled in secrets.
const NO_METHODS: [&str; 2] = ["CONNECT", "TRACE"];

/// Longer than any registered method.
const MAX_METHOD_BYTES: usize = 32;

/// Lists of networks in one form.
pub(in super::super) type Networks = Vec<IpNet>;

impl Desk<'_> {
    pub(super) fn reaches(&mut self, raw: &[RawReach], place: &Place) -> Vec<Reach> {
        let mut reaches = Vec::with_capacity(raw.len());
        for (at, raw) in raw.iter().enumerate() {
            let place = place.index(at);
            let methods = self.methods(raw.methods.as_deref(), &place.key("methods"));
            let addresses = self.networks(&raw.addresses, &place.key("addresses"));
            if let Some(origins) = self.origin(&raw.origin, &place.key("origin")) {
                reaches.push(Reach { origins, methods, addresses });
            }
        }
        reaches
    }

    /// A pattern of origins; `None` when it is none, which was reported.
    pub(in super::super) fn origin(&mut self, text: &str, place: &Place) -> Option<OriginPattern> {
        let parsed = text.parse().map_err(|cause| Cause::BadOrigin { text: text.to_owned(), cause });
        parsed.map_err(|cause| self.report(cause, place, Part::Value)).ok()
    }

    /// Networks, in their plain form.
    pub(in super::super) fn networks(&mut self, raw: &[String], place: &Place) -> Networks {
        let mut networks = Vec::with_capacity(raw.len());
        for (at, text) in raw.iter().enumerate() {
            match net(text) {
                Ok(network) => networks.push(network),
                Err(why) => {
                    let cause = GrantCause::BadNetwork { text: text.clone(), why };
                    self.report(cause, &place.index(at), Part::Value);
                }
            }
        }
        networks
    }

    fn methods(&mut self, raw: Option<&[String]>, place: &Place) -> Vec<String> {
        let Some(raw) = raw else { return DEFAULT_METHODS.map(str::to_owned).to_vec() };
        if raw.is_empty() {
            self.report(GrantCause::NoMethods, place, Part::Value);
        }
        for (at, method) in raw.iter().enumerate() {
            if let Err(why) = self::method(method) {
                let cause = GrantCause::BadMethod { text: method.clone(), why };
                self.report(cause, &place.index(at), Part::Value);
            }
        }
        raw.to_vec()
    }
}

fn method(text: &str) -> Result<(), &'static str> {
    let token = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    if NO_METHODS.contains(&text) {
        Err("no plugin may use it")
    } else if text.is_empty() || text.len() > MAX_METHOD_BYTES || !text.bytes().all(token) {
        Err("a method is written in upper case, as GET or PATCH")
    } else {
        Ok(())
    }
}

/// A network, or one address, in the form in which addresses are compared: no IPv4 in IPv6 clothes.
pub(in super::super) fn net(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network: IpNet = text.parse().map_err(|_| "it is neither an address nor a network".to_owned())?;
    if network != network.trunc() {
        return Err(format!("it has bits beyond its prefix; the network around it is {}", network.trunc()));
    }
    match network.addr() {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Err("write an IPv4 network as such, not as IPv6".to_owned())
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_one_spelling() {
        #[track_caller]
        fn check(text: &str, want: Result<&str, &str>) {
            match (net(text), want) {
                (Ok(got), Ok(want)) => assert_eq!(got.to_string(), want, "{text}"),
                (Err(got), Err(want)) => assert!(got.contains(want), "{text}: {got}"),
                (got, want) => panic!("{text}: {got:?}, {want:?}"),
            }
        }
        check("10.0.0.0/8", Ok("10.0.0.0/8"));
        check("10.1.2.3", Ok("10.1.2.3/32"));
        check("fd00::/8", Ok("fd00::/8"));
        check("::1", Ok("::1/128"));
        check("::ffff:10.0.0.1", Ok("10.0.0.1/32"));
        check("::ffff:10.0.0.0/104", Err("write an IPv4 network"));
        check("10.1.2.3/8", Err("around it is 10.0.0.0/8"));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "0x0a000000/8", "10.0.0.1:80"] {
            check(bad, Err("neither"));
        }
    }

    #[test]
    fn methods_are_tokens_in_upper_case() {
        for good in ["GET", "PATCH", "M-SEARCH"] {
            assert_eq!(method(good), Ok(()), "{good}");
        }
        for bad in ["", "get", "GET ", "GE\r\nT", "CONNECT", "TRACE", "Ä", &"A".repeat(33)] {
            assert!(method(bad).is_err(), "{bad}");
        }
    }
}
