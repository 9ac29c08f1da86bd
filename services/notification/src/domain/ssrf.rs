//! Where a webhook may go: only to public addresses, unless the settings allow a range.
//!
//! Without this an endpoint named by a partner could make the suite call its own network (SSRF).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address range, `10.0.0.0/8` or `fd00::/8`; a lone address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address range like 10.0.0.0/8 or fd00::/8")]
pub struct InvalidCidr(String);

impl Cidr {
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => same(base.to_bits(), ip.to_bits(), 32, self.bits),
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                same(base.to_bits(), ip.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

fn same<N>(a: N, b: N, width: u8, bits: u8) -> bool
where
    N: std::ops::BitXor<Output = N> + std::ops::Shr<u8, Output = N> + PartialEq + Default,
{
    bits == 0 || (a ^ b) >> (width - bits) == N::default()
}

impl FromStr for Cidr {
    type Err = InvalidCidr;
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr(text.to_owned());
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse::<u8>().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| invalid())?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width { Err(invalid()) } else { Ok(Self { base, bits }) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;
    fn try_from(text: String) -> Result<Self, InvalidCidr> {
        text.parse()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

/// Whether a webhook may be sent to `ip`. An IPv4 address wrapped in IPv6 is judged as what it is.
#[must_use]
pub fn may_dial(ip: IpAddr, allow: &[Cidr]) -> bool {
    let ip = unwrapped(ip);
    allow.iter().any(|range| range.contains(ip))
        || match ip {
            IpAddr::V4(v4) => public_v4(v4),
            IpAddr::V6(v6) => public_v6(v6),
        }
}

fn unwrapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// Not in the IANA registry of special-purpose IPv4 addresses (RFC 6890 and successors).
fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..=127).contains(&b)) // carrier-grade NAT, RFC 6598
        || (a == 192 && b == 0 && (c == 0 || c == 2)) // protocol assignments, TEST-NET-1
        || (a == 192 && b == 88 && c == 99) // 6to4 relay, RFC 7526
        || (a == 198 && (18..=19).contains(&b)) // benchmarks, RFC 2544
        || (a == 198 && b == 51 && c == 100) // TEST-NET-2
        || (a == 203 && b == 0 && c == 113)) // TEST-NET-3
}

/// Global unicast (2000::/3) without the special-purpose ranges in it. That leaves out at once:
/// `::`, `::1`, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only (100::/64), unique local
/// (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8) and the
/// deprecated IPv4-compatible form.
fn public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let global = s[0] & 0xe000 == 0x2000;
    let protocol = s[0] == 0x2001 && s[1] < 0x0200; // 2001::/23 with Teredo and ORCHID
    let documentation = (s[0] == 0x2001 && s[1] == 0x0db8) || (s[0] == 0x3fff && s[1] < 0x1000);
    let six_to_four = s[0] == 0x2002;
    global && !protocol && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_blocked() {
        for blocked in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!may_dial(blocked.parse().unwrap(), &[]), "{blocked}");
        }
    }

    #[test]
    fn public_addresses_are_open() {
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "198.17.0.1",
            "223.5.5.5",
            "2400:3200::1",
            "2606:4700:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert!(may_dial(open.parse().unwrap(), &[]), "{open}");
        }
    }

    #[test]
    fn settings_open_a_range_and_no_more() {
        let allow: Vec<Cidr> = vec!["10.1.0.0/16".parse().unwrap(), "::1".parse().unwrap()];
        assert!(may_dial("10.1.2.3".parse().unwrap(), &allow));
        assert!(may_dial("::ffff:10.1.2.3".parse().unwrap(), &allow));
        assert!(!may_dial("10.2.0.1".parse().unwrap(), &allow));
        assert!(may_dial("::1".parse().unwrap(), &allow));
        assert!(!may_dial("::2".parse().unwrap(), &allow));
        assert!(may_dial("10.2.0.1".parse().unwrap(), &["0.0.0.0/0".parse().unwrap()]));
        for bad in ["", "10.0.0.0/33", "::/129", "localhost", "10.0.0.0/x"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }
}
