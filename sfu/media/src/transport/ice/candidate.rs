//! Which addresses a client may name as its candidates: only those a client can really have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// No client sends from a port below: servers live there, and must get no packet from us.
const FIRST_CLIENT_PORT: u16 = 1024;

/// Which of our addresses stand against a client's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach {
    v4: bool,
    v6: bool,
    private: bool,
    loopback: bool,
}

impl Reach {
    /// What can be reached from these addresses of ours. Private addresses only from a private one:
    /// a public node sends nothing into networks behind it.
    pub fn new(ours: &[SocketAddr]) -> Reach {
        let mut reach = Reach::default();
        for address in ours {
            let ip = address.ip();
            reach.v4 |= ip.is_ipv4();
            reach.v6 |= ip.is_ipv6();
            reach.loopback |= ip.is_loopback();
            reach.private |= is_private(ip) || ip.is_loopback();
        }
        reach
    }

    /// Whether checks may be sent to an address that a client named.
    pub fn allows(self, candidate: SocketAddr) -> bool {
        let ip = candidate.ip();
        let family = match ip {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
        };
        family
            && candidate.port() >= FIRST_CLIENT_PORT
            && is_unicast(ip)
            && (self.loopback || !ip.is_loopback())
            && (self.private || !is_private(ip))
    }
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let reserved = ip.octets()[0] == 0 || ip.octets()[0] >= 240;
            !reserved && !ip.is_multicast() && !ip.is_link_local()
        }
        IpAddr::V6(ip) => {
            let embeds_v4 = ip.to_ipv4_mapped().is_some()
                || ip.segments()[0] == 0x2002
                || ip.segments()[..2] == [0x64, 0xff9b]
                || (ip.to_ipv4().is_some() && !ip.is_loopback());
            !embeds_v4 && !ip.is_unspecified() && !ip.is_multicast() && !ip.is_unicast_link_local()
        }
    }
}

fn is_private(ip: IpAddr) -> bool {
    const SHARED: (Ipv4Addr, u32) = (Ipv4Addr::new(100, 64, 0, 0), 0xffc0_0000);
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.to_bits() & SHARED.1 == SHARED.0.to_bits(),
        IpAddr::V6(ip) => Ipv6Addr::is_unique_local(&ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(ours: &str) -> Reach {
        Reach::new(&[ours.parse().expect("an address")])
    }

    #[test]
    fn a_public_node_sends_checks_only_to_public_unicast_addresses() {
        let v4 = reach("198.51.100.7:3478");
        let v6 = reach("[2001:db8::7]:3478");
        for good in ["203.0.113.5:1024", "8.8.8.8:65535"] {
            assert!(v4.allows(good.parse().expect("an address")), "{good}");
        }
        assert!(v6.allows("[2001:db8::9]:40000".parse().expect("an address")));
        for bad in [
            "0.0.0.0:5000",
            "0.1.2.3:5000",
            "255.255.255.255:5000",
            "224.0.0.251:5353",
            "240.0.0.1:5000",
            "169.254.169.254:8000",
            "127.0.0.1:5000",
            "10.1.2.3:5000",
            "192.168.0.1:5000",
            "172.16.0.1:5000",
            "100.64.0.1:5000",
            "8.8.8.8:0",
            "8.8.8.8:53",
            "8.8.8.8:25",
            "[::]:5000",
            "[::1]:5000",
            "[ff02::fb]:5353",
            "[fe80::1]:5000",
            "[fd00::1]:5000",
            "[::ffff:127.0.0.1]:5000",
            "[::ffff:8.8.8.8]:5000",
            "[64:ff9b::7f00:1]:5000",
            "[2002:7f00:1::]:5000",
            "[::127.0.0.1]:5000",
        ] {
            let bad: SocketAddr = bad.parse().expect("an address");
            assert!(!v4.allows(bad) && !v6.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_node_in_a_private_network_reaches_its_clients_there() {
        let lan = reach("10.0.0.2:3478");
        assert!(lan.allows("192.168.0.1:5000".parse().expect("an address")));
        assert!(!lan.allows("127.0.0.1:5000".parse().expect("an address")));
        let development = reach("127.0.0.1:3478");
        assert!(development.allows("127.0.0.1:5000".parse().expect("an address")));
    }
}
