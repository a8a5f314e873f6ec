//! Which addresses are no public ones, and what they are instead.
//!
//! A name that a plugin may ask for is answered by whoever owns the name, with any address that they like: the
//! machine itself, its neighbours, the place where a cloud hands out credentials. So an address is judged by itself,
//! after it was looked up: it must be an ordinary one of the public Internet, or the operator listed it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::grants::Reach;

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(head: [u16; 4], bits: u8) -> Ipv6Net {
    let [a, b, c, d] = head;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), bits)
}

/// IANA's special-purpose registry, the globally reachable entries too (nobody serves plugins there), multicast, and
/// the one public address where a cloud answers its own machines.
const SPECIAL_V4: [(Ipv4Net, &str); 22] = [
    (v4(0, 0, 0, 0, 8), "this network (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private (RFC 1918)"),
    (v4(100, 64, 0, 0, 10), "shared (RFC 6598)"),
    (v4(127, 0, 0, 0, 8), "loopback (RFC 1122)"),
    (v4(169, 254, 0, 0, 16), "link-local, where clouds keep credentials (RFC 3927)"),
    (v4(172, 16, 0, 0, 12), "private (RFC 1918)"),
    (v4(192, 0, 0, 0, 24), "protocol assignments (RFC 6890)"),
    (v4(192, 0, 2, 0, 24), "documentation (RFC 5737)"),
    (v4(192, 31, 196, 0, 24), "AS112 (RFC 7535)"),
    (v4(192, 52, 193, 0, 24), "AMT (RFC 7450)"),
    (v4(192, 88, 99, 0, 24), "6to4 relay (RFC 7526)"),
    (v4(192, 168, 0, 0, 16), "private (RFC 1918)"),
    (v4(192, 175, 48, 0, 24), "AS112 (RFC 7534)"),
    (v4(198, 18, 0, 0, 15), "benchmarking (RFC 2544)"),
    (v4(198, 51, 100, 0, 24), "documentation (RFC 5737)"),
    (v4(203, 0, 113, 0, 24), "documentation (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "multicast (RFC 1112)"),
    (v4(233, 252, 0, 0, 24), "documentation (RFC 6676)"),
    (v4(255, 255, 255, 255, 32), "broadcast (RFC 8190)"),
    (v4(240, 0, 0, 0, 4), "reserved (RFC 1112)"),
    (v4(168, 63, 129, 16, 32), "a cloud's metadata (Azure)"),
    (v4(192, 0, 0, 192, 32), "a cloud's metadata (Oracle)"),
];

/// Likewise. What is outside of `2000::/3` and not named here is reserved as a whole.
const SPECIAL_V6: [(Ipv6Net, &str); 16] = [
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback (RFC 4291)"),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified (RFC 4291)"),
    (v6([0, 0, 0, 0], 96), "IPv4-compatible (RFC 4291)"),
    // Where in it the IPv4 address is depends on the network, so it cannot be judged by that.
    (v6([0x64, 0xff9b, 1, 0], 48), "a network's own NAT64 (RFC 8215)"),
    (v6([0x100, 0, 0, 0], 64), "discard (RFC 6666)"),
    (v6([0x100, 0, 0, 1], 64), "dummy (RFC 9780)"),
    (v6([0x2001, 0, 0, 0], 23), "protocol assignments (RFC 2928)"),
    (v6([0x2001, 0xdb8, 0, 0], 32), "documentation (RFC 3849)"),
    (v6([0x2620, 0x4f, 0x8000, 0], 48), "AS112 (RFC 7534)"),
    (v6([0x3fff, 0, 0, 0], 20), "documentation (RFC 9637)"),
    (v6([0x5f00, 0, 0, 0], 16), "segment routing (RFC 9602)"),
    (v6([0xfc00, 0, 0, 0], 7), "unique local (RFC 4193)"),
    (v6([0xfe80, 0, 0, 0], 10), "link-local (RFC 4291)"),
    (v6([0xfec0, 0, 0, 0], 10), "site-local (RFC 3879)"),
    (v6([0xff00, 0, 0, 0], 8), "multicast (RFC 4291)"),
    (v6([0x3ffe, 0, 0, 0], 16), "6bone (RFC 3701)"),
];

/// All that is handed out to be reached.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0], 16);
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0], 32);

