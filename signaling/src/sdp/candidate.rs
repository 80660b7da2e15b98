//! Candidates: `candidate:` lines of clients, and those of our nodes (RFC 8839 section 5.1).
//!
//! A node sends checks to whatever is accepted here, so addresses that no browser can have, or
//! that could reach something else than a browser, are left out.

use lectern_control::transport::Candidate;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use thiserror::Error;

/// The longest line; browsers stay under 200 bytes.
const MAX_CANDIDATE_BYTES: usize = 512;
/// Ports below belong to services, and no browser binds them; NATs rarely map to them.
const FIRST_UNPRIVILEGED_PORT: u16 = 1024;

/// Why a candidate is not used. A client is never refused for one: checks of its own are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Unusable {
    /// Not a candidate line.
    #[error("it is not a candidate")]
    Syntax,
    /// TCP, or another component than RTP.
    #[error("only UDP and component 1 are used")]
    Kind,
    /// A `.local` name (mDNS); checks of the client reveal its address.
    #[error("names are not resolved")]
    Name,
    /// An address or port that is no browser's.
    #[error("the address is not one of a browser")]
    Address,
}

/// Whether a client may name loopback addresses: only where the node itself is at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// The node is on this machine only, as in development.
    Allowed,
    /// Anywhere else.
    Refused,
}

impl Loopback {
    /// Judges by the addresses of the node.
    pub fn of_node(candidates: &[Candidate]) -> Loopback {
        if candidates.iter().any(|candidate| candidate.address.ip().is_loopback()) {
            Loopback::Allowed
        } else {
            Loopback::Refused
        }
    }
}

/// Reads `candidate:…`, with or without the `a=` before it.
pub fn parse(line: &str, loopback: Loopback) -> Result<Candidate, Unusable> {
    if line.len() > MAX_CANDIDATE_BYTES {
        return Err(Unusable::Syntax);
    }
    let line = line.strip_prefix("a=").unwrap_or(line);
    let value = line.strip_prefix("candidate:").unwrap_or(line);
    let mut words = value.split_ascii_whitespace();
    let mut next = || words.next().ok_or(Unusable::Syntax);
    let (_foundation, component, protocol) = (next()?, next()?, next()?);
    let (priority, address, port, typ) = (next()?, next()?, next()?, next()?);
    if typ != "typ" {
        return Err(Unusable::Syntax);
    }
    let priority: u32 = priority.parse().map_err(|_| Unusable::Syntax)?;
    let port: u16 = port.parse().map_err(|_| Unusable::Syntax)?;
    if component != "1" || !protocol.eq_ignore_ascii_case("udp") {
        return Err(Unusable::Kind);
    }
    if address.ends_with(".local") {
        return Err(Unusable::Name);
    }
    let ip: IpAddr = address.parse().map_err(|_| Unusable::Name)?;
    if priority == 0 || port < FIRST_UNPRIVILEGED_PORT || !is_browsers(ip, loopback) {
        return Err(Unusable::Address);
    }
    Ok(Candidate { address: SocketAddr::new(ip, port), priority })
}

fn is_browsers(ip: IpAddr, loopback: Loopback) -> bool {
    if ip.is_loopback() {
        return loopback == Loopback::Allowed;
    }
    if ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    match ip {
        IpAddr::V4(v4) => !v4.is_broadcast() && !v4.is_link_local() && v4.octets()[0] != 0,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_none() && !is_link_local(v6),
    }
}

/// fe80::/10: useless without a zone, which SDP does not carry.
fn is_link_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfe80
}

/// Prints a host candidate of a node, without the `a=`.
pub fn print(candidate: &Candidate, foundation: usize) -> String {
    let Candidate { address, priority } = candidate;
    let (ip, port) = (address.ip(), address.port());
    format!("candidate:{foundation} 1 udp {priority} {ip} {port} typ host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Candidate, Unusable> {
        parse(line, Loopback::Refused)
    }

    #[test]
    fn browsers_candidates_are_read() {
        let host = "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 \
                    rport 0 generation 0 ufrag EEtu network-cost 999";
        let candidate = read(host).expect("a candidate");
        assert_eq!(candidate.address.to_string(), "203.0.113.7:46154");
        assert_eq!(candidate.priority, 1_677_729_535);
        let six = "a=candidate:1 1 UDP 2122252543 2001:db8::1 50000 typ host";
        assert_eq!(read(six).expect("a candidate").address.to_string(), "[2001:db8::1]:50000");
    }

    #[test]
    fn addresses_that_are_no_browsers_are_left_out() {
        for address in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "169.254.1.1",
            "fe80::1",
            "::ffff:203.0.113.7",
        ] {
            let line = format!("candidate:1 1 udp 1 {address} 50000 typ host");
            assert_eq!(read(&line), Err(Unusable::Address), "{address}");
        }
        for port in [0, 25, 53, 1023] {
            let line = format!("candidate:1 1 udp 1 203.0.113.7 {port} typ host");
            assert_eq!(read(&line), Err(Unusable::Address), "{port}");
        }
    }

    #[test]
    fn loopback_is_a_browsers_address_where_the_node_is_at_it() {
        let local =
            Candidate { address: "127.0.0.1:7000".parse().expect("an address"), priority: 1 };
        let line = "candidate:1 1 udp 1 127.0.0.1 50000 typ host";
        assert!(parse(line, Loopback::of_node(&[local])).is_ok());
        assert_eq!(parse(line, Loopback::of_node(&[])), Err(Unusable::Address));
    }

    #[test]
    fn other_candidates_are_named_by_why_they_are_not_used() {
        for (line, why) in [
            ("", Unusable::Syntax),
            ("candidate:", Unusable::Syntax),
            ("candidate:1 1 udp x 1.2.3.4 5000 typ host", Unusable::Syntax),
            ("candidate:1 1 udp 1 1.2.3.4 70000 typ host", Unusable::Syntax),
            ("candidate:1 1 udp 1 1.2.3.4 5000 type host", Unusable::Syntax),
            ("candidate:1 2 udp 1 1.2.3.4 5000 typ host", Unusable::Kind),
            ("candidate:1 1 tcp 1 1.2.3.4 9 typ host tcptype active", Unusable::Kind),
            ("candidate:1 1 udp 1 f3c2.local 5000 typ host", Unusable::Name),
            ("candidate:1 1 udp 1 example.com 5000 typ host", Unusable::Name),
        ] {
            assert_eq!(read(line), Err(why), "{line}");
        }
        assert_eq!(read(&"x ".repeat(MAX_CANDIDATE_BYTES)), Err(Unusable::Syntax));
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let address = "198.51.100.4:7000".parse().expect("an address");
        let candidate = Candidate { address, priority: 2_113_929_471 };
        assert_eq!(read(&print(&candidate, 3)), Ok(candidate));
    }
}
