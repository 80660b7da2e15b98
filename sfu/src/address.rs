//! Where clients reach this node: what the operator says, or what the machine has.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Candidates of one node: each is checked by every client, and a dozen is more than any needs.
const MAX_ADDRESSES: usize = 8;

/// An address that clients are told: with a port of its own where a NAT changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Advertised {
    /// The port is the socket's.
    Ip(IpAddr),
    /// As it stands.
    Socket(SocketAddr),
}

impl Advertised {
    fn with_port(self, port: u16) -> SocketAddr {
        match self {
            Advertised::Ip(ip) => SocketAddr::new(ip, port),
            Advertised::Socket(address) => address,
        }
    }
}

impl FromStr for Advertised {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ip = || text.parse().map(Advertised::Ip);
        let socket = || text.parse().map(Advertised::Socket);
        ip().or_else(|_| socket())
            .map_err(|_| format!("{text:?} is neither an IP address nor an IP address and a port"))
    }
}

impl TryFrom<String> for Advertised {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Advertised> for String {
    fn from(address: Advertised) -> String {
        address.to_string()
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Advertised::Ip(ip) => ip.fmt(f),
            Advertised::Socket(address) => address.fmt(f),
        }
    }
}

/// The candidates of a node bound to `bound`, best first: those of the operator where there are
/// any, else the one it is bound to, else all of the machine, those that others reach first.
pub(crate) fn candidates(
    advertise: &[Advertised],
    bound: SocketAddr,
) -> Result<Vec<SocketAddr>, Error> {
    let advertised: Vec<_> =
        advertise.iter().map(|address| address.with_port(bound.port())).collect();
    let candidates = match advertised.is_empty() {
        false => advertised,
        true if !bound.ip().is_unspecified() => vec![bound],
        true => {
            let interfaces = if_addrs::get_if_addrs().map_err(Error::Interfaces)?;
            let ips = interfaces.into_iter().map(|interface| interface.ip());
            ranked(ips.collect(), bound)
        }
    };
    let usable = |address: &SocketAddr| !address.ip().is_unspecified() && address.port() != 0;
    match candidates.iter().find(|address| !usable(address)) {
        Some(address) => Err(Error::Advertise(*address)),
        None if candidates.is_empty() => Err(Error::NoAddress),
        None => Ok(candidates.into_iter().take(MAX_ADDRESSES).collect()),
    }
}

/// Public before private before loopback, IPv4 before IPv6: the first is tried first. Link-local
/// addresses need an interface's number to be of use and are left out.
fn ranked(mut ips: Vec<IpAddr>, bound: SocketAddr) -> Vec<SocketAddr> {
    let speaks = |ip: &IpAddr| ip.is_ipv4() || bound.is_ipv6();
    let link_local = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    ips.retain(|ip| speaks(ip) && !link_local(ip));
    ips.sort_by_key(|ip| (ip.is_loopback(), is_private(ip), ip.is_ipv6()));
    ips.dedup();
    // A loopback address must stay: browsers on this machine may have no other path.
    let loopback = ips.iter().copied().find(IpAddr::is_loopback);
    if ips.len() > MAX_ADDRESSES
        && let Some(loopback) = loopback
    {
        ips.truncate(MAX_ADDRESSES - 1);
        ips.push(loopback);
    }
    ips.into_iter().map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

fn is_private(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn texts(addresses: &[SocketAddr]) -> Vec<String> {
        addresses.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn what_the_operator_says_counts_and_may_have_its_own_port() {
        let advertise = ["203.0.113.5", "[2001:db8::5]:443", "2001:db8::6"]
            .map(|text| text.parse::<Advertised>().expect("an address"));
        let candidates = candidates(&advertise, bound("[::]:7882")).expect("candidates");
        assert_eq!(
            texts(&candidates),
            ["203.0.113.5:7882", "[2001:db8::5]:443", "[2001:db8::6]:7882"]
        );
    }

    #[test]
    fn a_node_bound_to_one_address_has_that_candidate() {
        let candidates = candidates(&[], bound("127.0.0.1:9")).expect("candidates");
        assert_eq!(texts(&candidates), ["127.0.0.1:9"]);
    }

    #[test]
    fn a_node_bound_to_all_is_reachable_from_this_machine() {
        let candidates = candidates(&[], bound("0.0.0.0:9")).expect("candidates");
        assert!(candidates.contains(&bound("127.0.0.1:9")), "{candidates:?}");
        assert!(candidates.iter().all(SocketAddr::is_ipv4), "{candidates:?}");
    }

    #[test]
    fn public_addresses_come_first_and_loopback_is_never_cut_off() {
        let ips = "127.0.0.1 ::1 fe80::1 169.254.1.1 10.0.0.1 fd00::1 203.0.113.1 2001:db8::1";
        let mut ips: Vec<IpAddr> =
            ips.split(' ').map(|text| text.parse().expect("an address")).collect();
        let ranking = texts(&ranked(ips.clone(), bound("[::]:1")));
        let expected = [
            "203.0.113.1:1",
            "[2001:db8::1]:1",
            "10.0.0.1:1",
            "[fd00::1]:1",
            "127.0.0.1:1",
            "[::1]:1",
        ];
        assert_eq!(ranking, expected);
        ips.extend((1..=20).map(|last| IpAddr::from([10, 1, 0, last])));
        let ranking = texts(&ranked(ips, bound("0.0.0.0:1")));
        assert_eq!(ranking.len(), MAX_ADDRESSES);
        assert_eq!(ranking.last().map(String::as_str), Some("127.0.0.1:1"));
    }

    #[test]
    fn an_address_nobody_can_reach_is_refused() {
        for text in ["0.0.0.0", "[::]:7882", "192.0.2.1:0"] {
            let advertise = [text.parse().expect("an address")];
            let refused = candidates(&advertise, bound("0.0.0.0:7882"));
            assert!(matches!(refused, Err(Error::Advertise(_))), "{text}");
        }
        assert!("example.com".parse::<Advertised>().is_err());
    }
}