/// What an address is when it is not an ordinary one of the public Internet. One that holds an IPv4 address (mapped,
/// NAT64, 6to4, Teredo) is what that one is, since that is where its packets end.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find(|(range, _)| range.contains(&address)).map(|(_, what)| *what)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let embedded = |shift: u32| Ipv4Addr::from_bits(u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or_default());
    if NAT64.contains(&address) {
        return special_v4(embedded(0));
    }
    if SIX_TO_FOUR.contains(&address) {
        return special_v4(embedded(80));
    }
    if TEREDO.contains(&address) {
        // RFC 4380 section 4: the server, and the client's own address with every bit turned.
        let client = Ipv4Addr::from_bits(!embedded(0).to_bits());
        return special_v4(embedded(64)).or_else(|| special_v4(client));
    }
    let named = SPECIAL_V6.iter().find(|(range, _)| range.contains(&address)).map(|(_, what)| *what);
    named.or_else(|| (!GLOBAL_V6.contains(&address)).then_some("reserved (RFC 4291)"))
}

impl Reach {
    /// Whether a name that this grant allows may lead to `address`; if not, what the address is.
    pub fn may_lead_to(&self, address: IpAddr) -> Result<(), &'static str> {
        let address = address.to_canonical();
        let Some(what) = special(address) else { return Ok(()) };
        let listed = self.origins.address() == Some(address) || self.addresses.iter().any(|net| net.contains(&address));
        if listed { Ok(()) } else { Err(what) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(address: &str, want: Option<&str>) {
        let got = special(address.parse().expect("an address"));
        match (got, want) {
            (None, None) => {}
            (Some(got), Some(want)) if got.starts_with(want) => {}
            _ => panic!("{address}: {got:?}, not {want:?}"),
        }
    }

    #[test]
    fn ipv4_is_public_or_it_is_told_what_it_is() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
        ] {
            check(public, None);
        }
        check("0.0.0.0", Some("this network"));
        check("0.255.255.255", Some("this network"));
        check("10.0.0.0", Some("private"));
        check("10.255.255.255", Some("private"));
        check("100.64.0.0", Some("shared"));
        check("100.100.100.200", Some("shared"));
        check("127.0.0.1", Some("loopback"));
        check("127.255.255.254", Some("loopback"));
        check("168.63.129.16", Some("a cloud's metadata"));
        check("169.254.169.254", Some("link-local"));
        check("172.16.0.0", Some("private"));
        check("172.31.255.255", Some("private"));
        check("192.0.0.192", Some("protocol assignments"));
        check("192.0.2.1", Some("documentation"));
        check("192.31.196.1", Some("AS112"));
        check("192.52.193.1", Some("AMT"));
        check("192.88.99.1", Some("6to4 relay"));
        check("192.168.255.255", Some("private"));
        check("192.175.48.1", Some("AS112"));
        check("198.18.0.0", Some("benchmarking"));
        check("198.19.255.255", Some("benchmarking"));
        check("198.51.100.7", Some("documentation"));
        check("203.0.113.7", Some("documentation"));
        check("224.0.0.1", Some("multicast"));
        check("239.255.255.255", Some("multicast"));
        check("240.0.0.1", Some("reserved"));
        check("255.255.255.255", Some("broadcast"));
    }

    #[test]
    fn ipv6_is_public_or_it_is_told_what_it_is() {
        for public in ["2606:4700:4700::1111", "2001:200::1", "2001:4860:4860::8888", "2a00::1", "3ffd::1"] {
            check(public, None);
        }
        check("::", Some("unspecified"));
        check("::1", Some("loopback"));
        check("::2", Some("IPv4-compatible"));
        check("::127.0.0.1", Some("IPv4-compatible"));
        check("::8.8.8.8", Some("IPv4-compatible"));
        check("64:ff9b:1::8.8.8.8", Some("a network's own NAT64"));
        check("64:ff9b:1:ffff::1", Some("a network's own NAT64"));
        check("64:ff9b:2::1", Some("reserved"));
        check("100::1", Some("discard"));
        check("100:0:0:1::1", Some("dummy"));
        check("2001:2::1", Some("protocol assignments"));
        check("2001:1ff::1", Some("protocol assignments"));
        check("2001:db8::1", Some("documentation"));
        check("2620:4f:8000::1", Some("AS112"));
        check("3fff:fff::1", Some("documentation"));
        check("5f00::1", Some("segment routing"));
        check("fc00::1", Some("unique local"));
        check("fd00:ec2::254", Some("unique local"));
        check("fe80::1", Some("link-local"));
        check("febf::1", Some("link-local"));
        check("fec0::1", Some("site-local"));
        check("ff02::1", Some("multicast"));
        check("4000::1", Some("reserved"));
        check("1::1", Some("reserved"));
        check("fe00::1", Some("reserved"));
    }

    #[test]
    fn what_holds_an_ipv4_address_is_what_that_is() {
        check("::ffff:127.0.0.1", Some("loopback"));
        check("::ffff:169.254.169.254", Some("link-local"));
        check("::ffff:8.8.8.8", None);
        check("64:ff9b::10.0.0.1", Some("private"));
        check("64:ff9b::8.8.8.8", None);
        check("2002:7f00:1::", Some("loopback"));
        check("2002:a9fe:a9fe::1", Some("link-local"));
        check("2002:808:808::1", None);
        // Server 8.8.8.8, client 127.0.0.1 turned.
        check("2001:0:808:808::80ff:fffe", Some("loopback"));
        // Server 10.0.0.1, client 8.8.8.8 turned.
        check("2001:0:a00:1::f7f7:f7f7", Some("private"));
        check("2001:0:808:808::f7f7:f7f7", None);
    }

    #[test]
    fn a_grant_lists_what_it_reaches_besides() {
        #[track_caller]
        fn check(origins: &str, listed: &[&str], address: &str, want: bool) {
            let reach = Reach {
                origins: origins.parse().expect("a pattern"),
                methods: vec!["GET".into()],
                addresses: listed.iter().map(|net| net.parse().expect("a network")).collect(),
            };
            let got = reach.may_lead_to(address.parse().expect("an address"));
            assert_eq!(got.is_ok(), want, "{origins} {listed:?} {address} {got:?}");
        }
        check("https://api.example.com", &[], "8.8.8.8", true);
        check("https://api.example.com", &[], "10.1.2.3", false);
        check("https://api.example.com", &["10.1.0.0/16"], "10.1.2.3", true);
        check("https://api.example.com", &["10.1.0.0/16"], "::ffff:10.1.2.3", true);
        check("https://api.example.com", &["10.1.0.0/16"], "10.2.2.3", false);
        // Listed is the address that is connected to, not the one that it holds.
        check("https://api.example.com", &["10.1.0.0/16"], "64:ff9b::10.1.2.3", false);
        check("https://api.example.com", &["fd00::/8"], "fd12::1", true);
        check("http://127.0.0.1:8080", &[], "127.0.0.1", true);
        check("http://127.0.0.1:8080", &[], "127.0.0.2", false);
        check("http://[::1]:8080", &[], "::1", true);
    }

    proptest! {
        /// However an IPv4 address is dressed, it is judged as itself.
        #[test]
        fn no_dress_hides_an_ipv4_address(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let want = special(plain.into());
            let at = |base: u128, shift: u32| IpAddr::V6(Ipv6Addr::from_bits(base | (u128::from(bits) << shift)));
            prop_assert_eq!(special(plain.to_ipv6_mapped().into()), want);
            prop_assert_eq!(special(at(0x0064_ff9b << 96, 0)), want);
            prop_assert_eq!(special(at(0x2002 << 112, 80)), want);
            prop_assert!(special(plain.to_ipv6_compatible().into()).is_some());
            prop_assert!(special(at(0x0064_ff9b_0001 << 80, 0)).is_some());
            // Teredo: as the server, and as the client behind a public server.
            prop_assert!(want.is_none() || special(at(0x2001 << 112, 64)).is_some());
            let client = Ipv6Addr::from_bits((0x2001 << 112) | (0x0808_0808 << 64) | u128::from(!bits));
            prop_assert_eq!(special(client.into()), want);
        }

        /// Nothing outside of what is handed out is public, but for the dresses above.
        #[test]
        fn nothing_reserved_is_public(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let dressed = address.to_ipv4_mapped().is_some() || NAT64.contains(&address);
            prop_assert!(GLOBAL_V6.contains(&address) || dressed || special(address.into()).is_some());
        }
    }
}
